# SPDX-License-Identifier: BSD-2-Clause
"""Reads each message BEFORE and AFTER it was made anonymous.

Arguments: BEFORE AFTER [BEFORE AFTER]... Prints a line for each pair where
something that tells the author is left in a header, where the contents are
others, or where this program finds a defect more than before.
"""
import email
import email.header
import email.utils
import re
import sys

GOES = {
    "application/pgp-signature", "application/pgp-keys",
    "application/pkcs7-signature", "application/x-pkcs7-signature",
    "text/vcard", "text/x-vcard", "text/directory",
}


def read(path):
    with open(path, "rb") as stream:
        return email.message_from_binary_file(stream)


def raw(value):
    """A value as text of latin-1, whatever is in it"""
    return str(value).encode("utf-8", "surrogateescape").decode("latin-1")


def shown(value):
    try:
        return str(email.header.make_header(
            email.header.decode_header(str(value))))
    except (LookupError, ValueError, UnicodeError):
        return raw(value)


def own_parts(post):
    """Those that are not in a message inside it"""
    yield post
    if post.get_content_maintype() == "multipart" and post.is_multipart():
        for part in post.get_payload():
            yield from own_parts(part)


def traits(post):
    found = set()
    for name in ("From", "Sender", "Reply-To", "Return-Path"):
        for value in post.get_all(name, []):
            for person, addr in email.utils.getaddresses([shown(value)]):
                found.add(person)
                found.add(addr)
                found.add(addr.partition("@")[0])
                found.add(addr.partition("@")[2])
    for name in ("Message-ID", "In-Reply-To", "References", "Content-ID"):
        for value in post.get_all(name, []):
            found.update(re.findall(r"<([^<>]+)>", raw(value)))
    for value in post.get_all("Received", []):
        value = raw(value)
        found.update(re.findall(r"\d+\.\d+\.\d+\.\d+", value))
        found.update(re.findall(r"from\s+(\S+\.\S+)", value))
        found.update(re.findall(r"helo=(\S+)", value))
    for name in ("X-Mailer", "User-Agent", "Organization"):
        found.update(raw(value) for value in post.get_all(name, []))
    return {trait.lower() for trait in found if len(trait) > 3}


def headers(post):
    lines = []
    for part in own_parts(post):
        for name, value in part.items():
            if name not in ("Subject", "List-Id"):
                lines.append("%s: %s" % (name, raw(value)))
                lines.append("%s: %s" % (name, shown(value)))
    text = "\n".join(lines).lower()
    return re.sub(r"\s+", " ", text)


# What the list's own fields and the names of types have in them anyway
HARMLESS = re.compile(
    r"from: (the list )?<?dev@lists\.anon\.test>?|to: dev@lists\.anon\.test|"
    r"<?anon\.[a-z2-7]{32}@lists\.anon\.test>?|mime-version: 1.0|"
    r"content-type: \S+|content-transfer-encoding: \S+|charset=\S+|"
    r"=_[a-z2-7]{32}|date: [^:]*:\d\d:\d\d \+0000|protocol=\S+|"
    r"content-disposition: \S+|auto-submitted: \S+|content-id:|message-id:|"
    r"in-reply-to:|references:|report-type=\S+|format=\S+|name=|filename=|"
    r"attachment")


def leaves(post, is_inside):
    kind = post.get_content_type()
    if not is_inside and kind in GOES:
        return
    if post.is_multipart():
        if kind == "multipart/signed" and not is_inside:
            kind = "multipart/mixed"
        yield kind, None
        inside = is_inside or not kind.startswith("multipart/")
        for part in post.get_payload():
            yield from leaves(part, inside)
        return
    content = post.get_payload(decode=True) or b""
    content = re.sub(rb"\r\n|\r|\n", b"\n", content).rstrip(b"\n")
    if kind == "text/html" and not is_inside:
        content = re.sub(rb"(?i)cid:[^\"'<>() \t\r\n]*", b"cid:", content)
    yield kind, content


def defects(post):
    return {type(defect).__name__ for part in post.walk()
            for defect in part.defects}


def compare(old, new):
    text = HARMLESS.sub(" ", headers(new))
    for trait in sorted(traits(old)):
        if trait in text:
            yield "\"%s\" is left in %s" % (trait, text)
    if not defects(new) <= defects(old):
        yield "new defects: %s" % sorted(defects(new) - defects(old))
    was = [leaf for leaf in leaves(old, False)]
    now = [leaf for leaf in leaves(new, False)]
    # a boundary or a type that this program does not take, and muster does
    if len(was) == 1 and len(now) > 1:
        return
    if [kind for kind, _ in was] != [kind for kind, _ in now]:
        yield "structure\n\t%s\n\t%s" % ([k for k, _ in was],
                                         [k for k, _ in now])
    elif was != now:
        yield "contents"


def main(args):
    failed = 0
    for before, after in zip(args[::2], args[1::2]):
        for what in compare(read(before), read(after)):
            print("%s: %s" % (after, what))
            failed += 1
    return failed > 0


sys.exit(main(sys.argv[1:]))
