/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_CONF_PROGRAMS_H
#define MUSTER_CONF_PROGRAMS_H

#include "conf/settings.h"

/* The sections [program NAME] of the settings. */

/* programs_add - of that name, without values; NULL: there are too many */
struct program *programs_add(struct settings *settings, const char *name);
void programs_free(struct settings *settings);

/* program_name_is_right - letters, digits, "-", "_"; at most 40 */
bool program_name_is_right(const char *name);

/* program_command_read - words as for a shell, the first of them an absolute
 * path. What is accepted as a static text where value is not, or NULL. */
const char *program_command_read(const char *value, char ***out);
/* program_paths_read - absolute paths, or none */
const char *program_paths_read(const char *value, char ***out);

#endif
