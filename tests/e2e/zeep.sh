#!/bin/bash
# python3-zeep, given nothing but the WSDL that the daemons serve, calls every function of ES4, ES4A and ES2 with mutual TLS
# (issue 4). The cards are the simulator's. SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
[ -n "${RSP_BIN:-}" ] || { echo "RSP_BIN is not set"; exit 77; }
/usr/bin/python3 -c 'import zeep, lxml' 2>/dev/null || { echo "SKIPPED: /usr/bin/python3 with zeep and lxml is not here"; exit 77; }
D=$(mktemp -d)
. "$TOP/contrib/stack.sh"
trap 'stack_stop; rm -rf "$D"' EXIT
LOGLEVEL=notice
stack_ports
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/t.der" >/dev/null && stack_prepare 2 "$D/t.der" >/dev/null && stack_start ||
	{ echo "the stack does not start"; exit 1; }
(es eum -q ES1-RegisterEIS "$D"/batch/eis/*.xml) >"$D/es.log" 2>&1 || { cat "$D/es.log"; exit 1; }
rc=0
for who in operator boot; do
	timeout 100 /usr/bin/python3 "$TOP/tests/e2e/zeep_calls.py" "$D" $who "https://127.0.0.1:$P_SMSR_ES/es" "https://127.0.0.1:$P_SMDP_ES/es" \
		$OID_SMSR "$([ $who = boot ] && echo $OID_BOOT || echo $OID_OP)" || rc=1
done
# osmo-es in the other roles, by polling, its answers held to the schema
say() { local want=$1; shift; got=$("$@" 2>&1); [[ $got == *"$want"* ]] && echo "ok:     $want" || { echo "NOT OK: $got, expected $want"; rc=1; }; }
EID=$(basename "$(find "$D/batch/eis" -name '*.xml' | sort | tail -1)" .xml)	# zeep moved the first one's number
sed "s/^id .*/id $OID_SMDP/; s|ca/boot\.|ca/smdp.|g; s/^listen.*//" "$D/boot.conf" >"$D/dp.conf"
sed '/^listen/d' "$D/boot.conf" >"$D/poll.conf"
say "ES3-GetEIS: EXECUTED_SUCCESS" es dp -v 20 -q -s ES3-GetEIS eid="$EID"
say "(8.2.1 / 3.9" es dp -v 20 -q -s ES3-DeleteISDP eid="$EID" iccid=8949000000000009999
say "(1.1 / 1.2" es dp -v 20 -q -s ES4-GetEIS eid="$EID"
say "ES4-AuditEIS: EXECUTED_SUCCESS" es poll -v 20 -q -s ES4-AuditEIS eid="$EID"
say "type 'gold': EnableProfile GetEIS" es poll -v 20 -q -s ES4A-GetPLMA
say "Eid: missing" es poll -v 20 -q ES4-GetEIS
grep -aE "ERROR: AddressSanitizer|runtime error|Assert failed" "$D"/*.log && rc=1
exit $rc
