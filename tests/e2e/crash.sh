#!/bin/bash
# kill -9 at every commit and send (corrections 31): crash.sh [-s STEP] [WHO [FIRST [LAST]]], WHO = smsr, smdp, sim or all (default).
# For n = FIRST, FIRST + STEP, .. LAST (default: until a run is over before its n-th point) the process is started with
# RSP_CRASH_AT=n, dies there and is started again while an operator's DownloadProfile with EnableProfile is under way. Four lanes
# side by side, each with one prepared world (root of trust, one registered eUICC) whose databases are put back before every n.
# All timers are those of the field. After each n:
#   - the operator has exactly one final answer, by callback, and the SM-DP's record says the same
#   - success: enabled on the card, in the record of the SM-SR, and attached to the network
#   - anything else: no half-made ISD-P on the card or in the record, once an ES4.AuditEIS has been asked; the same order again succeeds
#   - no order or procedure is left open; the card never saw an SCP80 counter twice
# Every point of all three takes three to four minutes on two cores (about 55 of the SM-SR, 28 each of the SM-DP and
# the simulator); RSP_CRASH_STEP or -s makes it coarser, then the day of the year chooses the first point.
# RSP_BIN: build directory (default: the current one). RSP_KEEP: directory that keeps logs and databases of bad runs.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
STEP=${RSP_CRASH_STEP:-1}
[ "${1:-}" = -s ] && { STEP=$2; shift 2; }
WHO=${1:-all} FIRST=${2:-} LAST=${3:-100000}
RSP_BIN=${RSP_BIN:-$PWD}
umask 077
unset RSP_CRASH_AT
W=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-crash.XXXXXX") || exit 1
KEEP=${RSP_KEEP:-$W/bad}
D=$W
. "$TOP/contrib/stack.sh"
K=00112233445566778899aabbccddeeff OPC=ffeeddccbbaa99887766554433221100 IMSI=001019999900001
ICCID=8988001999999999001; ICCID=$ICCID$(luhn "$ICCID")
LANES=4

