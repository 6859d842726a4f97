# SPDX-License-Identifier: BSD-2-Clause
"""Reads each message BEFORE and AFTER texts were added, as another program.

Arguments: ABOVE BELOW BEFORE AFTER [BEFORE AFTER]... The first two are files
that have the texts. Prints a line for each pair where something else is
another: parts, contents, fields, what is signed, a patch, or a defect more.
"""
import collections
import email
import os
import re
import shutil
import subprocess
import sys
import tempfile

PATCH = re.compile(rb"^(diff --git |\+\+\+ .*\n@@ -)", re.M)


def slurp(path):
    with open(path, "rb") as stream:
        return stream.read()


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


def is_text(part, text):
    return (part.get_content_type() == "text/plain"
            and part.get_content_charset() == "utf-8"
            and lines(part.get_payload(decode=True)) == lines(text))


def letters(post):
    content = lines(post.get_payload(decode=True))
    try:
        return content.decode(post.get_content_charset() or "ascii",
                              "backslashreplace")
    except LookupError:
        return content.decode("latin-1")


def stuffed(text):
    return re.sub(r"(?m)^(?=[ >]|From )", " ", text)


def has_lines(old, new, above, below):
    if old.is_multipart() or new.is_multipart():
        return False
    above, below = lines(above).decode(), lines(below).decode()
    if str(old.get_param("format", "")).lower() == "flowed":
        above, below = stuffed(above), stuffed(below)
    was, now = letters(old).rstrip("\n"), letters(new)
    if above and not now.startswith(above + "\n"):
        return False
    now = now[len(above):] if above else now
    if below and not now.endswith("\n" + below) and now != below:
        return False
    now = now[:len(now) - len(below)] if below else now
    return now.strip("\n") == was.strip("\n")


def added(now, above, below):
    """The parts in between, or None where the texts are not around them."""
    if above:
        if not now or not is_text(now[0], above):
            return None
        now = now[1:]
    if not now or not is_text(now[-1], below):
        return None
    return now[:-1]


def has_parts(old, new, above, below):
    if old.get_content_type() != "multipart/mixed":
        return False
    if not (old.is_multipart() and new.is_multipart()):
        return False
    now = added(new.get_payload(), above, below)
    return (now is not None
            and [parts(p) for p in old.get_payload()]
            == [parts(p) for p in now]
            and old.epilogue == new.epilogue)


def is_around(old, new, above, below):
    if new.get_content_type() != "multipart/mixed" or not new.is_multipart():
        return False
    now = added(new.get_payload(), above, below)
    return (now is not None and len(now) == 1
            and parts(now[0]) == parts(old))


def is_unread(old):
    """Where the header ends, and so what the content is, is open."""
    return any(type(defect).__name__ in (
        "FirstHeaderLineIsContinuationDefect",
        "MissingHeaderBodySeparatorDefect") for defect in old.defects)


def signed(post, raw):
    """What a signature covers, byte for byte."""
    for part in post.walk():
        if part.get_content_type() != "multipart/signed":
            continue
        boundary = re.escape((part.get_boundary() or "?").encode())
        found = re.search(rb"\n--" + boundary + rb"[ \t]*\r?\n(.*?)\r?\n--"
                          + boundary + rb"[ \t]*\r?\n", raw, re.S)
        if found:
            yield found.group(1)
    inline = re.search(rb"-----BEGIN PGP (?:SIGNED )?MESSAGE-----.*"
                       rb"-----END PGP \w+-----", raw, re.S)
    if inline:
        yield inline.group(0)


def has_patch(post, raw):
    """Not looked for in encoded parts of a multipart."""
    body = lines(raw.partition(b"\r\n\r\n")[2])
    return bool(PATCH.search(body) or not post.is_multipart() and
                PATCH.search(lines(post.get_payload(decode=True))))


def mailinfo(path, folder):
    """What git am would commit: the message, and how much each file changes."""
    names = [os.path.join(folder, name) for name in ("message", "patch")]
    with open(path, "rb") as stream:
        told = subprocess.run(["git", "mailinfo"] + names, stdin=stream,
                              capture_output=True, cwd=folder, check=False)
    stat = subprocess.run(["git", "apply", "--numstat", names[1]],
                          capture_output=True, cwd=folder, check=False)
    return told.stdout, slurp(names[0]), stat.stdout


def is_same_patch(before, after):
    if shutil.which("git") is None:
        return True
    with tempfile.TemporaryDirectory() as folder:
        was = mailinfo(before, folder)
        return not was[2] or was == mailinfo(after, folder)


def compare(before, after, above, below, ways):
    raw = slurp(before), slurp(after)
    old, new = map(email.message_from_bytes, raw)
    patch = has_patch(old, raw[0])
    if above and patch:
        above, below = b"", above + below
    way = [f.__name__ for f in (has_lines, has_parts, is_around)
           if f(old, new, above, below)]
    more = defects(new) - defects(old)
    wrong = []
    if more:
        wrong.append("defects %s" % dict(more))
    if is_unread(old):
        ways.update(["is_unread"])
        return wrong
    if not way:
        wrong.append("neither lines nor parts more")
    if fields(old) != fields(new):
        wrong.append("fields")
    if any(part not in raw[1] for part in signed(old, raw[0])):
        wrong.append("what is signed")
    if patch:
        ways.update(["has_patch"])
        if not is_same_patch(before, after):
            wrong.append("what git am makes of it")
    ways.update(way[:1])
    return wrong


def main(args):
    failed = 0
    ways = collections.Counter()
    above, below = slurp(args[0]), slurp(args[1])
    for before, after in zip(args[2::2], args[3::2]):
        wrong = compare(before, after, above, below, ways)
        if wrong:
            failed += 1
            print("%s: %s" % (after, "; ".join(wrong)))
    print("# %s" % " ".join("%s=%d" % w for w in sorted(ways.items())),
          file=sys.stderr)
    return failed > 0


sys.exit(main(sys.argv[1:]))
