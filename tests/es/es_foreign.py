#!/usr/bin/python3
# The other side of the codec tests: lxml, zeep, the canonicaliser of the Python library and the openssl command. Makes
# signed EIS and requests without our code, and judges what our code wrote.  SPDX-License-Identifier: AGPL-3.0-or-later
import base64, hashlib, io, os, subprocess, sys
import xml.etree.ElementTree as ET
from lxml import etree

RPS = 'http://namespaces.gsma.org/esim-messaging/3'
SOAP = 'http://www.w3.org/2003/05/soap-envelope'
WSA = 'http://www.w3.org/2005/08/addressing'
DS = 'http://www.w3.org/2000/09/xmldsig#'
EXC = 'http://www.w3.org/2001/10/xml-exc-c14n#'
INC = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315'
SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256'
ECDSA = 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256'
RSA = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'
EID = '89001012012341234012345678901224'


def run(*args, data=None):
    return subprocess.run(args, input=data, check=True, capture_output=True).stdout


def c14n(el, exclusive):
    text = etree.tostring(el, with_tail=False)      # with the namespaces in scope
    out = etree.tostring(etree.fromstring(text), method='c14n', exclusive=exclusive, with_comments=False)
    if exclusive:                                   # two implementations agree, or the vector is worth nothing
        other = ET.canonicalize(text.decode(), with_comments=False, rewrite_prefixes=False)
        assert other.encode() == out, 'canonicalisers differ'
    return out


def make_keys(d):
    p = lambda n: os.path.join(d, n)
    run('openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', p('eum.key'))
    run('openssl', 'req', '-x509', '-new', '-key', p('eum.key'), '-subj', '/CN=Test EUM', '-days', '3650', '-out', p('eum.pem'))
    run('openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', p('other.key'))
    run('openssl', 'req', '-x509', '-new', '-key', p('other.key'), '-subj', '/CN=Other', '-days', '3650', '-out', p('other.pem'))
    run('openssl', 'genrsa', '-out', p('rsa.key'), '2048')
    run('openssl', 'req', '-x509', '-new', '-key', p('rsa.key'), '-subj', '/CN=Test RSA', '-days', '3650', '-out', p('rsa.pem'))


def der_int(b):
    assert b[0] == 2
    return int.from_bytes(b[2:2 + b[1]], 'big'), b[2 + b[1]:]


def sign(key, data, rsa):
    der = run('openssl', 'dgst', '-sha256', '-sign', key, data=data)
    if rsa:
        return der
    r, rest = der_int(der[2:])
    s, _ = der_int(rest)
    return r.to_bytes(32, 'big') + s.to_bytes(32, 'big')


SIGNED_INFO = ('<P:EumSignedInfo{ns}{id}><P:Eid>{eid}</P:Eid><P:Eum-id>1.3.6.1.4.1.99</P:Eum-id>'
    '<P:ProductionDate>2026-01-02T03:04:05Z</P:ProductionDate><P:PlatformType>Demo &amp; "test" \u00e9</P:PlatformType>\n'
    '  <P:PlatformVersion>1.2.3</P:PlatformVersion><!-- not signed -->'
    '<P:Isd-p-loadfile-aid>A0000005591010FFFFFFFF8900000D00</P:Isd-p-loadfile-aid>'
    '<P:Isd-p-module-aid>A0000005591010FFFFFFFF8900000E00</P:Isd-p-module-aid>'
    '<P:Ecasd><P:Aid>A0000005591010FFFFFFFF8900000200</P:Aid><P:Sin>01</P:Sin><P:Sdin>02</P:Sdin><P:Role>ECASD</P:Role>'
    '<P:Keyset><P:Version>116</P:Version><P:Type>CA</P:Type><P:Certificate><P:Index>1</P:Index><P:CaId>1.3.6.1.4.1.99</P:CaId>'
    '<P:Value>7F2100</P:Value></P:Certificate></P:Keyset></P:Ecasd>'
    '<P:EuiccCapabilities><P:CattpSupport>true</P:CattpSupport><P:HttpSupport>1</P:HttpSupport>'
    '<P:SecurePacketVersion>11.0.0</P:SecurePacketVersion><P:RemoteProvisioningVersion>3.1.0</P:RemoteProvisioningVersion>'
    '</P:EuiccCapabilities></P:EumSignedInfo>')


