# SPDX-License-Identifier: BSD-2-Clause
"""Reads each post BEFORE and AFTER the filter, as another program does.

Argument: a directory with N.before, N.after and N.rules: the main type that
had to go, or "none", and the post's name. Prints a line for each defect that
the filter has made: one that the parser finds only afterwards, a part that is
still there, or one whose decoded content is none of those that were there
(made texts excepted).
"""
import email
import os
import sys

# Posts that this parser has not understood from the start.
OTHERWISE = {
    "mime4j--multi-clen.eml": "a boundary that is folded",
    "stalwart--019.eml": "a header that begins with no field",
}
SEALED = ("application/pkcs7-mime", "application/x-pkcs7-mime")


def walk(part, into):
    yield part
    if into and part.get_content_type() in ("multipart/signed",
                                            "multipart/encrypted"):
        return
    if part.is_multipart():
        for child in part.get_payload():
            yield from walk(child, into)


def read(path, sealed_too=True):
    with open(path, "rb") as stream:
        post = email.message_from_binary_file(stream)
    defects, leaves = set(), []
    for part in walk(post, False):
        defects.update(type(d).__name__ for d in part.defects)
    for part in walk(post, not sealed_too):
        if part.is_multipart():
            continue
        content = part.get_payload(decode=True) or b""
        leaves.append((part.get_content_type(),
                       content.replace(b"\r\n", b"\n").rstrip(b"\n"), part))
    return defects, leaves


def is_made(part):
    return (part.get_content_type() == "text/plain"
            and part["Content-Transfer-Encoding"] == "quoted-printable")


def judge(name, before, after, rule):
    old_defects, old = read(before)
    new_defects, new = read(after)
    for defect in new_defects - old_defects:
        print("%s: %s" % (name, defect))
    known = {(kind, content) for kind, content, _ in old}
    for kind, content, part in new:
        if (kind, content) not in known and not is_made(part):
            print("%s: %s was not there: %r" % (name, kind, content[:60]))
    if rule == "none":
        return
    for kind, _, part in read(after, False)[1]:
        if kind.startswith(rule + "/") and kind not in SEALED:
            print("%s: %s is still there" % (name, kind))


def main(place):
    for name in sorted(os.listdir(place)):
        if not name.endswith(".rules"):
            continue
        base = os.path.join(place, name[:-len(".rules")])
        with open(base + ".rules") as stream:
            rule, post = stream.read().split()
        if post not in OTHERWISE:
            judge(post, base + ".before", base + ".after", rule)


main(sys.argv[1])
