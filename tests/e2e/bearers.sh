#!/bin/bash
# Every way to a card, at once on one stack: a download by CAT_TP over a network that loses, doubles and reorders, by SMS
# only, by what is left when HTTPS or CAT_TP or both fail although the EIS claims them, by SMS to a card that takes 130
# octets of one message; response packets that come twice; then each kind of SCP80 keyset. The card's CAT_TP is not the
# SM-SR's. What the SM-SR says of each: timeline, why it took the bearer, what it learned, counters.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
. "$(dirname "$0")/fleet.lib"

# name | order set for the eUICC | faults of the card
cases=(
	"cat-tp|cat-tp sms|udp-loss 10,udp-duplicate 5,udp-reorder 10"
	"sms|sms|"
	"https-to-cat-tp|https cat-tp sms|no-https 1"
	"cat-tp-to-https|cat-tp https sms|no-cattp 1"
	"https-to-sms||no-https 1,no-cattp 1"
	"sms-130|sms|sms-limit 130"
	"por-twice|sms|por-twice 100"
	"reset|cat-tp sms|reset 100"
)
n=${#cases[@]}

SIM_NETWORK=' report-in-response'$'\n'
fleet_stock
CA_BATCH="--bearers cattp,https"
stack_prepare "$n" "$D/t.der" || { echo "preparation"; exit 1; }
# a trigger that nobody answers is not waited for as long as in the field; nor is a lost datagram, or a silent card
{ printf 'timer card X81 1000\ntimer card X80 5000\n'; } >>"$D/smsr.cfg"
sed -i 's/^ cat-tp bind.*/&\n cat-tp retransmission 300/' "$D/smsr.cfg"
fleet_start
for ((i = 0; i < n; i++)); do
	IFS='|' read -r name order faults <<<"${cases[i]}"
	fleet_tell "$i" "$order" "$faults"
done
dumpcap -q -i lo -f "udp port $P_CATTP" -w "$D/cattp.pcap" 2>"$D/dumpcap.err" &
DUMP=$!
for ((i = 0; i < 50; i++)); do [ -s "$D/cattp.pcap" ] && break; kill -0 $DUMP 2>/dev/null || break; sleep 0.1; done
t1=$(date +%s%N)
timeout 100 "$ES" -c "$D/operator.conf" -q -p smdp -v 90 --batch "$D/orders" ES2-DownloadProfile smsr-id=$OID_SMSR \
	enable=true >"$D/answers" 2>"$D/es.err"
echo "$n downloads in $((($(date +%s%N) - t1) / 1000000)) ms"

for ((i = 0; i < n; i++)); do
	IFS='|' read -r name order faults <<<"${cases[i]}"
	vty "$P_SMSR_VTY" "show euicc ${eid[i]}" >"$D/show.$i"
	if grep -q "^ $(iccid "$i") Enabled" "$D/show.$i"; then
		echo "ok: $name: downloaded and enabled"
	else
		echo "NOT OK: $name: downloaded and enabled"; bad=1
		sed -n '/Bearers/,$p' "$D/show.$i" | tail -45
		grep "${eid[i]}" "$D/smsr.log" | grep -v DDB | tail -${LINES_SHOWN:-20}
	fi
done
counter() { vty "$P_SMSR_VTY" "show rate-counters" | sed -n "s/.*$1: *\([0-9]*\) .*/\1/p" | head -1; }
by() { grep -qE "$2: sent $3\$" "$D/show.$1"; }
says() { grep -qE "$2" "$D/show.$1"; }
check "cat-tp: the segments went by CAT_TP" by 0 SendData CAT_TP
check "cat-tp: EnableProfile went by SMS, it fits one" by 0 EnableProfile SMS
check "cat-tp: PDUs were sent again" eval '[ "$(counter cattp:resent)" -gt 0 ]'
check "sms: all of it by SMS" eval 'by 1 SendData SMS && ! says 1 "sent (HTTPS|CAT_TP)"'
check "https-to-cat-tp: by CAT_TP, HTTPS failed" eval 'by 2 SendData CAT_TP && says 2 "HTTPS: worked never, failed 2"'
check "cat-tp-to-https: by HTTPS, CAT_TP failed" eval 'by 3 SendData HTTPS && says 3 "CAT_TP: worked never, failed 2"'
check "https-to-sms: by SMS, both failed" eval 'by 4 SendData SMS && says 4 "HTTPS: worked never" && says 4 "CAT_TP: worked never"'
check "sms-130: learned" says 5 "takes 130 octets in one SMS"
check "sms: 140 octets are taken" says 1 "takes 140 octets in one SMS"
if kill $DUMP 2>/dev/null && wait $DUMP && [ -s "$D/cattp.pcap" ]; then
	pdus() { tshark -r "$D/cattp.pcap" -d "udp.port==$P_CATTP,cattp" -o cattp.checksum:TRUE -Y "$1" 2>/dev/null | wc -l; }
	all=$(pdus udp)
	check "all $all PDUs of the lossy downloads are right to tshark" eval '[ "$all" -gt 20 ] &&
		[ "$(pdus "cattp.checksum.status == 1")" = "$all" ] && [ "$(pdus "_ws.malformed || _ws.expert.severity == error")" = 0 ]'
else
	echo "SKIPPED LOUDLY: no capture of the loopback here: $(tail -1 "$D/dumpcap.err")"
fi
check "por-twice: the second one changes nothing and is counted" eval '[ "$(counter scp80:late)" -gt 0 ]'
check "falling back is counted" eval '[ "$(counter bearer:fallback)" -ge 4 ]'
# a card is asked its status under every way to protect a packet that SGP.02 lets an ISD-R take
asked=0
for set in "spi 1619" "spi 1609" "spi 1629" "spi 1639" "spi 1E39" "spi 1E29" "script indefinite"; do
	vty "$P_SMSR_VTY" "euicc ${eid[1]} scp80 $set" >/dev/null
	vty "$P_SMSR_VTY" "euicc ${eid[1]} audit" >/dev/null
	asked=$((asked + 1))
	for ((i = 0; i < 40; i++)); do
		[ "$(vty "$P_SMSR_VTY" "show euicc ${eid[1]}" | grep -c 'audit#.*answered: EXECUTED_SUCCESS')" = $asked ] && break
		sleep 0.2
	done
	check "GET STATUS with $set" test "$i" -lt 40
	vty "$P_SMSR_VTY" "no euicc ${eid[1]} scp80" >/dev/null
done
check "no link is left" eval 'vty "$P_SMSR_VTY" "show cat-tp" | grep -q "0 link(s) of"'
check "nothing is left over" eval 'vty "$P_SMSR_VTY" "show procedures" | grep -q "^0 procedure"'
stack_stop

for set in aes192 aes256 3des2 3des3; do
	out=$(CA_BATCH="--scp80 $set --bearers cattp" timeout 60 "$TOP/contrib/demo" --quick 2>&1)
	check "keyset $set: $(tail -1 <<<"$out")" eval 'tail -1 <<<"$out" | grep -q "ENABLED on"'
done
if grep -q '^0*1 ' /proc/net/if_inet6 2>/dev/null; then
	out=$(CATTP_IP=::1 CA_BATCH="--bearers cattp" timeout 60 "$TOP/contrib/demo" --quick 2>&1)
	check "CAT_TP over IPv6: $(tail -1 <<<"$out")" eval 'tail -1 <<<"$out" | grep -q "ENABLED on" && grep -q "SendData: sent CAT_TP" <<<"$out"'
else
	echo "SKIPPED LOUDLY: no IPv6 loopback"
fi
exit $bad
