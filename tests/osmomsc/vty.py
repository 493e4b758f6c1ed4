#!/usr/bin/python3
"""One VTY command, its answer: vty.py PORT COMMAND. (The shell's own way reads octet by octet, and a system call in user-mode Linux
takes its time.)
SPDX-License-Identifier: AGPL-3.0-or-later"""
import re
import socket
import sys

END = b"thats all"      # libosmovty drops what it has not written yet when it sees "exit": up to a mistake made on purpose
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.settimeout(5)
s.sendall(b"enable\nterminal length 0\n" + sys.argv[2].encode() + b"\n" + END + b"\n")
got = b""
while b"Unknown command" not in got:
    more = s.recv(65536)
    if not more:
        sys.exit(1)
    got += more
got = re.sub(rb"[\r\0]|\xff..", b"", got).decode(errors="replace")
_, _, got = got.partition("# " + sys.argv[2] + "\n")
sys.stdout.write(got[:got.rfind("\n", 0, got.rindex("# " + END.decode())) + 1])
