#!/bin/bash
# Every fault the simulator can be told, one card each, on one stack, while the SMSC throttles and goes down once: all
# downloads end ENABLED, each profile is on its card once, and each fault has struck. The seed is fixed.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
[ -n "${RSP_BIN:-}" ] || { echo "RSP_BIN is not set"; exit 77; }
umask 077
D=$(mktemp -d)
. "$TOP/contrib/stack.sh"
trap 'stack_stop; rm -rf "$D"' EXIT
bad=0
check() { local what=$1; shift; if "$@"; then echo "ok: $what"; else echo "NOT OK: $what"; bad=1; fi; }

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
k=00112233445566778899aabbccddeeff
iccid() { local s; s=$(printf '8988001999888000%02d' "$1"); echo "$s$(luhn "$s")"; }

stack_ports
: >"$D/stock.json"
SIM_NETWORK=
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/t.der" >/dev/null || exit 1
for ((i = 0; i < n; i++)); do
	imsi=$(printf '0010199999400%02d' "$i") msisdn=$(printf '49170999400%02d' "$i")
	SIM_NETWORK+=" subscriber imsi $imsi msisdn $msisdn k $k opc $k"$'\n'
	printf '{"upp_file":"%s", "msisdn":"%s", "owner":"%s", "type":"demo", "iccid":"%s", "imsi":"%s", "k":"%s", "opc":"%s"}\n' \
		"$D/t.der" "$msisdn" "$OID_OP" "$(iccid "$i")" "$imsi" $k $k >>"$D/stock.json"
done
CA_BATCH="--bearers cattp,https"
SIM_CARDS=" timer repeat 5
 fault-seed 1
 fault smsc-throttle 10"
stack_prepare "$n" "$D/t.der" || { echo "preparation"; exit 1; }
# what is lost is not waited for as long as in the field
{ printf 'timer card X81 2000\ntimer card X80 5000\n'; } >>"$D/smsr.cfg"
sed -i 's/^ cat-tp bind.*/&\n cat-tp retransmission 300/' "$D/smsr.cfg"
: >"$D/smsr.log"; : >"$D/smdp.log"; : >"$D/sim.log"
stack_start || exit 1
shopt -s nullglob
eis=("$D"/batch/eis/*.xml)
es eum -q ES1-RegisterEIS "${eis[@]}" >/dev/null || exit 1
for ((i = 0; i < n; i++)); do
	IFS='|' read -r name order faults <<<"${cases[i]}"
	eid[i]=$(basename "${eis[i]}" .xml)
	vty "$P_SMSR_VTY" "euicc ${eid[i]} bearer order $order"
	while IFS= read -r -d , f; do vty "$P_SIM_VTY" "euicc ${eid[i]} fault $f"; done <<<"$faults,"
	echo "${eid[i]} $(iccid "$i")"
done >"$D/orders.all"
grep -E '^[0-9]+ [0-9]+$' "$D/orders.all" >"$D/orders"
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
