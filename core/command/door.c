/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/command/door.h"

#include <string.h>

#include <glib.h>

#include "core/mail/pattern.h"
#include "core/outbound/slot.h"
#include "core/base/banned.h"

/* --- tokens ------------------------------------------------------------- */

static bool
is_held_token(const struct door_with *with, const struct door_mail *mail)
{
	uint8_t prefix[HELD_PREFIX_LEN];
	enum held_decision decision;

	return held_token_open(with->held, mail->list->addr, mail->detail,
			       &decision, prefix);
}

static bool
is_bounce_token(const struct door_with *with, const struct door_mail *mail)
{
	struct verp_says says;

	if (!verp_read(with->verp, mail->list->addr, mail->detail, &says))
		return false;
	g_free(says.addr);
	return true;
}

enum err_code
door_token(struct txn *txn, const struct door_with *with,
	   const struct door_mail *mail, enum token_state *out,
	   struct err *err)
{
	uint8_t member[VERP_MEMBER_LEN];
	bool ours = false;

	*out = TOKEN_NONE;
	if (mail->detail[0] == '\0')
		return ERR_OK;
	if (mail->role == ROLE_CONFIRM && !is_held_token(with, mail))
		return subscription_token(txn, with->now_ms, mail->list,
					  mail->detail, out, err);
	if (mail->role == ROLE_BOUNCES)
		ours = is_bounce_token(with, mail);
	else if (mail->role == ROLE_LEAVE)
		ours = leave_token_open(with->verp, mail->list->addr,
					mail->detail, member);
	else
		ours = mail->role == ROLE_CONFIRM;
	*out = ours ? TOKEN_GOOD : TOKEN_NONE;
	return ERR_OK;
}

/* --- RCPT --------------------------------------------------------------- */

static bool
is_banned(const struct list_conf *conf, const char *who)
{
	return who[0] != '\0' && addresses_match(conf->banned, who);
}

static char *
refuse_banned(const struct door_mail *mail)
{
	return g_strdup_printf("550 5.7.1 You cannot subscribe to %s",
			       mail->list->addr);
}

/* The list takes no new members from outside, or none from there. */
static char *
refuse_join(const struct door_mail *mail)
{
	g_autofree char *owner = list_role_addr(mail->list->addr, "-owner");

	if (is_banned(mail->conf, mail->sender) ||
	    is_banned(mail->conf, mail->client))
		return refuse_banned(mail);
	if (mail->conf->subscription == SUBSCRIPTION_CLOSED)
		return g_strdup_printf("550 5.7.1 Only its owners add members "
				       "to %s; to become one, write to %s",
				       mail->list->addr, owner);
	if (mail->conf->subscription == SUBSCRIPTION_INVITE)
		return g_strdup_printf("550 5.7.1 Only who has been invited "
				       "can subscribe to %s; for an "
				       "invitation write to %s",
				       mail->list->addr, owner);
	return NULL;
}

static bool
takes_null_sender(const struct door_mail *mail)
{
	/* What stands in List-Unsubscribe may be used by a machine. */
	return mail->role == ROLE_LEAVE && mail->detail[0] != '\0';
}

char *
door_rcpt(const struct door_mail *mail, bool token_ok)
{
	const char *list = mail->list->addr;
	bool has_token = mail->role == ROLE_CONFIRM ||
			 (mail->role == ROLE_LEAVE && mail->detail[0] != '\0');

	if (has_token && !token_ok)
		return g_strdup_printf("550 5.1.1 This address of %s is not "
				       "valid, or no longer: it is good once, "
				       "and for a time", list);
	if (mail->sender[0] == '\0' && !takes_null_sender(mail))
		return g_strdup_printf("550 5.7.1 %s takes no automatic mail "
				       "at this address", list);
	return mail->role == ROLE_JOIN ? refuse_join(mail) : NULL;
}

/* --- the end of the message --------------------------------------------- */

const char *
door_asker(const struct door_author *author)
{
	if (author->verified[0] != '\0')
		return author->verified;
	return author->from[0] != '\0' && strstr(author->from, ", ") == NULL
		       ? author->from
		       : NULL;
}

static char *
refuse_nobody(const struct door_mail *mail)
{
	return g_strdup_printf("550 5.7.1 It cannot be told who asks this of "
			       "%s: From must have one address, and that of "
			       "whoever asks", mail->list->addr);
}

static char *
refuse_unproven(const struct door_mail *mail)
{
	g_autofree char *join = list_role_addr(mail->list->addr, "-join");
	g_autofree char *leave = list_role_addr(mail->list->addr, "-leave");

	return g_strdup_printf("550 5.7.1 Nothing in this mail proves who it "
			       "is from (DKIM or SPF with DMARC, or a login), "
			       "so it is not answered; to subscribe write to "
			       "%s, to leave to %s: you are then asked to "
			       "confirm", join, leave);
}

/* A held post's answer, or what was confirmed */
static enum err_code
end_confirm(struct txn *txn, const struct door_with *with,
	    const struct door_mail *mail, const struct door_author *author,
	    char **refusal, struct err *err)
{
	enum held_outcome outcome = HELD_NO_TOKEN;
	enum token_state token = TOKEN_NONE;
	enum err_code rc;

	if (is_held_token(with, mail)) {
		rc = held_may_act(txn, with->held, mail->list, mail->detail,
				  author->verified, &outcome, err);
		if (rc == ERR_OK)
			*refusal = held_refusal(outcome, mail->list->addr);
		return rc;
	}
	rc = door_token(txn, with, mail, &token, err);
	if (rc == ERR_OK)
		*refusal = door_rcpt(mail, token == TOKEN_GOOD);
	return rc;
}

static char *
end_join(const struct door_mail *mail, const struct door_author *author)
{
	const char *asker = door_asker(author);

	if (asker == NULL)
		return refuse_nobody(mail);
	if (is_banned(mail->conf, asker))
		return refuse_banned(mail);
	return refuse_join(mail);
}

enum err_code
door_end(struct txn *txn, const struct door_with *with,
	 const struct door_mail *mail, const struct door_author *author,
	 char **refusal, struct err *err)
{
	*refusal = NULL;
	switch (mail->role) {
	case ROLE_CONFIRM:
		return end_confirm(txn, with, mail, author, refusal, err);
	case ROLE_JOIN:
		*refusal = end_join(mail, author);
		return ERR_OK;
	case ROLE_LEAVE:
		if (mail->detail[0] == '\0' && door_asker(author) == NULL)
			*refusal = refuse_nobody(mail);
		return ERR_OK;
	case ROLE_REQUEST:
		if (author->verified[0] == '\0' && author->needs_proof)
			*refusal = refuse_unproven(mail);
		else if (door_asker(author) == NULL)
			*refusal = refuse_nobody(mail);
		return ERR_OK;
	default:
		return ERR_OK;
	}
}
