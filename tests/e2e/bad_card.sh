#!/bin/bash
# Cards and networks that fail: wrong certificate, damaged segment, wrong receipt, no memory, no SMSC, no coverage, a network
# that refuses the new profile, lost messages, a request sent twice. Each ends with a true answer; record and card agree; the
# next order succeeds. RSP_BIN: build directory.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
. "$(dirname "$0")/bad.lib"
command -v curl >/dev/null || { echo "no curl"; exit 77; }
bad_world
A=${EID[0]} B=${EID[1]} C=${EID[2]}
# one more eUICC, whose ECASD trusts another CI: to it the SM-DP's certificate is a forgery
mkdir "$D/ca2" && "$CA" -d "$D/ca2" init >/dev/null &&
	ca eum-batch --eum eum --eum-id $OID_EUM --count 1 --first 40 --out "$D/other" --smsr-id $OID_SMSR --mno-id $OID_BOOT \
		--upp "$D/p.der" --smsr-number 1001 --smsr-ip 127.0.0.1 --smsr-port "$P_SCP81" 2>/dev/null &&
	sed "s/$(tr -d '\n' < "$D/ca/ci.q")/$(tr -d '\n' < "$D/ca2/ci.q")/" "$D/other/cards.jsonl" > "$D/other.jsonl" &&
	"$SIM" -c "$D/sim.cfg" -s "$D/sim.db" --import "$D/other.jsonl" >>"$D/sim.log" 2>&1 || die "batch of another CI"
