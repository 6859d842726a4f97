# SPDX-License-Identifier: BSD-2-Clause
"""Reads each message BEFORE and AFTER a footer, as another program does.

Arguments: FOOTER BEFORE AFTER [BEFORE AFTER]... FOOTER is the file that has
the text. Prints a line for each pair where something else than the footer is
another: parts, contents, fields, or a defect more.
"""
import collections
import email
import re
import sys


def read(path):
    with open(path, "rb") as stream:
        return email.message_from_binary_file(stream)


def lines(content):
    return re.sub(rb"\r\n|\r|\n", b"\n", content or b"").rstrip(b"\n")


def parts(post):
    found = []
    for part in post.walk():
        content = None
        if not part.is_multipart():
            content = lines(part.get_payload(decode=True))
        found.append((part.get_content_type(), content))
    return found


def defects(post):
    return collections.Counter(
        type(defect).__name__ for part in post.walk()
        for defect in part.defects)


def fields(post):
    ours = re.compile("content-|mime-version$|lines$", re.I)
    return [(name, value) for name, value in post.items()
            if not ours.match(name)]


def is_footer(part, footer):
    return (part.get_content_type() == "text/plain"
            and part.get_content_charset() == "utf-8"
            and lines(part.get_payload(decode=True)) == footer)


def has_lines(old, new, footer):
    if old.is_multipart() or new.is_multipart():
        return False
    was = lines(old.get_payload(decode=True))
    now = lines(new.get_payload(decode=True))
    return (now.startswith(was) and now.endswith(b"\n" + footer)
            and now[len(was):-len(footer)].strip(b"\n") == b""
            ) or (was == b"" and now == footer)


def has_part(old, new, footer):
    if old.get_content_type() != "multipart/mixed":
        return False
    if not (old.is_multipart() and new.is_multipart()):
        return False
    was, now = old.get_payload(), new.get_payload()
    return (len(now) == len(was) + 1 and is_footer(now[-1], footer)
            and [parts(p) for p in was] == [parts(p) for p in now[:-1]]
            and old.epilogue == new.epilogue)


def is_around(old, new, footer):
    if new.get_content_type() != "multipart/mixed":
        return False
    now = new.get_payload()
    return (len(now) == 2 and is_footer(now[1], footer)
            and parts(now[0]) == parts(old))


def is_unread(old):
    """Where the header ends, and so what the content is, is open."""
    return any(type(defect).__name__ in (
        "FirstHeaderLineIsContinuationDefect",
        "MissingHeaderBodySeparatorDefect") for defect in old.defects)


def main(args):
    failed = 0
    ways = collections.Counter()
    with open(args[0], "rb") as stream:
        footer = lines(stream.read())
    for before, after in zip(args[1::2], args[2::2]):
        old, new = read(before), read(after)
        way = [f.__name__ for f in (has_lines, has_part, is_around)
               if f(old, new, footer)]
        more = defects(new) - defects(old)
        wrong = []
        if is_unread(old):
            ways.update(["is_unread"])
            if not more:
                continue
        if not way:
            wrong.append("neither lines nor a part more")
        if more:
            wrong.append("defects %s" % dict(more))
        if fields(old) != fields(new):
            wrong.append("fields")
        if wrong:
            failed += 1
            print("%s: %s" % (after, "; ".join(wrong)))
        ways.update(way[:1])
    print("# %s" % " ".join("%s=%d" % w for w in sorted(ways.items())),
          file=sys.stderr)
    return failed > 0


sys.exit(main(sys.argv[1:]))
