#!/bin/bash
# Every fault the simulator can be told, one card each, on one stack, while the SMSC throttles and goes down once: all
# downloads end ENABLED, each profile is on its card once, and each fault has struck. The seed is fixed.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
. "$(dirname "$0")/fleet.lib"

# name | order set for the eUICC | faults of the card
cases=(
	"reset|https sms|reset 100"
	"tcp-cut|https|tcp-cut-random 5000"
	"round-trip|https|round-trip 300"
	"por-late|sms|por-late 2"
	"por-none|sms|por-none 15"
	"messages|sms|sms-loss 15,sms-duplicate 20,sms-reorder 20"
	"answers|sms|sms-loss-mo 10"
	"datagrams|cat-tp|udp-loss 10,udp-duplicate 30,udp-reorder 20,round-trip 100"
	"no-https|https cat-tp|no-https 1"
	"sms-limit|sms|sms-limit 130"
)
n=${#cases[@]}

fleet_stock
CA_BATCH="--bearers cattp,https"
SIM_CARDS=" timer repeat 5
 fault-seed 1
 fault smsc-throttle 10"
stack_prepare "$n" "$D/t.der" || { echo "preparation"; exit 1; }
# what is lost is not waited for as long as in the field
{ printf 'timer card X81 2000\ntimer card X80 5000\n'; } >>"$D/smsr.cfg"
sed -i 's/^ cat-tp bind.*/&\n cat-tp retransmission 300/' "$D/smsr.cfg"
fleet_start
for ((i = 0; i < n; i++)); do
	IFS='|' read -r name order faults <<<"${cases[i]}"
	fleet_tell "$i" "$order" "$faults"
done
t1=$(date +%s%N)
timeout 120 "$ES" -c "$D/operator.conf" -q -p smdp -v 100 --batch "$D/orders" ES2-DownloadProfile smsr-id=$OID_SMSR \
	enable=true >"$D/answers" 2>"$D/es.err" &
ORDERS=$!
sleep 1
vty "$P_SIM_VTY" "smsc restart 2"
wait $ORDERS
echo "$n downloads in $((($(date +%s%N) - t1) / 1000000)) ms"

for ((i = 0; i < n; i++)); do
	IFS='|' read -r name order faults <<<"${cases[i]}"
	vty "$P_SMSR_VTY" "show euicc ${eid[i]}" >"$D/show.$i"
	vty "$P_SIM_VTY" "show profiles ${eid[i]}" >"$D/card.$i"
	vty "$P_SIM_VTY" "show faults ${eid[i]}" >"$D/faults.$i"
	if grep -q "^ $(iccid "$i") Enabled" "$D/show.$i"; then
		echo "ok: $name: downloaded and enabled"
	else
		echo "NOT OK: $name: downloaded and enabled"; bad=1
		sed -n '/Timeline/,$p' "$D/show.$i" | tail -30
	fi
	check "$name: on the card once" [ "$(grep -c "$(iccid "$i")" "$D/card.$i")" = 1 ]
	while IFS= read -r -d , f; do
		check "$name: $f has struck" grep -Eq "^${f% *} .* struck [1-9]" "$D/faults.$i"
	done <<<"$faults,"
done
vty "$P_SIM_VTY" "show faults" >"$D/all"
check "the SMSC throttled" grep -Eq '^smsc-throttle .* struck [1-9]' "$D/all"
check "the SMSC was down once" eval 'vty "$P_SIM_VTY" "show network" | grep -q "1 restarts"'
check "nothing is left over" eval 'vty "$P_SMSR_VTY" "show procedures" | grep -q "^0 procedure"'
exit $bad
