#!/bin/bash
# SMSCs as an operator has them: two with routes, one of which goes and comes back while a card is managed; throttling;
# store-and-forward with receipts by data_sm; what VTY, configuration file and CTRL say; the password on no screen.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
[ -n "${RSP_BIN:-}" ] || { echo "SKIPPED: RSP_BIN is not set"; exit 77; }
command -v python3 >/dev/null || { echo "SKIPPED: no python3 for the relay"; exit 77; }
TOP=$(cd "$(dirname "$0")/../.." && pwd)
D=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-smsc.XXXXXX") || exit 1
. "$TOP/contrib/stack.sh"
die() { echo "FAIL: $*"; tail -n 5 "$D"/*.log; exit 1; }
trap 'relay_stop; stack_stop; rm -rf "$D"' EXIT

# the second SMSC is the simulator's too, behind a relay that can be taken away
RELAY=
relay_stop() { [ -z "$RELAY" ] || { kill "$RELAY"; wait "$RELAY"; } 2>/dev/null; RELAY=; }
relay_start() {
	python3 - "$P_SMPP2" "$P_SMPP" >"$D/relay.log" 2>&1 <<-'END' &
	import select, socket, sys
	srv = socket.create_server(("127.0.0.1", int(sys.argv[1])))
	while True:
	    a = srv.accept()[0]
	    b = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
	    while True:
	        r = select.select([a, b], [], [])[0]
	        data = r[0].recv(65536)
	        if not data:
	            break
	        (b if r[0] is a else a).sendall(data)
	    a.close()
	    b.close()
	END
	RELAY=$!
	PID[relay]=$RELAY
	wait_port "$P_SMPP2" relay || die "relay"
	unset "PID[relay]"
}

stack_ports; port P_SMPP2
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/template.der" >/dev/null && stack_prepare 1 "$D/template.der" || die "prepare"
sed -i "s/^smsc sim$/smsc first/
0,/^ password secret/s// password secret\n default-route priority 9\nsmsc second\n host 127.0.0.1 $P_SMPP2\n password secret\n route prefix 49 priority 1/" "$D/smsr.cfg"
start sim && wait_port "$P_SMPP" sim && relay_start && start smsr && wait_port "$P_SMSR_ES" smsr || die "start"

smsr() { vty "$P_SMSR_VTY" "$1"; }
configure() { # LINES [PORT]: in configuration mode
	exec 7<>"/dev/tcp/127.0.0.1/${2:-$P_SMSR_VTY}" || return 1
	printf 'enable\nconfigure terminal\n%s\nend\n' "$1" >&7
	timeout 1 cat <&7 >"$D/configure"
	exec 7>&-
	! grep -E '^%' "$D/configure" || die "configure: $1"
}
settle() { # SECONDS COMMAND REGEX: until the command's answer matches
	local i
	for ((i = 0; i < $1 * 5; i++)); do smsr "$2" | grep -Eq -- "$3" && return; sleep 0.2; done
	die "$2: no '$3' after $1 s in: $(smsr "$2")"
}
sent() { smsr "show smsc" | awk -v s="SMSC $1:" 'index($0, s) { on = 1 } on && /, sent / { sub(/.*, sent /, ""); sub(/,.*/, ""); print; exit }'; }
audits=0
audit() { # by SMS, as it is short
	smsr "euicc $eid audit" | grep -q '#' || die "audit not taken"
	audits=$((audits + 1))
	local i
	for ((i = 0; i < 150; i++)); do
		[ "$(smsr "show euicc $eid" | grep -c 'audit#.*answered: EXECUTED_SUCCESS')" -ge $audits ] && return
		sleep 0.2
	done
	die "audit $audits not answered: $(smsr "show euicc $eid" | tail -5) $(smsr "show smsc")"
}

