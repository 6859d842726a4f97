# SPDX-License-Identifier: BSD-2-Clause
# DMARC beside libopendmarc and python3-authheaders, where these are right.
# Both know RFC 7489 only, which agrees with RFC 9989 where the organization
# has a record and names between it and the author's have none. libopendmarc
# 1.4.2 takes subdomains for strictly aligned, and aligns with the record's domain instead
# of the author's: it is asked only where these cannot matter. Prints TAP.
import ctypes
import os
import random
import subprocess
import sys

import authheaders
from authheaders.dmarc_lookup import PublicSuffixList
from authres import SPFAuthenticationResult
from authres.dkim_b import DKIMAuthenticationResult

CASES = 3000
ORGS = ['example.com', 'example.org', 'shop.co.uk', 'a.de']
random.seed(7489)
lib = ctypes.CDLL('libopendmarc.so.2')
lib.opendmarc_policy_connect_init.restype = ctypes.c_void_p


class Library(ctypes.Structure):
    _fields_ = [('tld_type', ctypes.c_int), ('file', ctypes.c_char * 2048),
                ('nscount', ctypes.c_int), ('servers', ctypes.c_char * 256)]


def below(org):
    return random.choice(['', 'm.', 'x.m.', 'news.']) + org


def record():
    tags = ['v=DMARC1', 'p=' + random.choice(['none', 'quarantine',
                                              'reject'])]
    more = []
    if random.random() < 0.5:
        more.append('sp=' + random.choice(['none', 'quarantine', 'reject']))
    for tag in ('adkim', 'aspf'):
        if random.random() < 0.6:
            more.append(tag + '=' + random.choice('rs'))
    if random.random() < 0.3:
        more.append('rua=mailto:r@example.com')
    random.shuffle(more)
    return random.choice(['; ', ';', ' ; ']).join(tags + more)


def make():
    org = random.choice(ORGS)
    author = below(org)
    records = {}
    if random.random() < 0.9:
        records['_dmarc.' + org] = record()
        if random.random() < 0.5:
            records['_dmarc.' + author] = record()

    def signer():
        return below(org if random.random() < 0.7 else random.choice(ORGS))
    return {'author': author, 'org': org, 'records': records,
            'spf': (random.choice(['pass', 'fail', 'softfail']), signer()),
            'dkim': (random.choice(['pass', 'fail']), signer())}


def ours(cases):
    lines = []
    for case in cases:
        words = ['ann@' + case['author'], *case['spf'], *case['dkim']]
        for name, text in case['records'].items():
            words += [name, text]
        lines.append('\t'.join(words) + '\n')
    tool = os.environ['MUSTER_BUILD'] + '/t/auth/dmarc-cases'
    done = subprocess.run([tool], input=''.join(lines).encode(),
                          stdout=subprocess.PIPE, check=True)
    return [line.rstrip(' ') for line in done.stdout.decode().splitlines()]


def opendmarc(case):
    text = lambda value: value.encode()
    context = ctypes.c_void_p(lib.opendmarc_policy_connect_init(
        b'192.0.2.7', 4))
    lib.opendmarc_policy_store_from_domain(context, text(case['author']))
    spf, domain = case['spf']
    lib.opendmarc_policy_store_spf(context, text(domain),
                                   1 if spf == 'pass' else 2, 1, None)
    dkim, domain = case['dkim']
    lib.opendmarc_policy_store_dkim(context, text(domain), b's1',
                                    1 if dkim == 'pass' else 2, None)
    status = lib.opendmarc_policy_store_dmarc(
        context, text(case['records']['_dmarc.' + case['author']]),
        text(case['author']), None)
    assert status == 0, (status, case)
    status = lib.opendmarc_get_policy_to_enforce(context)
    lib.opendmarc_policy_connect_shutdown(context)
    return {15: 'pass', 16: 'fail reject', 17: 'fail quarantine',
            18: 'fail none'}[status]


with open('/usr/share/publicsuffix/public_suffix_list.dat') as suffixes:
    psl = PublicSuffixList(suffixes)
# It would read the file anew for each question.
authheaders.get_org_domain = psl.get_public_suffix
authheaders.dmarc_lookup.get_org_domain = psl.get_public_suffix


def python(case):
    spf, spf_domain = case['spf']
    dkim, dkim_domain = case['dkim']
    result, _, _, policy = authheaders.dmarc_per_from(
        case['author'],
        SPFAuthenticationResult(result=spf, smtp_mailfrom='x@' + spf_domain),
        DKIMAuthenticationResult(result=dkim, header_d=dkim_domain),
        dnsfunc=lambda name, *_: case['records'].get(name))
    return result


cases = [make() for _ in range(CASES)]
found = ours(cases)
library = Library(1, b'/usr/share/publicsuffix/public_suffix_list.dat', 0)
assert lib.opendmarc_policy_library_init(ctypes.byref(library)) == 0
bad = {'libopendmarc': 0, 'authheaders': 0, 'none': 0}


def differ(who, case, is_, other):
    bad[who] += 1
    if bad[who] <= 5:
        print('#', who, other, 'we', is_, case)


for case, is_ in zip(cases, found):
    if not case['records']:
        if is_ != 'none':
            differ('none', case, is_, 'none')
        continue
    own = case['records'].get('_dmarc.' + case['author'])
    if own and '=s' not in own:
        other = opendmarc(case)
        if (is_.split()[0] if other == 'pass' else is_) != other:
            differ('libopendmarc', case, is_, other)
    other = python(case)
    if is_.split()[0] != other:
        differ('authheaders', case, is_, other)
for number, who in enumerate(bad, 1):
    print('ok' if bad[who] == 0 else 'not ok', number,
          f'- {who}: {len(cases)} cases, {bad[who]} differ')
print(f'1..{len(bad)}')
