/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_CLOCK_H
#define MUSTER_CLOCK_H

#include <pthread.h>
#include <stdint.h>

/*
 * The time by which the queue goes, and waiting that no clock disturbs.
 *
 * Dates that people or other hosts read (the log, the trace, signatures) are
 * those of the machine's clock. What is due, too old or expired goes by the
 * time here: the machine's clock, as long as that goes on evenly. Somebody
 * who sets it by a minute or more while we run does not move this one, so
 * that a wrong date of an hour neither gives up each post nor leaves it for
 * days. The next start takes the date as it then is.
 */

/* clock_ms - milliseconds since 1970; any thread */
int64_t clock_ms(void);

/* clock_s - the same in seconds */
int64_t clock_s(void);

/* clock_morning_ms - the next time after now_ms that it is six o'clock in the
 * local time: when people are told what has gathered */
int64_t clock_morning_ms(int64_t now_ms);

/* clock_ahead_s - by how many seconds the machine's clock is now ahead of
 * ours (behind: less than 0); 0 where they are one */
int64_t clock_ahead_s(void);

/*
 * clock_cond_init - a condition that clock_cond_wait() may be used with.
 * clock_cond_wait - wait, with the lock held, for a signal or for wait_ms;
 * returns pthread_cond_timedwait()'s result.
 */
void clock_cond_init(pthread_cond_t *cond);
int clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock,
		    int64_t wait_ms);
/* ... until a time of CLOCK_MONOTONIC, in milliseconds (wire_now_ms()) */
int clock_cond_until(pthread_cond_t *cond, pthread_mutex_t *lock,
		     int64_t until_ms);

#endif
