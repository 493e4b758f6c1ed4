#!/usr/bin/python3
# The JSON interface against its own OpenAPI document: every answer must be one that the document promises.
# SPDX-License-Identifier: AGPL-3.0-or-later
import hashlib, hmac, http.client, http.server, json, os, re, ssl, sys, threading, time
import jsonschema

ca, port, eid, iccid, other, hook_port, vty_token, secret_file = sys.argv[1:9]
port = int(port)
document = None
failed = 0


def ok(what, good, more=""):
    global failed
    print(("ok   " if good else "FAIL ") + what + ("" if good else f": {more}"), flush=True)
    failed += not good


def tls(name):
    c = ssl.create_default_context(cafile=f"{ca}/ci.pem")
    if name:
        c.load_cert_chain(f"{ca}/{name}.pem", f"{ca}/{name}.key.pem")
    return c


def template(method, path):
    for t, ops in document["paths"].items():
        if method.lower() in ops and re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", t), path):
            return ops[method.lower()]
    return None


def call(method, path, who="operator", body=None, headers=None):
    con = http.client.HTTPSConnection("127.0.0.1", port, context=tls(who), timeout=40)
    h = dict(headers or {})
    if body is not None:
        h["Content-Type"] = "application/json"
    con.request(method, path, body, h)
    r = con.getresponse()
    text = r.read().decode()
    con.close()
    kind = r.headers["Content-Type"]
    data = json.loads(text) if "json" in kind else text
    op = template(method, path.split("?")[0]) if document else None
    if op:
        promised = op["responses"].get(str(r.status))
        if not promised or kind not in promised["content"]:
            ok(f"{method} {path}: {r.status} {kind} is in the document", False, text[:300])
        elif "json" in kind:
            schema = dict(promised["content"][kind]["schema"], components=document["components"])
            for e in jsonschema.Draft202012Validator(schema).iter_errors(data):
                ok(f"{method} {path}: the answer fits its schema", False, e.message)
    return r.status, data, r.headers


status, doc, _ = call("GET", "/v1/openapi.json")
ok("the document is there", status == 200 and doc["openapi"] == "3.1.0")
document = doc
for s in doc["components"]["schemas"].values():
    jsonschema.Draft202012Validator.check_schema(s)

# who
ok("no certificate, no token: 401", call("GET", "/v1/euiccs", None)[0] == 401)
status, p, h = call("GET", "/v1/euiccs", None, headers={"Authorization": "Bearer " + "0" * 64})
ok("a wrong token: 401 and a problem", status == 401 and p["status"] == 401 and h["WWW-Authenticate"] == "Bearer")
token = {"Authorization": "Bearer " + vty_token}
ok("the token: as good as the certificate", call("GET", "/v1/euiccs", None, headers=token)[1] == call("GET", "/v1/euiccs")[1])
ok("one party's token over another's certificate: 401", call("GET", "/v1/euiccs", "boot", headers=token)[0] == 401)

# what is whose
mine, boots = call("GET", "/v1/euiccs")[1], call("GET", "/v1/euiccs", "boot")[1]
ok("the operator sees its eUICC only", [e["eid"] for e in mine["euiccs"]] == [eid], mine)
ok("the other operator sees both", sorted(e["eid"] for e in boots["euiccs"]) == sorted([eid, other]), boots)
ok("and nobody another's profiles", all(p["owner"] != boots["euiccs"][0]["profiles"][0]["owner"]
                                         for e in mine["euiccs"] for p in e["profiles"]))
one = call("GET", "/v1/euiccs?limit=1", "boot")[1]
two = call("GET", f"/v1/euiccs?limit=1&after={one['next']}", "boot")[1]
ok("page by page the same", one["euiccs"] + two["euiccs"] == boots["euiccs"])
ok("filter by state", call("GET", "/v1/euiccs?state=created")[1]["euiccs"] == [])
ok("a bad filter: 400", call("GET", "/v1/euiccs?state=odd")[0] == 400)
ok("a bad limit: 400", call("GET", "/v1/euiccs?limit=100000")[0] == 400)
base = f"/v1/euiccs/{eid}"
ok("one eUICC", call("GET", base)[1]["eid"] == eid)
ok("its profiles", [p["iccid"] for p in call("GET", base + "/profiles")[1]["profiles"]] == [iccid])
ok("one profile", call("GET", f"{base}/profiles/{iccid}")[1]["state"] == "disabled")
ok("another's profile: 404", call("GET", f"{base}/profiles/{iccid}", "boot")[0] == 404)
ok("an unknown EID: 404", call("GET", "/v1/euiccs/89001012012341234012345678901224")[0] == 404)
ok("no EID: 400", call("GET", "/v1/euiccs/12")[0] == 400)
ok("a download is the SM-DP's: 501", call("POST", base + "/profiles", body="{}")[0] == 501)
ok("no such path: 404", call("GET", "/v1/nothing")[0] == 404)
ok("no such method: 405", call("DELETE", "/v1/euiccs")[0] == 405)

