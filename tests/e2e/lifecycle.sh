#!/bin/bash
# A profile's life after its download, in the whole stack: a network that throws the card out (fall-back on the card, its
# notification, the record), the way back by order, SetFallBackAttribute, the SM-SR's address told to the card, Master
# Delete with the SM-DP's token (SGP.02 3.10, 3.16, 3.27, 4.1.1.10).
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd)
[ -n "${RSP_BIN:-}" ] || { echo "SKIPPED: RSP_BIN is not set"; exit 77; }
umask 077
D=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-life.XXXXXX") || exit 1
. "$TOP/contrib/stack.sh"
trap 'stack_stop; rm -rf "$D"' EXIT
bad=0
check() { local what=$1; shift; if "$@"; then echo "ok: $what"; else echo "NOT OK: $what"; bad=1; fi; }
die() { echo "NOT OK: $*"; tail -n 5 "$D"/*.log; exit 1; }

stack_ports
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/t.der" >/dev/null || die "profile"
ICCID=898800177000000001$(luhn 898800177000000001) IMSI=001017700000001
printf 'iccid,imsi,msisdn,k,opc\n%s,%s,491701000001,%032x,%032x\n' "$ICCID" $IMSI 1 2 > "$D/p.csv"
SIM_NETWORK=$(awk -F, 'NR > 1 { print " subscriber imsi " $2 " msisdn " $3 " k " $4 " opc " $5 }' "$D/p.csv")
SIM_CARDS=' timer fall-back 3'
stack_prepare 1 "$D/t.der" || die "preparation"
E=$(basename "$D"/batch/eis/*.xml .xml)
echo " master-delete sin 4953445001 sdin 495344505344494E01 provider 47534D4101" >> "$D/smdp.cfg"
stack_start || die "start"
es eum -q ES1-RegisterEIS "$D"/batch/eis/*.xml >"$D/es.log" 2>&1 || die "RegisterEIS"
vty "$P_SMDP_VTY" "profile-type add $OID_OP meter $D/t.der" | grep -q "version 1" || die "type"
vty "$P_SMDP_VTY" "batch import $OID_OP meter $D/p.csv" >/dev/null
for ((i = 0; i < 100; i++)); do vty "$P_SMDP_VTY" "show profiles" | grep -q "$ICCID.*available" && break; sleep 0.1; done
op() { timeout 80 "$ES" -c "$D/operator.conf" -q -v 60 "$@" 2>&1 | tee -a "$D/es.log"; }
operate() { vty "$P_SMSR_VTY" "enable
euicc $E $*" >/dev/null; }
record() { vty "$P_SMSR_VTY" "show euicc $E"; }
profile() { record | grep "^ $1 "; }
BOOT=$(record | sed -n 's/^ \([0-9]*\) .*(fall-back).*/\1/p')
is() { # ICCID WORDS: waits for the record to say so
	local i
	for ((i = 0; i < 300; i++)); do profile "$1" | grep -q "$2" && return; sleep 0.1; done
	profile "$1"
	return 1
}
check "download and enable" eval "op -p smdp ES2-DownloadProfile eid=$E iccid=$ICCID smsr-id=$OID_SMSR enable=true | grep -q EXECUTED_SUCCESS"
check "enabled" is "$ICCID" Enabled

echo "- the network throws it out"
vty "$P_SIM_VTY" "enable
fault refuse $IMSI on" >/dev/null
check "the card falls back, the record follows" is "$BOOT" Enabled
check "its former profile is kept" is "$ICCID" Disabled
check "the timeline says so" eval "record | grep -q 'notification 05'"
vty "$P_SIM_VTY" "enable
fault refuse $IMSI off" >/dev/null
check "back by order" eval "op -p smsr ES4-EnableProfile eid=$E iccid=$ICCID | grep -q EXECUTED_SUCCESS"
check "enabled again" is "$ICCID" Enabled

echo "- the fall-back attribute"
check "not without the bootstrap operator" eval "op -p smsr ES4-SetFallBackAttribute eid=$E iccid=$ICCID | grep -q 8.2.1"
operate "set-fallback $ICCID"
check "moved" is "$ICCID" "(fall-back)"
check "from the other one" eval "! profile $BOOT | grep -q fall-back"
operate "set-fallback $BOOT"
check "and back" is "$BOOT" "(fall-back)"

operate "update-addressing"
for ((i = 0; i < 100; i++)); do record | grep -q 'UpdateSMSRAddressingParameters: confirmed' && break; sleep 0.1; done
check "the SM-SR's address" eval "record | grep -q 'UpdateSMSRAddressingParameters: confirmed'"

echo "- Master Delete"
check "disable" eval "op -p smsr ES4-DisableProfile eid=$E iccid=$ICCID | grep -q EXECUTED_SUCCESS"
cmd=$(vty "$P_SMDP_VTY" "profile $ICCID master-delete" | grep -oE '80E40040[0-9A-F]+' | head -1)
check "the SM-DP's command" [ -n "$cmd" ]
[ ${#cmd} -gt 8 ] || die "no command"
# the last octet of the token, another one
operate "master-delete $ICCID $(sed -E "s/(..)00\$/$(printf %02X $((0x${cmd: -4:2} ^ 1)))00/" <<<"$cmd")"
for ((i = 0; i < 100; i++)); do [ "$(record | grep -c '^ master-delete#.*ended')" -ge 1 ] && break; sleep 0.1; done
check "a wrong token is refused by the card" eval "record | grep -q 'MasterDelete: card said 6982'"
check "and the profile is still there" is "$ICCID" Disabled
operate "master-delete $ICCID $cmd"
for ((i = 0; i < 100; i++)); do profile "$ICCID" >/dev/null || break; sleep 0.1; done
check "the right one deletes" eval "! profile $ICCID"
check "on the card, too" eval "! vty $P_SIM_VTY 'show euicc $E' | grep -q $ICCID"
exit $bad
