#!/bin/sh
# osmo-ota against the vectors of ../shared/spec, through its --json mode. Truth: vectors/*.json, card-side 5.8, 6.7, 7.4.
# SPDX-License-Identifier: AGPL-3.0-or-later
tool="${OSMO_OTA:-../../src/tools/osmo-ota}"
src="${srcdir:-.}"

if [ ! -x "$tool" ]; then
	echo "SKIPPED: $tool is not built"
	exit 77
fi
if ! command -v python3 >/dev/null; then
	echo "SKIPPED: no python3, osmo-ota is NOT tested"
	exit 77
fi
exec python3 "$src/osmo_ota_test.py" "$tool" "$src"