EIS+=("$D"/other/eis/*.xml)
OTHER=$(basename "${EIS[-1]}" .xml)
EID+=("$OTHER")

until_vty() { # PORT COMMAND PATTERN SECONDS
	local i
	for ((i = 0; i < $4 * 5; i++)); do
		vty "$1" "$2" | grep -qE -- "$3" && return
		sleep 0.2
	done
	return 1
}
enabled() { in_record "$1" | grep -q "^$2 enabled" && on_card "$1" | grep -q "^$2 enabled"; }
says() { # NAME PATTERN OUTPUT
	if grep -qE -- "$2" <<<"$3"; then ok "$1: $(grep -E -m1 -- "$2" <<<"$3" | cut -c1-150)"; else say_bad "$1: said: $3"; fi
}
check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then ok "$name"; else say_bad "$name"; fi
}

# --- SMSC down at start ---
mark
start smsr && wait_port "$P_SMSR_ES" smsr && start smdp && wait_port "$P_SMDP_ES" smdp || die start
sleep 1
start sim && wait_port "$P_SMPP" sim || die start
check "SM-SR starts without SMSC and binds later" until_vty "$P_SIM_VTY" "show network" "smsr: bound" 20
register
works "SMSC was down at the start" "$A" 1

# --- faults of the card ---
mark
sim "fault card tamper on"
refused "damaged segment" 'FAILED.*(integrity|9F46|segment|MAC|security)' smdp FAILED order "$B" "$(iccid 2)"
says "log of the card" 'SCP03t 86 refused: security error' "$(since sim)"
sim "fault card tamper off"
works "after the damaged segment" "$B" 2
sim "fault card receipt on"
refused "wrong receipt" 'FAILED.*receipt' smdp FAILED order "$A" "$(iccid 3)"
sim "fault card receipt off"
works "after the wrong receipt" "$A" 3
sim "fault card memory on"
refused "no memory on the card" 'FAILED.*(memory|4\.8|6A84)' smdp FAILED order "$A" "$(iccid 4)"
sim "fault card memory off"
works "after no memory" "$A" 4

# --- certificate with the wrong role ---
restart_smdp() {
	kill "${PID[smdp]}" 2>/dev/null; wait "${PID[smdp]}" 2>/dev/null
	start smdp; wait_port "$P_SMDP_ES" smdp
}
cp "$D/smdp.cfg" "$D/smdp.good"
sed -i "s#dp-cert .*#dp-cert $D/ca/smsr.7f21#; s#dp-key .*#dp-key $D/ca/smsr.gp.key.pem#" "$D/smdp.cfg"
if restart_smdp >"$D/out"; then say_bad "SM-DP starts with a CERT.SR"; else says "SM-DP does not start with a CERT.SR" 'role' "$(cat "$D/out")"; fi
cp "$D/smdp.good" "$D/smdp.cfg"
restart_smdp || die "SM-DP"
refused "certificate of a CI the card does not know" 'FAILED.*ertificate' smdp FAILED order "$OTHER" "$(iccid 5)"
says "log of the card" 'certificate refused' "$(since sim)"
works "after the wrong certificates" "$B" 5

# --- DisableProfile, sent twice: the fall-back profile comes back, once ---
fallback=$(vty "$P_SMSR_VTY" "show euicc $A" | sed -nE 's/^ ([0-9]+) .*fall-back.*/\1/p')
cat > "$D/disable.xml" <<END
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://www.w3.org/2005/08/addressing" xmlns:rps="http://namespaces.gsma.org/esim-messaging/3"><e:Header>
<w:From><w:Address>https://x/es?EntityId=$OID_OP</w:Address></w:From><w:To>https://x/es?EntityId=$OID_SMSR</w:To>
<w:MessageID>//$OID_OP/replayed?TransactionId=t</w:MessageID><w:Action>http://gsma.com/ES4/ProfileManagement/ES4-DisableProfile</w:Action></e:Header>
<e:Body><rps:ES4-DisableProfileRequest><rps:FunctionCallIdentifier>f</rps:FunctionCallIdentifier><rps:ValidityPeriod>60</rps:ValidityPeriod>
<rps:Eid>$A</rps:Eid><rps:Iccid>$(iccid 4)</rps:Iccid></rps:ES4-DisableProfileRequest></e:Body></e:Envelope>
END
post() {
	curl -sS -m 70 --cacert "$D/ca/ci.pem" --cert "$D/ca/operator.pem" --key "$D/ca/operator.key.pem" \
		-H 'Content-Type: application/soap+xml' --data-binary "@$1" "https://127.0.0.1:$P_SMSR_ES/es" 2>&1
}
runs() { vty "$P_SIM_VTY" "show euicc $A" | grep -oE 'scripts run [0-9]+'; }
mark
one=$(post "$D/disable.xml")
says "DisableProfile by ES4" 'EXECUTED_SUCCESS' "$(grep -oE '<rps:Status>[^/]*' <<<"$one")"
check "fall-back profile $fallback is enabled again" enabled "$A" "$fallback"
r=$(runs) two=$(post "$D/disable.xml")
check "the same MessageID again has the same answer" [ "$one" = "$two" ]
check "and is not executed again" [ "$r" = "$(runs)" ]
says "and is logged" 'repeated MessageID' "$(since smsr)"
agree "$A" || say_bad "record and card of $A"

# --- no coverage ---
sim "euicc $C power off"
before=$(record "$C")
t=$SECONDS out=$(VALIDITY=8 order "$C" "$(iccid 6)" 2>&1) t=$((SECONDS - t))
says "unreachable eUICC ($t s)" 'EXPIRED|FAILED' "$out"
check "near the 8 s of its validity" [ $t -ge 5 -a $t -le 12 ]
sim "euicc $C power on"
until_vty "$P_SIM_VTY" "show euicc $C" attached 10
sleep 1
[ "$before" = "$(record "$C")" ] || { echo "note: the record changed:"; diff <(echo "$before") <(record "$C"); }
mark
works "after power on" "$C" 6

# --- the network refuses the new profile: roll-back ---
sim "fault refuse $(imsi 7) on"
mark
out=$(order "$C" "$(iccid 7)" 2>&1)
says "network refuses the new profile" 'FAILED|WITHWARNING' "$out"
check "the old profile is enabled in record and card" enabled "$C" "$(iccid 6)"
check "record and card agree" agree "$C"
says "notification of the roll-back" '[Rr]oll-back|type 03|notification.*03' "$(since smsr; since sim)"
sim "fault refuse $(imsi 7) off"
mark
out=$(es operator -q -p smsr -v 40 ES4-EnableProfile eid="$C" iccid="$(iccid 7)" 2>&1)
says "the network takes it: EnableProfile by ES4" EXECUTED_SUCCESS "$out"
check "enabled in record and card" enabled "$C" "$(iccid 7)"
out=$(es operator -q -p smsr -v 40 ES4-DisableProfile eid="$C" iccid="$(iccid 7)" 2>&1)
says "DisableProfile by ES4" EXECUTED_SUCCESS "$out"
check "record and card agree" agree "$C"

# --- lost messages ---
mark
sim "fault network seed 1"
sim "fault network loss 30"
for n in 8 9; do
	e=$B; [ $n = 9 ] && e=$A
	out=$(VALIDITY=60 order "$e" "$(iccid $n)" 2>&1)
	says "30 % of the messages lost" 'EXECUTED_SUCCESS|FAILED|EXPIRED' "$out"
	[[ $out == *EXECUTED_SUCCESS* ]] && check "it is enabled" enabled "$e" "$(iccid $n)"
done
lost=$(vty "$P_SIM_VTY" "show network" | grep -oE '[0-9]+ lost on purpose')
check "$lost" [ "${lost%% *}" -gt 0 ]
sim "fault network loss 0"
mark
works "without losses" "$B" 10
for ((i = 0; i < 30; i++)); do agree "$A" >/dev/null && break; sleep 1; done	# a repeated packet may still be due
check "record and card agree" agree "$A"
check "nothing is under way" [ "$(vty "$P_SMDP_VTY" "show orders" | grep -c 'under way')" = 0 ]
finish
