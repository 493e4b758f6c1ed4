#!/bin/bash
# N eUICCs (RSP_N, default 200) download and enable a profile at once. Prints downloads per second, CPU per download and
# process, octets and messages on the wire, peak memory, database size. Exit 0 only when all end ENABLED and nothing is left.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
N=${RSP_N:-200}
umask 077
D=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-flow.XXXXXX") || exit 1
LOGLEVEL=${LOGLEVEL:-notice}
. "$TOP/contrib/stack.sh"
cleanup() { stack_stop; [ -n "${KEEP:-}" ] && echo "kept: $D" || rm -rf "$D"; }
trap cleanup EXIT
die() { echo "flow: $*"; tail -5 "$D"/*.log; exit 1; }

"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/p.der" >/dev/null || die "profile"
stack_ports
SIM_NETWORK=$(for ((i = 0; i < N; i++)); do printf ' subscriber imsi 0010199%08d msisdn 49170%07d\n' $i $i; done)
SIM_CARDS=${SIM_CARDS:- card dialect mixed}
iccids=()
for ((i = 0; i < N; i++)); do
	p=$(printf '8988001777%09d' $i); c=$p$(luhn "$p"); iccids+=("$c")
	stock_line "$D/p.der" "$c" "$(printf 0010199%08d $i)" "$(printf 49170%07d $i)" "$(printf %032x $((i + 1)))" "$(printf %032x $((i + 2)))" bulk
done > "$D/stock.json"
stack_prepare "$N" "$D/p.der" 2>/dev/null || die "preparation"
# half of the cards hear the SM-DP's public key in its other form
eid=$(basename "$(ls "$D"/batch/eis/*.xml | sed -n $((N / 2))p)" .xml)
printf ' card-type %s\n  public-key tlv\n' "${eid:0:28}" >> "$D/smdp.cfg"
stack_start || die "start"
es eum -q ES1-RegisterEIS "$D"/batch/eis/*.xml 2>/dev/null || die "RegisterEIS"
"$ES" -c "$D/boot.conf" -q listen > "$D/notified" 2>/dev/null &	# the bootstrap operator hears of each disabled profile
PID[boot]=$!
sleep 1
ticks() { awk '{ print $14 + $15 }' "/proc/${PID[$1]}/stat"; }
for p in smsr smdp sim; do declare "c_$p=$(ticks $p)"; done
lo() { awk '/lo:/ { print $2 }' /proc/net/dev; }
b0=$(lo) t0=$(date +%s%N)
i=0
for f in "$D"/batch/eis/*.xml; do
	echo "$(basename "$f" .xml) ${iccids[i]}"; i=$((i + 1))
done > "$D/orders"
"$ES" -c "$D/operator.conf" -q -p smdp -v 300 --batch "$D/orders" ES2-DownloadProfile smsr-id=$OID_SMSR enable=true > "$D/answers" 2>"$D/es.err"
t1=$(date +%s%N) b1=$(lo)
ok=$(grep -c 'EXECUTED_SUCCESS' "$D/answers")
awk -v n="$N" -v ok="$ok" -v ns=$((t1 - t0)) -v b=$((b1 - b0)) 'BEGIN {
	printf "flow_enabled: %d of %d\nflow_rate: %.1f downloads/s limit 53 ratio %.2f\nflow_bytes: %.0f octets/download\n", ok, n, ok / (ns / 1e9), ok / (ns / 1e9) / 53, b / n }'
for p in smsr smdp sim; do
	v="c_$p"
	awk -v p=$p -v t=$(($(ticks $p) - ${!v})) -v n="$N" 'BEGIN { printf "flow_cpu_%s: %.2f ms/download\n", p, t * 10 / n }'
	awk -v p=$p '/VmHWM/ { printf "flow_peak_memory_%s: %.1f MB\n", p, $2 / 1024 }' "/proc/${PID[$p]}/status"
done
for ((i = 0; i < 50; i++)); do	# the last notifications
	vty "$P_SMSR_VTY" "show outbox" | grep -q '^0 message' && break
	sleep 0.2
done
left=$(vty "$P_SMSR_VTY" "show outbox" | grep -c 'notification\|callback\|call ')
notified=$(grep -c HandleProfileDisabled "$D/notified")
printf 'flow_notified: %d of %d\n' "$notified" "$N"
for q in "$P_SMSR_VTY show procedures" "$P_SMSR_VTY show outbox" "$P_SMDP_VTY show outbox"; do echo "# ${q#* }:"; vty "${q%% *}" "${q#* }" | tail -4; done
sed 's/ .*//' "$D/orders" | while read -r eid; do vty "$P_SIM_VTY" "show euicc $eid" | grep '^  dialect'; done |
	awk '{ sub(/:.*/, "", $2); n[$2]++ } END { printf "flow_dialects:"; for (d in n) printf " %s %d", d, n[d]; print "" }'
stack_stop
printf 'flow_disk_smsr: %d octets/eUICC\n' $(($(stat -c %s "$D/smsr.db") / N))
((ok == N)) || die "not all enabled"
((left == 0)) || die "$left messages left over"
((notified == N)) || die "$notified of $N operators told"
