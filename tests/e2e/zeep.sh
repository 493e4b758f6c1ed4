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
grep -aE "ERROR: AddressSanitizer|runtime error|Assert failed" "$D"/*.log && rc=1
exit $rc
