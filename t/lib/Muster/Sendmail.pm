# SPDX-License-Identifier: BSD-2-Clause
package Muster::Sendmail;

# A private sendmail, from the unpacked package in $MUSTER_SENDMAIL. What
# muster needs of it is conf/sendmail/muster.m4, the file that a site
# includes, unchanged. Whatever is for no list goes to the sink.

use v5.36;
use Muster::Box qw(slurp);

sub name ($class) { return 'sendmail' }

sub _root ($class) {
	return $ENV{MUSTER_SENDMAIL} // "$ENV{MUSTER_SRC}/build/sendmail";
}

sub missing ($class) {
	return 'a private mail server needs root' if $> != 0;
	my $root = $class->_root;
	return -e "$root/ready" ? undef
		: "no sendmail in $root; t/check unpacks it there";
}

# new($box, milter => path, lmtp => path, sink => port, relay => port);
# it serves when await_ready() returns
sub new ($class, $box, %opt) {
	my $self = bless { box => $box, %opt, dir => $box->dir('sendmail'),
		root => $class->_root, port => $box->port,
		relay => $opt{relay} // $box->port }, $class;
	$self->_write_files;
	$self->start;
	return $self;
}

sub port ($self) { return $self->{port} }
sub relay_port ($self) { return $self->{relay} }
sub log ($self) { return slurp("$self->{dir}/mail.log") }

sub _env ($self) {
	my $lib = "$self->{root}/usr/lib/x86_64-linux-gnu";
	return (LD_LIBRARY_PATH => $lib,
		LD_PRELOAD => "$self->{root}/preload.so",
		MUSTER_T_LOG => "$self->{dir}/mail.log",
		MUSTER_T_HOST => 'mx.example.org');
}

sub _run ($self, $input, @args) {
	my $pid = open my $pipe, '|-';
	die "fork: $!\n" if !defined $pid;
	if ($pid == 0) {
		%ENV = (%ENV, $self->_env);
		open STDERR, '>>', "$self->{dir}/stderr";
		open STDOUT, '>>', "$self->{dir}/stdout";
		exec "$self->{root}/usr/libexec/sendmail/sendmail", '-C',
			"$self->{dir}/sm.cf", @args
			or POSIX::_exit(127);
	}
	print {$pipe} $input;
	close $pipe;
	return $? == 0;
}

sub _write_files ($self) {
	my $dir = $self->{dir};
	my $cf = "$self->{root}/usr/share/sendmail/cf";
	mkdir "$dir/mqueue", 0700 or die "$dir/mqueue: $!\n";
	my %files = ('sm.mc' => $self->_mc, statistics => '',
		aliases => "postmaster: bob\n", mail_log => '',
		'service.switch' => "hosts files\naliases files\n"
			. "passwd files\n",
		'local-host-names' => "example.org\n",
		'muster-domains' => "lists.example.org\n",
		'muster-lists' => "dev\@example.org\nannounce\@example.org\n");
	Muster::Box::spew("$dir/$_", $files{$_}) for keys %files;
	system("m4 -D_CF_DIR_=$cf/ $cf/m4/cf.m4 $dir/sm.mc >$dir/sm.cf") == 0
		or die "m4 has failed\n";
	$self->_run('', '-bi') or die 'newaliases: ' . slurp("$dir/stderr");
}

# What any sendmail has, as far as these tests go. Files under /tmp are
# refused without DONT_BLAME_SENDMAIL.
sub _mc ($self) {
	my $dir = $self->{dir};
	return <<"END";
divert(-1)
divert(0)dnl
VERSIONID(`private test instance')dnl
define(`__OSTYPE__', `private')dnl
define(`MAIL_SETTINGS_DIR', `$dir/')dnl
define(`STATUS_FILE', `$dir/statistics')dnl
define(`QUEUE_DIR', `$dir/mqueue')dnl
define(`ALIAS_FILE', `$dir/aliases')dnl
define(`confPID_FILE', `$dir/sendmail.pid')dnl
define(`confCW_FILE', `-o $dir/local-host-names')dnl
define(`confCT_FILE', `-o $dir/trusted-users')dnl
define(`confCR_FILE', `-o $dir/relay-domains')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,WorldWritableAliasFile,LinkedMapInWritableDir,MapInUnsafeDirPath,ClassFileInUnsafeDirPath,TrustStickyBit')dnl
define(`confSERVICE_SWITCH_FILE', `$dir/service.switch')dnl
define(`confDOMAIN_NAME', `mx.example.org')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confTO_IDENT', `0')dnl
define(`confTO_CONNECT', `5s')dnl
define(`confLOG_LEVEL', `14')dnl
define(`confMILTER_LOG_LEVEL', `14')dnl
define(`confDEF_USER_ID', `nobody:nogroup')dnl
define(`confREFUSE_LA', `10000')dnl
define(`confQUEUE_LA', `10000')dnl
define(`confMIN_QUEUE_AGE', `0')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP \$h $self->{sink}')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`use_cw_file')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr=127.0.0.1, Port=$self->{port}')dnl
define(`MUSTER_MILTER', `unix:$self->{milter}')dnl
define(`MUSTER_LMTP', `$self->{lmtp}')dnl
define(`MUSTER_PORT', `$self->{relay}')dnl
define(`MUSTER_DOMAINS', `$dir/muster-domains')dnl
define(`MUSTER_LISTS', `$dir/muster-lists')dnl
include(`$ENV{MUSTER_SRC}/conf/sendmail/muster.m4')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
LOCAL_RULE_0
Rnosuch < @ \$=w . >	\$#error \$@ 5.1.1 \$: "550 User unknown"
R\$+ < @ \$=w . >	\$#relay \$@ [127.0.0.1] \$: \$1 < @ \$2 . >
END
}

sub start ($self) {
	$self->{box}->start('sendmail',
		["$self->{root}/usr/libexec/sendmail/sendmail", '-C',
			"$self->{dir}/sm.cf", '-bD', '-q1s'],
		env => { $self->_env }, tell => "$self->{dir}/mail.log");
}

sub await_ready ($self) {
	$self->{box}->await_answer($self->{$_}, 'sendmail')
		for qw(port relay);
}

# Queue runs are a second apart anyway.
sub flush ($self) { }

# An empty file is no message, but the lock of a session that has none yet;
# when that session dies it stays for hours.
sub queue ($self) {
	return join ' ', map { m{([^/]+)$} }
		grep { -s $_ } glob "$self->{dir}/mqueue/qf*";
}

sub is_idle ($self) { return $self->queue eq '' }

# sendmail -bm with the daemon's configuration: no milter
sub submit ($self, $from, $to, $message) {
	return $self->_run($message, '-bm', '-i', '-f', $from, @$to);
}

1;
