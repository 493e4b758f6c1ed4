#!/bin/bash
# OsmoHLR in step: with Debian's osmo-hlr running, a profile is ordered, downloaded, enabled and deleted. The subscriber is
# there before the card attaches and gone afterwards; the HLR's own vectors, osmo-auc-gen and the USIM in the card agree.
# The HLR away, refusing, back; a batch from CSV; no key in a log.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
[ -n "${RSP_BIN:-}" ] || { echo "SKIPPED: RSP_BIN is not set"; exit 77; }
for p in osmo-hlr osmo-auc-gen python3; do
	command -v $p >/dev/null || { echo "SKIPPED: no $p (packages osmo-hlr, libosmocore-utils)"; exit 77; }
done
umask 077
D=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-hlr.XXXXXX") || exit 1
. "$TOP/contrib/stack.sh"
HLR=
trap '[ -n "$HLR" ] && kill "$HLR" 2>/dev/null; stack_stop; rm -rf "$D"' EXIT
bad=0
check() { local what=$1; shift; if "$@"; then echo "ok: $what"; else echo "NOT OK: $what"; bad=1; fi; }
die() { echo "NOT OK: $*"; tail -5 "$D"/*.log; exit 1; }

# its ports are fixed: an address of our own on the loopback
for ((i = 0; i < 50; i++)); do
	IP=127.$((RANDOM % 200 + 20)).$((RANDOM % 250)).$((RANDOM % 250 + 2))
	(exec 3<>"/dev/tcp/$IP/4258") 2>/dev/null || break
done
printf 'line vty\n no login\n bind %s\nctrl\n bind %s\nhlr\n gsup\n  bind ip %s\n' $IP $IP $IP > "$D/hlr.cfg"
hlr_start() {
	osmo-hlr -c "$D/hlr.cfg" -l "$D/hlr.db" >>"$D/osmo-hlr.log" 2>&1 &
	HLR=$!
	for ((i = 0; i < 100; i++)); do (exec 3<>"/dev/tcp/$IP/4258") 2>/dev/null && return; sleep 0.05; done
	die "osmo-hlr does not start"
}
hlr_stop() { kill $HLR; wait $HLR 2>/dev/null; HLR=; }
hlr() { # a command, its answer
	local line on=
	exec 7<>"/dev/tcp/$IP/4258" || return 1
	printf 'enable\n%s\nthats all\n' "$1" >&7
	while IFS= read -t 5 -r line <&7; do
		line=${line//[$'\r']/}
		[[ $line == *Unknown\ command* ]] && break
		[[ -n $on && $line != *"# thats all" ]] && printf '%s\n' "$line"
		[[ $line == *"$1" ]] && on=1
	done
	exec 7>&-
}
until_true() { local i; for ((i = 0; i < 100; i++)); do eval "$1" && return; sleep 0.1; done; return 1; }
wait_batch() { until_true "vty $P_SMDP_VTY 'show batch $1' | grep -qE ': (done|refused)'"; }

# Four subscribers of a type
stack_ports
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/t.der" >/dev/null || die "profile"
hex() { od -An -tx1 -N16 /dev/urandom | tr -d ' \n'; }
iccid=() imsi=() k=() opc=()
echo "iccid,imsi,msisdn,k,opc" > "$D/batch.csv"
for ((i = 0; i < 4; i++)); do
	c=898800177700000100$i; iccid+=("$c$(luhn $c)"); imsi+=("00101990000010$i"); k+=("$(hex)"); opc+=("$(hex)")
	echo "${iccid[i]},${imsi[i]},49170555$i,${k[i]},${opc[i]}" >> "$D/batch.csv"
	SIM_NETWORK+=" subscriber imsi ${imsi[i]} msisdn 49170555$i"$'\n'
done
SIM_NETWORK=${SIM_NETWORK%$'\n'}
stack_prepare 2 "$D/t.der" || die "preparation"
cat >> "$D/smdp.cfg" <<END
 low-stock $OID_OP meter 4
 hlr
  address $IP 4258
  create-when ordered
  timeout 2
  retry 1 2
  refusals 2
  hold 3
END
hlr_start
stack_start || die "start"
eis=("$D"/batch/eis/*.xml)
eid0=$(basename "${eis[0]}" .xml) eid1=$(basename "${eis[1]}" .xml)
es eum -q ES1-RegisterEIS "${eis[@]}" >"$D/es.log" 2>&1 || die "RegisterEIS"
order() { es operator -q -p smdp -v 60 ES2-DownloadProfile eid="$1" "$2" smsr-id=$OID_SMSR enable="$3" >>"$D/es.log" 2>&1; }
usim() { vty "$P_SIM_VTY" "euicc $1 apdu 00A404040CA0000000871002FF49FF0589 00880081$(printf %02x 34)10$2""10$3""00" | tail -1; }

check "a type" eval "vty $P_SMDP_VTY 'profile-type add $OID_OP meter $D/t.der plmn 00101' | grep -q 'version 1'"
check "a batch" eval "vty $P_SMDP_VTY 'batch import $OID_OP meter $D/batch.csv' | grep -q 'Batch 1'"
wait_batch 1
check "on stock" eval "vty $P_SMDP_VTY 'show stock' | grep -q 'meter of $OID_OP: 4 personalised'"

# Order by type, download, enable; OsmoHLR has the subscriber, and all agree about the keys
check "ordered by type and enabled" order "$eid0" profile-type=meter true
check "OsmoHLR has the subscriber" eval "hlr 'subscriber imsi ${imsi[0]} show' | grep -q 'MSISDN: 491705550'"
check "and its Milenage" eval "hlr 'subscriber imsi ${imsi[0]} show' | grep -q '3G auth: MILENAGE'"
check "before the card was spoken to" eval "vty $P_SMDP_VTY 'show order 1' | sed -n '/waiting until OsmoHLR/,\$p' | grep -q 'GetEIS sent'"
check "the state is enabled" eval "vty $P_SMDP_VTY 'show profiles' | grep '^${iccid[0]}' | grep -q ' enabled'"
check "few are left: one alarm" eval "vty $P_SMDP_VTY 'show rate-counters' | grep -qE 'alarm:stock: +1 '"
read -r rand autn res ck ik < <(timeout 10 python3 "$TOP/tests/e2e/gsup_auth.py" $IP "${imsi[0]}")
check "a vector of OsmoHLR's" [ "${#rand}" = 32 ]
usim=$(usim "$eid0" "$rand" "$autn")
check "the USIM answers with OsmoHLR's RES, CK, IK" eval '[[ ${usim,,} == db08${res}10${ck}10${ik}* ]]'
gen=$(osmo-auc-gen -3 -a MILENAGE -k "${k[0]}" -o "${opc[0]}" -r "$rand" -f 0000 -s 100000 | tr -d '\t')
check "and osmo-auc-gen says the same" eval "grep -q '^RES:$res' <<<'$gen' && grep -q '^CK:$ck' <<<'$gen' && grep -q '^IK:$ik' <<<'$gen'"
autn2=$(sed -n 's/^AUTN://p' <<<"$gen")
usim=$(usim "$eid0" "$rand" "$autn2")
check "the USIM takes osmo-auc-gen's AUTN" eval '[[ ${usim,,} == db08${res}* ]]'
usim=$(usim "$eid0" "$rand" "${autn2:0:30}00")
check "but no AUTN with a wrong MAC" eval '[[ $usim == 9862 || $usim == 9862* ]]'

# OsmoHLR away: the download goes on after a while, the subscriber comes when it is back
hlr_stop
t0=$SECONDS
check "a download without OsmoHLR" order "$eid1" iccid="${iccid[1]}" false
check "it waited, but not for ever" eval '((SECONDS - t0 >= 2 && SECONDS - t0 < 20))'
check "the timeline says so" eval "vty $P_SMDP_VTY 'show order 2' | grep -q 'OsmoHLR has not confirmed'"
check "show hlr says why" eval "vty $P_SMDP_VTY 'show hlr' | grep -q 'cannot be connected'"
kill -9 "${PID[smdp]}"; wait "${PID[smdp]}" 2>/dev/null	# what it has to say is on disk
start smdp && wait_port "$P_SMDP_ES" smdp || die "restart"
check "it has not forgotten" eval "vty $P_SMDP_VTY 'show hlr' | grep -q 'ICCID ${iccid[1]} to be there'"
hlr_start
check "back, it is told" until_true "hlr 'subscriber imsi ${imsi[1]} show' | grep -q '3G auth: MILENAGE'"
check "nothing waits any more" until_true "vty $P_SMDP_VTY 'show hlr' | grep -q '^0 wait, 0 given up'"

# Deleted: the subscriber goes. A download that the card aborts: it goes, too
check "deleted" eval 'es operator -q -p smdp -v 60 ES2-DeleteProfile eid="$eid1" iccid="${iccid[1]}" smsr-id=$OID_SMSR >>"$D/es.log" 2>&1'
check "the subscriber is removed" until_true "hlr 'subscriber imsi ${imsi[1]} show' | grep -q 'No subscriber'"
check "the profile may be ordered again" eval "vty $P_SMDP_VTY 'show profiles' | grep '^${iccid[1]}' | grep -q personalised"
vty "$P_SIM_VTY" "fault card memory on" >/dev/null
check "a download that the card aborts" eval '! order "$eid1" iccid="${iccid[2]}" false'
vty "$P_SIM_VTY" "fault card memory off" >/dev/null
check "its subscriber is gone" until_true "vty $P_SMDP_VTY 'show hlr' | grep -q '^0 wait' && hlr 'subscriber imsi ${imsi[2]} show' | grep -q 'No subscriber'"

# Refused: somebody else has the number. Given up with an alarm, and again when an operator says so
hlr "subscriber imsi 001019999999999 create" >/dev/null
hlr "subscriber imsi 001019999999999 update msisdn 491705553" >/dev/null
check "a number that is taken" order "$eid1" iccid="${iccid[3]}" true
check "given up, with OsmoHLR's words" until_true "vty $P_SMDP_VTY 'show hlr' | grep -q 'given up, % Error: cannot update MSISDN'"
check "an alarm" eval "vty $P_SMDP_VTY 'show rate-counters' | grep -qE 'alarm:hlr: +1 '"
hlr "subscriber imsi 001019999999999 delete" >/dev/null
check "hlr retry" eval "vty $P_SMDP_VTY 'hlr retry' | grep -q '^1 of'"
check "then it is told" until_true "hlr 'subscriber imsi ${imsi[3]} show' | grep -q 'MSISDN: 491705553'"

# An HLR that has lost them all
hlr "subscriber imsi ${imsi[0]} delete" >/dev/null; hlr "subscriber imsi ${imsi[3]} delete" >/dev/null
check "hlr sync" eval "vty $P_SMDP_VTY 'hlr sync' | grep -q '^2 to be told'"
check "both are there again" until_true "hlr 'subscriber imsi ${imsi[0]} show' | grep -q '3G auth: MILENAGE' && hlr 'subscriber imsi ${imsi[3]} show' | grep -q MILENAGE"

# CSV for others; and no key anywhere it does not belong
kill "${PID[smdp]}"; wait "${PID[smdp]}" 2>/dev/null; unset 'PID[smdp]'
check "export for other registers" eval '"$SMDP" -c "$D/smdp.cfg" --export-subscribers "$D/out.csv" | grep -q "^4 "'
check "it has what came in" grep -q "^${iccid[2]},${imsi[2]},491705552,personalised,milenage,${k[2]},${opc[2]}$" "$D/out.csv"
check "nobody else may read it" [ "$(stat -c %a "$D/out.csv")" = 600 ]
leaks=0
for key in "${k[@]}" "${opc[@]}"; do grep -qi "$key" "$D"/smdp.log "$D"/smsr.log "$D"/sim.log "$D"/es.log && leaks=$((leaks + 1)); done
check "no key in a log" [ $leaks = 0 ]
printf '%b' "$(sed 's/../\\x&/g' <<<"${k[1]}")" > "$D/k.bin"
check "nor in the database" eval '! grep -qaF "${k[1]}" "$D"/smdp.db* && ! LC_ALL=C grep -qaFf "$D/k.bin" "$D"/smdp.db*'
exit $bad
