dnl # /etc/mail/muster.m4: what muster needs of sendmail. sendmail.mc has,
dnl # before its MAILER lines, an include() of this file; see README in this
dnl # directory. To change one of these, define it before that.
ifdef(`MUSTER_MILTER', `',
	`define(`MUSTER_MILTER', `unix:/run/muster/milter.sock')')dnl
ifdef(`MUSTER_LMTP', `', `define(`MUSTER_LMTP', `/run/muster/lmtp.sock')')dnl
ifdef(`MUSTER_PORT', `', `define(`MUSTER_PORT', `10025')')dnl
ifdef(`MUSTER_DOMAINS', `',
	`define(`MUSTER_DOMAINS', `/etc/mail/muster-domains')')dnl
ifdef(`MUSTER_LISTS', `', `define(`MUSTER_LISTS', `/etc/mail/muster-lists')')dnl
dnl # Copies come back here: from this host only, without the gate.
DAEMON_OPTIONS(`Name=muster, Family=inet, Addr=127.0.0.1, Port=MUSTER_PORT, InputMailFilters=')dnl
dnl # The gate, the last of all milters. F=T: while it is down mail waits at
dnl # its sender's. R is longer than the gate ever is silent.
INPUT_MAIL_FILTER(`muster', `S=MUSTER_MILTER, F=T, T=C:30s;S:30s;R:90s;E:5m')dnl
dnl # With limits here sendmail would write every MIME body anew, close what
dnl # is left open, and break signatures. (They were for mail programs of 1999.)
define(`confMAX_MIME_HEADER_LENGTH', `0/0')dnl
LOCAL_CONFIG
# (a) Domains whose every address is a list's, one a line; sendmail takes
#     mail for them.
F{MusterDomain}-o MUSTER_DOMAINS
Fw-o MUSTER_DOMAINS
# (b) Lists within domains that have other mailboxes: one address a line.
F{MusterList}-o MUSTER_LISTS
Kmuster_dequote dequote
Kmuster_role regex -s1 ^(.+)-(request|owner|join|subscribe|leave|unsubscribe|confirm|bounces)$

LOCAL_RULE_0
# muster: (a) all of a list domain but postmaster, who is a person
Rpostmaster < @ $={MusterDomain} . >	$@ postmaster < @ $1 . >
R$+ < @ $={MusterDomain} . >	$#muster $@ lists $: $1 < @ $2 . >
# muster: (b) <name without +detail and -role> address; the address stays
R$+ < @ $=w . >			$: < $(muster_dequote $1 $) > $1 < @ $2 . >
R< $+ + $* > $+ < @ $* >	$: < $1 > $3 < @ $4 >
R< $+ > $+ < @ $* >		$: < $(muster_role $1 $) > $2 < @ $3 >
R< $+ > $+ < @ $+ . >		$: < $1 @ $3 > $2 < @ $3 . >
R< $={MusterList} > $+ < @ $+ . >	$#muster $@ lists $: $2 < @ $3 . >
R< $+ > $+ < @ $+ . >		$: $2 < @ $3 . >

MAILER_DEFINITIONS
# What no milter sees (delivery reports, sendmail -bm) goes to muster by LMTP.
# Flags: z LMTP, u keeps the case of tokens, 8 and L=0 leave the bytes alone.
Mmuster,	P=[IPC], F=DFMmnquXz8, S=EnvFromSMTP/HdrFromSMTP,
		R=EnvToSMTP/HdrFromSMTP, E=\r\n, L=0, T=DNS/RFC822/SMTP,
		A=FILE MUSTER_LMTP

divert(0)dnl
