#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# The file system of each TS.48 v7 package against GSMA's structure workbook; skipped (77) without the data.
dir=${RSP_SHARED:-}
up=$(cd "$(dirname "$0")" && pwd)
while [ -z "$dir" ] && [ "$up" != / ]; do
	up=$(dirname "$up")
	[ -d "$up/shared/data/ts48" ] && dir=$up/shared
done
v7=$dir/data/ts48/v7
if [ ! -d "$v7" ] || ! command -v python3 > /dev/null; then
	echo "SKIPPED, NO TS.48 DATA OR NO python3: set RSP_SHARED"
	exit 77
fi
for package in "$v7"/*.der; do
	echo "$package"
	python3 "$(dirname "$0")/structure_test.py" ./install_dump "$package" "$v7/structure_files_definition.csv" 500 || exit 1
done
