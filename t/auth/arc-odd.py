# SPDX-License-Identifier: BSD-2-Clause
# One ARC set of odd form, signed for good: what is wrong with it is the form
# only. Made with the primitives of dkimpy, none of ours.
#   arc-odd.py PEM DOMAIN SELECTOR FIELD FROM TO
# FIELD is aar, ams, as, where FROM is made TO before it is signed; or b,
# where it is done to the signatures. "\n" and "\t" are meant as such.
import base64
import hashlib
import re
import sys

import dkim.crypto as crypto

pem, domain, selector, field, old, new = sys.argv[1:7]
old, new = (t.replace('\\n', '\r\n').replace('\\t', '\t') for t in (old, new))
key = crypto.parse_pem_private_key(open(pem, 'rb').read())
body = 'hello\r\n'
head = [('From', 'Ann <ann@author.example>'), ('Subject', 'odd')]
body_hash = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()


def relaxed(name, value):
    value = re.sub(r'[ \t]+', ' ', value.replace('\r\n', '')).strip()
    return name.lower() + ':' + value


def sign(fields, own):
    data = ''.join(relaxed(*f) + '\r\n' for f in fields)
    digest = hashlib.sha256((data + relaxed(*own)).encode())
    text = base64.b64encode(
        crypto.RSASSA_PKCS1_v1_5_sign(digest, key)).decode()
    return text.replace(old, new, 1) if field == 'b' and old else (
        text + new if field == 'b' else text)


def made(kind, text):
    return text.replace(old, new, 1) if field == kind else text


common = 'd=%s; s=%s; t=12345' % (domain, selector)
aar = ('ARC-Authentication-Results',
       made('aar', 'i=1; mx.example; spf=pass smtp.mfrom=author.example'))
ams = made('ams', 'i=1; a=rsa-sha256; c=relaxed/relaxed; ' + common
           + '; h=from:subject; bh=' + body_hash) + '; b='
ams = ('ARC-Message-Signature',
       ams + sign(head, ('ARC-Message-Signature', ams)))
seal = made('as', 'i=1; a=rsa-sha256; cv=none; ' + common) + '; b='
seal = ('ARC-Seal', seal + sign([aar, ams], ('ARC-Seal', seal)))
sys.stdout.buffer.write(''.join(
    '%s: %s\r\n' % f for f in [seal, ams, aar] + head).encode()
    + b'\r\n' + body.encode())
