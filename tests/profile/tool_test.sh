#!/bin/bash
# SPDX-License-Identifier: AGPL-3.0-or-later
# osmo-rsp-profile from the outside: notation against GSMA's text, masking, diff, descriptions with includes and applets,
# rows and pools with their complaints.
src=$(cd "$(dirname "$0")" && pwd)
top=$src/../..
T=../../src/tools/osmo-rsp-profile
dir=${RSP_SHARED:-}
up=$src
while [ -z "$dir" ] && [ "$up" != / ]; do
	up=$(dirname "$up")
	[ -d "$up/shared/data/ts48" ] && dir=$up/shared
done
D=$(mktemp -d) || exit 1
trap 'rm -rf "$D"' EXIT
n=0
fail() { echo "FAILED: $*"; exit 1; }
ok() { n=$((n + 1)); }
says() { # text command...: fails, and says the text
	local want=$1
	shift
	"$@" > "$D/out" 2> "$D/err" && fail "$* should fail"
	grep -qF -- "$want" "$D/err" "$D/out" || { cat "$D/err"; fail "$* does not say $want"; }
	ok
}
k=465B5CE8B199B49FAA5F0A2EE238A6BC

"$T" build "$top/contrib/demo-profile.txt" -o "$D/demo.der" || fail build
[ "$(stat -c %a "$D/demo.der")" = 600 ] || fail "mode of the package"
for base in usim usim-isim usim-5g; do
	"$T" build "$top/contrib/profiles/$base.txt" -o "$D/$base.der" && "$T" check "$D/$base.der" > "$D/out" || fail "$base"
	"$T" decompile "$D/$base.der" -o "$D/t.txt" && "$T" build "$D/t.txt" -o "$D/again.der" || fail "$base"
	cmp "$D/$base.der" "$D/again.der" || fail "$base again"
	grep -q '^raw' "$D/t.txt" && fail "$base: raw"
	ok
done

# masked unless asked for
for how in "" --notation; do
	"$T" show $how "$D/demo.der" > "$D/out" || fail show
	grep -qE "$k|3131313131313131|202122232425262728292A2B2C2D2E2F" "$D/out" && fail "show $how: a secret"
	grep -q "secret, 16 octets" "$D/out" || fail "show $how: no mask"
	"$T" show $how --with-secrets "$D/demo.der" | grep -q "$k" || fail "show $how --with-secrets"
	ok
done
"$T" show "$D/usim.der" | grep -q '# imsi 001010000000001' || fail "show: typed contents"

# diff: nothing, one value, a masked one, other order
"$T" diff "$D/demo.der" "$D/demo.der" > "$D/out" && [ ! -s "$D/out" ] || fail "diff of the same"
"$T" personalise "$D/demo.der" -o "$D/p.der" --imsi 001010000000002 --set k=random || fail personalise
says "usim[1]/ef-imsi/fillFileContent: '080910100000000010'H -> '080910100000000020'H" "$T" diff "$D/demo.der" "$D/p.der"
grep -q "algoParameter/key: secret, 16 octets -> secret, 16 octets" "$D/out" || fail "diff: masked key"
[ "$(wc -l < "$D/out")" = 3 ] || fail "diff: $(cat "$D/out")"	# IMSI, ACC, K

# includes, changes, drops; mistakes by line
printf 'include usim.txt\nchange usim\n\tef-spn | spn:Other\ndrop rfm n=2\nend id=99\n' > "$D/c.txt"
"$T" build "$D/c.txt" -o "$D/c.der" --include-dir "$top/contrib/profiles" || fail "change"
says "ef-spn/fillFileContent" "$T" diff "$D/usim.der" "$D/c.der"
printf 'include usim.txt\nchange usim\n\tef-spn | spn:Seventeen%%20letters\n' > "$D/c.txt"
says "c.txt:3: spn: longer than 16 characters" "$T" build "$D/c.txt" -o "$D/c.der" -I "$top/contrib/profiles"
printf '\ninclude none.txt\n' > "$D/c.txt"
says "c.txt:2: include: no such file" "$T" build "$D/c.txt" -o "$D/c.der"
printf 'include c.txt\n' > "$D/c.txt"
says "too deep" "$T" build "$D/c.txt" -o "$D/c.der"