prepare() { # D: root of trust, one eUICC registered, everything stopped again; its databases in $D/base
	mkdir -p "$D/base"
	"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/p.der" >/dev/null || return 1
	SIM_NETWORK=" subscriber imsi $IMSI msisdn 4917012345601 k $K opc $OPC"
	stock_line "$D/p.der" "$ICCID" "$IMSI" 4917012345601 "$K" "$OPC" > "$D/stock.json"
	stack_prepare 1 "$D/p.der" >/dev/null 2>&1 || return 1
	EID=$(basename "$D"/batch/eis/*.xml .xml)
	stack_start && es eum -q ES1-RegisterEIS "$D"/batch/eis/*.xml >/dev/null 2>&1 || return 1
	sleep 0.3
	stack_stop
	cp "$D"/*.db "$D/base/"
}

restore() {
	rm -f "$D"/*.db "$D"/*.db-* "$D/crashed" "$D/end" "$D"/*.log
	cp "$D"/base/*.db "$D/"
}

again() { # in the background: when the process with the crash point is dead, a new one without it
	while kill -0 "${PID[$1]}" 2>/dev/null; do
		[ -e "$D/end" ] && return
		sleep 0.02
	done
	[ -e "$D/end" ] && return
	: > "$D/crashed"
	start "$1"
	trap 'kill "${PID[$1]}"; wait "${PID[$1]}"; exit' TERM
	wait "${PID[$1]}"
}

order() { timeout 130 "$ES" -c "$D/operator.conf" -q -p smdp -v "$1" ES2-DownloadProfile eid="$EID" iccid="$ICCID" smsr-id="$OID_SMSR" enable=true 2>&1; }
audit() { timeout 60 "$ES" -c "$D/operator.conf" -q -p smsr -v 30 ES4-AuditEIS eid="$EID" 2>&1; }

wrong() { why+="${why:+; }$*"; }

settled() { # nothing under way any more, waits for it
	local i
	for ((i = 0; i < 100; i++)); do
		left=$(vty "$P_SMDP_VTY" "show orders" | grep -c "under way")
		procs=$(vty "$P_SMSR_VTY" "show procedures" | grep -c "$EID")
		((left + procs == 0)) && return
		sleep 0.1
	done
	wrong "$left orders and $procs procedures are still under way"
}

enabled() { # does everybody say so? (the card's report to the network may take a moment)
	local i
	for ((i = 0; i < 20; i++)); do
		vty "$P_SIM_VTY" "show network" | grep -q "$IMSI" && break
		sleep 0.1
	done
	((i < 20)) || wrong "not attached"
	vty "$P_SIM_VTY" "show profiles $EID" | grep "$ICCID" | grep -qi "enabled" || wrong "not enabled on the card"
	vty "$P_SMSR_VTY" "show euicc $EID" | grep "$ICCID" | grep -q "Enabled" || wrong "not Enabled in the record"
}

half_made() { # ISD-Ps neither Enabled nor Disabled: on the card, in the record
	vty "$P_SIM_VTY" "show profiles $EID" | awk '/ISD-P/ && $3 != "enabled" && $3 != "disabled" { n++ } END { printf "%d ", n }'
	vty "$P_SMSR_VTY" "show euicc $EID" | awk '/^ [0-9]+ (Created|In-Creation)/ { n++ } END { printf "%d", n }'
}

# A packet sent again, because nobody said it had arrived, keeps its counter and the card may call it low; a new one never does.
reused() {
	awk '/ DSCP80 .*counter [0-9A-F]+, by SMS$/ { c = $(NF - 2); if (seen[c]++) print c }
		/ DSCP80 .*counter [0-9A-F]+, by SMS, again/ { c = $(NF - 3); again[c] = 1 }
		/ SCP80 counter [0-9A-F]+: counter low/ { sub(/:/, "", $(NF - 2)); low[$(NF - 2)] = 1 }
		END { for (c in low) if (!((c ",") in again)) print c }' "$D/smsr.log" "$D/sim.log"
}

run() { # WHO N
	local who=$1 n=$2 p a out why= left procs t0=$SECONDS verdict
	restore
	PID=()
	for p in sim smsr smdp; do
		if [ $p = "$who" ]; then export RSP_CRASH_AT=$n; start $p; unset RSP_CRASH_AT; else start $p; fi
	done
	again "$who" & a=$!
	for p in "$P_SMPP" "$P_SMSR_ES" "$P_SMDP_ES"; do
		for ((i = 0; i < 200; i++)); do port_free "$p" || break; sleep 0.02; done
		((i < 200)) || wrong "nobody listens on $p"
	done
	out=$(order 100)
	verdict=$(grep -oE 'ES2-DownloadProfile: [A-Z_]+' <<<"$out")
	[ "$(wc -l <<<"$verdict")" = 1 ] && [ -n "$verdict" ] || wrong "not one answer: $out"
	verdict=${verdict#*: }
	settled
	vty "$P_SMDP_VTY" "show orders" | grep -q "$verdict" || wrong "the SM-DP's record does not say $verdict"
	case $verdict in
	EXECUTED_SUCCESS) enabled ;;
	'') ;;
	*)
		echo "$who $n: $out" >> "$W/notes"
		if [ "$(half_made)" != "0 0" ]; then
			audit > "$D/audit.log"; settled
			[ "$(half_made)" = "0 0" ] || wrong "half-made ISD-Ps on the card, in the record: $(half_made)"
		fi
		a2=$(order 100); settled
		if [[ $a2 == *EXECUTED_SUCCESS* ]]; then enabled; else wrong "again: $a2"; fi ;;
	esac
	p=$(reused)
	[ -z "$p" ] || wrong "SCP80 counter used twice: $p"
	: > "$D/end"
	kill "$a" 2>/dev/null; wait "$a" 2>/dev/null
	stack_stop
	p=hit; [ -e "$D/crashed" ] || p=over
	echo "$who $n $p ${verdict:--} $((SECONDS - t0))${why:+ BAD}" >> "$W/points"
	if [ -n "$why" ]; then
		echo "BAD $who n=$n: ${why//$'\n'/ }"
		mkdir -p "$KEEP/$who-$n" && cp -r "$D"/*.log "$D"/*.db* "$KEEP/$who-$n/"
	fi
	[ $p = hit ]
} 2>/dev/null

lane() { # 0..LANES-1: every LANES-th of the points
	local who n step first
	D=$W/lane$1
	mkdir -p "$D"
	next_port=$((20000 + $1 * 100 + ($$ * 37) % 11000))
	stack_ports
	prepare || { echo "lane $1: the stack does not start"; tail -n 3 "$D"/*.log; stack_stop; : > "$W/broken"; return 1; }
	for who in smsr smdp sim; do
		[ "$WHO" = all ] || [ "$WHO" = $who ] || continue
		step=$STEP
		first=${FIRST:-$((1 + 10#$(date +%j) % step))}
		for ((n = first + $1 * step; n <= LAST; n += LANES * step)); do
			run $who $n || break
		done
	done
}

trap 'kill $(jobs -p) 2>/dev/null; exit 130' INT TERM
for ((i = 0; i < LANES; i++)); do lane $i & done
wait
touch "$W/points" "$W/notes"
sort -u "$W/notes" | cut -c1-200
awk -v step="$STEP" '
	{ n[$1]++; if ($3 == "hit") hit[$1]++; if ($4 != "EXECUTED_SUCCESS") other[$1]++; if ($NF == "BAD") bad[$1]++; if ($5 > max) max = $5 }
	END { for (w in n) printf "crash: %s killed at %d points (every %d.), %d orders ended otherwise than EXECUTED_SUCCESS and were repeated, %d bad\n",
		w, hit[w], step, other[w], bad[w]; printf "crash: slowest %d s\n", max }' "$W/points"
bad=$(grep -c 'BAD$' "$W/points") hits=$(grep -c ' hit ' "$W/points")
[ -e "$W/broken" ] && bad=$((bad + 1))
if [ "$bad" = 0 ] && [ "$hits" -gt 0 ]; then rm -rf "$W"; exit 0; fi
cp "$W/points" "$W/bad/" 2>/dev/null; rm -rf "$W"/lane*
echo "crash: $bad bad of $hits, kept in $KEEP"
exit 1
