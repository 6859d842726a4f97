# SPDX-License-Identifier: BSD-2-Clause
# dkimpy, beside which our signatures are put.
#   verify MESSAGE KEYS           "arc RESULT", "dkim pass|fail" for each
#   sign   MESSAGE KEYS PEM DOMAIN SELECTOR HEADER/BODY [l] [h=NAME:...]
#                                                             the message
#   seal   MESSAGE KEYS PEM DOMAIN SELECTOR [AUTHOR-DOMAIN]   sealed
import re
import sys

import dkim

word, message, keys = sys.argv[1:4]
text = open(message, 'rb').read()
text = re.sub(b'\r?\n', b'\r\n', text)
records = {}
for line in open(keys, 'rb').read().splitlines():
    name, _, value = line.partition(b'\t')
    records[name.rstrip(b'.')] = value


def dns(name, timeout=5):
    return records.get(name.rstrip(b'.'))


def algorithm(pem):
    return b'ed25519-sha256' if len(pem) < 200 else b'rsa-sha256'


def private(path):
    pem = open(path, 'rb').read()
    if algorithm(pem) == b'rsa-sha256':
        return pem
    # dkimpy wants the bare seed of an ed25519 key in base64
    import base64
    der = base64.b64decode(b''.join(pem.splitlines()[1:-1]))
    return base64.b64encode(der[-32:])


if word == 'verify':
    cv, results, reason = dkim.arc_verify(text, dnsfunc=dns)
    print('arc', (cv or b'none').decode(), reason)
    count = len(re.findall(rb'^dkim-signature:', text, re.I | re.M))
    for i in range(count):
        d = dkim.DKIM(text)
        try:
            good = d.verify(idx=i, dnsfunc=dns)
        except dkim.DKIMException:
            good = False
        print('dkim', 'pass' if good else 'fail')
else:
    pem, domain, selector = sys.argv[4:7]
    kind = algorithm(open(pem, 'rb').read())
    if word == 'sign':
        canon = tuple(c.encode() for c in sys.argv[7].split('/'))
        names = [arg[2:].encode().split(b':') for arg in sys.argv[8:]
                 if arg.startswith('h=')]
        out = dkim.sign(text, selector.encode(), domain.encode(),
                        private(pem), canonicalize=canon,
                        include_headers=names[0] if names else None,
                        length='l' in sys.argv[8:], signature_algorithm=kind)
        sys.stdout.buffer.write(out + text)
    else:
        cv = dkim.arc_verify(text, dnsfunc=dns)[0]
        author = sys.argv[7] if len(sys.argv) > 7 else 'author.example'
        head = (b'Authentication-Results: mx.example; arc='
                + (cv or b'none').lower() + b'; dmarc=pass header.from='
                + author.encode() + b'\r\n')
        out = dkim.arc_sign(head + text, selector.encode(), domain.encode(),
                            private(pem), b'mx.example')
        sys.stdout.buffer.write(b''.join(out) + text)
