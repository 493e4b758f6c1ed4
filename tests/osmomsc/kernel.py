#!/usr/bin/python3
"""Inside user-mode Linux: loads kernel modules with what they depend on, brings the loopback interface up.

  kernel.py MODULE...

Needs neither kmod nor iproute2: finit_module(2), and modules.dep as depmod(8) writes it.
SPDX-License-Identifier: AGPL-3.0-or-later"""
import ctypes
import errno
import fcntl
import os
import platform
import socket
import struct
import sys

FINIT_MODULE = {"x86_64": 313, "i686": 350, "i386": 350}
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
BASE = "/usr/lib/uml/modules"


def dependencies(directory):
    """Name of a module: its file, then the files it needs."""
    table = {}
    with open(directory + "/modules.dep") as f:
        for line in f:
            module, _, needs = line.partition(":")
            name = os.path.basename(module).split(".")[0].replace("-", "_")
            table[name] = [module] + needs.split()
    return table


def insert(path):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(path, os.O_RDONLY)
    rc = libc.syscall(FINIT_MODULE[platform.machine()], fd, b"", 0)
    os.close(fd)
    if rc < 0 and ctypes.get_errno() != errno.EEXIST:
        raise OSError(ctypes.get_errno(), "module " + path)


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        name = b"lo".ljust(16, b"\0")
        flags = struct.unpack("16sH", fcntl.ioctl(s, SIOCGIFFLAGS, name + bytes(24))[:18])[1]
        fcntl.ioctl(s, SIOCSIFFLAGS, name + struct.pack("H", flags | IFF_UP) + bytes(22))


def main():
    directory = os.path.join(BASE, os.uname().release)
    table = dependencies(directory)
    for name in sys.argv[1:]:
        if name not in table:       # part of the kernel itself
            continue
        for module in reversed(table[name]):
            insert(os.path.join(directory, module))
    loopback_up()


main()
