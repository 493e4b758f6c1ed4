#!/usr/bin/python3
"""Captures SCTP and one TCP port on the loopback interface: capture.py PORT FILE.pcap, until SIGTERM. (dumpcap belongs to another
user where Debian lets only some capture, and user-mode Linux sees its host's file system with its user's eyes.)
SPDX-License-Identifier: AGPL-3.0-or-later"""
import ctypes
import signal
import socket
import struct
import sys
import time

ETH_P_ALL, SO_ATTACH_FILTER, PACKET_OUTGOING = 3, 26, 4
port = int(sys.argv[1])
# classic BPF: code, jump if true, jump if false, operand
FILTER = [(0x28, 0, 0, 12), (0x15, 0, 8, 0x800),            # IPv4?
          (0x30, 0, 0, 23), (0x15, 7, 0, 132), (0x15, 0, 5, 6),   # SCTP: all; TCP?
          (0xB1, 0, 0, 14),                                 # length of the IP header
          (0x48, 0, 0, 14), (0x15, 3, 0, port), (0x48, 0, 0, 16), (0x15, 1, 0, port),
          (0x06, 0, 0, 0), (0x06, 0, 0, 65535)]

code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *i) for i in FILTER))
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(FILTER), ctypes.addressof(code)))
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
s.bind(("lo", 0))
out = open(sys.argv[2], "wb")
out.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))


def end(*_):
    out.close()
    sys.exit(0)


signal.signal(signal.SIGTERM, end)
while True:
    data, where = s.recvfrom(65535)
    if where[2] != PACKET_OUTGOING:     # on lo each comes back
        now = time.time()
        out.write(struct.pack("=IIII", int(now), int(now % 1 * 1e6), len(data), len(data)) + data)
