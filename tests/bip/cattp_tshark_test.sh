#!/bin/sh
# An independent dissector verifies the checksums of PDUs that our encoder made (TS 102 127 5).
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
for tool in tshark text2pcap; do
	command -v $tool >/dev/null || { echo "SKIPPED: no $tool on this machine"; exit 77; }
done
tshark -G protocols 2>/dev/null | grep -q cattp || { echo "SKIPPED: this tshark has no CAT_TP dissector"; exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
./cattp_test dump > "$tmp/hex" || { echo "cattp_test dump failed"; exit 1; }
text2pcap -q -u 40000,8445 "$tmp/hex" "$tmp/pcap" >/dev/null 2>&1 || { echo "text2pcap failed"; exit 1; }
bad=0
want() { # display filter, how many packets
	n=$(tshark -r "$tmp/pcap" -d udp.port==8445,cattp -o cattp.checksum:TRUE -Y "$1" 2>/dev/null | wc -l)
	[ "$n" -eq "$2" ] || { echo "$1: $n packets, not $2"; bad=1; }
}
want 'cattp' 288
want 'cattp.checksum.status == 1' 288	# Good
want 'cattp.flags.syn == 1' 64
want 'cattp.flags.eak == 1 && cattp.eak' 64
want 'cattp.flags.rst == 1' 64
want 'cattp.flags.seg == 1' 32
want '_ws.malformed || _ws.expert.severity == error' 0
# the filter above can fail: one octet of a checksummed packet bent
sed '3s/^000000 40/000000 44/' "$tmp/hex" > "$tmp/bent"
text2pcap -q -u 40000,8445 "$tmp/bent" "$tmp/pcap" >/dev/null 2>&1
want 'cattp.checksum.status == 1' 287
[ $bad -eq 0 ] && echo "tshark takes all checksums"
exit $bad
