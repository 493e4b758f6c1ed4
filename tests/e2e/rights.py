#!/usr/bin/python3
"""See rights.sh. The functions are those of the schema; who may call them is written here a second time, in the words of
the specification digest (off-card.md 1.9, 3.4, 3.6, 4). SPDX-License-Identifier: AGPL-3.0-or-later"""
import glob, http.client, itertools, os, sqlite3, ssl, sys, uuid
from lxml import etree

D, PORT, SMSR = sys.argv[1], int(sys.argv[2]), sys.argv[3]
RPS = 'http://namespaces.gsma.org/esim-messaging/3'
SOAP = 'http://www.w3.org/2003/05/soap-envelope'
WSA = 'http://www.w3.org/2005/08/addressing'
POLL = 'http://docs.oasis-open.org/ws-rx/wsmc/200702/anonymous?id=rights'
ROLES, RELATIONS = ('operator', 'm2m-sp', 'sm-dp', 'sm-sr', 'eum'), ('own', 'granted', 'foreign')
CALLER = {}
for line in open(D + '/callers'):
    role, rel, oid, path = line.split()
    CALLER[role, rel] = (oid, path)
GOLD, SILVER = '8949000000000000117', '8949000000000000125'
IMSI, MSISDN = '001017777777777', '491799999999'


def r(tag, text=None, *children):
    e = etree.Element('{%s}%s' % (RPS, tag), nsmap={'rps': RPS})
    e.text = text
    e.extend(children)
    return e


# ---- the wire ----

class Connection:
    """One TLS identity; kept alive, opened anew when the server closed it."""
    def __init__(self, cert):
        self.ctx = ssl.create_default_context(cafile=D + '/ca/ci.pem')
        self.ctx.check_hostname = False
        if cert:
            self.ctx.load_cert_chain(cert + '.pem', cert + '.key.pem')
        self.http = None

    def post(self, body):
        for again in (True, False):
            try:
                if not self.http:
                    self.http = http.client.HTTPSConnection('127.0.0.1', PORT, context=self.ctx, timeout=10)
                self.http.request('POST', '/es', body, {'Content-Type': 'application/soap+xml'})
                a = self.http.getresponse()
                text = a.read()
                if a.getheader('Connection') == 'close':
                    self.http = None
                return a.status, text
            except (ssl.SSLError, ConnectionError, http.client.HTTPException, OSError) as e:
                fresh = self.http is None or isinstance(e, ssl.SSLError)
                self.http = None
                if fresh or not again:
                    return 0, b''
        return 0, b''


CONNECTIONS = {}


def post(cert, body):
    if cert not in CONNECTIONS:
        CONNECTIONS[cert] = Connection(cert)
    return CONNECTIONS[cert].post(body)


def envelope(oid, element, poll=True):
    env = etree.Element('{%s}Envelope' % SOAP, nsmap={'s': SOAP, 'w': WSA})
    head, body = etree.SubElement(env, '{%s}Header' % SOAP), etree.SubElement(env, '{%s}Body' % SOAP)
    etree.SubElement(etree.SubElement(head, '{%s}From' % WSA), '{%s}Address' % WSA).text = 'https://x/?EntityId=' + oid
    etree.SubElement(head, '{%s}MessageID' % WSA).text = 'urn:uuid:%s' % uuid.uuid4()
    if poll:
        etree.SubElement(etree.SubElement(head, '{%s}ReplyTo' % WSA), '{%s}Address' % WSA).text = POLL
    body.append(element)
    return etree.tostring(env)


def outcome(status, text):
    """'0' no TLS, '403', '202', '400' (fault), or 'STATUS subject/reason' of a response"""
    if status != 200:
        return str(status)
    root = etree.fromstring(text)
    get = lambda n: next((e.text or '' for e in root.iter('{%s}%s' % (RPS, n))), '')
    return ('%s %s/%s' % (get('Status'), get('Subject'), get('Reason'))).replace(' /', '')


# ---- the world ----

def subscription():
    return r('newSubscriptionAddress', None, r('Imsi', IMSI), r('Msisdn', MSISDN))


def profile(iccid, n, mno, kind, smdp):
    return r('ProfileInfo', None, r('Iccid', iccid), r('Isd-p-aid', 'A0000005591010FFFFFFFF89%04X00' % n), r('Mno-id', mno),
        r('FallbackAttribute', 'false'), r('SubscriptionAddress', None, r('Imsi', IMSI), r('Msisdn', MSISDN)), r('State', 'Disabled'),
        r('Smdp-id', smdp), r('ProfileType', kind), r('AllocatedMemory', '1000'), r('pol2'))


