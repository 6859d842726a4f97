/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "core/pending/inside.h"
#include "core/base/banned.h"

/* What the list's program has made of the post, before the transaction began
 * (program.h). */

static bool
is_wanted(const struct work *work)
{
	const struct program_made *made = work->made;

	return is_post(work) && made != NULL && made->name != NULL &&
		strcmp(made->name, work->conf->program) == 0;
}

static enum err_code
run(struct txn *txn, struct work *work, struct err *err)
{
	const struct program_made *made = work->made;

	(void) txn;
	if (made->message == NULL) {
		work_note(work, "program %s left it as it is", made->name);
		return ERR_OK;
	}
	if (!work_set_message(work, g_bytes_ref(made->message)))
		return err_set(err, ERR_INVALID, "mend the program, then "
			       "muster queue retry", "it wrote too many header "
			       "fields");
	work_note(work, "changed by program %s", made->name);
	return ERR_OK;
}

const struct filter filter_program = { "program", is_wanted, run };
