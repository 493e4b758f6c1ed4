#!/bin/bash
# The rooms of the house (style.md part 2): no file includes from a room it may not know, each foreign library has one door.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
srcdir=${srcdir:-$(dirname "$0")}
top=$srcdir/../..
tab=${ROOMS_TAB:-$srcdir/rooms.tab}
declare -a pat room door_hdr door_files
declare -A may
while read -r kind a rest; do
	case "$kind" in
	file) pat+=("$a"); room+=("$rest") ;;
	room) may[$a]=" $a $rest " ;;
	door) door_hdr+=("$a"); door_files+=("$rest") ;;
	esac
done < <(sed 's/#.*//; s/\t/ /g' "$tab")

set -f	# patterns of the table stay patterns
room_of() {
	local i
	for i in "${!pat[@]}"; do
		# shellcheck disable=SC2053
		[[ $1 == ${pat[i]} ]] && { echo "${room[i]}"; return; }
	done
	echo none
}

bad=0 seen=0
check_include() { # file, room, included path
	local inc=$3 path r i f ok
	for i in "${!door_hdr[@]}"; do
		[[ $inc == *"${door_hdr[i]}"* ]] || continue
		ok=0
		for f in ${door_files[i]}; do [[ $1 == $f ]] && ok=1; done
		((ok)) || { echo "$1: <$inc> has another door: ${door_files[i]}"; bad=$((bad + 1)); }
	done
	case "$inc" in
	osmocom/rsp/*) path=${inc#osmocom/rsp/} ;;
	*/*) return ;;
	*) path=${1%/*}/$inc; [ -e "$top/src/$path" ] || return ;;
	esac
	r=$(room_of "$path")
	[[ "${may[$2]:-}" == *" $r "* ]] || { echo "$1 ($2) may not include $inc ($r)"; bad=$((bad + 1)); }
}

set +f; files=("$top"/src/*/*.[ch] "$top"/include/osmocom/rsp/*/*.h); set -f
for file in "${files[@]}"; do
	name=${file##*/}; dir=${file%/*}; rel=${dir##*/}/$name
	r=$(room_of "$rel")
	[ "$r" = none ] && { echo "$rel is in no room"; bad=$((bad + 1)); continue; }
	seen=$((seen + 1))
	while read -r inc; do check_include "$rel" "$r" "$inc"; done \
		< <(sed -n 's/^[ \t]*#[ \t]*include[ \t]*[<"]\([^>"]*\)[>"].*/\1/p' "$file")
	lines=$(wc -l < "$file")
	[ "$lines" -le 650 ] || grep -q 'rooms: table' "$file" || { echo "$rel has $lines lines"; bad=$((bad + 1)); }
done
((seen > 0)) || { echo "no source files seen"; exit 1; }
echo "$seen files, $bad violations"
exit $((bad > 0))
