#!/bin/bash
# Process 1 of user-mode Linux: a machine with SCTP and a loopback interface, in which test.sh runs as the file system's
# user. Environment, from the kernel's command line: RIG (directory of the run), SRC (directory of
# this file), LIMIT (seconds for test.sh).
# SPDX-License-Identifier: AGPL-3.0-or-later
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=$RIG
mount -t proc proc /proc
mount -t sysfs sysfs /sys
# the kernel has mounted devtmpfs, which has neither of these
mkdir -p /dev/shm
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
mount -t tmpfs shm /dev/shm
mount -t tmpfs -o mode=700 run "$RIG/run" || echo "rig: no tmpfs"
# SCTP's listen() wants an HMAC for its cookie; Debian's UML kernel has them as modules
python3 "$SRC/kernel.py" md5 sha1_generic hmac crc32c_generic sctp && echo sha1 >/proc/sys/net/sctp/cookie_hmac_alg &&
	echo "rig: up after $(cut -d' ' -f1 /proc/uptime) s" && timeout -k 5 "$LIMIT" bash "$SRC/test.sh" >"$RIG/out" 2>&1
echo "rig: end after $(cut -d' ' -f1 /proc/uptime) s"
sync
# halt without systemd: the kernel's own way
echo 1 >/proc/sys/kernel/sysrq
echo o >/proc/sysrq-trigger
sleep 5
