#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# The oracle judges: all TS.48 packages, what we build from descriptions, decompile and build, personalise in every way,
# and the card's answers. It must also be able to say no.
if [ ! -x ./oracle ]; then
	echo "SKIPPED, NO asn1c: nobody judges our packages"
	exit 77
fi
src=$(cd "$(dirname "$0")" && pwd)
profile=../src/tools/osmo-rsp-profile
dump=../tests/profile/install_dump
dir=${RSP_SHARED:-}
up=$src
while [ -z "$dir" ] && [ "$up" != / ]; do
	up=$(dirname "$up")
	[ -d "$up/shared/data/ts48" ] && dir=$up/shared
done
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
fail() { echo "FAILED: $*"; exit 1; }
judge() { ./oracle "$@" > "$d/log" || { grep -v good "$d/log"; fail "the oracle refuses"; }; }

# descriptions
n=0
for text in "$src"/../contrib/demo-profile.txt "$src"/../contrib/profiles/*.txt; do
	[ -e "$text" ] || continue
	$profile build "$text" -o "$d/b$n.der" || fail "$text does not build"
	judge "$d/b$n.der"
	n=$((n + 1))
done
echo "$n packages built from descriptions judged"

# personalised in many ways, a package for each set of values
p=0
values() { # package, then --set values
	in=$1
	shift
	$profile personalise "$in" -o "$d/p$p.der" --no-luhn "$@" || fail "$in $*"
	judge "$d/p$p.der"
	p=$((p + 1))
}
demo=$d/b0.der
values "$demo" --set iccid=8949000000000000018 --set imsi=26201000000000 --set k=random --set pin1=random --set puk1=random
values "$demo" --set spn=A%20name --set msisdn=+491234567 --set smsc=491111 --set mnc_len=3 --set acc=1,15
values "$demo" --set sqn_delta=000000000100 --set sqn_age=000000000200 --set sqn_init=000000000007 --set sqn_options=06
printf 'op 5555555555555555555555555555555555555555555555555555555555555555\nk abababababababababababababababab\n' > "$d/tuak"
values "$demo" --set algo=tuak --secrets "$d/tuak" --set keccak=3
printf 'key 02 01 11111111111111111111111111111111\nadm1 00112233445566FF\n' > "$d/keys"
values "$demo" --secrets "$d/keys" --set file:usim/ef-spn+1=414243

# the package tables of GSMA
if [ -d "$dir/data/ts48" ]; then
	judge "$dir"/data/ts48/*/*.der
	grep -c 'good$' "$d/log" | sed 's/$/ packages of TS.48 judged/'
	for f in "$dir"/data/ts48/*/*.der; do
		$profile decompile "$f" -o "$d/t.txt" && $profile build "$d/t.txt" -o "$d/t.der" || fail "$f"
		cmp -s "$f" "$d/t.der" || fail "$f: decompile and build"
		values "$f" --set iccid=8988011234567890124 --set imsi=310410000000012 --set mnc_len=3 --set k=random \
			--set pin1=random --set pin2=random --set puk1=random --set puk2=random --set adm1=random \
			--set spn=Name --set fplmn=26201 --set msisdn=491234567 --set smsc=49123 --set key:02:01=random \
			--set impi=auto --set impu=auto --set domain=auto --set ehplmn=310410
		if [ -x $dump ]; then
			$dump -r "$f" > "$d/r.der" || fail "$f does not install"
			judge --response "$d/r.der"
		fi
	done
else
	echo "SKIPPED IN PART, NO TS.48 DATA: set RSP_SHARED"
fi
echo "$p personalised packages judged"

# no: a PIN of seven octets, a component out of order, a length that lies, a PEHeader without identification
no() { # description of the fault, octets in octal escapes
	printf "$2" > "$d/no.der"
	./oracle "$d/no.der" > /dev/null && fail "the oracle takes $1"
}
no "a short PIN" '\242\030\240\005\200\000\201\001\002\241\017\240\015\060\013\200\001\001\201\006\060\060\060\060\377\377'
no "a PEHeader without identification" '\252\004\240\002\200\000'
no "a lying length" '\252\010\240\005\200\000\201\001\037'
no "an ICCID of nine octets" '\240\031\200\001\002\201\001\003\203\011\211\000\001\043\105\147\211\001\043\245\000\246\000'
echo "four broken packages refused"