def eis_text(prefix, scope, with_id):
    ns = f' xmlns:{prefix}="{RPS}"' if prefix else f' xmlns="{RPS}"'
    info = SIGNED_INFO.format(ns=ns if scope == 'info' else '', id=' Id="signed-part"' if with_id else '', eid=EID)
    body = (f'<P:Eis{ns if scope != "envelope" else ""}>{info}<P:RemainingMemory>1000</P:RemainingMemory>'
        '<P:AvailableMemoryForProfiles>900</P:AvailableMemoryForProfiles><P:Smsr-id>1.3.6.1.4.1.20</P:Smsr-id></P:Eis>')
    text = (f'<s:Envelope xmlns:s="{SOAP}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"{ns}><s:Header/><s:Body>'
        f'<P:ES1-RegisterEISRequest><P:FunctionCallIdentifier>f</P:FunctionCallIdentifier>{body}</P:ES1-RegisterEISRequest>'
        '</s:Body></s:Envelope>')
    return text.replace('<P:', f'<{prefix}:' if prefix else '<').replace('</P:', f'</{prefix}:' if prefix else '</')


def signed_envelope(d, prefix, scope, element, uri, exclusive, rsa=False):
    doc = etree.fromstring(eis_text(prefix, scope, uri not in (None, '')).encode())
    eis = doc.find('.//{%s}Eis' % RPS)
    info = eis.find('{%s}EumSignedInfo' % RPS)
    if element == 'rps':
        sig = etree.Element('{%s}EumSignature' % RPS, nsmap={prefix or None: RPS} if scope != 'envelope' else None)
        sub = lambda parent, name, **a: etree.SubElement(parent, '{%s}%s' % (DS, name), nsmap={'ds': DS}, **a)
    else:
        sig = etree.Element('{%s}Signature' % DS, nsmap={'dsig': DS})
        sub = lambda parent, name, **a: etree.SubElement(parent, '{%s}%s' % (DS, name), **a)
    info.addnext(sig)
    si = sub(sig, 'SignedInfo')
    sub(si, 'CanonicalizationMethod', Algorithm=EXC if exclusive else INC)
    sub(si, 'SignatureMethod', Algorithm=RSA if rsa else ECDSA)
    ref = sub(si, 'Reference')
    if uri is not None:
        ref.set('URI', uri)
    if exclusive:
        sub(sub(ref, 'Transforms'), 'Transform', Algorithm=EXC)
    sub(ref, 'DigestMethod', Algorithm=SHA256)
    sub(ref, 'DigestValue').text = base64.b64encode(hashlib.sha256(c14n(info, exclusive)).digest()).decode()
    value = sub(sig, 'SignatureValue')
    name = 'rsa' if rsa else 'eum'
    value.text = '\n' + base64.b64encode(sign(os.path.join(d, name + '.key'), c14n(si, exclusive), rsa)).decode() + '\n'
    data = sub(sub(sig, 'KeyInfo'), 'X509Data')
    pem = open(os.path.join(d, name + '.pem')).read().split('-----')[2]
    sub(data, 'X509Certificate').text = pem
    return etree.tostring(doc, xml_declaration=True, encoding='UTF-8')


def vectors(d):
    make_keys(d)
    n = 0
    for prefix in ('rps', 'rps3', ''):
        for scope in ('envelope', 'eis', 'info'):
            for element in ('rps', 'ds'):
                for uri in (None, '', '#signed-part'):
                    for exclusive in (True, False):
                        name = f'{n:03d}-{prefix or "default"}-{scope}-{element}-' \
                            f'{"no" if uri is None else "empty" if not uri else "id"}uri-{"exc" if exclusive else "inc"}.xml'
                        open(os.path.join(d, name), 'wb').write(signed_envelope(d, prefix, scope, element, uri, exclusive))
                        n += 1
    open(os.path.join(d, 'rsa.xml'), 'wb').write(signed_envelope(d, 'rps', 'envelope', 'rps', None, True, rsa=True))
    print(n)


