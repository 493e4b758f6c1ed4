#!/bin/bash
# Each bearer over each kind of bad network: RSP_N (default 100) eUICCs download and enable a TS.48 profile at once. One
# line per figure and a table at the end. Network and timers run on the shared clock of tests/vclock, CPU is real. Exit 0
# only when all of each end ENABLED, once each. RSP_CELLS="cat-tp/clean sms/round-trip ..." runs only these.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
N=${RSP_N:-100}
umask 077
W=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-bearers.XXXXXX") || exit 1
LOGLEVEL=${LOGLEVEL:-error}
export VCLOCK_SO=$W/vclock.so
${CC:-cc} -O2 -shared -fPIC -o "$VCLOCK_SO" "$TOP/tests/vclock/vclock.c" -ldl || exit 1
. "$TOP/contrib/stack.sh"
trap 'stack_stop; [ -n "${KEEP:-}" ] && echo "kept: $W" || rm -rf "$W"' EXIT
die() { echo "bearers: $*"; exit 1; }

package=${RSP_SHARED:-$TOP/../shared}/data/ts48/derived/m2m_usim_isim_milenage.der
if [ ! -e "$package" ]; then
	echo "NOTE: no shared/data/ts48: the project's own profile is used"
	package=$W/p.der
	"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$package" >/dev/null || die "profile"
fi

declare -A faults=(
	[clean]=""
	[sms-loss]="sms-loss 20"
	[udp-loss]="udp-loss 10,udp-reorder 10"
	[tcp-cut]="tcp-cut-random 20000"
	[round-trip]="round-trip 2000,sms-delay 1000"
)

order() { # CELL-NUMBER CARD: "ICCID IMSI MSISDN"
	local s; s=$(printf '89880018%02d%09d' "$1" "$2")
	printf '%s%s %s%08d %s%07d\n' "$s" "$(luhn "$s")" 0010198 "$2" 49171 "$2"
}

counter() { vty "$P_SMSR_VTY" "show rate-counters" | awk -v n="$1:" '$0 ~ n { for (i = 1; i <= NF; i++) if ($i == n || index($i, n)) { print $(i + 1); exit } }'; }
network() { vty "$P_SIM_VTY" "show network" | sed -nE "s/.*$1.*/\1/p" | head -1; }

cell() { # BEARER CONDITION NUMBER
	local bearer=$1 condition=$2 i iccid imsi msisdn f t0 t1 ok enabled
	D=$W/$3
	mkdir "$D"
	stack_ports
	SIM_NETWORK= SIM_CARDS=" fault-seed $3"$'\n'" card dialect mixed"
	IFS=, read -ra f <<<"${faults[$condition]}"
	for i in "${f[@]}"; do SIM_CARDS+=$'\n'" fault $i"; done
	: >"$D/lines"
	for ((i = 0; i < N; i++)); do
		read -r iccid imsi msisdn < <(order "$3" $i)
		echo "$iccid" >>"$D/lines"
		SIM_NETWORK+=" subscriber imsi $imsi msisdn $msisdn"$'\n'
		stock_line "$package" "$iccid" "$imsi" "$msisdn" "$(printf %032x $((i + 1)))" "$(printf %032x $((i + 2)))" bench
	done >"$D/stock.json"
	CA_BATCH="--bearers cattp,https"
	stack_prepare "$N" "$package" >/dev/null 2>&1 || die "preparation"
	sed -i "s/^ cat-tp bind.*/&\n bearer order $bearer/" "$D/smsr.cfg"
	: >"$D/smsr.log"; : >"$D/smdp.log"; : >"$D/sim.log"
	stack_start || die "start"
	es eum -q ES1-RegisterEIS "$D"/batch/eis/*.xml 2>/dev/null || die "RegisterEIS"
	paste -d ' ' <(cd "$D/batch/eis" && ls | sed 's/\.xml$//') "$D/lines" >"$D/orders"
	t0=$(date +%s%N)
	es operator -q --json -p smdp -v 86400 --batch "$D/orders" ES2-DownloadProfile smsr-id=$OID_SMSR enable=true >"$D/answers" 2>"$D/es.err"
	t1=$(date +%s%N)
	ok=$(grep -c '"status":"EXECUTED_SUCCESS"' "$D/answers")
	while read -r eid iccid; do echo "$eid"; vty "$P_SIM_VTY" "show profiles $eid"; done <"$D/orders" >"$D/profiles"
	enabled=$(grep -ciw enabled "$D/profiles")
	local mt mo octets again key
	mt=$(network 'MT ([0-9]+) delivered') mo=$(network 'MO ([0-9]+) taken')
	octets=$(($(network 'SMS ([0-9]+),') + $(network 'channels ([0-9]+)$')))
	again=0
	for key in sms:failed cattp:resent scp81:lost scp81:resumed bearer:fallback; do
		again=$((again + $(counter $key || echo 0)))
	done
	stack_stop
	sed -n 's/.*"status":"EXECUTED_SUCCESS".*"seconds":\([0-9.]*\).*/\1/p' "$D/answers" | sort -n >"$D/seconds"
	awk -v n="$N" -v ok="$ok" -v en="$enabled" -v b="$bearer" -v c="$condition" -v sms=$((mt + mo)) -v o="$octets" -v again="$again" \
		-v real=$(((t1 - t0) / 1000000)) '{ t[NR] = $1 } END {
		printf "bearers_%s_%s: %d of %d ENABLED, p50 %.1f s, p95 %.1f s, %.1f SMS, %.0f octets, %.2f retries per profile; %.1f s of real time\n",
			b, c, (ok < en ? ok : en), n, t[int((NR + 1) / 2)], t[int(NR * .95 + .5)], sms / n, o / n, again / n, real / 1000
		printf "%-8s %-10s %7d %7.1f %7.1f %7.1f %8.0f %7.2f\n", b, c, (ok < en ? ok : en), t[int((NR + 1) / 2)],
			t[int(NR * .95 + .5)], sms / n, o / n, again / n >>table }' table="$W/table" "$D/seconds"
	# the bootstrap profile and the new one, no third: nothing was made twice or left behind
	(($(grep -c ISD-P "$D/profiles") == 2 * N)) || { bad=1; echo "$bearer/$condition: ISD-Ps left over"; }
	((ok == N && enabled == N)) || { bad=1; grep -v EXECUTED_SUCCESS "$D/answers" | head -3; }
	[ -n "${KEEP:-}" ] || rm -rf "$D"
}

bad=0 number=0
for bearer in https cat-tp sms; do
	for condition in clean sms-loss udp-loss tcp-cut round-trip; do
		number=$((number + 1))
		[[ -z "${RSP_CELLS:-}" || " $RSP_CELLS " == *" $bearer/$condition "* ]] && cell $bearer $condition $number
	done
done
printf '%-8s %-10s %7s %7s %7s %7s %8s %7s\n' bearer network enabled 'p50 s' 'p95 s' SMS octets retries
cat "$W/table"
exit $bad
