/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUSTER_T_LOOKUPS_CASE_H
#define MUSTER_T_LOOKUPS_CASE_H

#include "core/auth/lookups.h"
#include "core/base/wire.h"
#include "t/lib/dns.h"

/* What the tests of lookups and of the resolver share */

#define LONG_MS 20000	/* a deadline that is not to be reached */

static const char scene_zone[] =
	"a.example A 192.0.2.1\n"
	"a.example A 192.0.2.2\n"
	"a.example AAAA 2001:db8::7\n"
	"a.example TXT \"v=spf1 \" \"-all\"\n"
	"bytes.example TXT \"a\\000b\\255\\\"\" \"\" \"c\"\n"
	"empty.example TXT \"\"\n"
	"a.example MX 10 MX1.A.Example.\n"
	"a.example MX 20 mx2.a.example\n"
	"null.example MX 0 .\n"
	"odd.example MX 5 x\\.y.example\n"
	"odd.example MX 6 good.example\n"
	"allodd.example MX 5 x\\000y.example\n"
	"1.2.0.192.in-addr.arpa PTR A.example\n"
	"1.0.0.10.in-addr.arpa PTR inside.example\n"
	"deep.below.example A 192.0.2.3\n"
	"alias.example CNAME alias2.example\n"
	"alias2.example CNAME a.example\n"
	"lost.example CNAME gone.example\n"
	"none.example CNAME null.example\n"
	"loop.example CNAME loop2.example\n"
	"loop2.example CNAME loop.example\n"
	"\\255x\\032\\\\y.z.example TXT odd\n"
	"*.star.example TXT star\n"
	"bad.example SERVFAIL\n"
	"refused.example REFUSED\n"
	"silent.example SILENT\n"
	"tc.example TRUNCATE\n"
	"tc.example TXT over-tcp\n"
	"tcsilent.example TRUNCATE-SILENT\n"
	"garbage.example GARBAGE\n"
	"lie.example LIE\n"
	"lie.example A 192.0.2.66\n"
	"slow.example DELAY 300\n"
	"slow.example TXT late\n"
	"huge.example HUGE 60000\n"
	"larger.example HUGE 3000\n";

static inline struct resolver *
resolver_of(const struct dns *dns)
{
	struct resolver *resolver = NULL;
	struct err err = ERR_INIT;

	if (resolver_new(dns_servers(dns), &resolver, &err) != ERR_OK)
		g_error("%s", err.what);
	return resolver;
}

static inline struct lookups *
ask_for(struct resolver *resolver, int64_t wait_ms)
{
	return lookups_new(resolver, wire_now_ms() + wait_ms, NULL, NULL);
}

struct scene {
	struct dns *dns;
	struct resolver *resolver;
};

static inline struct scene
begin(void)
{
	struct scene scene = { .dns = dns_start(0, scene_zone) };

	scene.resolver = resolver_of(scene.dns);
	return scene;
}

static inline void
end(struct scene *scene)
{
	resolver_free(scene->resolver);
	dns_stop(scene->dns);
}

static inline enum dns_status
await_status(struct lookups *lookups, const char *name, enum dns_type type)
{
	return lookups_await(lookups, name, type)->status;
}

#endif
