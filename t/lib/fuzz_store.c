/* SPDX-License-Identifier: BSD-2-Clause */
#include "t/lib/fuzz_store.h"

#include <stdlib.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "core/mail/mime.h"
#include "db/list.h"
#include "t/unit/store-case.h"
#include "core/base/banned.h"

/* Once for the process */
static struct store_case home;
static struct fuzz_store here;

static enum err_code
make_list(struct txn *txn, void *arg, struct err *err)
{
	bool created;
	enum err_code rc = list_create(txn, "dev@lists.test", 1, &created,
				       err);

	(void)arg;
	return rc == ERR_OK ? setting_put(txn, "dev@lists.test", "policy",
					  "open", err) : rc;
}

static void
clean_up(void)
{
	held_key_free(here.held);
	verp_free(here.verp);
	settings_unref(here.settings);
	case_end(&home);
}

static void
load_settings(void)
{
	g_autofree char *path = g_build_filename(home.home, "conf", NULL);
	g_autofree char *text = g_strdup_printf(
		"[muster]\nhome = %s\nrun = %s\ndomains = lists.test\n"
		"shared-domains = d.test\nspace-floor = 1M\n", home.home,
		home.home);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	case_ok(settings_load(path, &here.settings, &home.err), &home);
}

const struct fuzz_store *
fuzz_store(void)
{
	if (here.store != NULL)
		return &here;
	mime_init();
	case_begin(&home);
	case_txn(&home, make_list, NULL);
	load_settings();
	here.store = home.store;
	here.verp = verp_new(store_secret(home.store));
	here.held = held_key_new(store_secret(home.store));
	(void)atexit(clean_up);
	return &here;
}

struct settings *
fuzz_settings(void)
{
	return settings_ref(here.settings);
}
