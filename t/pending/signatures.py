# SPDX-License-Identifier: BSD-2-Clause
"""Authors' signatures before and after a list, by dkimpy.

signatures.py sign OUT KEY FILE... - each message as its author signs it, in
many ways, as OUT/N.eml; prints their names.

signatures.py judge DIR RECORD KIND - of what t/pending/make-forms has written
to DIR for a list that takes broken signatures away: KIND is "right", when a
signature is there if and only if it verifies, or "all", when besides all of
them must that can.
Prints a line for each that is not so.
"""
import glob
import os
import re
import sys

import dkim

WAYS = (
    (b"simple", b"simple"), (b"relaxed", b"relaxed"), (b"simple", b"relaxed"),
    (b"relaxed", b"simple"),
)
# Some sign what they must, some all, some what is not there.
FIELDS = (
    [b"from"],
    [b"from", b"to", b"subject", b"date", b"message-id"],
    [b"from", b"from", b"to", b"cc", b"subject", b"subject", b"date",
     b"message-id", b"mime-version", b"content-type"],
    [b"from", b"reply-to", b"subject"],
    [b"from", b"sender", b"list-id", b"precedence"],
)


def read(path):
    with open(path, "rb") as stream:
        return stream.read()


def without_mbox(content):
    content = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    return re.sub(rb"\AFrom [^\n]*\n", b"", content)


# dkimpy does not read what is no header to it, and muster's is another then.
def is_plain(content):
    head, _, body = content.partition(b"\r\n\r\n")
    return body and b"\0" not in content and \
        re.match(rb"(?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*)+\Z",
                 head + b"\r\n") and \
        len(re.findall(rb"(?im)^from:", head)) == 1 and \
        not re.search(rb"(?im)^dkim-signature:", head) and \
        max(map(len, content.split(b"\r\n"))) <= 998


def sign(out, key, paths):
    private = read(key)
    for number, path in enumerate(paths):
        content = without_mbox(read(path))
        if not is_plain(content):
            continue
        way = WAYS[number % len(WAYS)]
        fields = FIELDS[number % len(FIELDS)]
        name = "%s/%d.eml" % (out, number)
        field = dkim.sign(content, b"s", b"author.test", private,
                          canonicalize=way, include_headers=fields)
        with open(name, "wb") as stream:
            stream.write(field + content)
        print(name)


def signature(content):
    head = content.partition(b"\r\n\r\n")[0] + b"\r\n"
    found = re.search(rb"(?im)^dkim-signature:[^\n]*\n(?:[ \t][^\n]*\n)*",
                      head)
    return found.group(0) if found else None


# A list must have its List-Id, and a post its Date and Message-ID, even where
# the author has signed that there is none.
def can_stay(was):
    head = was.partition(b"\r\n\r\n")[0]
    return b"list-id" not in signature(was).lower() and \
        re.search(rb"(?im)^date:", head) and \
        re.search(rb"(?im)^message-id:", head)


def judge(directory, record, kind):
    counts = [0, 0]

    def dns(name, timeout=5):
        return record.encode()
    for path in sorted(glob.glob(directory + "/*.copy")):
        was, now = read(path[:-4] + "was"), read(path)
        if not dkim.verify(was, dnsfunc=dns):
            print("%s: the author's own does not verify" % path)
            continue
        stays = signature(now) is not None
        counts[stays] += 1
        holds = dkim.verify(now if stays else signature(was) + now,
                            dnsfunc=dns)
        if stays != holds or (
                kind == "all" and not stays and can_stay(was)):
            print("%s: the signature %s and %s" % (
                path, "stays" if stays else "is gone",
                "verifies" if holds else "does not verify"))
    if sum(counts) == 0:
        print("there was nothing to judge")
    sys.stderr.write("# %d gone, %d left\n" % tuple(counts))


if sys.argv[1] == "sign":
    sign(sys.argv[2], sys.argv[3], sys.argv[4:])
else:
    judge(*sys.argv[2:])
