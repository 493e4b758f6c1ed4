#!/usr/bin/python3
"""An MME for terminals of osmo-euicc-sim: its external network (osmo-euicc-sim(1)) on one side, SGs (TS 29.118) to an MSC on
the other. What lies between is the terminal's: CP and RP of short messages (TS 24.011).

  mme.py SOCKET SGS_IP SGS_PORT CONTROL_PORT

Control, one line a TCP connection to 127.0.0.1, one line back:
  paging IMSI answer|silent|reject|unreachable   what the UE does when it is paged
  rp-error IMSI CAUSE                            refuse messages without asking the terminal; 0: ask it
  show IMSI                                      registered, pagings, MT, MO and their failures
SPDX-License-Identifier: AGPL-3.0-or-later"""
import selectors
import socket
import sys
import time

IPPROTO_SCTP = 132
# SGsAP message types (TS 29.118 9.2) and information elements (9.3)
PAGING_REQUEST, PAGING_REJECT, SERVICE_REQUEST, DL_UNITDATA, UL_UNITDATA = 0x01, 0x02, 0x06, 0x07, 0x08
LU_REQUEST, LU_ACCEPT, LU_REJECT, TMSI_COMPLETE = 0x09, 0x0A, 0x0B, 0x0C
IMSI_DETACH, RESET_IND, RESET_ACK, UE_UNREACHABLE = 0x13, 0x15, 0x16, 0x1F
IE_IMSI, IE_LAI, IE_CAUSE, IE_MME, IE_LU_TYPE, IE_IDENTITY = 0x01, 0x04, 0x08, 0x09, 0x0A, 0x0E
IE_REJECT, IE_DETACH, IE_NAS, IE_SERVICE, IE_EMM = 0x0F, 0x11, 0x16, 0x20, 0x25
# TS 24.011 8.1.3, 8.2.2
CP_DATA, CP_ACK, CP_ERROR = 0x01, 0x04, 0x10
RP_DATA_UP, RP_DATA_DOWN, RP_ACK_UP, RP_ACK_DOWN, RP_ERROR_UP, RP_ERROR_DOWN = range(6)
SMSC = bytes.fromhex("91947100000000")  # any: OsmoMSC is its own SMSC
LAI = bytes.fromhex("00f1100001")
MME_NAME = "mmec01.mmegi0001.mme.epc.mnc001.mcc001.3gppnetwork.org"


def labels(name):
    return b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"


def ie(tag, value):
    return bytes([tag, len(value)]) + value


def imsi_octets(imsi):
    """Mobile identity, TS 24.008 10.5.1.4."""
    odd = len(imsi) % 2
    digits = imsi[0] + ("9" if odd else "1") + "".join(b + a for a, b in zip(imsi[1::2], (imsi + "f")[2::2]))
    return bytes.fromhex(digits)


def elements(body):
    out = {}
    while len(body) >= 2 and len(body) >= 2 + body[1]:
        out.setdefault(body[0], body[2:2 + body[1]])
        body = body[2 + body[1]:]
    return out


class Terminal:
    def __init__(self, imsi):
        self.imsi, self.id = imsi, imsi_octets(imsi)
        self.registered, self.paging, self.rp_error = False, "answer", 0
        self.reference, self.mt, self.mo = 0, [], None  # mt: [(transaction, RP reference)], oldest first
        self.count = dict.fromkeys(("pagings", "mt", "mt-failed", "mo", "mo-failed"), 0)


