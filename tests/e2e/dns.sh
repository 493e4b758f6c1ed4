#!/bin/bash
# A card that knows no address of its SM-SR, only its name, and whom to ask: the SM-SR's trigger names the name too, the card
# resolves it by a UDP channel of its own (SGP.02 2.4.5), of two addresses it takes the one that answers; its notification
# goes by HTTPS because the network takes no short message of it (3.15.2). The name server is the simulated network's.
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

stack_ports
port P_DNS
k=00112233445566778899aabbccddeeff
s=898800199999000000; iccid=$s$(luhn "$s")
imsi=001019999900077 msisdn=4917099900077
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/t.der" >/dev/null || exit 1
stock_line "$D/t.der" "$iccid" "$imsi" "$msisdn" $k $k >"$D/stock.json"
# 127.0.0.2 is nobody's: connections there are refused
SIM_NETWORK=" subscriber imsi $imsi msisdn $msisdn k $k opc $k
 dns listen 127.0.0.1 $P_DNS
 dns name smsr.example.org 127.0.0.2
 dns name smsr.example.org 127.0.0.1"
SIM_CARDS=" timer https-retry 1
 notification bearer auto
 fault sms-refuse-mo 100"
SMSR_EXTRA=" scp81 advertise-name smsr.example.org dns 127.0.0.1 $P_DNS"
CA_BATCH="--bearers https --smsr-ip= --smsr-host smsr.example.org --smsr-dns 127.0.0.1/$P_DNS"
stack_prepare 1 "$D/t.der" || { echo "preparation"; exit 1; }
: >"$D/smsr.log"; : >"$D/smdp.log"; : >"$D/sim.log"
stack_start || exit 1
shopt -s nullglob
eis=("$D"/batch/eis/*.xml)
eid=$(basename "${eis[0]}" .xml)
es eum -q ES1-RegisterEIS "${eis[@]}" >/dev/null || exit 1
vty "$P_SMSR_VTY" "euicc $eid bearer order https"
check "download" es operator -q -p smdp -v 60 ES2-DownloadProfile eid="$eid" iccid="$iccid" smsr-id=$OID_SMSR enable=true
says() { grep -q "$2" "$D/$1.log"; }
check "the card resolved the name" says sim "smsr.example.org: 127.0.0"
check "the address that does not answer was left behind" says sim "no channel"
vty "$P_SIM_VTY" "show network" >"$D/network"
check "the network's name server was asked" grep -Eq 'DNS: 2 names, [1-9][0-9]* queries, 0 of unknown' "$D/network"
vty "$P_SMSR_VTY" "show euicc $eid" >"$D/euicc"
check "the notification of the change came by HTTPS" grep -q 'notification 02: HTTPS' "$D/euicc"
check "no short message of the card got through" grep -Eq 'MO 0 taken, [1-9]' "$D/network"
exit $bad
