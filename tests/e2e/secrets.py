#!/usr/bin/env python3
"""Finds secrets of a stack directory where they must not be (corrections 30). Used by secrets.sh.

  secrets.py DIR files FILE...     in files, as octets and as hex in both letter cases; exit 1 when one is there
  secrets.py DIR core PROGRAM ...  ends the program by a signal that writes a core: there must be none
  secrets.py DIR memory NAME PID   in a living process; NAME is smsr or smdp and says what may be alive in it

In memory a hit is allowed inside a live `struct key` or key store, which is proved from the talloc header in front of it,
inside what such an object alone points to (OpenSSL's key schedules: the first round key is the key), and for the own TLS
key, which GnuTLS holds while the listener runs. Everything else is a leak.
SPDX-License-Identifier: AGPL-3.0-or-later"""
import glob, json, os, re, resource, signal, sqlite3, struct, subprocess, sys, time

TC_HDR = 96                    # talloc's header on 64 bit, rounded to 16
MAGIC_MASK = 0xFFFFFFF0        # magic without FREE, LOOP, POOL, POOLMEM
OWNERS = {b"struct key": 80, b"struct keystore": 32}   # name: octets of the object before its pointers


def pem_scalar(path):
    """The private number of a P-256 key file."""
    der = subprocess.run(["openssl", "ec", "-in", path, "-outform", "DER"], capture_output=True, check=True).stdout
    return der[der.index(b"\x04\x20") + 2:][:32]


def ctr(kek, sealed):
    """Plain text of keystore_seal() without its tag: GCM is CTR from counter 2 on."""
    return subprocess.run(["openssl", "enc", "-d", "-aes-256-ctr", "-K", kek.hex(), "-iv", (sealed[:12] + b"\0\0\0\2").hex()],
                          input=sealed[12:-16], capture_output=True, check=True).stdout


def isdp_keys(d):
    """What key establishment derived, from the simulated card, the only one that keeps it. Proved on a key we know."""
    kek, out = open(d + "/sim.db.kek", "rb").read(), {}
    db = sqlite3.connect(d + "/sim.db")
    known = next(c for c in cards(d))["scp80"]["kic"]
    got = db.execute("SELECT key FROM sdkey WHERE kvn = 1 AND kid = 1 ORDER BY eid LIMIT 1").fetchone()[0]
    assert ctr(kek, got).hex().upper() == known, "the simulator's state does not open"
    for n, row in enumerate(db.execute("SELECT enc, mac, dek FROM isdp WHERE enc IS NOT NULL AND length(enc) > 28")):
        for name, sealed in zip(("enc", "mac", "dek"), row):
            if sealed:
                out["derived keyset %d %s" % (n, name)] = ctr(kek, sealed)
    assert out, "no derived keyset: was there a download?"
    return out


def cards(d):
    return [c for c in map(json.loads, open(d + "/batch/cards.jsonl")) if c["type"] == "card"]


def collect(d):
    """name -> octets."""
    s = {}
    for i, c in enumerate(cards(d)):
        for k in ("kic", "kid", "kik"):
            s["card %d %s" % (i, k)] = bytes.fromhex(c["scp80"][k])
        for k in ("psk", "dek"):
            s["card %d %s" % (i, k)] = bytes.fromhex(c["scp81"][k])
        s["card %d ecasd_sk" % i] = bytes.fromhex(c["ecasd_sk"])
        for k in ("k", "opc"):
            s["card %d %s" % (i, k)] = bytes.fromhex(c["profile"][k])
    for line in open(d + "/stock.json"):
        o = json.loads(line)
        for k in ("k", "opc"):
            s["ordered " + k] = bytes.fromhex(o[k])
    for m in re.finditer(r"\b(?:key|value|data)[= ]([0-9A-Fa-f]{32})\b", open(d + "/profile.txt").read()):
        s["OTA key of the profile %d" % m.start()] = bytes.fromhex(m[1])
    for f in glob.glob(d + "/ca/*.key.pem"):
        s[os.path.basename(f)] = pem_scalar(f)
    s["transport key"] = bytes.fromhex(open(d + "/ca/eum.transport.key").read().strip())
    for f in glob.glob(d + "/*.kek"):
        s[os.path.basename(f)] = open(f, "rb").read()
    if os.path.exists(d + "/smpp.password"):
        s["SMPP password"] = open(d + "/smpp.password", "rb").read().strip()
    s.update(isdp_keys(d))
    return s


