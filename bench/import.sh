#!/bin/bash
# A batch of 100,000 subscribers (RSP_N) into a running osmo-smdp: seconds, rows per second, peak memory and how it grows,
# octets per profile at rest; and how long another order's VTY answer takes meanwhile. Prints "name: value unit".
# Exit 0 only when all are on stock, memory is flat (< 24 MB more than before) and the loop answered (< 200 ms).
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
N=${RSP_N:-100000}
umask 077
D=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-import.XXXXXX") || exit 1
LOGLEVEL=notice
. "$TOP/contrib/stack.sh"
trap 'stack_stop; rm -rf "$D"' EXIT
die() { echo "import: $*"; tail -5 "$D"/*.log; exit 1; }

"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/p.der" >/dev/null || die "profile"
template=${RSP_TEMPLATE:-$D/p.der}
stack_ports
stack_pki 1 "$D/p.der" >/dev/null 2>&1 && stack_configs || die "preparation"
start smdp && wait_port "$P_SMDP_ES" smdp || die "start"
awk -v n="$N" 'BEGIN {
	srand(1); print "iccid,imsi,msisdn,k,opc"
	for (i = 0; i < n; i++) {
		d = sprintf("898800177%09d", i); s = 0; alt = 1
		for (j = length(d); j > 0; j--) { v = substr(d, j, 1); if (alt) { v *= 2; if (v > 9) v -= 9 } s += v; alt = !alt }
		k = sprintf("%08x%08x%08x%08x", rand() * 2^31, rand() * 2^31, rand() * 2^31, i)
		o = sprintf("%08x%08x%08x%08x", rand() * 2^31, rand() * 2^31, rand() * 2^31, i)
		printf "%s%d,00101%010d,49170%07d,%s,%s\n", d, (10 - s % 10) % 10, i, i, k, o
	} }' > "$D/batch.csv"
vty "$P_SMDP_VTY" "profile-type add $OID_OP bulk $template check no" | grep -q version || die "type"
mem() { awk -v k="$1" '$1 == k ":" { print $2 }' "/proc/${PID[smdp]}/status"; }
size() { cat "$D"/smdp.db* | wc -c; }
cpu() { awk '{ print $14 + $15 }' "/proc/${PID[smdp]}/stat"; }
sleep 0.3
m0=$(mem VmRSS) s0=$(size) c0=$(cpu) t0=$(date +%s%N) worst=0
vty "$P_SMDP_VTY" "batch import $OID_OP bulk $D/batch.csv" | grep -q 'Batch 1' || die "batch"
while :; do
	a=$(date +%s%N)
	line=$(vty "$P_SMDP_VTY" "show batches" | head -1)
	b=$(date +%s%N)
	((b - a > worst)) && worst=$((b - a))
	[[ $line == *": done"* ]] && break
	[[ $line == *": refused"* || -z $line ]] && { vty "$P_SMDP_VTY" "show batch 1"; die "refused"; }
	sleep 0.25
done
t1=$(date +%s%N) c1=$(cpu) m1=$(mem VmHWM)
vty "$P_SMDP_VTY" "show stock" | grep -q "bulk of $OID_OP: $N personalised" || die "not all are on stock"
stack_stop	# the write-ahead log goes into the database
s1=$(size)
awk -v n="$N" -v ns=$((t1 - t0)) -v c=$((c1 - c0)) -v m0="$m0" -v m1="$m1" -v s=$((s1 - s0)) -v w="$worst" \
	-v t="$(stat -c %s "$template")" 'BEGIN {
	printf "import_profiles: %d\nimport_template: %d octets\nimport_time: %.1f s\nimport_rate: %.0f profiles/s\n", n, t, ns / 1e9, n / (ns / 1e9)
	printf "import_cpu: %.1f us/profile\nimport_peak_memory: %.1f MB\n", c * 1e4 / n, m1 / 1024
	printf "import_memory_growth: %.1f MB limit 24 ratio %.2f\n", (m1 - m0) / 1024, (m1 - m0) / 1024 / 24
	printf "import_at_rest: %.0f octets/profile\n", s / n
	printf "import_worst_answer: %.0f ms limit 200 ratio %.2f\n", w / 1e6, w / 200e6
	exit !(m1 - m0 < 24 * 1024 && w < 200e6) }'