def dsigcheck(path, cert):
    """An EIS signed by our code."""
    eis = etree.parse(path).getroot()
    info, sig = eis.find('{%s}EumSignedInfo' % RPS), eis.find('{%s}EumSignature' % RPS)
    si = sig.find('{%s}SignedInfo' % DS)
    get = lambda name: sig.find('.//{%s}%s' % (DS, name))
    assert get('CanonicalizationMethod').get('Algorithm') == EXC
    assert get('SignatureMethod').get('Algorithm') == ECDSA
    assert get('Transform').get('Algorithm') == EXC and get('DigestMethod').get('Algorithm') == SHA256
    assert get('Reference').get('URI') is None
    assert base64.b64decode(get('DigestValue').text) == hashlib.sha256(c14n(info, True)).digest(), 'digest'
    raw = base64.b64decode(get('SignatureValue').text)
    assert len(raw) == 64
    d = os.path.dirname(path)
    num = lambda b: b'\x02' + bytes([len(b)]) + b
    enc = lambda v: num(v.to_bytes(33, 'big').lstrip(b'\0') if v >> 255 == 0 else v.to_bytes(33, 'big'))
    der = enc(int.from_bytes(raw[:32], 'big')) + enc(int.from_bytes(raw[32:], 'big'))
    open(d + '/sig.der', 'wb').write(b'\x30' + bytes([len(der)]) + der)
    open(d + '/pub.pem', 'wb').write(run('openssl', 'x509', '-in', cert, '-noout', '-pubkey'))
    run('openssl', 'dgst', '-sha256', '-verify', d + '/pub.pem', '-signature', d + '/sig.der', data=c14n(si, True))
    pem = run('openssl', 'x509', '-in', cert, '-outform', 'DER')
    assert base64.b64decode(get('X509Certificate').text) == pem
    print('ok')


def envelope(path):
    """Envelopes written by our code: namespaces and place of everything."""
    for name in sorted(n for n in os.listdir(path) if n.endswith('.xml')):
        root = etree.parse(os.path.join(path, name)).getroot()
        assert root.tag == '{%s}Envelope' % SOAP, name
        assert [c.tag for c in root] == ['{%s}Header' % SOAP, '{%s}Body' % SOAP], name
        header, body = root
        assert all(etree.QName(h).namespace == WSA for h in header.iter() if h is not header), name
        assert header.find('{%s}From/{%s}Address' % (WSA, WSA)).text.endswith('EntityId=1.3.6.1.4.1.10'), name
        assert header.find('{%s}MessageID' % WSA) is not None and len(body) == 1, name
        for el in body.iter():
            if el is not body:
                assert etree.QName(el).namespace in (RPS, DS), (name, el.tag)
        assert etree.QName(body[0]).localname == name[:-4], name
    print('ok')


def requests(d):
    """Requests made by lxml: SendData of 2 MB, lower-camel names in namespace /1, the wrong addressing namespace."""
    def soap(ns, wsa, name, children):
        env = etree.Element('{%s}Envelope' % SOAP, nsmap={'S': SOAP})
        head, body = etree.SubElement(env, '{%s}Header' % SOAP), etree.SubElement(env, '{%s}Body' % SOAP)
        frm = etree.SubElement(head, '{%s}From' % wsa)
        etree.SubElement(frm, '{%s}Address' % wsa).text = 'https://a.example.com/x?EntityId=1.3.6.1.4.1.10?EntityName=A'
        etree.SubElement(head, '{%s}MessageID' % wsa).text = 'urn:x?transactionid=t%2D1&MessageDate=2026-01-01T00:00:00+00:00'
        el = etree.SubElement(body, '{%s}%s' % (ns, name))
        for tag, text in children:
            etree.SubElement(el, '{%s}%s' % (ns, tag)).text = text
        return etree.tostring(env)
    big = os.urandom(2000000).hex()
    open(d + '/senddata.xml', 'wb').write(soap(RPS, WSA, 'ES3-SendDataRequest', [
        ('FunctionCallIdentifier', 'f'), ('Eid', EID), ('Sd-aid', 'A0000005591010FFFFFFFF8900001000'), ('Data', big),
        ('MoreToDo', 'true')]))
    open(d + '/senddata.sha', 'wb').write(hashlib.sha256(bytes.fromhex(big)).digest())
    open(d + '/old.xml', 'wb').write(soap('http://namespaces.gsma.org/esim-messaging/1',
        'http://www.w3.org/2007/05/addressing/metadata', 'ES4-EnableProfileRequest', [
        ('iccid', '8947010000123456784F'), ('Unknown', 'x'), ('eid', EID), ('functionCallIdentifier', 'old')]))
    zeep_request(d)
    print('ok')