def forms(name, b):
    yield "octets", b
    yield "HEX", b.hex().upper().encode()
    yield "hex", b.hex().encode()
    if len(b) == 32:           # numbers as the libraries keep them: least significant first
        yield "number", b[::-1]


def find(hay, needle):
    at = hay.find(needle)
    while at >= 0:
        yield at
        at = hay.find(needle, at + 1)


def in_files(secrets, names):
    bad = 0
    for f in names:
        data = open(f, "rb").read()
        for name, b in secrets.items():
            if name == "SMPP password" and f.endswith("running-config"):
                continue               # a setting like any other there; the file it is written to is mode 0600
            for form, needle in forms(name, b):
                for at in find(data, needle):
                    print("LEAK: %s as %s in %s at %d" % (name, form, f, at))
                    bad += 1
    print("files: %d secrets in %d files, %d found" % (len(secrets), len(names), bad))
    return bad


class Memory:
    def __init__(self, pid):
        self.maps, self.const = [], []     # writable: searched; read-only: names of talloc objects stand there
        with open("/proc/%s/maps" % pid) as m, open("/proc/%s/mem" % pid, "rb") as mem:
            for line in m:
                w = line.split()
                own = len(w) > 5 and "/osmo-" in w[5]
                if not w[1].startswith("rw") and not (w[1].startswith("r--") and own):
                    continue
                a, b = (int(x, 16) for x in w[0].split("-"))
                mem.seek(a)
                try:
                    to = self.maps if w[1][1] == "w" else self.const
                    to.append((a, b, mem.read(b - a), w[5] if len(w) > 5 else ""))
                except OSError:
                    pass

    def read(self, at, n):
        for a, b, data, _ in self.maps:
            if a <= at < b:
                return data[at - a:at - a + n]
        return b""

    def word(self, at):
        w = self.read(at, 8)
        return struct.unpack("<Q", w)[0] if len(w) == 8 else 0

    def heap_size(self, at):
        """Octets of the malloc block at this address, 0 when it is none."""
        if at & 15 or not at:
            return 0
        n = self.word(at - 8) & ~7
        return n - 8 if 24 <= n <= 1 << 20 else 0

    def objects(self):
        """(address, name, size) of live talloc objects that own keys: name pointer, magic and size must all fit."""
        magic = None
        for owner in OWNERS:
            for a, _, data, _ in self.const:
                for at in find(data, owner + b"\0"):
                    if at and data[at - 1]:
                        continue
                    needle = struct.pack("<Q", a + at)
                    for a2, _, d2, what in self.maps:
                        for p in find(d2, needle):
                            h = p - 56
                            if h < 0 or (a2 + h) & 15:
                                continue
                            flags, size = struct.unpack_from("<I", d2, h)[0], struct.unpack_from("<Q", d2, h + 64)[0]
                            if flags & 1 or not OWNERS[owner] <= size <= 256:
                                continue
                            magic = magic or flags & MAGIC_MASK
                            if flags & MAGIC_MASK == magic:
                                yield a2 + h + TC_HDR, owner.decode(), size

    def reach(self, obj, size):
        """Blocks reachable from an object: its contexts and what they point to."""
        seen, todo = {}, []
        for at in range(obj, obj + size, 8):
            todo.append((self.word(at), 0))
        while todo and len(seen) < 500:
            p, depth = todo.pop()
            # a talloc object begins behind the header of its block
            if not self.heap_size(p) and self.heap_size(p - TC_HDR):
                p -= TC_HDR
            n = self.heap_size(p)
            if not n or p in seen or depth > 6:
                continue
            seen[p] = n
            if n > 2048:
                continue
            start = p + TC_HDR if p + 56 and self.word(p + 56) and depth == 0 else p
            for at in range(start, p + n - 7, 8):
                todo.append((self.word(at), depth + 1))
        return seen


