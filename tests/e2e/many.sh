#!/bin/bash
# 200 eUICCs of mixed dialects download and enable at once; all end ENABLED, nothing is left over (bench/flow.sh checks and measures).
# SPDX-License-Identifier: AGPL-3.0-or-later
exec bash "$(dirname "$0")/../../bench/flow.sh"