# a second security domain with a PSK for SCP81, personalised
printf 'include usim.txt\nsecurityDomain id=60\n\tinstance load=A0000001515350 class=A000000151535041 aid=A000000151000001 privileges=800000 state=0F params=8100\n\tkey usage=3C kid=01 kvn=40 type=psk value=%032d\n' 0 > "$D/c.txt"
"$T" build "$D/c.txt" -o "$D/c.der" -I "$top/contrib/profiles" && "$T" check "$D/c.der" > /dev/null || fail "SCP81"
psk=$(printf '5A%.0s' {1..32})
printf 'key 40 01 %s\n' "$psk" > "$D/s"
"$T" personalise "$D/c.der" -o "$D/p.der" --secrets "$D/s" && "$T" decompile "$D/p.der" | grep -q "kvn=40 type=psk value=$psk" || fail PSK
[ ! -x ../../asn1/oracle ] || ../../asn1/oracle "$D/p.der" > /dev/null || fail "the oracle on a PSK"
printf 'key 02 01 %s\n' "${psk}00" > "$D/s"
says "key: the length does not fit its type" "$T" personalise "$D/c.der" -o "$D/p.der" --secrets "$D/s"

# an applet from a CAP archive, stored and deflated, and from the IJC file of the same
python3 - "$D" << 'PY' || fail "python3"
import sys, zipfile
d = sys.argv[1]
parts = {"Header": bytes.fromhex("01000F DECAFFED 010204 0001 06 A00000000101"), "Directory": b"\x02\x00\x03abc",
         "Import": b"\x04\x00\x02de", "Applet": b"\x03\x00\x01f", "Class": b"\x06\x00\x01g", "Method": b"\x07\x01\x00" + b"h" * 256,
         "StaticField": b"\x08\x00\x01i", "ConstantPool": b"\x05\x00\x01j", "RefLocation": b"\x09\x00\x01k"}
for name, method in (("a.cap", zipfile.ZIP_DEFLATED), ("b.cap", zipfile.ZIP_STORED)):
    with zipfile.ZipFile(d + "/" + name, "w", method) as z:
        z.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        for p in sorted(parts):
            z.writestr(f"org/x/javacard/{p}.cap", parts[p])
        z.writestr("org/x/javacard/Descriptor.cap", b"\x0b\x00\x01z")
open(d + "/c.ijc", "wb").write(b"".join(parts.values()))
z = bytearray(open(d + "/b.cap", "rb").read())
z[z.index(parts["Method"]) + 99] ^= 0x55
open(d + "/bad.cap", "wb").write(z)
open(d + "/cut.cap", "wb").write(open(d + "/a.cap", "rb").read()[:-30])
PY
app() {
	printf 'include usim.txt\nchange header\n\tservices usim milenage javacard\napplication id=50 mandated\n\tload cap=%s\n\tinstance load=A00000000101 class=A0000000010101 aid=A0000000010101 privileges=000000 params=8100\n' "$1" > "$D/c.txt"
	"$T" build "$D/c.txt" -o "$D/$2" -I "$top/contrib/profiles"
}
app a.cap a.der && app b.cap b.der && app c.ijc c.der || fail "applets"
cmp "$D/a.der" "$D/b.der" && cmp "$D/a.der" "$D/c.der" || fail "CAP and IJC differ"
"$T" check "$D/a.der" > /dev/null || fail "check of an applet"
"$T" show "$D/a.der" | grep -q "loadPackageAID 'A00000000101'H" || fail "package AID from the CAP file"
[ ! -x ../../asn1/oracle ] || ../../asn1/oracle "$D/a.der" > /dev/null || fail "the oracle on an applet"
says "damaged" app bad.cap x.der
says "cap: no ZIP archive" app cut.cap x.der
says "cap: neither a CAP archive nor an IJC file" app c.txt x.der

# rows: good ones, all of them or nothing
cat > "$D/good.csv" << CSV
iccid;imsi;k;op;pin1;key:02:01;file:usim/ef-spn+1;-note
8949000000000000018;262010000000001;$k;CDC202D5123E20F62B6D676AC72CB318;1234;random;414243;"a; note"
# a comment

8949000000000000026;262010000000002;random;CDC202D5123E20F62B6D676AC72CB318;;derived;414243;
CSV
printf '000102030405060708090A0B0C0D0E0F' > "$D/master"
"$T" personalise "$D/demo.der" --csv "$D/good.csv" --out-dir "$D/batch" --plmn 26201 --master-key-file "$D/master" \
	--set smsc=+491234567 --values "$D/values.csv" || fail "good rows"