def register():
    """Each card with a profile of the operator 'own' by the SM-DP 'own', and one whose owner is a service provider."""
    eids = []
    for path in sorted(glob.glob(D + '/batch/eis/*.xml')):
        eis = etree.parse(path).getroot()
        at = eis.find('{%s}ProfileInfo' % RPS)
        at.addnext(profile(GOLD, 0x21, CALLER['operator', 'own'][0], 'gold', CALLER['sm-dp', 'own'][0]))
        at.addnext(profile(SILVER, 0x22, CALLER['m2m-sp', 'own'][0], 'silver', CALLER['sm-dp', 'foreign'][0]))
        oid, cert = CALLER['eum', 'own']
        got = outcome(*post(cert, envelope(oid, r('ES1-RegisterEISRequest', None, r('FunctionCallIdentifier', '1'), eis), False)))
        assert got == 'EXECUTED_SUCCESS', (path, got)
        eids.append(os.path.basename(path)[:-4])
    return eids


GRANTABLE = ['GetEIS', 'AuditEIS', 'EnableProfile', 'DisableProfile', 'DeleteProfile', 'UpdateSubscriptionAddress',
    'SetFallBackAttribute', 'SetEmergencyProfileAttribute']


def plma(mno, to):
    return r('Plma', None, r('Mno-id', mno), r('M2m-sp-id', to), r('ProfileType', 'gold'),
        *[r('AuthorisedOperation', n) for n in GRANTABLE])


def grant():
    """The owner grants to one party of each role; it helps only those who are on ES4."""
    oid, cert = CALLER['operator', 'own']
    for role in ROLES:
        got = outcome(*post(cert, envelope(oid, r('ES4A-SetPLMARequest', None, r('FunctionCallIdentifier', '1'),
            plma(oid, CALLER[role, 'granted'][0])), False)))
        assert got == 'EXECUTED_SUCCESS', got
    got = outcome(*post(cert, envelope(oid, r('ES4A-SetPLMARequest', None, r('FunctionCallIdentifier', '1'), r('Plma', None,
        r('Mno-id', oid), r('M2m-sp-id', '1.2.3'), r('ProfileType', 'gold'), r('AuthorisedOperation', 'UpdatePolicyRules'))), False)))
    assert got == 'FAILED 1.6/1.2', got		# POL2 cannot be granted (3.4)


def element(name, role, rel, eid):
    """One body for all functions: what a function does not have, it skips."""
    iccid = SILVER if (role, rel) == ('m2m-sp', 'own') else GOLD
    e = r(name, None, r('FunctionCallIdentifier', '1'), r('Eid', eid), r('Iccid', iccid), r('Smsr-id', SMSR), r('EnableProfile', 'false'),
        r('RequiredMemory', '1000'), r('MoreToDo', 'false'), r('Sd-aid', 'A0000005591010FFFFFFFF8900210000'[:28] + '0000'),
        r('Data', '2200'), r('TargetSmsrId', CALLER['sm-sr', 'own'][0]), r('CurrentSMSRid', CALLER['sm-sr', 'own'][0]), subscription(),
        r('pol2'), r('ConnectivityParameters', '00'), r('AdditionalProperties', None, r('Property', None, r('key', 'k'), r('value', 'v'))),
        plma(CALLER['operator', 'own'][0], CALLER['m2m-sp', 'granted'][0]),
        r('Onc', None, r('Mno-id', CALLER['operator', 'own'][0]), r('ProfileType', 'other')), r('KeyVersionNumber', '1'),
        r('InitialSequenceCounter', '1'), r('ECCKeyLength', 'ECC-256'), r('ScenarioParameter', '9'), r('HostId', '01'),
        r('EphemeralPublicKey', '04' + '11' * 64), r('Signature', '22' * 64), r('SmsrCertificate', '7F2100'),
        r('CompletionTimestamp', '2026-01-01T00:00:00Z'))
    if 'CreateISDP' in name or 'GetONC' in name:
        e.append(r('Mno-id', CALLER['operator', 'own'][0]))
    if 'RegisterEIS' in name or 'HandoverEUICC' in name or 'SMSRChangeNotification' in name:
        e.append(etree.parse('%s/batch/eis/%s.xml' % (D, eid)).getroot())
    for sd in e.iter('{%s}Sd-aid' % RPS):
        sd.text = 'A0000005591010FFFFFFFF89002100'
    return e


# ---- what is right ----

DOOR, DENY, YES = 'door', 'deny', 'yes'
OWNER_ES4 = {'UpdatePolicyRules', 'SMSRChange'}
GRANTED_ES4 = set(GRANTABLE) | {'GetPLMA'}