WSDL = f'''<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"
 xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:r="{RPS}" xmlns:t="urn:t" targetNamespace="urn:t"><wsdl:types>
<xs:schema targetNamespace="{RPS}" elementFormDefault="qualified"><xs:element name="ES2-DownloadProfileRequest"><xs:complexType>
<xs:sequence><xs:element name="FunctionCallIdentifier" type="xs:string"/><xs:element name="ValidityPeriod" type="xs:positiveInteger"
 minOccurs="0"/><xs:element name="Eid" type="xs:hexBinary"/><xs:element name="SmSr-id" type="xs:string"/><xs:element
 name="ProfileType" type="xs:string" minOccurs="0"/><xs:element name="Iccid" type="xs:string" minOccurs="0"/><xs:element
 name="EnableProfile" type="xs:boolean"/></xs:sequence></xs:complexType></xs:element></xs:schema></wsdl:types>
<wsdl:message name="m"><wsdl:part name="p" element="r:ES2-DownloadProfileRequest"/></wsdl:message>
<wsdl:portType name="ES2SmDp"><wsdl:operation name="ES2-DownloadProfile"><wsdl:input message="t:m"/></wsdl:operation></wsdl:portType>
<wsdl:binding name="b" type="t:ES2SmDp"><soap12:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
<wsdl:operation name="ES2-DownloadProfile"><soap12:operation soapAction="x"/><wsdl:input><soap12:body use="literal"/></wsdl:input>
</wsdl:operation></wsdl:binding><wsdl:service name="ES2SmDpService"><wsdl:port name="p" binding="t:b">
<soap12:address location="https://localhost/"/></wsdl:port></wsdl:service></wsdl:definitions>'''


def zeep_request(d):
    import zeep
    from zeep.wsa import WsAddressingPlugin
    path = d + '/es2.wsdl'
    open(path, 'w').write(WSDL)
    client = zeep.Client(path)
    env = client.create_message(client.service, 'ES2-DownloadProfile', FunctionCallIdentifier='z', ValidityPeriod=600,
        Eid=bytes.fromhex(EID).hex(), **{'SmSr-id': '1.3.6.1.4.1.20'}, ProfileType='gold', EnableProfile=True)
    operation = client.wsdl.bindings['{urn:t}b'].get('ES2-DownloadProfile')
    env, _ = WsAddressingPlugin().egress(env, {}, operation, {'address': 'https://localhost/'})
    open(d + '/zeep.xml', 'wb').write(etree.tostring(env))


def validate(d):
    """Every message against the schema, by lxml; the schema must be able to refuse."""
    schema = etree.XMLSchema(etree.parse(d + '/x.xsd'))
    n = 0
    for name in sorted(os.listdir(d)):
        if name.endswith('.xml'):
            body = etree.parse(os.path.join(d, name)).getroot()[1][0]
            doc = etree.fromstring(etree.tostring(body))
            assert schema.validate(doc), (name, schema.error_log)
            doc.append(etree.Element('{%s}Nonsense' % RPS))
            assert not schema.validate(doc), name
            n += 1
    print(n)
    assert n > 100


def wsdl(d):
    """zeep reads each WSDL, without the net, and finds every function; its request is as ours."""
    import zeep
    seen = 0
    for name in sorted(os.listdir(d)):
        if not name.endswith('.wsdl'):
            continue
        client = zeep.Client(os.path.join(d, name))
        for service in client.wsdl.services.values():
            for port in service.ports.values():
                seen += len(port.binding._operations)
    assert seen > 150, seen
    print(seen)


if __name__ == '__main__':
    {'validate': validate, 'wsdl': wsdl, 'vectors': vectors, 'dsigcheck': dsigcheck, 'envelope': envelope, 'requests': requests}[sys.argv[1]](*sys.argv[2:])
