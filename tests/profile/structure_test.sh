#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# The file system of each TS.48 package against GSMA's structure workbook; skipped (77) without the data.
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
compare() { # package, least number of equal contents, paths that may differ
	package=$1
	shift
	echo "$package"
	python3 "$(dirname "$0")/structure_test.py" ./install_dump "$package" "$v7/structure_files_definition.csv" "$@" || exit 1
}
for package in "$v7"/*.der; do
	compare "$package" 500
done
# The workbook is v7's: identities and service tables of other packages are their own; v1 and v2 had other phone books and
# access rules, v3 and v4 another rule in EF.ARR of the USIM.
own="2FE2 USIM/6F07 USIM/6F78 USIM/6F38 ISIM/6F07 7F10/5F3E/4F01"
for package in "$dir"/data/ts48/v1-v5/*.der "$dir"/data/ts48/derived/*.der; do
	case ${package##*/} in
	TS48[vV][12]*) compare "$package" 440 $own USIM/6F06 2F06 7F10/5F3A/4F16 7F10/5F3A/4F22 7F10/5F3A/4F23 7F10/5F3A/4F24 \
		7F10/5F3A/4F3A ;;
	TS48[vV][34]*) compare "$package" 490 $own USIM/6F06 ;;
	*m2m*) compare "$package" 400 $own 2F00 ;;	# without CSIM
	*) compare "$package" 490 $own ;;
	esac
done