def expected(iface, fn, role, rel):
    if fn.startswith('Handle'):		# from the server to its client: 4.2 to 4.6, last rows
        return YES if role == {'ES2': 'sm-dp'}.get(iface, 'sm-sr') else DOOR
    if iface == 'ES1':
        return DOOR if role != 'eum' else YES if rel == 'own' else DENY
    if iface == 'ES2':			# an SM-SR does not provide it, but says so to those only who might ask
        return YES if role == 'operator' else DOOR
    if iface == 'ES3':
        if role != 'sm-dp':
            return DOOR
        if fn in ('GetEIS', 'CreateISDP', 'SetPLMA', 'SetONC', 'GetONC'):
            return YES
        return YES if rel == 'own' else DENY
    if iface == 'ES7':
        return YES if role == 'sm-sr' else DOOR
    if iface == 'ES4A':
        if role != 'operator':
            return DOOR
        return YES if rel == 'own' or fn == 'GetONC' else DENY
    if fn == 'PrepareSMSRChange':
        return YES if role == 'operator' else DOOR
    if role == 'operator':
        if fn in OWNER_ES4:
            return YES if rel == 'own' else DENY
        return YES if rel in ('own', 'granted') or fn == 'GetEIS' else DENY
    if role == 'm2m-sp' and fn in GRANTED_ES4:
        return YES if rel == 'granted' else DENY
    return DOOR


DENIALS = {'FAILED 8.1/1.2', 'FAILED 8.2.1/1.2', 'FAILED 1.1/1.2'}


def fits(want, got, note):
    if want == DOOR:
        return got == ('400' if note else 'FAILED 1.1/1.2')
    if want == DENY:
        return got in DENIALS
    return got == '202' or (got != 'FAILED 1.1/1.1' and got not in DENIALS and got.split()[0] in ('FAILED', 'EXECUTED_SUCCESS'))


def state():
    db = sqlite3.connect('file:%s/smsr.db?mode=ro' % D, uri=True)
    out = [db.execute('SELECT * FROM %s ORDER BY 1, 2, 3' % t).fetchall() for t in
        ('euicc', 'profile', 'keyset', 'key', 'operator_grant', 'property')] + [db.execute('SELECT * FROM euicc_hold').fetchall()]
    db.close()
    return out


# ---- the matrix ----

def functions():
    schema = etree.parse(D + '/esim-messaging-3.xsd').getroot()
    for e in schema.findall('{http://www.w3.org/2001/XMLSchema}element'):
        name = e.get('name')
        if '-' in name and not name.endswith('Response'):
            iface, fn = name.split('-', 1)
            yield name, iface, fn[:-7] if fn.endswith('Request') else fn


def secrets(role, rel):
    """What a refusal must not tell: other parties, other profiles, addresses, files."""
    asked = {SILVER} if (role, rel) == ('m2m-sp', 'own') else {GOLD}
    return [s.encode() for s in {GOLD, SILVER} - asked] + [IMSI.encode(), MSISDN.encode(), D.encode()] + \
        [CALLER[k][0].encode() + b'<' for k in CALLER if k != (role, rel)]


bad = []


def judge(name, role, rel, cert, want, status, text, note):
    got = outcome(status, text)
    ok = fits(want, got, note) if want in (DOOR, DENY, YES) else got in want
    if not ok:
        bad.append('%s by %s/%s, %s certificate: %s, expected %s' % (name, role, rel, cert, got, want))
    if want != YES:
        for s in secrets(role, rel):
            if s in text and not (name.startswith('ES4A-Set') and s[:-1].decode() == CALLER['operator', 'own'][0]):	# it was named
                bad.append('%s by %s/%s, %s certificate: the refusal tells %r' % (name, role, rel, cert, s))
    return got


def main():
    eids = register()
    grant()
    before, n, allowed = state(), 0, []
    for (name, iface, fn), role, rel in itertools.product(list(functions()), ROLES, RELATIONS):
        oid, path = CALLER[role, rel]
        note = fn.startswith('Handle')
        other = CALLER['operator' if role != 'operator' else 'sm-sr', rel][1]
        body = lambda: envelope(oid, element(name, role, rel, eids[0]))
        for cert, file, want in (('wrong', other, {'FAILED 1.1/1.1', '400' if note else ''}), ('revoked', path + '-old', {'0'}),
                ('no', None, {'0'})):
            judge(name, role, rel, cert, want, *post(file, body()), note)
            n += 1
        want = expected(iface, fn, role, rel)
        if want == YES:
            allowed.append((name, fn, role, rel))
            continue
        judge(name, role, rel, 'right', want, *post(path, body()), note)
        n += 1
    if state() != before:
        bad.append('the refusals have changed something')
    refused, card = n, 1
    for name, fn, role, rel in allowed:		# last, for these do change something; a card of its own for what takes a card
        oid, path = CALLER[role, rel]
        eid = eids[0] if card >= len(eids) else eids[card]
        got = judge(name, role, rel, 'right', YES, *post(path, envelope(oid, element(name, role, rel, eid))), fn.startswith('Handle'))
        card += got == '202' and not fn.startswith('Handle')
        n += 1
    assert card < len(eids), 'more cards are needed: %d' % card
    print('%d functions, %d calls, %d of them refused, %d allowed' % (len(list(functions())), n, refused, len(allowed)))
    for line in bad[:40]:
        print('NOT OK:', line)
    return bool(bad)


sys.exit(main())
