#!/bin/bash
# kill -9 at every commit and send (corrections 31): crash.sh WHO [FIRST [LAST]] with WHO = smdp or smsr. For each n the daemon is
# started with RSP_CRASH_AT=n, dies there, is started again; DownloadProfile must still end EXECUTED_SUCCESS with nothing left
# over. A restarted SM-SR may also say truthfully that it failed: then the same order again must succeed. Without LAST it goes on until a run is no longer hit. RSP_BIN: build directory (default: the current one).
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
who=${1:-smdp} n=${2:-1} last=${3:-100000}
RSP_BIN=${RSP_BIN:-$PWD}
umask 077
unset RSP_CRASH_AT
K=00112233445566778899aabbccddeeff OPC=ffeeddccbbaa99887766554433221100 IMSI=001019999900001 ICCID=8988001999999999001
ICCID=$ICCID$(awk -v s=$ICCID 'BEGIN { for (i = length(s); i > 0; i--) { v = substr(s, i, 1); if ((length(s) - i) % 2 == 0) { v *= 2; if (v > 9) v -= 9 } t += v } print (10 - t % 10) % 10 }')
bad=0 hits=0 failed=0
D=/nonexistent
. "$TOP/contrib/stack.sh"

world() { # D is new: root of trust, one eUICC registered, all three running
	stack_ports
	"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/p.der" >/dev/null || return 1
	SIM_NETWORK=" subscriber imsi $IMSI msisdn 4917012345601 k $K opc $OPC"
	stack_pki 1 "$D/p.der" >/dev/null 2>&1 && stack_configs || return 1
	printf '{"upp_file":"%s","msisdn":"4917012345601","owner":"%s","type":"demo","iccid":"%s","imsi":"%s","k":"%s","opc":"%s"}\n' \
		"$D/p.der" "$OID_OP" "$ICCID" "$IMSI" "$K" "$OPC" > "$D/stock.json"
	"$SMDP" -c "$D/smdp.cfg" --import-profile "$D/stock.json" >"$D/smdp.log" 2>&1 &&
	"$SIM" -s "$D/sim.db" --import "$D/batch/cards.jsonl" >"$D/sim.log" 2>&1 &&
	"$SMSR" -c "$D/smsr.cfg" --import-key eum "$OID_EUM" "$D/ca/eum.transport.key" >"$D/smsr.log" 2>&1 &&
	stack_start && es eum -q ES1-RegisterEIS "$D"/batch/eis/*.xml >/dev/null 2>&1 || return 1
	sleep 0.5
}

again() { # in the background: when the daemon with the crash point is dead, a new one without it
	while kill -0 "${PID[$who]}" 2>/dev/null; do
		[ -e "$D/end" ] && return
		sleep 0.05
	done
	[ -e "$D/end" ] && return
	: > "$D/crashed"
	sleep 0.2
	case $who in
	smdp) exec "$SMDP" -c "$D/smdp.cfg" --vty-port "$P_SMDP_VTY" >>"$D/smdp.log" 2>&1 ;;
	smsr) exec "$SMSR" -c "$D/smsr.cfg" --vty-port "$P_SMSR_VTY" >>"$D/smsr.log" 2>&1 ;;
	esac
}

order() { es operator -q -p smdp -v 90 ES2-DownloadProfile eid="$eid" iccid="$ICCID" smsr-id="$OID_SMSR" enable=true 2>&1; }

run() { # n
	local out eid again left
	D=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-crash.XXXXXX")
	world || { echo "n=$1: the stack does not start"; tail -3 "$D"/*.log; stack_stop; return 1; }
	kill "${PID[$who]}"; wait "${PID[$who]}" 2>/dev/null
	export RSP_CRASH_AT=$1; start "$who"; unset RSP_CRASH_AT
	again & again=$!
	sleep 0.5
	eid=$(basename "$(ls "$D"/batch/eis/*.xml)" .xml)
	out=$(order)
	[ "$who" = smsr ] && [[ $out == *FAILED* ]] && { failed=$((failed + 1)); out=$(order); }
	: > "$D/end"
	sleep 0.3
	left=$(vty "$P_SMDP_VTY" "show orders" | grep -c "under way")
	kill "$again" 2>/dev/null; wait "$again" 2>/dev/null
	stack_stop
	[ -e "$D/crashed" ] && hits=$((hits + 1)) || last=$1
	if [[ $out == *EXECUTED_SUCCESS* ]] && [ "$left" = 0 ]; then
		rm -rf "$D"
	else
		echo "n=$1: $out, $left orders open, kept in $D"; bad=$((bad + 1))
	fi
} 2>/dev/null

while [ "$n" -le "$last" ]; do
	run "$n" || { bad=$((bad + 1)); break; }
	n=$((n + 1))
done
echo "crash: $who killed at $hits points, $failed orders failed truthfully and were repeated, $bad bad"
[ $bad = 0 ]
