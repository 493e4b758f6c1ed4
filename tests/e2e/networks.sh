#!/bin/bash
# Each bearer over each kind of bad network, few cards of each: bench/bearers.sh in short.
# SPDX-License-Identifier: AGPL-3.0-or-later
[ -n "${RSP_BIN:-}" ] || { echo "RSP_BIN is not set"; exit 77; }
RSP_N=4 exec bash "$(dirname "$0")/../../bench/bearers.sh"
