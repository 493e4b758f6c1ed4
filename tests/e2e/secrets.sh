#!/bin/bash
# No secret in any log at DEBUG, VTY answer, database, core or freed memory (corrections 30, design P6): registers two eUICCs,
# downloads and enables a profile, switches to and fro, and searches everything for every secret there is. Memory of live daemons needs root: without it that half is said to be skipped.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
RSP_BIN=${RSP_BIN:-$PWD}
LOGLEVEL=debug
umask 077
D=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-secrets.XXXXXX") || exit 1
. "$TOP/contrib/stack.sh"
cleanup() { stack_stop; [ -n "${KEEP:-}" ] && echo "kept: $D" || rm -rf "$D"; }
trap cleanup EXIT
die() { echo "secrets: $*"; tail -5 "$D"/*.log; exit 1; }
search() { python3 "$TOP/tests/e2e/secrets.py" "$D" "$@"; }

hex() { od -An -tx1 -N16 /dev/urandom | tr -d ' \n'; }
k=$(hex) opc=$(hex) imsi=001019999900001 iccid=898800199999999900$(luhn 898800199999999900)
# own OTA keys in the package: those of the demo description are published and stand in this tree
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/demo.der" >/dev/null || die "profile"
"$PROFILE" decompile "$D/demo.der" > "$D/demo.txt" &&
python3 -c 'import re,secrets,sys; sys.stdout.write(re.sub(r"(key usage=.* value=)[0-9A-F]{32}", lambda m: m[1] + secrets.token_hex(16).upper(), sys.stdin.read()))' \
	< "$D/demo.txt" > "$D/profile.txt"
grep -q "value=000102" "$D/profile.txt" && die "the demo profile's keys are still in it"
"$PROFILE" build "$D/profile.txt" -o "$D/p.der" >/dev/null || die "profile with own keys"
stack_ports
SIM_NETWORK=" subscriber imsi $imsi msisdn 4917012345601 k $k opc $opc"
stock_line "$D/p.der" "$iccid" "$imsi" 4917012345601 "$k" "$opc" > "$D/stock.json"
stack_prepare 2 "$D/p.der" >/dev/null || die "preparation"
password=$(hex | cut -c1-8); echo "$password" > "$D/smpp.password"
sed -i "s/password secret/password $password/" "$D/smsr.cfg" "$D/sim.cfg"
stack_start || die "start"
es eum -q ES1-RegisterEIS "$D"/batch/eis/*.xml >"$D/es.log" 2>&1 || die "RegisterEIS"
eid=$(basename "$(ls "$D"/batch/eis/*.xml | head -1)" .xml)
es operator -v 90 -p smdp ES2-DownloadProfile eid="$eid" iccid="$iccid" smsr-id=$OID_SMSR enable=true >>"$D/es.log" 2>&1 || die "DownloadProfile"
for fn in DisableProfile EnableProfile; do
	sleep 1
	es operator -v 90 -p smsr ES4-$fn eid="$eid" iccid="$iccid" >>"$D/es.log" 2>&1 || die "$fn"
done
es operator -p smsr ES4-GetEIS eid="$eid" >>"$D/es.log" 2>&1 || die "GetEIS"
for ((i = 0; i < 50; i++)); do	# what is under way may hold its keys
	vty "$P_SMSR_VTY" "show procedures" >"$D/smsr.vty"
	grep -qE '^[0-9]+ .*(EnableProfile|DisableProfile)' "$D/smsr.vty" || break
	sleep 0.1
done
sleep "${SECRETS_IDLE:-3}"		# and the card's last session to end

q() { echo "# $3"; vty "$2" "$3"; echo; } >>"$D/$1.vty"
for c in "show euicc" "show euicc $eid" "show procedures" "show outbox" "show parties" "show smsc" "show stats" "show talloc-context all full"; do q smsr "$P_SMSR_VTY" "$c"; done
for c in "show orders" "show order 1" "show profiles" "show outbox" "show stats"; do q smdp "$P_SMDP_VTY" "$c"; done
for c in "show euicc" "show euicc $eid" "show profiles $eid" "show counters $eid" "show network"; do q sim "$P_SIM_VTY" "$c"; done
for w in smsr smdp sim; do
	p=P_${w^^}_VTY
	vty "${!p}" "show running-config" > "$D/$w.running-config"
done
grep -q "$eid" "$D/smsr.vty" && grep -q "$iccid" "$D/smdp.vty" && grep -q "$OID_SMSR" "$D/smsr.running-config" ||
	die "the VTY did not answer: nothing to search"
for w in smsr smdp sim; do [ "$(grep -c DEBUG "$D/$w.log")" -gt 0 ] || die "$w.log has no DEBUG line"; done

bad=0
if [ "$(id -u)" = 0 ] && grep -q prctl <(nm -D "$SMSR"); then
	for p in smsr smdp; do search memory $p "${PID[$p]}" || bad=1; done
else
	echo "SKIPPED LOUDLY: memory of the daemons: not root, or a sanitizer build that keeps freed blocks"
fi
files() { find "$D" -maxdepth 1 -type f \( -name '*.log' -o -name '*.vty' -o -name '*.running-config' -o -name '*.db' -o -name '*.db-wal' -o -name '*.db-shm' \); }
search files $(files) || bad=1
stack_stop
if grep -q prctl <(nm -D "$SMSR"); then	# PR_SET_DUMPABLE; a sanitizer build is without it
	search core "$SMSR" -c "$D/smsr.cfg" --vty-port "$P_SMSR_VTY" || bad=1
	search core "$SMDP" -c "$D/smdp.cfg" --vty-port "$P_SMDP_VTY" || bad=1
fi
search files $(files) || bad=1	# and what shutting down wrote
[ $bad = 0 ] && echo "secrets: none found"
exit $bad
