#!/usr/bin/python3
"""See zeep.sh. zeep checks each answer against the schema that the WSDL names; what it refuses is a failure.
SPDX-License-Identifier: AGPL-3.0-or-later"""
import glob, os, sys, uuid
from lxml import etree
import requests, zeep
from zeep.transports import Transport

D, WHO, SMSR_URL, SMDP_URL, SMSR, OWN = sys.argv[1:7]
WSA, RPS = 'http://www.w3.org/2005/08/addressing', 'http://namespaces.gsma.org/esim-messaging/3'
EID = os.path.basename(sorted(glob.glob(D + '/batch/eis/*.xml'))[0])[:-4]
ICCID = etree.parse('%s/batch/eis/%s.xml' % (D, EID)).getroot().findtext('{%s}ProfileInfo/{%s}Iccid' % (RPS, RPS))
VALUES = {
    'FunctionCallIdentifier': 'zeep', 'ValidityPeriod': 20, 'Eid': EID, 'Iccid': ICCID, 'Smsr-id': SMSR, 'SmSr-id': SMSR,
    'EnableProfile': False, 'ProfileType': 'nonesuch', 'TargetSmsrId': '1.2.3', 'CurrentSMSRid': '1.2.3', 'M2m-sp-id': '1.2.4',
    'newSubscriptionAddress': {'Imsi': '001010000000001', 'Msisdn': '491700000001'},
    'pol2': {'Rule': [{'Subject': 'PROFILE', 'Action': 'DELETE', 'Qualification': 'Not-Allowed'}]},
    'Plma': {'Mno-id': OWN, 'M2m-sp-id': '1.2.4', 'ProfileType': 'gold', 'AuthorisedOperation': ['EnableProfile', 'GetEIS']},
    'Onc': {'Mno-id': OWN, 'ProfileType': 'gold', 'DiscardedNotification': ['HandleProfileEnabledNotification']},
}
# What each function must come to when it is the profile's owner (boot) who asks, and when it is another operator.
OWNER = {
    'ES4-GetEIS': 'EXECUTED_SUCCESS', 'ES4-AuditEIS': 'EXECUTED_SUCCESS', 'ES4-UpdatePolicyRules': 'EXECUTED_SUCCESS',
    'ES4-UpdateSubscriptionAddress': 'EXECUTED_SUCCESS', 'ES4-EnableProfile': 'FAILED 8.2.1/3.5', 'ES4-DisableProfile': 'FAILED 8.2.3/3.8',
    'ES4-DeleteProfile': 'FAILED 8.2.3/3.8', 'ES4-GetPLMA': 'EXECUTED_SUCCESS', 'ES4-PrepareSMSRChange': 'FAILED 8.7/3.9',
    'ES4-SMSRChange': 'FAILED 8.7/3.9', 'ES4A-SetPLMA': 'EXECUTED_SUCCESS', 'ES4A-GetPLMA': 'EXECUTED_SUCCESS',
    'ES4A-SetONC': 'EXECUTED_SUCCESS', 'ES4A-GetONC': 'EXECUTED_SUCCESS',
}
OTHER = dict(OWNER, **{f: 'FAILED 8.2.1/1.2' for f in ('ES4-UpdatePolicyRules', 'ES4-UpdateSubscriptionAddress', 'ES4-EnableProfile',
    'ES4-DisableProfile', 'ES4-DeleteProfile', 'ES4-GetPLMA', 'ES4A-GetPLMA', 'ES4-AuditEIS')}, **{'ES4-SMSRChange': 'FAILED 8.1/1.2'})
ES2 = {
    'ES2-GetEIS': 'EXECUTED_SUCCESS', 'ES2-AuditEIS': 'FAILED', 'ES2-DownloadProfile': 'FAILED', 'ES2-EnableProfile': 'FAILED 8.2.1/3.9',
    'ES2-DisableProfile': 'FAILED 8.2.1/3.9', 'ES2-DeleteProfile': 'FAILED 8.2.1/3.9', 'ES2-SetPLMA': 'EXECUTED_SUCCESS',
    'ES2-GetPLMA': 'FAILED 8.2.1/3.9', 'ES2-SetONC': 'EXECUTED_SUCCESS', 'ES2-GetONC': 'EXECUTED_SUCCESS',
}


def headers(action):
    def e(tag, text, inner=None):
        x = etree.Element('{%s}%s' % (WSA, tag))
        (etree.SubElement(x, '{%s}%s' % (WSA, inner)) if inner else x).text = text
        return x
    return [e('From', 'https://zeep.example.com/?EntityId=' + OWN, 'Address'), e('MessageID', 'urn:uuid:%s' % uuid.uuid4()),
        e('Action', action)]


def arguments(element):
    return {n: VALUES[n] for n, child in element.type.elements if n in VALUES and
        (child.min_occurs or n in ('ValidityPeriod', 'pol2', 'Iccid', 'Eid') or 'Smsr' in n)}


def client(url):
    session = requests.Session()
    session.cert, session.verify = ('%s/ca/%s.pem' % (D, WHO), '%s/ca/%s.key.pem' % (D, WHO)), D + '/ca/ci.pem'
    session.trust_env = False
    return zeep.Client(url + '?wsdl', transport=Transport(session=session, timeout=60, operation_timeout=60))


def call_all(c, service, port, want):
    bad = 0
    bound = c.bind(service, port)
    for name, op in sorted(bound._binding._operations.items()):
        element = c.get_element('{%s}%sRequest' % (RPS, name))
        answer = getattr(bound, name)(_soapheaders=headers(op.soapaction), **arguments(element))
        st = answer.FunctionExecutionStatus if hasattr(answer, 'FunctionExecutionStatus') else answer
        code = getattr(st, 'StatusCodeData', None)
        got = st.Status + (' %s/%s' % (code.Subject, code.Reason) if code else '')
        ok = got.startswith(want.get(name, ''))
        print('%s %-36s %s' % ('ok:    ' if ok else 'NOT OK:', name, got))
        bad += not ok
    return bad


if __name__ == '__main__':
    sr = client(SMSR_URL)
    want = OWNER if WHO == 'boot' else OTHER
    bad = call_all(sr, 'ES4SmSrService', 'SmSrES4Port', want) + call_all(sr, 'ES4ASmSrService', 'SmSrES4APort', want)
    if WHO == 'operator':	# the other is no party of the SM-DP
        bad += call_all(client(SMDP_URL), 'ES2SmDpService', 'SmDpES2Port', ES2)
    sys.exit(bad > 0)
