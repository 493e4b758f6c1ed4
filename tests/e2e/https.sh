#!/bin/bash
# HTTPS under cuts, resets and delay, nothing else to fall back on: TCP connections cut once at a random octet (the card comes
# back with X-Admin-Resume), cards reset in mid-session (what the chain began with is gone, the download begins anew), a
# second of round trip; notifications by HTTPS too. All end enabled, once, with nothing left over; the counters say that the
# faults were there.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
. "$(dirname "$0")/fleet.lib"

faults=(
	"tcp-cut-random 4000" "tcp-cut-random 4000" "tcp-cut-random 12000" "tcp-cut-random 12000" "tcp-cut-random 12000"
	"reset 60" "reset 60" "round-trip 1000" "round-trip 1000" ""
)
n=${#faults[@]}

fleet_stock
SIM_CARDS=" card dialect mixed"$'\n'" notification bearer https"$'\n'" fault-seed 7"
stack_prepare "$n" "$D/t.der" || { echo "preparation"; exit 1; }
# a card that was reset is not waited for as long as in the field, nor does its lost trigger wait
{ printf 'timer card X81 2000\ntimer card X85 4000\n'; } >>"$D/smsr.cfg"
fleet_start
for ((i = 0; i < n; i++)); do fleet_tell "$i" https "${faults[i]}"; done
t0=$SECONDS
"$ES" -c "$D/operator.conf" -q -p smdp -v 200 --batch "$D/orders" ES2-DownloadProfile smsr-id=$OID_SMSR enable=true \
	>"$D/answers" 2>"$D/es.err"
echo "$(grep -c EXECUTED_SUCCESS "$D/answers") of $n enabled in $((SECONDS - t0)) s"

counter() { vty "$P_SMSR_VTY" "show rate-counters" | sed -n "s/.*$1: *\([0-9]*\) .*/\1/p" | head -1; }
for ((i = 0; i < n; i++)); do
	check "enabled: ${faults[i]:-no fault}" grep -q "EXECUTED_SUCCESS.*$(iccid "$i")" "$D/answers"
	check "  the record agrees with the card" eval "vty $P_SMSR_VTY 'show euicc ${eid[i]}' | grep $(iccid "$i") | grep -q Enabled &&
		vty $P_SIM_VTY 'show profiles ${eid[i]}' | grep $(iccid "$i") | grep -qi enabled"
	check "  and has no half-made ISD-P" eval "! vty $P_SMSR_VTY 'show euicc ${eid[i]}' | grep -qE '^ [0-9]+ (Created|In-Creation)'"
done
struck() { vty "$P_SIM_VTY" "show faults" | sed -n "s/^$1 .*struck \([0-9]*\):.*/\1/p"; }
for f in tcp-cut-random reset round-trip; do check "$f struck: $(struck $f)" [ "$(struck $f)" -gt 0 ]; done
gone=$(vty "$P_SMSR_VTY" "show scp81" | sed -n 's/.* \([0-9]*\) cards gone while held.*/\1/p')
echo "dialogs resumed $(counter scp81:resumed), scripts lost $(counter scp81:lost), cards gone while held $gone"
check "the SM-SR has seen it" [ $(($(counter scp81:resumed) + $(counter scp81:lost) + gone)) -gt 0 ]
check "no SMS but triggers" eval "! grep -q 'sent to card by SMS' $D/smsr.log"
check "nothing is left under way" eval "vty $P_SMSR_VTY 'show procedures' | grep -q '^0 procedure'"
vty "$P_SMSR_VTY" "show scp81"
[ $bad = 0 ] || { tail -n 5 "$D"/*.log; cat "$D/answers"; vty "$P_SIM_VTY" "show faults"; }
exit $bad
