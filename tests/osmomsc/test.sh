#!/bin/bash
# Through a real OsmoMSC: started by init.sh in user-mode Linux, in a directory that ../e2e/osmomsc.sh has prepared.
# Environment: RIG, that directory.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
D=$RIG/run KEEP=1
cp -a "$RIG/seed/." "$D/" && . "$RIG/vars" || exit 1
. "$SRC/../e2e/bad.lib"
. "$RIG/vars"
. "$SRC/core.lib"
leave() {
	stack_stop
	cp "$D"/*.log "$D"/*.cfg "$D"/*.pcap "$RIG/" 2>/dev/null
}
trap leave EXIT

until_vty() { # PORT COMMAND PATTERN SECONDS
	local i
	for ((i = 0; i < $4 * 10; i++)); do
		vty "$1" "$2" | grep -qE -- "$3" && return
		sleep 0.1
	done
	return 1
}
check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then ok "$name"; else say_bad "$name"; fi
}
says() { # NAME PATTERN OUTPUT
	if grep -qE -- "$2" <<<"$3"; then ok "$1: $(grep -E -m1 -- "$2" <<<"$3" | cut -c1-150)"; else say_bad "$1: said: $3"; fi
}
boot_imsi() { awk -v e="$1" '$3 "" == e "" { print $1 }' <<<"$SUBSCRIBERS"; }
boot_msisdn() { awk -v e="$1" '$3 "" == e "" { print $2 }' <<<"$SUBSCRIBERS"; }
vty() { python3 -I "$SRC/vty.py" "$1" "$2"; }
at_mme() { mme show "$1" | grep -q "$2"; }

python3 "$SRC/capture.py" "$P_SMPP" "$D/core.pcap" >"$D/capture.log" 2>&1 & PID[capture]=$!
core_configs && core_start || die "core"
for ((i = 1; i <= 6; i++)); do core_subscriber "$(imsi $i)" "49170000000$i"; done
while read -r i n _; do core_subscriber "$i" "$n"; done <<<"$SUBSCRIBERS"
start sim && for ((i = 0; i < 50; i++)); do [ -S "$D/net" ] && break; sleep 0.1; done
mme_start && start smsr && wait_port "$P_SMSR_ES" smsr && start smdp && wait_port "$P_SMDP_ES" smdp || die "start"
A=${EID[0]} B=${EID[1]} C=${EID[2]} S=${EID[4]}
check "osmo-smsr is bound at OsmoMSC" until_vty $P_MSC_VTY "show smpp esme" 'System ID: smsr' 5
check "five terminals are attached over SGs" until_vty $P_SIM_VTY "show network" ' 5 attached' 10
register

# --- trigger by SMS, a whole download, the change to the new profile and its notification ---
mark
works "trigger by SMS, download by HTTPS" "$A" 1
check "the new subscriber is attached" at_mme "$(imsi 1)" "registered 1"
line=$(vty $P_SMSR_VTY "show euicc $A")
says "EnableProfile by SMS, PoR by SMS" 'enable#[0-9]+ EnableProfile: card said 9000' "$line"
says "notification by SMS" 'notification 02: SMS' "$line"
says "it is confirmed" 'enable#[0-9]+ EnableProfile: confirmed' "$line"

# --- the UE does not answer its paging: OsmoMSC gives up after 10 s, while the others go on ---
mme paging "$(boot_imsi "$B")" silent >/dev/null
es boot -q -p smsr -v 12 ES4-AuditEIS eid="$B" >"$D/silent" 2>&1 &	# boot: the other operator has another port to listen on
silent=$!

es4() { es operator -q -p smsr -v "${VALIDITY:-30}" "ES4-$1" eid="$A" iccid="$(iccid 1)" 2>&1; }
cannot() { # NAME PATTERN: DisableProfile ends with a true answer; what holds still holds
	local before
	before=$(in_record "$A"; on_card "$A")
	says "$1: DisableProfile" "$2" "$(VALIDITY=3 es4 DisableProfile)"
	[ "$before" = "$(in_record "$A"; on_card "$A")" ] && ok "$1: nothing has changed" || say_bad "$1: something has changed"
}

# --- not attached ---
sim "euicc $A service off"
cannot "not attached (0B)" 'EXPIRED.*not reached'
sim "euicc $A service on"
says "attached again: DisableProfile" EXECUTED_SUCCESS "$(es4 DisableProfile)"
says "EnableProfile" EXECUTED_SUCCESS "$(es4 EnableProfile)"
check "record and card agree" agree "$A"

# --- delivery fails: by the UE, by the MME ---
unheard() { says "$1" '(EXPIRED|FAILED).*(1.6 / 5.3|not reached)' "$2"; }
mme rp-error "$(boot_imsi "$C")" 22 >/dev/null
unheard "RP-ERROR (FE)" "$(VALIDITY=3 order "$C" "$(iccid 3)" 2>&1)"
mme rp-error "$(boot_imsi "$C")" 0 >/dev/null
mme paging "$(boot_imsi "$C")" reject >/dev/null
unheard "paging rejected (FE)" "$(VALIDITY=3 order "$C" "$(iccid 3)" 2>&1)"
mme paging "$(boot_imsi "$C")" answer >/dev/null
sim "euicc $C service off"
sim "euicc $C service on"
wait $silent
unheard "paging not answered (FE)" "$(cat "$D/silent")"
says "our timer is longer than its paging" 'timeouts 0' "$(vty $P_SMSR_VTY "show smsc")"
mme paging "$(boot_imsi "$B")" answer >/dev/null
mark
works "paging is answered again" "$B" 2
works "no RP-ERROR any more" "$C" 3

# --- a card without HTTPS: the SM-SR's long messages ---
works "download by SMS" "$S" 4

# --- EnableProfile as one command of three short messages, by hand; its proof of receipt has three parts, too ---
says "DisableProfile by SMS" EXECUTED_SUCCESS "$(es4 DisableProfile)"
aid=$(in_record "$A" | awk -v i="$(iccid 1)" '$1 == i { print $3 }')
counter=$(vty $P_SMSR_VTY "show euicc $A" | sed -nE 's/^ version 01 key 1 .*counter ([0-9]+).*/\1/p')
kill "${PID[smsr]}"; wait "${PID[smsr]}" 2>/dev/null
out=$(python3 "$SRC/esme.py" "$RSP_BIN/src/tools/osmo-ota" "$P_SMPP" smsr secret 1001 "$D/batch/cards.jsonl" "$A" \
	"$(boot_msisdn "$A")" "$aid" "$(printf %X "$counter")" 491700000001 2>&1)
says "three parts, MT" '^part 3 of 3, .*status 0$' "$out"
says "three parts, MO" '^PoR in 3 parts, status 00, 10 commands executed, last 9000' "$out"
says "notification by SMS" '^notification E1.*' "$out"
on_card "$A" >"$D/cards"
check "the card has enabled it" grep -q "^$(iccid 1) enabled" "$D/cards"
# nobody has confirmed: the card repeats itself, and the SM-SR, which has not asked for this, believes the card
start smsr && wait_port "$P_SMSR_ES" smsr || die "SM-SR"
for ((i = 0; i < 50; i++)); do in_record "$A" | grep -q "^$(iccid 1) enabled" && break; sleep 0.2; done
check "the record follows the card" agree "$A"

# --- a command that may have arrived ---
mme rp-error "$(imsi 1)" 22 >/dev/null
cannot "RP-ERROR to a command (FE)" 'EXPIRED.*unknown until audited'
finish
