/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include <string.h>
#include <time.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/base/banned.h"

/*
 * Regular expressions: PCRE2, kept within limits, since the text is from
 * strangers and the expression from someone in a hurry.
 *
 * PCRE2 counts its match limit anew for every place at which a match may
 * begin, so that over a body of 256 KB a limit that lets honest expressions
 * through ("foo.*bar") still allows minutes. So the places are gone through
 * in slices, and between them is looked at the CPU time that this thread has
 * used. All expressions of a decision share one allowance. What is found, or
 * not found, does not depend on the slices (but for \G, which is of no use
 * here); what runs away does, and is "not decidable" whichever limit ends it.
 */
#define STEPS_MAX 300000	/* above CONTENT_TEXT_MAX: going back over all
				 * of the text once is honest */
#define HEAP_MAX_KB (16 * 1024)
#define SLICE 512		/* places a look at the clock */

struct regex {
	pcre2_code *code;
};

static int64_t
thread_ns(void)
{
	struct timespec ts;

	(void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* PCRE2's messages are in US-ASCII and of bearable length. */
static char *
message(int code)
{
	unsigned char text[256];

	if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
		return g_strdup("unknown error");
	return g_strdup((const char *)text);
}

struct regex *
regex_new(const char *pattern, bool caseless, char **reason_out,
	  size_t *at_out)
{
	uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C |
		PCRE2_USE_OFFSET_LIMIT | (caseless ? PCRE2_CASELESS : 0);
	struct regex *regex;
	pcre2_code *code;
	PCRE2_SIZE at;
	int error;

	code = pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern), options,
			     &error, &at, NULL);
	if (code == NULL) {
		*reason_out = message(error);
		*at_out = at;
		return NULL;
	}
	regex = g_new0(struct regex, 1);
	regex->code = code;
	/* Not everywhere: where no memory may be executable, not at all. */
	(void) pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	return regex;
}

void
regex_free(struct regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_code_free(regex->code);
	g_free(regex);
}

/* One slice: does a match begin in it? */
static int
match_slice(const struct regex *regex, const char *text, size_t len,
	    size_t from, pcre2_match_data *data, pcre2_match_context *limits)
{
	PCRE2_SPTR subject = (PCRE2_SPTR)text;
	int rc = pcre2_match(regex->code, subject, len, from,
			     PCRE2_NO_UTF_CHECK, data, limits);

	/* The machine code has a small stack; the interpreter has the heap. */
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(regex->code, subject, len, from,
				 PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data,
				 limits);
	return rc;
}

static enum truth
match_slices(const struct regex *regex, const char *text, size_t len,
	     pcre2_match_data *data, pcre2_match_context *limits,
	     int64_t until_ns)
{
	size_t from = 0;

	for (;;) {
		size_t end = MIN(from + SLICE, len);
		int rc;

		/* places begin with a character */
		while (end < len && (text[end] & 0xc0) == 0x80)
			end++;
		(void) pcre2_set_offset_limit(limits, end);
		rc = match_slice(regex, text, len, from, data, limits);
		if (rc >= 0)
			return TRUTH_YES;
		if (rc != PCRE2_ERROR_NOMATCH)
			return TRUTH_UNKNOWN;
		if (end == len)
			return TRUTH_NO;
		if (thread_ns() > until_ns)
			return TRUTH_UNKNOWN;
		from = end;
	}
}

enum truth
regex_match(const struct regex *regex, const char *text, int64_t *cpu_ns)
{
	g_autofree char *valid = NULL;
	pcre2_match_data *data;
	pcre2_match_context *limits;
	int64_t start = thread_ns();
	enum truth truth;

	if (*cpu_ns < 0)
		return TRUTH_UNKNOWN;
	data = pcre2_match_data_create(1, NULL);
	limits = pcre2_match_context_create(NULL);
	if (!g_utf8_validate(text, -1, NULL))
		text = valid = g_utf8_make_valid(text, -1);
	(void) pcre2_set_match_limit(limits, STEPS_MAX);
	(void) pcre2_set_heap_limit(limits, HEAP_MAX_KB);
	truth = match_slices(regex, text, strlen(text), data, limits,
			     start + *cpu_ns);
	pcre2_match_context_free(limits);
	pcre2_match_data_free(data);
	*cpu_ns -= thread_ns() - start;
	return truth;
}
