/* SPDX-License-Identifier: BSD-2-Clause */

/* Paths as they stand in MAIL and RCPT, and lines of an address file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "core/mail/addr.h"
#include "core/mail/mime.h"
#include "core/base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool holds)
{
	if (!holds)
		abort();
}

/* The canonical form is its own, and short enough. */
static void
check_addr(const struct addr *addr)
{
	struct addr again = { 0 };
	struct role_addr role;

	check(strlen(addr->text) <= ADDR_MAX);
	check(addr_parse(addr->text, &again));
	check(strcmp(again.text, addr->text) == 0);
	check(strcmp(again.local, addr->local) == 0);
	check(strcmp(again.domain, addr->domain) == 0);
	role_parse(addr, &role);
	check(role_name(role.role) != NULL);
	if (list_name_check(addr->text) == NULL) {
		g_autofree char *made = list_role_addr(addr->text, "-owner");
		g_autofree char *canon = addr_canon(made);

		check(canon != NULL && strcmp(canon, made) == 0);
	}
	role_addr_done(&role);
	addr_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autofree char *addr_text = NULL, *name = NULL;
	struct addr addr = { 0 };

	if (addr_parse(text, &addr))
		check_addr(&addr);
	addr_done(&addr);
	mime_init();
	if (mime_mailbox(text, &addr_text, &name) == NULL) {
		g_autofree char *canon = addr_canon(addr_text);

		check(canon != NULL && name != NULL);
		check(g_utf8_validate(name, -1, NULL));
		check(strpbrk(name, "\r\n") == NULL);
	}
	return 0;
}