# bodies
en, dis = f"{base}/profiles/{iccid}/enable", f"{base}/profiles/{iccid}/disable"
for bad in ("[", "[]", '{"a":1}', '{"validity_seconds":0}', '{"validity_seconds":1,"validity_seconds":2}', "[" * 5000):
    ok(f"body {bad[:40]}: 400", call("POST", en, body=bad)[0] == 400)
con = http.client.HTTPSConnection("127.0.0.1", port, context=tls("operator"), timeout=10)
try:
    con.request("POST", en, "x" * 100000)
    ok("a body of 100 kB: 413", con.getresponse().status == 413)
except OSError as e:
    ok("a body of 100 kB: cut off", True)

# rights
status, p, _ = call("POST", en, "boot", body="{}")
ok("another's profile is not to be enabled: 403", status == 403 and p["subject_code"] == "8.2.1", p)
status, p, _ = call("POST", dis, body="{}")
ok("a disabled one is not to be disabled: 409", status == 409 and p["reason_code"] == "3.5", p)

# webhook
got = []


class Hook(http.server.BaseHTTPRequestHandler):
    refuse = 1

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        t, mac = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", self.headers["X-Rsp-Signature"]).groups()
        want = hmac.new(open(secret_file, "rb").read().strip(), t.encode() + b"." + body, hashlib.sha256).hexdigest()
        got.append((json.loads(body), mac == want))
        self.send_response(503 if Hook.refuse else 204)
        Hook.refuse = 0
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *a):
        pass


srv = http.server.ThreadingHTTPServer(("127.0.0.1", int(hook_port)), Hook)
ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
ctx.load_cert_chain(f"{ca}/operator.pem", f"{ca}/operator.key.pem")
srv.socket = ctx.wrap_socket(srv.socket, server_side=True)
threading.Thread(target=srv.serve_forever, daemon=True).start()

# an operation
key = {"Idempotency-Key": "k1"}
status, op, h = call("POST", en, body='{"validity_seconds":120}', headers=key)
ok("enable: 202 and its operation", status == 202 and h["Location"] == op["self"], op)
status, again, h = call("POST", en, body='{"validity_seconds":120}', headers=key)
ok("the same key again: the same operation", status == 202 and again["id"] == op["id"] and h["Idempotency-Replayed"] == "true")
ok("the key for something else: 422", call("POST", dis, body="{}", headers=key)[0] == 422)
ok("it is another's: 404", call("GET", op["self"], "boot")[0] == 404)
seen, last = [], None
end = time.time() + 60
while time.time() < end and not any(e[0] == "finished" for e in seen):
    status, text, _ = call("GET", op["self"] + "/events", headers={"Last-Event-ID": last} if last else {})
    for block in text.split("\n\n"):
        f = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "id" in f:
            last = f["id"]
            seen.append((f["event"], json.loads(f["data"])))
ok("its events come one after another, to the last", len(seen) >= 2 and seen[-1][0] == "finished", seen)
ids = [e[1]["id"] for e in seen]
ok("each once", ids == sorted(set(ids)))
done = call("GET", op["self"])[1]
ok("it has succeeded", done["state"] == "finished" and done["status"].startswith("EXECUTED"), done)
ok("its timeline is what the events told", [e["event"] for e in done["timeline"]] == [e[0] for e in seen])
ok("the profile is enabled", call("GET", f"{base}/profiles/{iccid}")[1]["state"] == "enabled")
ok("the operation is in the list", done["id"] in [o["id"] for o in call("GET", "/v1/operations?state=finished")[1]["operations"]])
ok("not in the other's", done["id"] not in [o["id"] for o in call("GET", "/v1/operations", "boot")[1]["operations"]])
end = time.time() + 20
while time.time() < end and not any(b["event"] == "finished" and b["operation"]["id"] == op["id"] for b, _ in got):
    time.sleep(0.2)
ok("the webhook was told all of it, signed", all(good for _, good in got) and
   [b["event"] for b, _ in got if b["operation"]["id"] == op["id"]][-1:] == ["finished"], got)
hooked = [b["id"] for b, _ in got]
ok("in order, and what it refused again", hooked == sorted(hooked) and len(hooked) == len(set(hooked)) + 1, hooked)

# rate
many = [http.client.HTTPSConnection("127.0.0.1", port, context=tls("boot"), timeout=10)]
codes = []
for _ in range(60):
    many[0].request("GET", "/v1/operations")
    r = many[0].getresponse()
    r.read()
    codes.append((r.status, r.headers["Retry-After"]))
ok("more than the party's rate: 429, Retry-After", (429, "1") in codes and codes[0][0] == 200, codes[:5])
sys.exit(failed != 0)
