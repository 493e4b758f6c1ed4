#!/usr/bin/python3
"""A platform of a few lines that is an ESME at the SMSC: enables a profile by one command of three short messages, reads the proof of
receipt and the notification. What is secured and cut, osmo-ota does; SMPP and the checks are here.

  esme.py OSMO_OTA PORT SYSTEM_ID PASSWORD OWN_NUMBER CARDS.jsonl EID MSISDN AID COUNTER NEW_MSISDN

COUNTER: hex, below which the card takes nothing. One line each step.
SPDX-License-Identifier: AGPL-3.0-or-later"""
import json
import socket
import struct
import subprocess
import sys

OTA, PORT, SYSTEM_ID, PASSWORD, OWN, CARDS, EID, MSISDN, AID, COUNTER, NEW_MSISDN = sys.argv[1:]
BIND_TRX, SUBMIT, DELIVER, ENQUIRE, RESP = 9, 4, 5, 0x15, 0x80000000


def ota(op, **fields):
    answer = json.loads(subprocess.run([OTA, "--json"], input=json.dumps(dict(op=op, **fields)), stdout=subprocess.PIPE,
                                       text=True, check=True).stdout)
    if "error" in answer:
        sys.exit("osmo-ota %s: %s" % (op, answer["error"]))
    return answer


class Esme:
    def __init__(self):
        self.sock, self.data, self.sequence = socket.create_connection(("127.0.0.1", int(PORT))), b"", 0
        self.sock.settimeout(20)
        self.delivered = []     # (source, user data)
        status, _ = self.ask(BIND_TRX, b"%s\0%s\0\0\x34\0\0\0" % (SYSTEM_ID.encode(), PASSWORD.encode()))
        print("bound, status %d" % status)

    def send(self, command, status, sequence, body):
        self.sock.sendall(struct.pack(">4I", 16 + len(body), command, status, sequence) + body)

    def receive(self):
        """One PDU that is not an enquiry: command, status, sequence, body."""
        while True:
            while len(self.data) < 4 or len(self.data) < struct.unpack(">I", self.data[:4])[0]:
                more = self.sock.recv(65536)
                if not more:
                    sys.exit("SMSC has closed")
                self.data += more
            size, command, status, sequence = struct.unpack(">4I", self.data[:16])
            body, self.data = self.data[16:size], self.data[size:]
            if command == ENQUIRE:
                self.send(ENQUIRE | RESP, 0, sequence, b"")
            elif command == DELIVER:
                self.take(body)
                self.send(DELIVER | RESP, 0, sequence, b"\0")
            return command, status, sequence, body

    def take(self, body):
        _, _, rest = body.partition(b"\0")
        source, _, rest = rest[2:].partition(b"\0")
        _, _, rest = rest[2:].partition(b"\0")
        esm, pid, _ = rest[:3]
        _, _, rest = rest[3:].partition(b"\0")
        _, _, rest = rest.partition(b"\0")
        data = rest[5:5 + rest[4]]
        if not esm & 0x40 or pid != 0x7F or rest[2] != 0xF6:
            sys.exit("deliver_sm with esm_class %02x, protocol_id %02x, data_coding %02x" % (esm, pid, rest[2]))
        self.delivered.append((source.decode(), data.hex()))

    def ask(self, command, body):
        self.sequence += 1
        self.send(command, 0, self.sequence, body)
        while True:
            got, status, sequence, answer = self.receive()
            if got == command | RESP and sequence == self.sequence:
                return status, answer

    def submit(self, number, data):
        """Transaction mode, UDHI, PID 7F, DCS F6."""
        body = (b"\0\0\1%s\0\1\1%s\0\x42\x7f\0\0\0\0\0\xf6\0" % (OWN.encode(), number.encode()) + bytes([len(data) // 2]) +
                bytes.fromhex(data))
        return self.ask(SUBMIT, body)[0]

    def packet(self, number, kind):
        """The next secured packet from number: 71 response, 70 command (TS 31.115 4); its parts as user data."""
        while True:
            mine = [data for source, data in self.delivered if source == number]
            for first in mine:
                found = [first]
                if first[2:4] == "00" and first[12:14] == kind:     # 07 00 03 reference total 01 kind 00
                    found = [data for data in mine if data[2:4] == "00" and data[6:10] == first[6:10]]
                    if len(found) < int(first[8:10], 16):
                        continue
                elif first[2:4] != kind:
                    continue
                self.delivered = [x for x in self.delivered if x[1] not in found]
                return found
            self.receive()


def main():
    with open(CARDS) as f:
        key = next(c["scp80"] for c in map(json.loads, f) if c.get("eid") == EID)
    keys = dict(kic_key=key["kic"], kid_key=key["kid"])
    octet = "%X2" % key["kvn"]
    esme = Esme()
    status = "80F24002174F10" + AID + "5C034F9F7000"
    enable = "80E28900153A03124F10" + AID
    script = ota("script_cmd_enc", apdus=[status] * 9 + [enable])["script"]
    secured = ota("scp80_cmd_enc", cntr="%010X" % (int(COUNTER, 16) + 1), kic=octet, kid=octet, data=script, **keys)
    parts = ota("concat_split", packet=secured["packet"], ref="2A")["uds"]
    for i, part in enumerate(parts):
        print("part %d of %d, %d octets: status %d" % (i + 1, len(parts), len(part) // 2, esme.submit(MSISDN, part)))
    got = esme.packet(MSISDN, "71")
    answer = ota("scp80_rsp_dec", packet=ota("concat_join", uds=got)["packet"], kic=octet, kid=octet, **keys)
    script = ota("script_rsp_dec", script=answer["data"])
    print("PoR in %d parts, status %s, %d commands executed, last %s" %
          (len(got), answer["status"], script["executed"], script["tlvs"][-1]["sw"]))
    got = esme.packet(NEW_MSISDN, "70")
    note = ota("scp80_cmd_dec", packet=ota("concat_join", uds=got)["packet"], **keys)
    print("notification " + note["data"])


main()
