#!/usr/bin/env python3
"""Asks OsmoHLR over GSUP for an authentication vector of an IMSI, as an MSC does, and prints RAND AUTN RES CK IK in hex.
SPDX-License-Identifier: AGPL-3.0-or-later"""
import socket
import struct
import sys

IPA_CCM, IPA_OSMO, GSUP = 0xFE, 0xEE, 0x05
ID_GET, ID_RESP, ID_ACK, PING, PONG = 0x04, 0x05, 0x06, 0x00, 0x01
SAI_REQ, SAI_RES = 0x08, 0x0A


def take(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            raise SystemExit("OsmoHLR closed the connection")
        data += more
    return data


def recv(s):
    n, proto = struct.unpack(">HB", take(s, 3))
    return proto, take(s, n)


def send(s, proto, data):
    s.sendall(struct.pack(">HB", len(data), proto) + data)


def ies(data):
    out = []
    while data:
        out.append((data[0], data[2:2 + data[1]]))
        data = data[2 + data[1]:]
    return out


def bcd(digits):
    digits += "F" * (len(digits) % 2)
    return bytes(int(digits[i + 1] + digits[i], 16) for i in range(0, len(digits), 2))


def main(host, imsi):
    s = socket.create_connection((host, 4222), 5)
    unit = ((8, b"0/0/0\0"), (1, b"test-vlr\0"), (0, b"test-vlr\0"))
    request = bytes([SAI_REQ, 0x01, len(bcd(imsi))]) + bcd(imsi) + bytes([0x28, 1, 1])     # CN domain: PS
    while True:
        proto, data = recv(s)
        if proto == IPA_CCM and data[0] == ID_GET:
            send(s, IPA_CCM, bytes([ID_RESP]) + b"".join(
                struct.pack(">HB", len(v) + 1, tag) + v for tag, v in unit))
            send(s, IPA_CCM, bytes([ID_ACK]))
            send(s, IPA_OSMO, bytes([GSUP]) + request)
        elif proto == IPA_CCM and data[0] == PING:
            send(s, IPA_CCM, bytes([PONG]))
        elif proto == IPA_OSMO and data[0] == GSUP:
            if data[1] != SAI_RES:
                raise SystemExit("OsmoHLR refused: " + data.hex())
            tuples = [dict(ies(v)) for t, v in ies(data[2:]) if t == 0x03]
            t = tuples[0]
            print(*(t[k].hex() for k in (0x20, 0x25, 0x27, 0x24, 0x23)))
            return


main(*sys.argv[1:])
