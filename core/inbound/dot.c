/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/inbound/dot.h"

#include "core/base/banned.h"

/* What is content in the current piece, but not yet handed on. */
struct run {
	const char *from;
	struct dot *dot;
};

static void
emit_until(struct run *run, const char *to)
{
	if (to > run->from)
		run->dot->emit(run->dot->arg, run->from,
			       (size_t)(to - run->from));
	run->from = to;
}

static enum dot_state
after_text(struct run *run, const char *at)
{
	if (*at == '\r')
		return DOT_CR;
	if (*at != '\n')
		return DOT_TEXT;
	emit_until(run, at);
	run->dot->emit(run->dot->arg, "\r\n", 2);
	run->from = at + 1;
	return DOT_TEXT;
}

static enum dot_state
after_cr(const char *at)
{
	return *at == '\n' ? DOT_LINE : *at == '\r' ? DOT_CR : DOT_TEXT;
}

/* The dot is not content, so the run begins behind it. */
static enum dot_state
at_line(struct run *run, const char *at)
{
	if (*at != '.')
		return after_text(run, at);
	emit_until(run, at);
	run->from = at + 1;
	return DOT_DOT;
}

/* A CR behind a dot is not content if LF follows: it is held back. */
static enum dot_state
after_dot(struct run *run, const char *at)
{
	if (*at != '\r')
		return after_text(run, at);
	run->from = at + 1;
	return DOT_DOT_CR;
}

static enum dot_state
after_dot_cr(struct run *run, const char *at)
{
	if (*at == '\n')
		return DOT_END;
	run->dot->emit(run->dot->arg, "\r", 1);
	return after_cr(at);
}

static enum dot_state
next_state(struct run *run, const char *at)
{
	switch (run->dot->state) {
	case DOT_LINE:
		return at_line(run, at);
	case DOT_DOT:
		return after_dot(run, at);
	case DOT_DOT_CR:
		return after_dot_cr(run, at);
	case DOT_CR:
		return after_cr(at);
	case DOT_TEXT:
	case DOT_END:
		break;
	}
	return after_text(run, at);
}

size_t
dot_feed(struct dot *dot, const char *bytes, size_t len)
{
	struct run run = {.from = bytes, .dot = dot};
	size_t at;

	for (at = 0; at < len && dot->state != DOT_END; at++)
		dot->state = next_state(&run, bytes + at);
	if (dot->state != DOT_END)
		emit_until(&run, bytes + at);
	return at;
}
