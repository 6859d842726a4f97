/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/base/clock.h"

#include <stdatomic.h>
#include <time.h>

#include <glib.h>

#include "core/base/wire.h"
#include "core/base/banned.h"

#define JUMP_MS 60000
#define MORNING_HOUR 6		/* local time */
#define UNKNOWN INT64_MIN

/*
 * By how much 1970 lies before the machine's start. A process has one, as it
 * has one clock, so nobody is asked to hand it around. CLOCK_BOOTTIME goes
 * on while the machine sleeps, as the date does.
 */
static _Atomic int64_t boot_at_ms = UNKNOWN;

static int64_t
read_ms(clockid_t id)
{
	struct timespec now;

	(void) clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_ahead_s(void)
{
	int64_t boot_ms = read_ms(CLOCK_BOOTTIME);
	int64_t at_ms = read_ms(CLOCK_REALTIME) - boot_ms;
	int64_t kept = atomic_load(&boot_at_ms);
	int64_t ahead = kept != UNKNOWN ? at_ms - kept : 0;

	if (ahead >= JUMP_MS || ahead <= -JUMP_MS)
		return ahead / 1000;
	/* Others may store at the same time, what is nearly the same. */
	atomic_store(&boot_at_ms, at_ms);
	return 0;
}

int64_t
clock_ms(void)
{
	(void) clock_ahead_s();
	return read_ms(CLOCK_BOOTTIME) + atomic_load(&boot_at_ms);
}

int64_t
clock_s(void)
{
	return clock_ms() / 1000;
}

int64_t
clock_morning_ms(int64_t now_ms)
{
	g_autoptr(GDateTime) now = g_date_time_new_from_unix_local(now_ms /
								   1000);
	g_autoptr(GDateTime) day = NULL, morning = NULL;

	if (now == NULL)
		return now_ms + G_TIME_SPAN_DAY / 1000;
	day = g_date_time_add_days(now, g_date_time_get_hour(now) <
				   MORNING_HOUR ? 0 : 1);
	morning = g_date_time_new_local(g_date_time_get_year(day),
					g_date_time_get_month(day),
					g_date_time_get_day_of_month(day),
					MORNING_HOUR, 0, 0);
	return morning != NULL ? g_date_time_to_unix(morning) * 1000 :
		now_ms + G_TIME_SPAN_DAY / 1000;
}

void
clock_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void) pthread_condattr_init(&attr);
	(void) pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void) pthread_cond_init(cond, &attr);
	(void) pthread_condattr_destroy(&attr);
}

int
clock_cond_until(pthread_cond_t *cond, pthread_mutex_t *lock,
		 int64_t until_ms)
{
	const struct timespec until = {
		.tv_sec = until_ms / 1000,
		.tv_nsec = until_ms % 1000 * 1000000,
	};

	return pthread_cond_timedwait(cond, lock, &until);
}

int
clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t wait_ms)
{
	return clock_cond_until(cond, lock, wire_now_ms() + wait_ms);
}
