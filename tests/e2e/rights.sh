#!/bin/bash
# The matrix of rights against a running SM-SR (issue 4): every function x every role x {own, granted, foreign} x {right
# certificate, another's, revoked, none}. What is expected is written down in rights.py from the specification digest.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
[ -n "${RSP_BIN:-}" ] || { echo "RSP_BIN is not set"; exit 77; }
/usr/bin/python3 -c 'import lxml' 2>/dev/null || { echo "SKIPPED: /usr/bin/python3 with lxml is not here"; exit 77; }
D=$(mktemp -d)
. "$TOP/contrib/stack.sh"
trap 'stack_stop; rm -rf "$D"' EXIT
CARDS=${RIGHTS_CARDS:-24}
LOGLEVEL=notice
stack_ports
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/t.der" >/dev/null && stack_pki "$CARDS" "$D/t.der" >/dev/null || exit 1

# Three parties of each role; each has a second certificate, which is revoked.
cd "$D/ca" || exit 1
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=idx\ndefault_md=sha256\ncrlnumber=num\ndefault_crl_days=30\n' >cnf && : >idx && echo 01 >num
n=0
: >"$D/parties.cfg"
for role in operator m2m-sp sm-dp sm-sr eum; do
	for rel in own granted foreign; do
		n=$((n + 1)) id=1.3.6.1.4.1.49999.$((100 + n)) name=$role-$rel
		[ "$name" = eum-own ] && id=$OID_EUM
		ca issue operator --name "$name" --id "$id" --dns 127.0.0.1 >/dev/null && ca issue operator --name "$name-old" --id "$id" >/dev/null &&
		openssl ca -config cnf -revoke "$name-old.pem" -keyfile ci.key.pem -cert ci.pem 2>/dev/null || { echo "no certificate $name"; exit 1; }
		printf ' party %s\n  role %s\n  certificate fingerprint %s\n  certificate fingerprint %s\n' "$id" "$role" "$(fpr "$name")" \
			"$(fpr "$name-old")" >>"$D/parties.cfg"
		[ "$name" = eum-own ] && echo "  eum-cert $D/ca/eum.pem" >>"$D/parties.cfg"
		echo "$role $rel $id $D/ca/$name" >>"$D/callers"
	done
done
openssl ca -config cnf -gencrl -keyfile ci.key.pem -cert ci.pem -out ci.crl 2>/dev/null || { echo "no revocation list"; exit 1; }
cd "$TOP" || exit 1
SMSR_EXTRA=" tls crl $D/ca/ci.crl"
stack_configs
sed -i "/^ party $OID_EUM\$/,/^ party/{/^ party $OID_SMDP/!d}" "$D/smsr.cfg"	# the EUM is one of the fifteen
cat "$D/parties.cfg" >>"$D/smsr.cfg"
"$SMSR" -c "$D/smsr.cfg" --import-key eum $OID_EUM "$D/ca/eum.transport.key" >"$D/smsr.log" 2>&1 || { tail -3 "$D/smsr.log"; exit 1; }
start smsr && wait_port "$P_SMSR_ES" smsr || exit 1		# no SMSC, no cards: what is allowed waits
"$ES" --schema "$D" || exit 1
rc=0
/usr/bin/python3 "$TOP/tests/e2e/rights.py" "$D" "$P_SMSR_ES" "$OID_SMSR" || rc=1
grep -aE "ERROR: AddressSanitizer|runtime error|Assert failed" "$D/smsr.log" && rc=1
exit $rc
