# SPDX-License-Identifier: BSD-2-Clause
"""Reads a digest as another program does, by Python's email package and by
the grammar of RFC 1153.

Arguments: KIND FILE, KIND mime or plain. Prints a line for each enclosed
message: its Message-ID, its decoded Subject and its text, as Python literals;
and "bad: ..." for what is not as it should be.
"""
import email
import email.policy
import re
import sys


def bad(what):
    print("bad:", what)


def show(message_id, subject, text):
    print(ascii((message_id, subject, text.strip().replace("\r\n", "\n"))))


def text_of(message):
    part = message.get_body(("plain", "html"))
    return part.get_content() if part is not None else ""


def mime(digest, _):
    if digest.get_content_type() != "multipart/mixed":
        bad(digest.get_content_type())
    top, posts, end = list(digest.iter_parts())
    if top.get_content_type() != "text/plain" or \
            end.get_content_type() != "text/plain":
        bad("no texts around the posts")
    if posts.get_content_type() != "multipart/digest":
        bad(posts.get_content_type())
    for part in posts.iter_parts():
        if part.get_content_type() != "message/rfc822":
            bad(part.get_content_type())
        for inner in part.walk():
            if inner.defects:
                bad("%r" % inner.defects)
        message = part.get_content()
        for name in message.keys():
            if name.lower() in ("received", "dkim-signature", "list-id"):
                bad("field %s" % name)
        show(message["Message-ID"], message["Subject"], text_of(message))


ALLOWED = ["Date", "From", "To", "Cc", "Subject", "Message-ID", "Keywords",
           "Summary"]


def enclosed(text):
    """One message: fields in their order, an empty line, text."""
    head, _, body = text.partition("\n\n")
    fields = []
    for line in head.split("\n"):
        if line[:1] in " \t":
            fields[-1][1] += " " + line.strip()
            continue
        name, colon, value = line.partition(": ")
        if not colon or name not in ALLOWED:
            bad("field %r" % line)
        fields.append([name, value])
    order = [ALLOWED.index(name) for name, _ in fields if name in ALLOWED]
    if order != sorted(set(order)):
        bad("order of fields: %r" % fields)
    found = dict(fields)
    show(found.get("Message-ID"), found.get("Subject"), body)


def plain(digest, raw):
    if digest.get_content_type() != "text/plain":
        bad(digest.get_content_type())
    raw = raw.partition(b"\r\n\r\n")[2].decode("utf-8")
    if re.search(r"(?<!\r)\n|\r(?!\n)", raw):
        bad("line ends")
    text = raw.replace("\r\n", "\n")
    if any(len(line.encode()) > 998 for line in text.split("\n")):
        bad("a long line")
    top = re.split(r"\n\n-{70}\n\n", text)
    if len(top) != 2:
        bad("%d parts at 70 hyphens" % len(top))
    parts = re.split(r"\n\n-{30}\n\n", top[1])
    for part in parts[:-1]:
        enclosed(part)
    closing = parts[-1].rstrip("\n").split("\n")
    if len(closing) != 2 or not closing[0].startswith("End of ") or \
            "Digest" not in closing[0] or set(closing[1]) != {"*"} or \
            len(closing[0]) != len(closing[1]):
        bad("closing: %r" % closing)


with open(sys.argv[2], "rb") as stream:
    octets = stream.read()
whole = email.message_from_bytes(octets, policy=email.policy.default)
if whole.defects:
    bad("%r" % whole.defects)
if not re.fullmatch(r"\S+ Digest V\d+ #\d+", whole["Subject"]):
    bad("Subject: %s" % whole["Subject"])
{"mime": mime, "plain": plain}[sys.argv[1]](whole, octets)
