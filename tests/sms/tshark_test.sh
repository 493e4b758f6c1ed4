#!/bin/sh
# An independent dissector reads what our ESME and SMSC said to each other (SMPP 3.4, TS 23.040 9.2.3.24).
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
for tool in tshark text2pcap; do
	command -v $tool >/dev/null || { echo "SKIPPED: no $tool on this machine"; exit 77; }
done
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
./smpp_dump > "$tmp/hex" || { echo "smpp_dump failed"; exit 1; }
text2pcap -q -D -T 40000,2775 "$tmp/hex" "$tmp/pcap" >/dev/null 2>&1 || { echo "text2pcap failed"; exit 1; }
bad=0
want() { # display filter, how many packets
	n=$(tshark -r "$tmp/pcap" -d tcp.port==2775,smpp -o gsm_sms.reassemble:FALSE -Y "$1" 2>/dev/null | wc -l)
	[ "$n" -eq "$2" ] || { echo "$1: $n packets, not $2"; bad=1; }
}
sm='smpp.esm.submit.features == 1 && smpp.protocol_id == 0x7f && smpp.data_coding == 0xf6'
sm="$sm && smpp.source_addr == \"1001\" && smpp.destination_addr == \"491720000001\""
want 'smpp.command_id == 0x9 && smpp.system_id == "smsr"' 1
want 'smpp.command_id == 0x80000009 && smpp.command_status == 0' 1
want 'smpp.command_id == 0x4' 3
want "smpp.command_id == 0x4 && smpp.esm.submit.msg_mode == 2 && $sm" 3
want 'smpp.command_id == 0x80000004 && smpp.command_status == 0' 3
want 'smpp.command_id == 0x4 && gsm_sms.udh.mm.msg_parts == 2 && gsm_sms.udh.mm.msg_part == 1' 1
want 'smpp.command_id == 0x4 && gsm_sms.udh.mm.msg_parts == 2 && gsm_sms.udh.mm.msg_part == 2' 1
want 'smpp.command_id == 0x103 && smpp.esm.submit.msg_mode == 3 && smpp.message_payload' 1
want 'smpp.command_id == 0x80000103 && smpp.message_id' 1
want 'smpp.command_id == 0x5 && smpp.esm.submit.msg_type == 1 && smpp.user_message_reference' 1
want 'smpp.command_id == 0x6' 1
want 'smpp.command_id == 0x5 && smpp.protocol_id == 0x7f && smpp.source_addr == "491720000001" && smpp.destination_addr == "1001"' 1
want 'smpp.command_id == 0x80000005 && smpp.command_status == 0' 2
want 'smpp.command_id == 0x102' 1
want 'smpp.command_id == 0x4 && gsm_sms.ie_identifier == 0x70' 2	# (U)SIM toolkit security header, not in the second part
want '_ws.malformed || _ws.expert.severity == error' 0
[ $bad -eq 0 ] && echo "tshark reads all of it"
exit $bad
