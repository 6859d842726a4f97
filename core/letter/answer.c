/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/letter/letter.h"

#include "core/mail/automatic.h"
#include "core/base/banned.h"

const char *
letter_why_not(const struct letter_cause *cause)
{
	if (cause->verified[0] == '\0')
		return "it is not verified who wrote it";
	if (cause->sender[0] == '\0')
		return "its envelope sender is null";
	if (cause->body == NULL ||
	    automatic_kind(cause->sender, cause->header, cause->body,
			   cause->body_len) != AUTOMATIC_NO)
		return "it is automatic mail";
	if (automatic_unwelcome(cause->header))
		return "it asks for no automatic answer, or came over a list";
	return NULL;
}
