/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_BOUNCE_H
#define MUSTER_BOUNCE_H

#include "conf/settings.h"
#include "core/mail/verp.h"
#include "db/queue.h"
#include "db/store.h"

/*
 * Bounce: what a failure says about a subscriber.
 *
 * bounce_run - a message that came to dev-bounces+TOKEN: takes the job; a
 * failed delivery that it reports, in whatever form (core/bounce/recognise.h),
 * is recorded against the member that the token names. The token of a shared
 * envelope names none: whom such a report is about is in doubt from then on,
 * and nothing is counted, unless the MTA that delivers to us has made the
 * report (RFC 3464).
 */
enum err_code bounce_run(struct txn *txn, const struct settings *settings,
			 const struct verp *verp, const struct job *job,
			 struct err *err);

/*
 * bounce_record - count one failure of this member (canonical address) of
 * a list, with time and reason, and write it to the trace of the post. Used by
 * bounce_run and, for a 5xx at re-injection, by outbound, in the
 * transaction of its progress. A member who has left meanwhile is no error.
 */
enum err_code bounce_record(struct txn *txn, uint32_t list,
			    const char *list_addr, const char *addr,
			    const struct post_id *post, const char *reason,
			    struct err *err);

#endif
