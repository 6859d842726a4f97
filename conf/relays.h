/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_CONF_RELAYS_H
#define MUSTER_CONF_RELAYS_H

#include "conf/settings.h"

/* The settings of which each is a list of things with parts; read into
 * settings. What is accepted as a static text where value is not, or NULL. */
const char *relays_read(const char *value, struct settings *settings);
void relays_free(struct settings *settings);
const char *domain_limits_read(const char *value, struct settings *settings);
void domain_limits_free(struct settings *settings);

#endif