[ "$(ls "$D/batch" | tr '\n' ' ')" = "8949000000000000018.der 8949000000000000026.der " ] || fail "files of the batch"
"$T" decompile "$D/batch/8949000000000000018.der" | grep -q "k=$k opc=CD63CB71954A9F4E48A5994E37A02BAF" || fail "OPc of TS 35.208 set 1"
[ "$(wc -l < "$D/values.csv")" = 3 ] && ! grep -q random "$D/values.csv" && [ "$(stat -c %a "$D/values.csv")" = 600 ] || fail "values"
made=$(sed -n 3p "$D/values.csv" | cut -d, -f6)
"$T" decompile "$D/batch/8949000000000000026.der" | grep -q "kid=01 kvn=02 type=aes value=$made" || fail "the derived key"
ok
says "exists already" "$T" personalise "$D/demo.der" --csv "$D/good.csv" --out-dir "$D/batch"
cp "$D/values.csv" "$D/values.old"
says "batch: exists already" "$T" personalise "$D/demo.der" --csv "$D/good.csv" --out-dir "$D/batch" --values "$D/values.csv"
says "values.csv: exists already" "$T" personalise "$D/demo.der" --csv "$D/good.csv" --out-dir "$D/other" --values "$D/values.csv"
cmp "$D/values.csv" "$D/values.old" || fail "the values of another batch"

bad() { # complaint, header, rows...: with the demo package
	local want=$1
	shift
	printf '%s\n' "$@" > "$D/bad.csv"
	says "$want" "$T" personalise "$D/demo.der" --csv "$D/bad.csv" --out-dir "$D/bad" --plmn 00101
	[ -z "$(ls -d "$D"/bad "$D"/bad.part* 2> /dev/null)" ] || fail "something was left over"
}
i=8949000000000000018
bad "bad.csv:3: column 1 (iccid): wrong check digit" iccid,imsi "$i,001010000000001" "8949000000000000027,001010000000002"
bad "bad.csv:2: column 1 (iccid): not 19 or 20 digits" iccid,imsi "894900000000000001,001010000000001"
bad "bad.csv:2: column 2 (imsi): not in the network of the batch" iccid,imsi "$i,262010000000001"
bad "bad.csv:2: column 3 (k): not hex, or of a wrong length" iccid,imsi,k "$i,001010000000001,1234"
bad "bad.csv:2: column 3 (k): not hex, or of a wrong length" iccid,imsi,k "$i,001010000000001,${k}ZZ"
bad "bad.csv:1: column 2 (imsy): no such column" iccid,imsy "$i,1"
bad "bad.csv:1: column 2 (iccid): the same column twice" iccid,iccid "$i,1"
bad "bad.csv:2: fewer cells than columns" iccid,imsi "$i"
bad "bad.csv:2: more cells than columns" iccid,imsi "$i,001010000000001,"
bad 'bad.csv:2: column 2 (imsi): broken quotes' iccid,imsi "$i,\"001010000000001"
bad "bad.csv:3: iccid: a second row with it" iccid,imsi "$i,001010000000001" "$i,001010000000002"
bad "bad.csv:3: imsi: a second row with it" iccid,imsi "$i,001010000000001" "8949000000000000026,001010000000001"
bad "bad.csv:2: column 2 (domain): domain: no EF.DOMAIN in the package" iccid,domain "$i,ims.example"
bad "bad.csv:2: column 2 (key:03:01): key: no security domain has this KVN and KID" iccid,key:03:01 "$i,$k"
bad "bad.csv:2: column 2 (op): op: needs k" iccid,op "$i,$k"
bad "bad.csv:2: column 2 (pin1): not digits" iccid,pin1 "$i,12a4"
bad "bad.csv:2: column 2 (imsi): random: not for this column" iccid,imsi "$i,random"
bad "bad.csv:2: column 2 (k): derived: for k and keys" iccid,k "$i,derived"
bad "bad.csv:2: column 2 (file:usim/ef-spn+17): file: past the end" iccid,file:usim/ef-spn+17 "$i,41"
bad "no rows" iccid,imsi
bad "the line is too long" iccid,imsi "$i,$(head -c 20000 /dev/zero | tr '\0' 1)"
says "iccid: it names the files" "$T" personalise "$D/demo.der" --pool 2 --out-dir "$D/bad" --imsi 001010000000001
says "iccid: not 19 or 20 digits" "$T" personalise "$D/demo.der" -o "$D/p.der" --iccid ""
sed 's/\(algorithm type=milenage.*\) k=[0-9A-F]*/\1/' "$top/contrib/demo-profile.txt" > "$D/keyless.txt" && "$T" build "$D/keyless.txt" -o "$D/keyless.der" || fail "no k"
says "algo: k is needed" "$T" personalise "$D/keyless.der" -o "$D/p.der" --set algo=milenage
says "belongs into a file" "$T" personalise "$D/demo.der" -o "$D/p.der" --set k=$k

