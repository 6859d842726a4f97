/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * System calls that no filter of mail needs. This is the second fence, behind
 * namespaces and Landlock, and the first where there are none of them: all
 * else is allowed, since nobody knows what the program of a site calls.
 *
 * There is no socket but a pair of connected ones, so there is no network,
 * no socket of muster's, and no log to write to. A pair of datagram sockets
 * could be turned to another address, so that is refused as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include <seccomp.h>

#include "core/sandbox/inside.h"
#include "core/base/banned.h"

#ifdef __s390__
#define CLONE_FLAGS 1		/* which argument they are */
#else
#define CLONE_FLAGS 0
#endif
#define SOCKET_TYPE 0xf		/* of the flags in the same argument */

/* Refused in any case */
static const int refused[] = {
	SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp),
	SCMP_SYS(process_madvise), SCMP_SYS(move_pages),
	SCMP_SYS(migrate_pages),
	SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(chroot),
	SCMP_SYS(pivot_root), SCMP_SYS(mount), SCMP_SYS(umount),
	SCMP_SYS(umount2), SCMP_SYS(mount_setattr), SCMP_SYS(move_mount),
	SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount), SCMP_SYS(fspick), SCMP_SYS(open_by_handle_at),
	SCMP_SYS(quotactl), SCMP_SYS(swapon), SCMP_SYS(swapoff),
	SCMP_SYS(acct), SCMP_SYS(syslog), SCMP_SYS(reboot),
	SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(fanotify_init),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(keyctl), SCMP_SYS(modify_ldt),
	SCMP_SYS(iopl), SCMP_SYS(ioperm), SCMP_SYS(vhangup),
	/* What would outlive it */
	SCMP_SYS(shmget), SCMP_SYS(msgget), SCMP_SYS(semget),
	SCMP_SYS(mq_open),
};

/* Refused where processes of muster's have a number, and nothing else keeps
 * signals from them. pthread_kill() and abort() are of these. */
static const int signals_sent[] = {
	SCMP_SYS(tkill), SCMP_SYS(tgkill), SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(pidfd_send_signal),
};

/* A descriptor too can be told to send signals, any of them, to anybody. */
static const unsigned int signals_ordered[] = {
	F_SETOWN, F_SETOWN_EX, F_SETSIG,
};
static const unsigned int signals_asked[] = { FIOSETOWN, SIOCSPGRP };

/* The same without regard to signals, if it is about another process */
static const struct { int call; unsigned int arg; } about_others[] = {
	{ SCMP_SYS(sched_setaffinity), 0 }, { SCMP_SYS(sched_setattr), 0 },
	{ SCMP_SYS(sched_setparam), 0 }, { SCMP_SYS(sched_setscheduler), 0 },
	{ SCMP_SYS(setpriority), 1 }, { SCMP_SYS(ioprio_set), 1 },
};

/* The macros of libseccomp leave a field out, which warns. */
static struct scmp_arg_cmp
is_not(unsigned int arg, uint64_t value)
{
	return (struct scmp_arg_cmp){ arg, SCMP_CMP_NE, value, 0 };
}

static struct scmp_arg_cmp
has_bits(unsigned int arg, uint64_t mask, uint64_t bits)
{
	return (struct scmp_arg_cmp){ arg, SCMP_CMP_MASKED_EQ, mask, bits };
}

/* Of a word that is no longer than int */
static struct scmp_arg_cmp
is_word(unsigned int arg, unsigned int word)
{
	return has_bits(arg, 0xffffffffu, word);
}

/* A call that this processor does not have needs no rule. */
static bool
worked(int rc)
{
	return rc == 0 || rc == -EDOM || rc == -EEXIST;
}

static bool
refuse(scmp_filter_ctx filter, int call)
{
	return worked(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call,
				       0));
}

static bool
refuse_some(scmp_filter_ctx filter, int call, struct scmp_arg_cmp which)
{
	return worked(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM),
					     call, 1, &which));
}

static bool
add_common(scmp_filter_ctx filter)
{
	bool ok = true;

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		ok &= refuse(filter, refused[i]);
	ok &= refuse_some(filter, SCMP_SYS(socketpair),
			  has_bits(1, SOCKET_TYPE, SOCK_DGRAM));
	ok &= refuse_some(filter, SCMP_SYS(prlimit64), is_not(0, 0));
	/* It would put words into the terminal of whoever runs muster. */
	ok &= refuse_some(filter, SCMP_SYS(ioctl), is_word(1, TIOCSTI));
	return ok;
}

/* The flags of clone3() are in memory, which a filter does not see; glibc
 * then takes clone(). */
static bool
add_clone(scmp_filter_ctx filter)
{
	static const unsigned long long kinds[] = {
		CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET,
		CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP,
	};
	bool ok = worked(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
					  SCMP_SYS(clone3), 0));

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		ok &= refuse_some(filter, SCMP_SYS(clone),
				  has_bits(CLONE_FLAGS, kinds[i], kinds[i]));
	return ok;
}

/* Its own process group it may signal: that is a session of its own. */
static bool
add_signals(scmp_filter_ctx filter)
{
	bool ok = refuse_some(filter, SCMP_SYS(kill), is_not(0, 0));

	for (size_t i = 0; i < sizeof(signals_sent) / sizeof(*signals_sent);
	     i++)
		ok &= refuse(filter, signals_sent[i]);
	for (size_t i = 0; i < sizeof(signals_ordered) /
	     sizeof(*signals_ordered); i++)
		ok &= refuse_some(filter, SCMP_SYS(fcntl),
				  is_word(1, signals_ordered[i])) &&
			refuse_some(filter, SCMP_SYS(fcntl64),
				    is_word(1, signals_ordered[i]));
	for (size_t i = 0; i < sizeof(signals_asked) / sizeof(*signals_asked);
	     i++)
		ok &= refuse_some(filter, SCMP_SYS(ioctl),
				  is_word(1, signals_asked[i]));
	return ok;
}

static bool
add_others(scmp_filter_ctx filter, bool signals)
{
	bool ok = true;

	for (size_t i = 0; i < sizeof(about_others) / sizeof(*about_others);
	     i++)
		ok &= refuse_some(filter, about_others[i].call,
				  is_not(about_others[i].arg, 0));
	return ok && (signals || add_signals(filter));
}

bool
calls_fence(bool is_world, bool signals)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool ok;

	if (filter == NULL)
		return false;
	ok = add_common(filter) && add_clone(filter) &&
		(is_world || add_others(filter, signals)) &&
		seccomp_load(filter) == 0;
	seccomp_release(filter);
	return ok;
}
