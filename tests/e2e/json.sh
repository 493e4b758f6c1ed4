#!/bin/bash
# The JSON interface of the SM-SR in the whole stack, asked by python3: each answer is held to the OpenAPI document that the
# interface serves (jsonschema); certificates and tokens, whose is what, one EnableProfile with its events, its webhook, a
# restart in the middle of another.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
[ -n "${RSP_BIN:-}" ] || { echo "SKIPPED: RSP_BIN is not set"; exit 77; }
python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null || { echo "SKIPPED: no python3-jsonschema"; exit 77; }
umask 077
D=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-json.XXXXXX") || exit 1
. "$TOP/contrib/stack.sh"
trap 'stack_stop; rm -rf "$D"' EXIT
bad=0
check() { local what=$1; shift; if "$@"; then echo "ok: $what"; else echo "NOT OK: $what"; bad=1; fi; }
die() { echo "NOT OK: $*"; tail -n 5 "$D"/*.log; exit 1; }

stack_ports; port P_JSON; port P_HOOK
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/t.der" >/dev/null || die "profile"
iccid=898800166000000001; iccid+=$(luhn $iccid)
SIM_NETWORK=" subscriber imsi 001016600000001 msisdn 491710066001 k 465B5CE8B199B49FAA5F0A2EE238A6BC opc cd63cb71954a9f4e48a5994e37a02baf"
stock_line "$D/t.der" "$iccid" 001016600000001 491710066001 465B5CE8B199B49FAA5F0A2EE238A6BC CD63CB71954A9F4E48A5994E37A02BAF meter \
	> "$D/stock.json"
stack_prepare 2 "$D/t.der" || die "preparation"
head -c 33 /dev/urandom | base64 | tr -d '\n' > "$D/hook.secret"
cat >> "$D/smsr.cfg" <<END
 json bind 127.0.0.1 $P_JSON
 party $OID_OP
  webhook https://127.0.0.1:$P_HOOK/events secret $D/hook.secret
 party $OID_BOOT
  max-rate 20
END
stack_start || die "start"
eid=(); for f in "$D"/batch/eis/*.xml; do eid+=("$(basename "$f" .xml)"); done
es eum -q ES1-RegisterEIS "$D"/batch/eis/*.xml >"$D/es.log" 2>&1 || die "RegisterEIS"
timeout 100 "$ES" -c "$D/operator.conf" -q -p smdp -v 90 ES2-DownloadProfile eid="${eid[0]}" iccid="$iccid" smsr-id=$OID_SMSR enable=false \
	>>"$D/es.log" 2>&1 || die "download: $(tail -3 "$D/es.log")"
token=$(printf 'enable\nconfigure terminal\nsmsr\nparty %s\njson-token new\nend\nwrite file\nexit\n' $OID_OP |
	timeout 5 python3 -c 'import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for line in sys.stdin: s.sendall(line.encode()); time.sleep(0.1)
s.settimeout(1)
out = b""
try:
    while (b := s.recv(4096)): out += b
except OSError: pass
import re
print(re.search(rb"\b[0-9a-f]{64}\b", out).group().decode())' "$P_SMSR_VTY")
check "a token was made" [ ${#token} -eq 64 ]
check "its hash is in the file, it is not" grep -q "json-token sha256 $(printf %s "$token" | sha256sum | cut -d' ' -f1)" "$D/smsr.cfg"
check "not the token" bash -c '! grep -q "$1" "$2" "$3"' - "$token" "$D/smsr.cfg" "$D/smsr.log"
timeout 150 python3 "$TOP/tests/e2e/json_api.py" "$D/ca" "$P_JSON" "${eid[0]}" "$iccid" "${eid[1]}" "$P_HOOK" "$token" "$D/hook.secret" \
	> "$D/api.out" 2>&1
check "the interface is as its document says" [ $? -eq 0 ]
cat "$D/api.out"

# a restart in the middle: the operation comes to its end, and the token of the written file still opens
curl_json() { curl -s --max-time 20 --cacert "$D/ca/ci.pem" -H "Authorization: Bearer $token" "$@"; }
op=$(curl_json -X POST "https://127.0.0.1:$P_JSON/v1/euiccs/${eid[0]}/profiles/$iccid/disable" |
	python3 -c 'import json,sys; print(json.load(sys.stdin)["self"])')
kill -9 "${PID[smsr]}"; wait "${PID[smsr]}" 2>/dev/null
start smsr && wait_port "$P_JSON" smsr || die "restart"
for ((i = 0; i < 300; i++)); do
	end=$(curl_json "https://127.0.0.1:$P_JSON$op")
	[[ $end == *'"state":"finished"'* ]] && break
	sleep 0.2
done
check "killed in the middle: the operation has an end all the same" grep -q '"status":"EXECUTED' <<< "$end"
vty "$P_SMSR_VTY" "tls reload" > "$D/reload.txt"
check "certificates read anew" grep -q '"euiccs"' <<< "$(curl_json "https://127.0.0.1:$P_JSON/v1/euiccs")"
vty "$P_SMSR_VTY" "show json" > "$D/show.txt"
check "show json" grep -q "webhook of $OID_OP" "$D/show.txt"
[ $bad -eq 0 ] || { tail -5 "$D/smsr.log"; echo "$end"; }
exit $bad