# pools count up; the ICCID's check digit goes with them
"$T" personalise "$D/demo.der" --pool 12 --out-dir "$D/pool" --iccid $i --imsi 001010000000095 --set k=random --set msisdn=491700000099 \
	--values "$D/pool.csv" > "$D/out" || fail "pool"
[ "$(ls "$D/pool" | wc -l)" = 12 ] && [ "$(cut -d, -f3 "$D/pool.csv" | sort -u | wc -l)" = 13 ] || fail "pool of 12"
"$T" decompile "$D/pool/8949000000000000125.der" > "$D/t.txt" || fail "the twelfth ICCID"
grep -q "imsi:001010000000106" "$D/t.txt" && grep -q "msisdn:491700000110" "$D/t.txt" || fail "the twelfth row"
says "the range is used up" "$T" personalise "$D/demo.der" --pool 2 --out-dir "$D/bad" --iccid $i --imsi 001019999999999
[ ! -e "$D/bad" ] || fail "left over"
cut -d, -f1,2 "$D/pool.csv" | "$T" personalise "$D/demo.der" --csv - --out-dir "$D/stdin" > /dev/null && [ "$(ls "$D/stdin" | wc -l)" = 12 ] ||
	fail "rows from standard input"
ok

# what is no package
printf '30020500' > "$D/hex" && says "hex text" "$T" check "$D/hex"
printf '\060\002\005\000' > "$D/seq" && says "outer SEQUENCE" "$T" check "$D/seq"
head -c 300000 /dev/zero | tr '\0' '\240' > "$D/deep"
for c in check show decompile "personalise -o $D/p.der"; do
	# shellcheck disable=SC2086
	"$T" $c "$D/deep" > "$D/out" 2>&1 && fail "$c of nonsense"
	ok
done

if [ -d "$dir/data/ts48/v7" ]; then
	for p in "$dir"/data/ts48/v7/*.der; do
		python3 "$src/notation_test.py" "$T" "$p" || fail "notation of $p"
		ok
	done
	for p in "$dir"/data/ts48/*/*.der; do
		"$T" check "$p" > "$D/out" || { cat "$D/out"; fail "check of $p"; }
		grep -vE "published test key|no connectivityParameters" "$D/out" && fail "check of $p is not clean"
		ok
	done
	"$T" personalise "$dir/data/ts48/v7/TS48v7_SAIP2.3_NoBERTLV.der" --no-luhn --iccid 89880112345678901235 --imsi 901700000012345 \
		--secrets <(printf 'k 101112131415161718191A1B1C1D1E1F\nopc A0A1A2A3A4A5A6A7A8A9AAABACADAEAF\n') -o "$D/g1.der" &&
		cmp "$D/g1.der" "$dir/data/ts48/derived/golden1_v7_NoBERTLV.der" || fail golden1
	printf 'k 101112131415161718191A1B1C1D1E1F\nopc A0A1A2A3A4A5A6A7A8A9AAABACADAEAF\npin1 1234\npin2 5678\npuk1 87654321\npuk2 12345678\nadm1 11223344\n' > "$D/s"
	for o in 1 2 3; do printf "key 02 0$o %s\n" "$(printf "E$o%.0s" {1..16})" >> "$D/s"; done
	"$T" personalise "$dir/data/ts48/derived/m2m_usim_isim_milenage.der" --no-luhn --iccid 8988011234567890124 \
		--imsi 90170000001234 --secrets "$D/s" -o "$D/g2.der" && cmp "$D/g2.der" "$dir/data/ts48/derived/golden2_m2m.der" || fail golden2
	ok
else
	echo "SKIPPED IN PART, NO TS.48 DATA: set RSP_SHARED"
fi
echo "$n checks good"
