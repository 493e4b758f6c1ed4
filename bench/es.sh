#!/bin/bash
# ES4 at the SM-SR with many eUICCs registered (RSP_N, default "1000 100000"; 1000000 takes some minutes): GetEIS and
# EnableProfile to parked cards per second on kept-alive mutual TLS, CPU per request, start-up time, database octets per eUICC.
# The rows are copies, by SQL, of one that was registered over ES1. Exit 0: CPU per request grows less than 1.5 fold.
# SPDX-License-Identifier: AGPL-3.0-or-later
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
SIZES=${RSP_N:-1000 100000} GETS=${RSP_GETS:-3000} ENABLES=${RSP_ENABLES:-400}
umask 077
D=$(mktemp -d "${TMPDIR:-/tmp}/osmo-rsp-es.XXXXXX") || exit 1
LOGLEVEL=${LOGLEVEL:-error}
. "$TOP/contrib/stack.sh"
trap 'stack_stop; rm -rf "$D"' EXIT
die() { echo "es: $*"; tail -5 "$D"/*.log; exit 1; }
"$PROFILE" build "$TOP/contrib/demo-profile.txt" -o "$D/p.der" >/dev/null || die "profile"
stack_ports
stack_prepare 1 "$D/p.der" 2>/dev/null || die "preparation"
start smsr && wait_port "$P_SMSR_ES" smsr || die "start"
es eum -q ES1-RegisterEIS "$D"/batch/eis/*.xml >/dev/null 2>&1 || die "RegisterEIS"
stack_stop
cp "$D/smsr.db" "$D/one.db"
ticks() { awk '{ print $14 + $15 }' "/proc/${PID[smsr]}/stat"; }

cat > "$D/fill.py" <<'END'
# N copies of the one eUICC: its rows in every table that names an EID, with a second, Disabled, profile of the operator's
import sqlite3, sys
path, n, op = sys.argv[1], int(sys.argv[2]), sys.argv[3]
db = sqlite3.connect(path)
db.execute("PRAGMA synchronous=OFF"); db.execute("PRAGMA foreign_keys=OFF")
(first,) = db.execute("SELECT eid FROM euicc").fetchone()
def eid(i):
    body = f"8904903299{i:020d}"
    return body + f"{98 - int(body + '00') % 97:02d}"
eids = [eid(i) for i in range(n)]
db.execute("CREATE TEMP TABLE t (n INTEGER PRIMARY KEY, eid TEXT)")
db.executemany("INSERT INTO t VALUES (?, ?)", enumerate(eids))
for table in ("euicc", "profile", "keyset"):
    cols = [c[1] for c in db.execute(f"PRAGMA table_info({table})")]
    val = ", ".join({"eid": "t.eid", "msisdn": "''", "imsi": "''", "declared": "1"}.get(c, "x." + c) for c in cols)
    db.execute(f"INSERT INTO {table} ({', '.join(cols)}) SELECT {val} FROM t, {table} x WHERE x.eid = ? ORDER BY t.eid", (first,))
cols = [c[1] for c in db.execute("PRAGMA table_info(profile)")]
val = ", ".join({"eid": "t.eid", "iccid": "printf('8988777%012d', t.n)", "aid": "X'A0000005591010FFFFFFFF8900001200'", "mno_id": "?2",
                 "state": "2", "fallback": "0", "imsi": "''", "msisdn": "printf('49170%08d', t.n)"}.get(c, "x." + c) for c in cols)
db.execute(f"INSERT INTO profile ({', '.join(cols)}) SELECT {val} FROM t, profile x WHERE x.eid = ?1 ORDER BY t.eid", (first, op))
db.commit()
open(path + ".eids", "w").write("\n".join(eids) + "\n")
END

cat > "$D/ask.py" <<'END'
# Requests over 8 kept-alive connections, one after the other on each; prints how many were answered with which status
import collections, http.client, random, re, ssl, sys, threading, uuid
ca, port, smsr, op, func, count, eids = sys.argv[1:8]
ctx = ssl.create_default_context(cafile=f"{ca}/ci.pem")
ctx.load_cert_chain(f"{ca}/operator.pem", f"{ca}/operator.key.pem")
eids = open(eids).read().split()
random.seed(7)
picked = random.sample(range(len(eids)), min(int(count), len(eids)))
picked *= -(-int(count) // len(picked))
picked = picked[:int(count)]
seen = collections.Counter()
T = """<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing"
 xmlns:r="http://namespaces.gsma.org/esim-messaging/3"><s:Header><wsa:From><wsa:Address>https://op.example/?EntityId={op}</wsa:Address></wsa:From>
<wsa:To>https://smsr.example/?EntityId={smsr}</wsa:To><wsa:MessageID>{id}</wsa:MessageID><wsa:Action>{action}</wsa:Action>{reply}</s:Header>
<s:Body><r:ES4-{func}Request><r:FunctionCallIdentifier>bench</r:FunctionCallIdentifier><r:ValidityPeriod>3600</r:ValidityPeriod>{args}</r:ES4-{func}Request></s:Body></s:Envelope>"""
def run(mine):
    con = http.client.HTTPSConnection("127.0.0.1", int(port), context=ctx, timeout=60)
    for i in mine:
        kind = "ProfileManagement" if func == "GetEIS" else "PlatformManagement"
        args = f"<r:Eid>{eids[i]}</r:Eid>" + ("" if func == "GetEIS" else f"<r:Iccid>8988777{i:012d}</r:Iccid>")
        reply = "" if func == "GetEIS" else f"<wsa:ReplyTo><wsa:Address>http://docs.oasis-open.org/ws-rx/wsmc/200702/anonymous?id={uuid.uuid4()}</wsa:Address></wsa:ReplyTo>"
        body = T.format(op=op, smsr=smsr, id=f"urn:uuid:{uuid.uuid4()}", func=func, args=args, reply=reply,
                        action=f"http://gsma.com/ES4/{kind}/ES4-{func}")
        con.request("POST", "/es", body, {"Content-Type": "application/soap+xml"})
        r = con.getresponse()
        text = r.read().decode()
        m = re.search(r"<[^>]*Status>(?:<[^>]*>)?([A-Za-z_-]+)<", text)
        seen[f"{r.status} {m.group(1) if m else ''}".strip()] += 1
        if not m and r.status != 202 and len(seen) < 3: print(text[:500], file=sys.stderr)
threads = [threading.Thread(target=run, args=(picked[k::8],)) for k in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print("; ".join(f"{n} x {s}" for s, n in seen.items()))
END

bad=0
for n in $SIZES; do
	cp "$D/one.db" "$D/smsr.db"; rm -f "$D/smsr.db-wal" "$D/smsr.db-shm"
	python3 "$D/fill.py" "$D/smsr.db" "$n" $OID_OP || die "rows"
	size=$(stat -c %s "$D/smsr.db")
	t0=$(date +%s%N); start smsr; wait_port "$P_SMSR_ES" smsr || die "start"; t1=$(date +%s%N)
	printf 'es_start_%d: %.2f s\nes_database_%d: %d octets/eUICC\n' "$n" "$(awk -v t=$((t1 - t0)) 'BEGIN { print t / 1e9 }')" "$n" $((size / n))
	for what in "GetEIS $GETS" "EnableProfile $ENABLES"; do
		set -- $what
		c0=$(ticks) t0=$(date +%s%N)
		said=$(timeout 300 python3 "$D/ask.py" "$D/ca" "$P_SMSR_ES" $OID_SMSR $OID_OP "$1" "$2" "$D/smsr.db.eids" 2>"$D/ask.log") || die "$1"
		t1=$(date +%s%N) c1=$(ticks)
		us=$(awk -v t=$((c1 - c0)) -v n="$2" 'BEGIN { printf "%.0f", t * 10000 / n }')
		awk -v f="$1" -v e="$n" -v n="$2" -v ns=$((t1 - t0)) -v us="$us" -v said="$said" 'BEGIN {
			printf "es_%s_%d: %.0f/s, %.0f/s and core, %d us CPU (%s)\n", f, e, n / (ns / 1e9), us ? 1e6 / us : 0, us, said }'
		v=first_${1:0:1}
		[ -n "${!v:-}" ] || printf -v "$v" %s "$us"
		awk -v a="${!v}" -v b="$us" 'BEGIN { exit !(b <= a * 1.5 + 20) }' || { echo "es: $1 grew from ${!v} to $us us"; bad=1; }
	done
	stack_stop
done
exit $bad