settle 5 "show smsc" 'SMSC second'
set -- "$D"/batch/eis/*.xml
es eum -q ES1-RegisterEIS "$1" >"$D/es.log" 2>&1 || die "RegisterEIS"
eid=$(smsr "show euicc" | grep -Eo '[0-9]{32}' | head -1)
[ -n "$eid" ] || die "no eUICC"
state() { # what CTRL says: IPA header (stream EE, extension 00), then the text
	local t="GET 1 smsc" len
	len=$((${#t} + 1))
	exec 8<>"/dev/tcp/127.0.0.1/$P_SMSR_CTRL" || return 1
	{ printf "\\x$(printf %02x $((len >> 8)))\\x$(printf %02x $((len & 255)))\\xee\\x00"; printf '%s' "$t"; } >&8
	timeout 0.5 cat <&8 | tr -d '\0'
	exec 8>&-
}
is() { local i; for ((i = 0; i < 10; i++)); do state | grep -qa "$1" && return; sleep 0.5; done; die "CTRL: $(state | tr -cd '[:print:]'), not $1"; }
is "first up,second up"

audit
[ "$(sent second)" -gt 0 ] && [ "$(sent first)" -eq 0 ] || die "not by the second one: $(smsr "show smsc")"
echo "ok: the longer prefix wins"
relay_stop
is "first up,second down"
audit
f=$(sent first)
[ "$f" -gt 0 ] || die "not by the first one: $(smsr "show smsc")"
echo "ok: the next one when it is down"
relay_start
is "first up,second up"
audit
[ "$(sent first)" -eq "$f" ] || die "not back to the second one: $(smsr "show smsc")"
echo "ok: and back"

vty "$P_SIM_VTY" "fault smsc-throttle 60" >/dev/null
audit
audit
vty "$P_SIM_VTY" "fault smsc-throttle 0" >/dev/null
settle 3 "show rate-counters" 'throttled: +[1-9]'
echo "ok: an SMSC that throttles"

# nobody there: the next attempt is a minute away, but the network says when the card is back, by number or by IMSI
configure "timer card X84 60000"
unreachable() { smsr "show rate-counters" | sed -n 's/.*sms:unreachable: *\([0-9]*\) .*/\1/p' | head -1; }
woken() { # WHAT
	local i n t0
	n=$(unreachable)
	vty "$P_SIM_VTY" "euicc $eid power off" >/dev/null
	sleep 0.5
	smsr "euicc $eid audit" >/dev/null
	audits=$((audits + 1))
	for ((i = 0; i < 25 && $(unreachable) == n; i++)); do sleep 0.2; done
	[ "$(unreachable)" -gt "$n" ] || die "$1: the card is off and yet not unreachable"
	t0=$(date +%s)
	vty "$P_SIM_VTY" "euicc $eid power on" >/dev/null
	for ((i = 0; i < 75; i++)); do
		[ "$(smsr "show euicc $eid" | grep -c 'audit#.*answered: EXECUTED_SUCCESS')" -ge $audits ] && break
		sleep 0.2
	done
	[ $i -lt 75 ] && [ $(($(date +%s) - t0)) -lt 20 ] || die "$1: the alert did not wake the audit: $(smsr "show euicc $eid" | tail -5)"
	echo "ok: alert_notification by $1 wakes what waits"
}
woken MSISDN
configure "network
deliver-src-imsi" "$P_SIM_VTY"
woken IMSI

configure "smsc second
mode store-and-forward
operation data-sm
validity 600
window 3
rate 50"
audit
settle 3 "show rate-counters" 'receipts: +[1-9]'
echo "ok: store and forward by data_sm, with receipts"
configure "smsc second
shutdown"
is "first up,second shutdown"
audit
[ "$(sent first)" -gt "$f" ] || die "not by the first one after shutdown"
echo "ok: shutdown"

smsr "show running-config" >"$D/running"
grep -q 'secret$' "$D/running" && die "the password is on the screen"
grep -q 'password \*\*\*\*\*\*\*\*' "$D/running" || die "no sign of a password: $(cat "$D/running")"
smsr "write file" >/dev/null
sed -n '/^smsc second/,/^[a-z!]/p' "$D/smsr.cfg" >"$D/written"
for l in "host 127.0.0.1 $P_SMPP2" "password secret" "route prefix 49 priority 1" "mode store-and-forward" "operation data-sm" \
	"validity 600" "window 3" "rate 50" "shutdown"; do
	grep -qx " $l" "$D/written" || die "not written: $l"
done
"$SMSR" -c "$D/smsr.cfg" --check-config >/dev/null 2>&1 || die "what was written cannot be read"
echo "ok: written and read again, no password on the screen"
