#!/bin/bash
# The SM-DP's stock in the whole stack: what kinds of eUICC take (segments of 200 and of 4000 octets, profile protection keys,
# a token key for Master Delete), each against the simulated card that was written from the book; killed in the middle of an
# import (-9) and of a download under profile protection keys, both come to a true end.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
[ -n "${RSP_BIN:-}" ] || { echo "SKIPPED: RSP_BIN is not set"; exit 77; }
umask 077
D=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-stock.XXXXXX") || exit 1
. "$TOP/contrib/stack.sh"
trap 'stack_stop; rm -rf "$D"' EXIT
bad=0
check() { local what=$1; shift; if "$@"; then echo "ok: $what"; else echo "NOT OK: $what"; bad=1; fi; }
die() { echo "NOT OK: $*"; tail -n 5 "$D"/*.log; exit 1; }
N=5 ROWS=${RSP_ROWS:-20000}

stack_ports
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/t.der" >/dev/null || die "profile"
rows() { # FROM COUNT
	awk -v from="$1" -v n="$2" 'BEGIN {
		print "iccid,imsi,msisdn,k,opc"
		for (i = from; i < from + n; i++) {
			d = sprintf("898800177%09d", i); s = 0; alt = 1
			for (j = length(d); j > 0; j--) { v = substr(d, j, 1); if (alt) { v *= 2; if (v > 9) v -= 9 } s += v; alt = !alt }
			printf "%s%d,0010177%08d,49170%07d,%032x,%032x\n", d, (10 - s % 10) % 10, i, i, i + 1, i + 2
		} }'
}
rows 1 $N > "$D/five.csv"
mapfile -t iccid < <(awk -F, 'NR > 1 { print $1 }' "$D/five.csv")
SIM_NETWORK=$(awk -F, 'NR > 1 { print " subscriber imsi " $2 " msisdn " $3 " k " $4 " opc " $5 }' "$D/five.csv")
stack_prepare $N "$D/t.der" || die "preparation"
eid=(); for f in "$D"/batch/eis/*.xml; do eid+=("$(basename "$f" .xml)"); done
cat >> "$D/smdp.cfg" <<END
 segment-size 200
 segments-per-script 3
 card-type ${eid[1]}
  segment-size 4000
 card-type ${eid[2]}
  segment-size 1007
  protection random-keys
 card-type ${eid[3]}
  segment-size 100
  segments-per-script 1
  protection random-keys
 master-delete sin 4953445001 sdin 495344505344494E01 provider 47534D4101
END
stack_start || die "start"
es eum -q ES1-RegisterEIS "$D"/batch/eis/*.xml >"$D/es.log" 2>&1 || die "RegisterEIS"
vty "$P_SMDP_VTY" "profile-type add $OID_OP meter $D/t.der" | grep -q "version 1" || die "type"
import() { vty "$P_SMDP_VTY" "batch import $OID_OP meter $1" | grep -q "Batch"; }
batch_state() { vty "$P_SMDP_VTY" "show batch $1" | head -1 | sed -n 's/.*: \([a-z]*\), .*/\1/p'; }
wait_batch() { local i; for ((i = 0; i < 600; i++)); do [[ $(batch_state "$1") == @(done|refused) ]] && return; sleep 0.1; done; return 1; }
import "$D/five.csv" && wait_batch 1
check "a batch" [ "$(batch_state 1)" = "done" ]
order() { timeout 100 "$ES" -c "$D/operator.conf" -q -p smdp -v 90 ES2-DownloadProfile eid="${eid[$1]}" iccid="${iccid[$1]}" smsr-id=$OID_SMSR enable=true >>"$D/es.log" 2>&1; }
state() { vty "$P_SMDP_VTY" "show profiles" | awk -v i="${iccid[$1]}" '$1 "" == i "" { print $2 }'; }
segments() { vty "$P_SMDP_VTY" "show order $1" | sed -n 's/.*segment [0-9]* of \([0-9]*\),.*/\1/p' | tail -1; }
size=$(stat -c %s "$D/t.der")

check "segments of 200 octets" order 0
check "as many as that takes" eval "[ \"\$(segments 1)\" -ge $((size / 200)) ]"
check "one of 4000 octets" order 1
check "the whole package in it" [ "$(segments 2)" = 1 ]
check "profile protection keys" order 2
check "all are enabled" eval '[ "$(state 0) $(state 1) $(state 2)" = "enabled enabled enabled" ]'
check "a Master Delete command with its token" eval "vty $P_SMDP_VTY 'profile ${iccid[2]} master-delete' | grep -qE '^80E40040..4F10A0000005591010FFFFFFFF8900[0-9A-F]{4}00B61D420549534450014509495344505344494E015F200547534D41019301019E10[0-9A-F]{32}(00)?$'"
check "none without a key" eval "vty $P_SMDP_VTY 'profile ${iccid[4]} master-delete' | grep -q 'no token key'"

# Killed while segments under profile protection keys are on their way: those keys are gone; deleted, and begun anew
order 3 &
waiting=$!
for ((i = 0; i < 300; i++)); do
	vty "$P_SMDP_VTY" "show order 4" | grep -q 'segment [3-9]' && break
	sleep 0.02
done
check "in the middle" eval "vty $P_SMDP_VTY 'show order 4' | grep -q 'segment [3-9]'"
check "bound" [ "$(state 3)" = "bound" ]
kill -9 "${PID[smdp]}"; wait "${PID[smdp]}" 2>/dev/null
start smdp && wait_port "$P_SMDP_ES" smdp || die "restart"
for ((i = 0; i < 600; i++)); do [ "$(state 3)" = enabled ] && break; sleep 0.1; done
check "enabled after all" [ "$(state 3)" = enabled ]
check "the first try was deleted" eval "vty $P_SMDP_VTY 'show order 4' | grep -q 'DeleteISDP sent: ISD-P of an earlier try'"
kill $waiting 2>/dev/null; wait $waiting 2>/dev/null

# Killed again and again while it imports
rows 1000 "$ROWS" > "$D/many.csv"
import "$D/many.csv" || die "import"
kills=0
for ((i = 0; i < 4; i++)); do
	sleep "0.$((RANDOM % 3 + 1))"
	[ "$(batch_state 2)" = reading ] || break
	kill -9 "${PID[smdp]}"; wait "${PID[smdp]}" 2>/dev/null
	start smdp && wait_port "$P_SMDP_VTY" smdp || die "restart"
	kills=$((kills + 1))
done
wait_batch 2
check "$ROWS rows through $kills kills" [ "$(batch_state 2)" = "done" ]
check "each of them once" eval "vty $P_SMDP_VTY 'show stock' | grep -q ': $((ROWS + 1)) personalised'"
tail -n 1 "$D/five.csv" >> "$D/many.csv"
import "$D/many.csv" && wait_batch 3
check "the same again is refused, by line" eval "vty $P_SMDP_VTY 'show batch 3' | grep -q 'line 2, column 1 (iccid): this ICCID is on stock already'"
check "and nothing has changed" eval "vty $P_SMDP_VTY 'show stock' | grep -q ': $((ROWS + 1)) personalised'"
exit $bad
