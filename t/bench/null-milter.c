/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The floor under the gate: a milter that sees all of each message and
 * accepts it. null-milter SOCKET, as in unix:/run/null.sock
 */
#include <stdio.h>

#include <libmilter/mfapi.h>

static sfsistat
see_addr(SMFICTX *ctx, char **args)
{
	(void)ctx;
	(void)args;
	return SMFIS_CONTINUE;
}

static sfsistat
see_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return SMFIS_CONTINUE;
}

static sfsistat
see_body(SMFICTX *ctx, unsigned char *bytes, size_t len)
{
	(void)ctx;
	(void)bytes;
	(void)len;
	return SMFIS_CONTINUE;
}

static sfsistat
accept_it(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_ACCEPT;
}

/* No answers before the end, as a good milter */
static sfsistat
negotiate(SMFICTX *ctx, unsigned long offered_actions,
	  unsigned long offered_steps, unsigned long more1,
	  unsigned long more2, unsigned long *actions, unsigned long *steps,
	  unsigned long *out1, unsigned long *out2)
{
	(void)ctx;
	(void)offered_actions;
	(void)more1;
	(void)more2;
	*actions = 0;
	*steps = offered_steps &
		 (SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOUNKNOWN |
		  SMFIP_NODATA | SMFIP_NOEOH | SMFIP_NR_MAIL | SMFIP_NR_RCPT |
		  SMFIP_NR_HDR | SMFIP_NR_BODY);
	*out1 = *out2 = 0;
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	struct smfiDesc desc = {
		.xxfi_name = (char[]){ "null" },
		.xxfi_version = SMFI_VERSION,
		.xxfi_envfrom = see_addr,
		.xxfi_envrcpt = see_addr,
		.xxfi_header = see_header,
		.xxfi_body = see_body,
		.xxfi_eom = accept_it,
		.xxfi_negotiate = negotiate,
	};

	if (argc != 2) {
		(void)fprintf(stderr, "usage: null-milter SOCKET\n");
		return 2;
	}
	if (smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_register(desc) != MI_SUCCESS)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