# What may be alive in which process: SCP80 keys of a loaded eUICC, the KEK, the own TLS key, the SM-DP's card key.
ALIVE = {
    "smsr": (r"card \d+ (kic|kid)$|smsr\.kek$", r"smsr\.key\.pem$", "SMPP password"),
    "smdp": (r"smdp\.kek$", r"smdp(\.gp)?\.key\.pem$", ""),
}


def in_memory(secrets, who, pid):
    m = Memory(pid)
    owned, foreign, setting = ALIVE[who]
    objs = list(m.objects())
    blocks = [(at, size, "live " + name) for at, name, size in objs]   # before what another's pointers lead to
    for at, name, size in objs:
        blocks += [(p, n, "OpenSSL context of a live " + name) for p, n in m.reach(at, size).items()]
    bad, seen = 0, {}
    for name, b in secrets.items():
        for form, needle in forms(name, b):
            for a, _, data, what in m.maps:
                for at in find(data, needle):
                    at += a
                    why = next((w for p, n, w in blocks if p <= at < p + n), None) if re.search(owned, name) else None
                    if not why and re.search(foreign, name):
                        why = "GnuTLS or OpenSSL: own private key, in use as long as the process runs"
                    if not why and name == setting:
                        why = "setting, written back by the VTY"
                    if why:
                        seen[name, form, why] = seen.get((name, form, why), 0) + 1
                        continue
                    print("LEAK: %s as %s in the memory of %s at %x %s" % (name, form, who, at, what))
                    ctx = m.read(at - 64, 64 + len(needle) + 32)
                    if os.environ.get("SECRETS_DEBUG"):
                        print("     ", re.sub(rb"[^ -~]", b".", ctx).decode(), ctx.hex())
                    bad += 1
    for (name, form, why), n in sorted(seen.items()):
        print("alive: %s: %s as %s, %d times: %s" % (who, name, form, n, why))
    # A reader that finds nothing because it reads nothing must not pass.
    for control in (r"\.kek$",) + ((r"kic$",) if who == "smsr" else ()):
        if not any(re.search(control, k[0]) and k[2].startswith("live struct key") for k in seen):
            print("LEAK? the live key %s was not found in %s: the search is blind" % (control, who))
            bad += 1
    print("memory: %s: %d MB searched, %d live key objects, %d secrets, %d leaked" %
          (who, sum(len(x[2]) for x in m.maps) >> 20, len(objs), len(secrets), bad))
    return bad


def dumps(d, argv):
    """Does the kernel write a core of this program?"""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    log = open(d + "/core.log", "ab")
    p = subprocess.Popen(argv, cwd=d, stdout=log, stderr=log,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (hard, hard)))
    time.sleep(1)
    os.kill(p.pid, signal.SIGABRT)
    status = os.waitpid(p.pid, 0)[1]
    assert os.WIFSIGNALED(status), "%s ended by itself" % argv[0]
    return os.WCOREDUMP(status)


def core(d, argv):
    if not dumps(d, ["sleep", "60"]):
        print("SKIPPED LOUDLY: no program leaves a core on this machine")
        return 0
    bad = dumps(d, argv)
    print("core: %s: %s" % (os.path.basename(argv[0]), "LEAK: a core with its keys was written" if bad else "none written"))
    return bad


def main():
    d, what, *rest = sys.argv[1:]
    if what == "core":
        sys.exit(1 if core(d, rest) else 0)
    secrets = collect(d)
    sys.exit(1 if (in_files(secrets, rest) if what == "files" else in_memory(secrets, *rest)) else 0)


main()
