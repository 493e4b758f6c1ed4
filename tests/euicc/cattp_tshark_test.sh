#!/bin/sh
# Every CAT_TP PDU of a lossy exchange between the card and a server is one to an independent dissector (TS 102 127 5).
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
for tool in tshark text2pcap; do
	command -v $tool >/dev/null || { echo "SKIPPED: no $tool on this machine"; exit 77; }
done
tshark -G protocols 2>/dev/null | grep -q cattp || { echo "SKIPPED: this tshark has no CAT_TP dissector"; exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
./cattp_test dump > "$tmp/out" 2>/dev/null || { echo "cattp_test dump failed"; exit 1; }
grep -E '^[0-9a-f]{6}( [0-9a-f]{2})+$' "$tmp/out" > "$tmp/hex"
text2pcap -q -u 40000,8445 "$tmp/hex" "$tmp/pcap" >/dev/null 2>&1 || { echo "text2pcap failed"; exit 1; }
count() { # display filter
	tshark -r "$tmp/pcap" -d udp.port==8445,cattp -o cattp.checksum:TRUE -Y "$1" 2>/dev/null | wc -l
}
all=$(grep -c '^000000' "$tmp/hex")
bad=0
[ "$all" -gt 50 ] || { echo "only $all PDUs"; bad=1; }
[ "$(count 'cattp.checksum.status == 1')" -eq "$all" ] || { echo "not all checksums are good"; bad=1; }
[ "$(count '_ws.malformed || _ws.expert.severity == error')" -eq 0 ] || { echo "malformed PDUs"; bad=1; }
for f in 'cattp.flags.syn == 1' 'cattp.flags.seg == 1' 'cattp.flags.eak == 1' 'cattp.flags.rst == 1'; do
	[ "$(count "$f")" -gt 0 ] || { echo "no PDU with $f"; bad=1; }
done
[ $bad -eq 0 ] && echo "tshark takes all $all PDUs"
exit $bad
