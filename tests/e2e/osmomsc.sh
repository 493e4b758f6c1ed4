#!/bin/bash
# A real OsmoMSC as SMSC: Debian's osmo-stp, osmo-hlr and osmo-msc, an MME (SGs), the simulator behind it and both daemons, all
# in user-mode Linux, which brings its own SCTP. RSP_BIN: build directory, without sanitizers.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
skip() { echo "SKIPPED, no OsmoMSC is tested: $*"; exit 77; }
for p in linux.uml osmo-stp osmo-hlr osmo-msc python3 tshark "${CC:-cc}"; do
	command -v "$p" >/dev/null || skip "$p is not there (packages: see OSMOMSC_PKGS in contrib/lib.sh)"
done
R=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-msc.XXXXXX") || exit 1
D=$R/run
mkdir "$D"
. "$(dirname "$0")/bad.lib"
cleanup() { if [ -n "${KEEP:-}" ]; then echo "kept: $R"; else rm -rf "$R"; fi; }
SRC=$TOP/tests/osmomsc LIMIT=${LIMIT:-150}
grep -q __asan_init "$SMSR" && skip "a build with AddressSanitizer does not run in user-mode Linux (39 bits of address)"

boot() { # init: the kernel with Debian's root file system as it is
	LD_PRELOAD=$R/xstate.so timeout -k 2 $((LIMIT + 20)) linux.uml mem=512M quiet root=/dev/root rootfstype=hostfs rootflags=/ \
		rw con=null con0=fd:0,fd:1 init="$SRC/init.sh" RIG="$R" SRC="$SRC" RSP_BIN="$RSP_BIN" LIMIT="$LIMIT" </dev/null >"$R/console" 2>&1
}

bad_world
ca eum-batch --eum eum --eum-id $OID_EUM --count 1 --first 60 --bearers none --out "$D/sms" --smsr-id $OID_SMSR --mno-id $OID_BOOT \
	--upp "$D/p.der" --smsr-number 1001 --smsr-ip 127.0.0.1 --smsr-port "$P_SCP81" 2>/dev/null &&
	"$SIM" -c "$D/sim.cfg" -s "$D/sim.db" --import "$D/sms/cards.jsonl" >>"$D/sim.log" 2>&1 || die "card without HTTPS"
EIS+=("$D"/sms/eis/*.xml)
EID+=("$(basename "${EIS[-1]}" .xml)")
sed -i "s#^ smpp listen .*# external $D/net#; /^ subscriber/d; s/timer confirm .*/timer confirm 30/" "$D/sim.cfg"
SUBSCRIBERS=$(python3 - "$D"/*/cards.jsonl <<'END'
import json, sys
for name in sys.argv[1:]:
    for line in open(name):
        card = json.loads(line)
        if card["type"] == "card":
            print(card["profile"]["imsi"], card["profile"]["msisdn"], card["eid"])
END
)
declare -p EID EIS SUBSCRIBERS "${!P_@}" | sed 's/^declare \(-[a-zA-Z-]*\)/declare \1g/; s/--g/-g/' > "$R/vars"
mv "$D" "$R/seed" && mkdir "$D"
"${CC:-cc}" -O2 -shared -fPIC -o "$R/xstate.so" "$SRC/xstate.c" || skip "xstate.c does not compile"
t=$SECONDS
boot
grep -q '^rig: up' "$R/console" || { tail -n 5 "$R/console"; skip "user-mode Linux does not start here"; }
cat "$R/out"
echo "$((SECONDS - t)) s in user-mode Linux"
read -r done _ bad _ <<<"$(tail -n 1 "$R/out")"
[[ $done =~ ^[0-9]+$ && $bad =~ ^[0-9]+$ ]] || { done=0 bad=0; say_bad "the test has not come to its end"; }

# --- what tshark reads on the wire ---
wire() { tshark -r "$R/core.pcap" -d tcp.port=="$P_SMPP",smpp -Y "$1" 2>/dev/null | wc -l; }
seen() { # NAME LEAST FILTER
	local n
	n=$(wire "$3")
	if ((n >= $2)); then ok "on the wire: $1 ($n)"; else say_bad "on the wire: $1: $n, not $2 at least"; fi
}
none() { # NAME FILTER
	local n
	n=$(wire "$2")
	if ((n == 0)); then ok "on the wire: $1"; else say_bad "on the wire: $1: $n"; fi
}
none "nothing malformed, nothing in error" "(smpp or sgsap or gsm_sms) and (_ws.malformed or _ws.expert.severity >= 0x800000)"
seen "submit_sm in transaction mode, UDHI, PID 7F, DCS F6" 30 \
	"smpp.command_id == 4 and smpp.esm.submit.msg_mode == 2 and smpp.esm.submit.features == 1 and smpp.protocol_id == 0x7f and smpp.data_coding == 0xf6"
none "no other submit_sm" "smpp.command_id == 4 and not (smpp.esm.submit.msg_mode == 2 and smpp.data_coding == 0xf6)"
seen "submit_sm_resp 0" 20 "smpp.command_id == 0x80000004 and smpp.command_status == 0"
seen "submit_sm_resp 0B" 1 "smpp.command_id == 0x80000004 and smpp.command_status == 0x0b"
seen "submit_sm_resp FE" 3 "smpp.command_id == 0x80000004 and smpp.command_status == 0xfe"
seen "deliver_sm answered with 0" 10 "smpp.command_id == 0x80000005 and smpp.command_status == 0"
none "no deliver_sm refused" "smpp.command_id == 0x80000005 and smpp.command_status > 0"
none "nothing that OsmoMSC does not answer" "smpp.command_id == 3 or smpp.command_id == 7 or smpp.command_id == 8 or smpp.command_id == 0x103"
seen "SMS-DELIVER with command packets, over SGs" 20 "sgsap.msg_type == 7 and gsm_sms.tp-mti == 0 and gsm_sms.tp-pid == 0x7f and gsm_sms.tp-dcs == 0xf6"
seen "SMS-SUBMIT, over SGs" 10 "sgsap.msg_type == 8 and gsm_sms.tp-mti == 1"
seen "messages in three parts and more, MT" 3 "sgsap.msg_type == 7 and gsm_sms.udh.mm.msg_parts >= 3"
seen "messages in three parts and more, MO" 3 "sgsap.msg_type == 8 and gsm_sms.udh.mm.msg_parts >= 3"
echo "$done ok, $bad bad"
[ "$bad" = 0 ]
