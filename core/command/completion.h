/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_COMMAND_COMPLETION_H
#define MUSTER_COMMAND_COMPLETION_H

#include <stdio.h>

/* completion_bash - the script that bash sources, made from the table of
 * verbs, so that it knows what the program knows */
void completion_bash(FILE *out);

#endif
