/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_INBOUND_SETS_H
#define MUSTER_INBOUND_SETS_H

#include "core/moderate/fact.h"

/*
 * The files of addresses that policies name: in file("name") is the file of
 * that name in a directory, with a pattern (core/mail/pattern.h) a line and
 * "#" for comments. Read when it is first needed and again when it has
 * changed. Any thread.
 */
struct sets;

struct sets *sets_new(const char *dir);
void sets_free(struct sets *sets);

/* sets_have - UNKNOWN: the file cannot be read just now (a log line says
 * why). A file that does not exist holds nobody. */
enum truth sets_have(struct sets *sets, const char *name, const char *text);

#endif
