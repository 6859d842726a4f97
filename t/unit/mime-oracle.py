# SPDX-License-Identifier: BSD-2-Clause
"""Reads each message BEFORE and AFTER re-encoding, as another program does.

Arguments: BEFORE AFTER [BEFORE AFTER]... Prints a line for each pair whose
parts differ in structure or in decoded content, newlines apart.
"""
import email
import os
import re
import sys


def leaves(path):
    with open(path, "rb") as stream:
        post = email.message_from_binary_file(stream)
    found = []
    for part in post.walk():
        if part.is_multipart():
            found.append((part.get_content_type(), None))
            continue
        content = part.get_payload(decode=True) or b""
        content = re.sub(rb"\r\n|\r|\n", b"\n", content)
        found.append((part.get_content_type(), content.rstrip(b"\n")))
    return found


def main(args):
    failed = 0
    for before, after in zip(args[::2], args[1::2]):
        old, new = leaves(before), leaves(after)
        if old == new:
            continue
        failed += 1
        if [kind for kind, _ in old] != [kind for kind, _ in new]:
            print("%s: structure\n\t%s\n\t%s" % (
                after, [k for k, _ in old], [k for k, _ in new]))
            continue
        for (kind, was), (_, now) in zip(old, new):
            if was != now:
                at = len(os.path.commonprefix([was or b"", now or b""]))
                print("%s: %s at %d of %d and %d\n\t%r\n\t%r" % (
                    after, kind, at, len(was or b""), len(now or b""),
                    (was or b"")[at:at + 60], (now or b"")[at:at + 60]))
    return failed > 0


sys.exit(main(sys.argv[1:]))