class Mme:
    def __init__(self, path, ip, port, control):
        self.terminals, self.by_id, self.up = {}, {}, False
        self.selector = selectors.DefaultSelector()
        self.sgs = socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_SCTP)
        self.sgs.setsockopt(IPPROTO_SCTP, 3, 1)     # SCTP_NODELAY
        self.sgs.connect((ip, port))
        self.unix = socket.socket(socket.AF_UNIX)
        for _ in range(100):
            try:
                self.unix.connect(path)
                break
            except OSError:
                time.sleep(0.1)
        self.line = b""
        self.control = socket.create_server(("127.0.0.1", control))
        for s, what in ((self.sgs, self.rx_sgs), (self.unix, self.rx_unix), (self.control, self.rx_control)):
            self.selector.register(s, selectors.EVENT_READ, what)
        self.tx(RESET_IND, ie(IE_MME, labels(MME_NAME)))

    def run(self):
        while True:
            for key, _ in self.selector.select():
                key.data()

    def tx(self, message, *ies):
        self.sgs.send(bytes([message]) + b"".join(ies))

    def tell(self, *words):
        self.unix.sendall(" ".join(str(w) for w in words).encode() + b"\n")

    # --- from the terminals ---

    def rx_unix(self):
        data = self.unix.recv(65536)
        if not data:
            sys.exit("simulator has left")
        *lines, self.line = (self.line + data).split(b"\n")
        for line in lines:
            words = line.decode().split()
            t = self.terminals.setdefault(words[1], Terminal(words[1]))
            self.by_id[t.id] = t
            getattr(self, "from_" + words[0].replace("-", "_"))(t, *words[2:])

    def from_attach(self, t):
        self.tx(LU_REQUEST, ie(IE_IMSI, t.id), ie(IE_MME, labels(MME_NAME)), ie(IE_LU_TYPE, b"\1"), ie(IE_LAI, LAI))

    def from_detach(self, t):
        t.registered, t.mt, t.mo = False, [], None
        self.tx(IMSI_DETACH, ie(IE_IMSI, t.id), ie(IE_MME, labels(MME_NAME)), ie(IE_DETACH, b"\2"))

    def from_mt_ack(self, t, cause):
        if t.mt:
            self.end_mt(t, *t.mt.pop(0), int(cause))

    def from_mo(self, t, tpdu):
        tpdu = bytes.fromhex(tpdu)
        t.reference = (t.reference + 1) % 256
        t.mo = t.reference
        t.count["mo"] += 1
        rp = bytes([RP_DATA_UP, t.reference, 0, len(SMSC)]) + SMSC + bytes([len(tpdu)]) + tpdu
        self.nas(t, 0, CP_DATA, rp)

    # --- from the MSC ---

    def rx_sgs(self):
        data = self.sgs.recv(65536)
        if not data:
            sys.exit("MSC has left")
        message, e = data[0], elements(data[1:])
        t = self.by_id.get(e.get(IE_IMSI))
        if message == RESET_IND:
            self.tx(RESET_ACK, ie(IE_MME, labels(MME_NAME)))
        elif t is None:
            return
        elif message == LU_ACCEPT:
            t.registered = True
            if IE_IDENTITY in e:    # a new TMSI
                self.tx(TMSI_COMPLETE, ie(IE_IMSI, t.id))
            self.tell("attached", t.imsi)
        elif message == LU_REJECT:
            self.tell("rejected", t.imsi, (e.get(IE_REJECT) or b"\x11")[0])
        elif message == PAGING_REQUEST:
            self.rx_paging(t, e)
        elif message == DL_UNITDATA and len(e.get(IE_NAS, b"")) >= 2:
            self.rx_nas(t, e[IE_NAS])

    def rx_paging(self, t, e):
        t.count["pagings"] += 1
        if t.paging == "answer":
            self.tx(SERVICE_REQUEST, ie(IE_IMSI, t.id), ie(IE_SERVICE, e[IE_SERVICE]), ie(IE_EMM, b"\0"))
        elif t.paging == "reject":
            self.tx(PAGING_REJECT, ie(IE_IMSI, t.id), ie(IE_CAUSE, b"\3"))          # IMSI detached
        elif t.paging == "unreachable":
            self.tx(UE_UNREACHABLE, ie(IE_IMSI, t.id), ie(IE_CAUSE, b"\x0c"))

    # --- CP and RP: one transaction a message, named as its sender names it ---

    def nas(self, t, transaction, message, rp=None):
        body = bytes([transaction << 4 | 0x09, message]) + (b"" if rp is None else bytes([len(rp)]) + rp)
        self.tx(UL_UNITDATA, ie(IE_IMSI, t.id), ie(IE_NAS, body))

    def rx_nas(self, t, nas):
        answer = (nas[0] >> 4) ^ 8
        if nas[1] == CP_ERROR:
            self.end_mo(t, 38)
        elif nas[1] == CP_DATA:
            rp = nas[3:3 + nas[2]]
            self.nas(t, answer, CP_ACK)
            if rp[0] == RP_DATA_DOWN:
                self.rx_mt(t, answer, rp)
            elif rp[0] in (RP_ACK_DOWN, RP_ERROR_DOWN) and rp[1] == t.mo:
                self.end_mo(t, 0 if rp[0] == RP_ACK_DOWN else rp[3])

    def rx_mt(self, t, transaction, rp):
        at = 3 + rp[2]              # after the originator's address
        at += 1 + rp[at]            # and the destination's
        tpdu = rp[at + 1:at + 1 + rp[at]]
        t.count["mt"] += 1
        if t.rp_error:
            self.end_mt(t, transaction, rp[1], t.rp_error)
        else:
            t.mt.append((transaction, rp[1]))
            self.tell("mt", t.imsi, tpdu.hex())

    def end_mt(self, t, transaction, reference, cause):
        if cause:
            t.count["mt-failed"] += 1
        self.nas(t, transaction, CP_DATA,
                 bytes([RP_ERROR_UP, reference, 1, cause]) if cause else bytes([RP_ACK_UP, reference]))

    def end_mo(self, t, cause):
        if t.mo is None:
            return
        t.mo = None
        t.count["mo-failed"] += cause != 0
        self.tell("mo-ack", t.imsi, cause)

    # --- the test ---

    def rx_control(self):
        s, _ = self.control.accept()
        with s:
            words = s.makefile().readline().split()
            t = self.terminals.get(words[1]) if len(words) > 1 else None
            if t is None or words[0] != "show" and len(words) != 3:
                s.sendall(b"unknown\n")
                return
            if words[0] == "paging":
                t.paging = words[2]
            elif words[0] == "rp-error":
                t.rp_error = int(words[2])
            s.sendall(("registered %d " % t.registered + " ".join("%s %d" % x for x in t.count.items())).encode() + b"\n")


Mme(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])).run()
