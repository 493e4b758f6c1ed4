#!/bin/bash
# What an operator of the daemons relies on: --help and --version, counters in VTY and CTRL, 'write file' that can be read
# again, an end by SIGTERM with status 0, and a VTY that does not obey HTTP (corrections 7). The stack is a real one on loopback.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
[ -n "${RSP_BIN:-}" ] || { echo "RSP_BIN is not set"; exit 77; }
D=$(mktemp -d)
. "$TOP/contrib/stack.sh"
trap 'stack_stop; rm -rf "$D"' EXIT
bad=0
check() { local what=$1; shift; if "$@"; then echo "ok: $what"; else echo "NOT OK: $what"; bad=1; fi; }

for p in "$SMSR" "$SMDP" "$SIM" "$ES" "$CA" "$PROFILE"; do
	check "${p##*/} --help" eval "[ -n \"\$('$p' --help)\" ]"
done
for p in "$SMSR" "$SMDP" "$SIM"; do check "${p##*/} --version" eval "'$p' --version | grep -q '[0-9]\.[0-9]'"; done

stack_ports
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/t.der" >/dev/null && stack_prepare 1 "$D/t.der" && stack_start ||
	{ echo "the stack does not start"; exit 1; }

check "a stranger's EID is refused" eval 'es operator ES4-GetEIS eid=89049032123451234512345678901235 2>&1 | grep -q "8.1.1"'
counter() { vty "$1" "show rate-counters" | sed -n "s/.*$2: *\([0-9]*\) .*/\1/p" | head -1; }
check "show rate-counters" eval '[ "$(counter "$P_SMSR_VTY" "es:accepted")" = 1 ]'
check "show stats" eval 'vty "$P_SMDP_VTY" "show stats" | grep -q "Procedures asked for"'
for c in "show procedures" "show smsc" "show smpp" "show outbox" "show parties" "show euicc"; do
	check "$c" eval "[ -n \"\$(vty \"$P_SMSR_VTY\" \"$c\")\" ]"
done

# what a party may be set to is taken, shown, and does not show its password
hex=$(printf '%064d' 7)
for d in smsr smdp; do
	port=P_${d^^}_VTY
	vty "${!port}" "configure terminal
$d
party $OID_OP
certificate spki $hex
certificate san op.example.com issued-by $D/ca/ci.pem
namespace 1
query-separator question-mark
spelling target-smsr-id TargetSmsr-id
username me password hush-hush
max-rate 4000
outbox-window 3
end" >/dev/null 2>&1
	vty "${!port}" "show running-config" >"$D/$d.running"
	for c in "certificate spki $hex" "certificate san op.example.com issued-by $D/ca/ci.pem" "namespace 1" "query-separator question-mark" \
		"spelling target-smsr-id TargetSmsr-id" "max-rate 4000" "outbox-window 3"; do
		check "$d: party: $c" grep -qF "  $c" "$D/$d.running"
	done
	check "$d: no password on the screen" eval "grep -q '  username me password' \"$D/$d.running\" && ! grep -q hush-hush \"$D/$d.running\""
	check "$d: tls reload" eval "[ -z \"\$(vty ${!port} 'tls reload')\" ]"
	check "$d: outbox retry" eval "vty ${!port} 'outbox retry' | grep -q '0 message'"
done
check "show grants" eval 'vty "$P_SMSR_VTY" "show grants" | grep -q "^0"'

ctrl() { # PORT VARIABLE: IPA header (CTRL is stream EE, extension 00), then the text
	local t="GET 1 $2" len
	len=$((${#t} + 1))
	exec 8<>"/dev/tcp/127.0.0.1/$1" || return 1
	{ printf "\\x$(printf %02x $((len >> 8)))\\x$(printf %02x $((len & 255)))\\xee\\x00"; printf '%s' "$t"; } >&8
	timeout 2 head -c 40 <&8 | tr -d '\0'
	exec 8>&-
}
for p in "$P_SMSR_CTRL" "$P_SMDP_CTRL"; do
	check "CTRL on $p" eval "ctrl $p rate_ctr.abs.rsp.0.proc:started | grep -qa 'GET_REPLY 1 rate_ctr'"
done

for p in "$P_SMSR_VTY" "$P_SMDP_VTY" "$P_SIM_VTY"; do
	printf 'enable\nconfigure terminal\nhostname owned\n' | timeout 5 curl -s -X POST --data-binary @- "http://127.0.0.1:$p/es" >"$D/http" 2>&1
	check "HTTP on $p is cut off" test "$?" != 124
	check "HTTP on $p does nothing" eval "! vty $p 'show running-config' | grep -q owned"
done

# what is written is read again, and means the same
for d in smsr smdp; do
	port=P_${d^^}_VTY
	vty "${!port}" "show running-config" | sed -n '/^!/,/^end/p' >"$D/$d.1.cfg"
	vty "${!port}" "write file $D/$d.2.cfg" >/dev/null
	[ -s "$D/$d.2.cfg" ] || vty "${!port}" "write file" >/dev/null
	[ -s "$D/$d.2.cfg" ] || cp "$D/$d.cfg" "$D/$d.2.cfg"
	check "$d: written configuration" eval "\"$RSP_BIN/src/$d/osmo-$d\" -c \"$D/$d.2.cfg\" --check-config >/dev/null 2>&1"
done

for d in smsr smdp sim; do
	kill -TERM "${PID[$d]}"
	wait "${PID[$d]}"
	check "$d ends with status 0 on SIGTERM" test "$?" = 0
done
PID=()
exit $bad
