# SPDX-License-Identifier: BSD-2-Clause
"""Reads what t/pending/make-forms has written, as another program does.

Arguments: DIR CHECK... where CHECK is one of

text    all that the author has written is still there, byte for byte, or
        letter for letter in another charset
via     a copy has one From, which is the list's, and the author is named
signed  our DKIM-Signature verifies, with the key of DIR/key.txt, and so does
        the ARC set where the message came without one

and of all forms: lines are as SMTP wants them, no field is there twice that
may be there once, and the parser finds no defect that was not there before.
Prints a line for each that is not so.
"""
import collections
import email
import email.utils
import glob
import os
import re
import sys

LIST = "dev@lists.example.org"
SINGLE = ("from", "sender", "reply-to", "to", "cc", "bcc", "message-id",
          "in-reply-to", "references", "subject", "date", "mime-version",
          "content-type", "content-transfer-encoding", "list-id",
          "list-post", "list-unsubscribe")


def read(path):
    with open(path, "rb") as stream:
        return stream.read()


def lines(content):
    return re.sub(rb"\r\n|\r|\n", b"\n", content or b"").rstrip(b"\n")


def leaves(post):
    return [part for part in post.walk() if not part.is_multipart()]


def content(part):
    return lines(part.get_payload(decode=True))


# A text may be in UTF-8 now.
def letters(part):
    try:
        return content(part).decode(part.get_content_charset() or "ascii")
    except (LookupError, ValueError):
        return None


def defects(post):
    return collections.Counter(
        type(defect).__name__ for part in post.walk()
        for defect in part.defects)


def counts(post):
    return collections.Counter(name.lower() for name in post.keys())


def of_lines(was, now):
    for line in now.split(b"\n")[:-1]:
        if not line.endswith(b"\r"):
            yield "a line ends in LF alone"
            return
    if not now.endswith(b"\r\n"):
        yield "its last line does not end"
    if now.replace(b"\r\n", b"").count(b"\r") > was.count(b"\r"):
        yield "a CR by itself"
    longest = max(len(line) for line in now.split(b"\r\n"))
    if longest > 998:
        yield "a line of %d octets" % longest


def of_parser(old, new):
    more = defects(new) - defects(old)
    if more:
        yield "defects: %s" % ", ".join(more)
    before, after = counts(old), counts(new)
    for name in SINGLE:
        if after[name] > max(1, before[name]):
            yield "%d fields %s" % (after[name], name)
    if after["from"] == 0 and before["from"] > 0:
        yield "no From"


# Where the header ends at its first line for this parser, all is body.
def is_unread(old):
    return not old.keys()


def of_text(old, new):
    if is_unread(old):
        return
    there = leaves(new)
    whole = b"\0".join(content(part) for part in there)
    texts = "\0".join(letters(part) or "" for part in there)
    for part in leaves(old):
        text = letters(part)
        if content(part) not in whole and (text is None or
                                           text not in texts):
            yield "a part of the author's is not there: %r" % (
                content(part)[:60])


# dkimpy does not find a field by its name with blanks before the colon (RFC
# 5322 section 4.5), which is no name for the parser at all.
def is_odd(old, was):
    head = was.split(b"\r\n\r\n")[0]
    return not old.keys() or not was.splitlines()[0].strip() or re.search(rb"(?m)^[!-9;-~]+[ \t]+:", head)


def of_signature(was, now, key):
    import dkim

    def dns(name, timeout=5):
        return key
    if not dkim.verify(now, dnsfunc=dns):
        yield "the signature does not verify"
    if b"\narc-seal:" in b"\n" + was.lower():
        return
    cv, _, reason = dkim.arc_verify(now, dnsfunc=dns)
    if cv != dkim.CV_Pass:
        yield "the ARC set does not verify: %s" % reason


def of_from(old, new):
    people = email.utils.getaddresses(
        [str(value) for value in new.get_all("from", [])])
    if len(people) != 1 or people[0][1] != LIST:
        yield "From is not the list's: %r" % people
    elif not people[0][0].endswith("via dev"):
        yield "From has no good name: %r" % people[0][0]
    before = email.utils.getaddresses(
        [str(value) for value in old.get_all("from", [])])
    whole = "\n".join(str(value) for value in new.get_all("author", []) +
                      new.get_all("reply-to", []))
    if len(before) == 1 and re.fullmatch(r"[\w.+-]+@[\w.-]+\w",
                                         before[0][1], re.ASCII):
        if before[0][1].lower() not in whole.lower():
            yield "the author is not named: %r" % whole


def judge(path, kind, checks, key):
    now, was = read(path), read(path[:-len(kind)] + "was")
    old, new = email.message_from_bytes(was), email.message_from_bytes(now)
    yield from of_lines(was, now)
    yield from of_parser(old, new)
    if "text" in checks:
        yield from of_text(old, new)
    if "via" in checks and kind == "copy" and not is_odd(old, was):
        yield from of_from(old, new)
    if "signed" in checks and kind == "copy" and not is_odd(old, was):
        yield from of_signature(was, now, key)


def main(where, checks):
    key = b""
    if "signed" in checks:
        key = read(os.path.join(where, "key.txt")).strip()
    for kind in "base", "copy":
        for path in sorted(glob.glob(os.path.join(where, "*." + kind))):
            for fault in judge(path, kind, checks, key):
                print("%s: %s" % (path, fault))


main(sys.argv[1], sys.argv[2:])
