/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/moderate/policy_inside.h"

#include <string.h>

#include "core/base/banned.h"

/*
 * The usual lists. What they have in common: an author whose domain lets
 * itself be verified (it publishes a DMARC policy), but who is not verified
 * in this post, counts as nobody: not as a member, nor as one always to
 * accept, nor as an owner or moderator. A From that DMARC cannot judge
 * (authors of several domains, none at all) is treated the same way, since
 * each of its domains may be one that would have said no. To write as an
 * owner or moderator is only for those who are verified.
 */

#define TEXT_TEMPERROR \
	"\"It could not be found out whether this post is from \"\n" \
	"\t\"%{author}, since the DNS of %{author.domain} does not \"\n" \
	"\t\"answer; please try again later\"\n"
#define TEXT_FORGED \
	"\"This post says that it is from %{author}, but \"\n" \
	"\t\"%{author.domain} has not confirmed it (neither by DKIM \"\n" \
	"\t\"nor by SPF); please send it through the mail server of \"\n" \
	"\t\"that domain\"\n"
#define FORGED \
	"not author.verified\n" \
	"\tand (author.verifiable or dmarc == \"permerror\")\n"

#define RULES_MEMBERS \
	"reject \"" REFUSE_TEXT "\" when not author.member\n" \
	"defer " TEXT_TEMPERROR \
	"\twhen not author.verified and dmarc == \"temperror\"\n" \
	"reject " TEXT_FORGED \
	"\twhen " FORGED \
	"hold \"The posts of %{author} are moderated\"\n" \
	"\twhen author.moderated and not author.accepted\n" \
	"accept\n"

#define TEAM "(author.role == \"owner\" or author.role == \"moderator\")"

static const struct {
	const char *name;
	const char *text;
} presets[] = {
	{ "open", "accept\n" },
	{ "members", RULES_MEMBERS },
	{ "members-strict",
	  "reject \"" REFUSE_TEXT "\" when not sender.member\n"
	  RULES_MEMBERS },
	{ "moderated",
	  "accept when author.verified\n"
	  "\tand " TEAM "\n"
	  "accept when author.verified and author.accepted\n"
	  "hold \"The author is not verified: the post may be from \"\n"
	  "\t\"somebody else\"\n"
	  "\twhen " FORGED
	  "hold \"All posts to %{list} are moderated\"\n" },
	{ "announce",
	  "reject \"Only its owners and moderators write to %{list}\"\n"
	  "\twhen not " TEAM "\n"
	  "accept when author.verified\n"
	  "defer " TEXT_TEMPERROR
	  "\twhen dmarc == \"temperror\"\n"
	  "reject " TEXT_FORGED
	  "\twhen author.verifiable or dmarc == \"permerror\"\n"
	  "hold \"The domain of %{author} publishes nothing by which \"\n"
	  "\t\"its posts can be verified\"\n" },
};

const char *const policy_preset_names[] = {
	"open", "members", "members-strict", "moderated", "announce", NULL
};

const char *
policy_preset(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(presets); i++)
		if (strcmp(presets[i].name, name) == 0)
			return presets[i].text;
	return NULL;
}
