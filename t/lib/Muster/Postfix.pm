# SPDX-License-Identifier: BSD-2-Clause
package Muster::Postfix;

# A private Postfix. What muster needs of it is read from conf/postfix, the
# files that a site uses; only paths and ports are put in their place.
# Whatever is for no list goes to the sink.

use v5.36;
use File::Path ();
use Muster::Box qw(await slurp);

use constant DAEMONS => '/usr/lib/postfix/sbin';

sub name ($class) { return 'Postfix' }

sub missing ($class) {
	return 'a private mail server needs root' if $> != 0;
	return -x DAEMONS . '/master' ? undef : 'Postfix is not installed';
}

# new($box, milter => path, lmtp => path, sink => port, relay => port, main =>
# more for main.cf, master => more services); it serves when await_ready()
# returns
sub new ($class, $box, %opt) {
	my $self = bless { box => $box, %opt, dir => $box->dir('postfix'),
		port => $box->port, relay => $opt{relay} // $box->port }, $class;
	$self->_make_dirs;
	$self->_write_files;
	$self->start;
	return $self;
}

sub port ($self) { return $self->{port} }
sub relay_port ($self) { return $self->{relay} }
sub log ($self) { return slurp("$self->{dir}/mail.log") }

sub _make_dirs ($self) {
	my $dir = $self->{dir};
	my ($uid, $drop) = ((getpwnam 'postfix')[2], scalar getgrnam 'postdrop');
	my @private = qw(active bounce corrupt defer deferred flush hold
		incoming private saved trace);
	File::Path::make_path("$dir/etc", "$dir/data", "$dir/spool",
		map { "$dir/spool/$_" } @private, qw(pid public maildrop));
	for my $name (@private) {
		chown $uid, -1, "$dir/spool/$name";
		chmod 0700, "$dir/spool/$name";
	}
	chown $uid, -1, "$dir/data";
	chown $uid, $drop, "$dir/spool/public", "$dir/spool/maildrop";
	chmod 02710, "$dir/spool/public";
	chmod 01730, "$dir/spool/maildrop";
}

# The sample with its own paths and ports for ours; each must be there.
sub _sample ($self, $name, %put) {
	my $text = slurp("$ENV{MUSTER_SRC}/conf/postfix/$name");
	for my $from (sort keys %put) {
		$text =~ s/\Q$from\E/$put{$from}/g
			or die "conf/postfix/$name: no $from\n";
	}
	return $text;
}

sub _write_files ($self) {
	my ($box, $dir) = ($self->{box}, $self->{dir});
	my $main = $self->_sample('main.cf.sample',
		'unix:/run/muster/milter.sock' => "unix:$self->{milter}",
		'/etc/postfix/' => "$dir/etc/");
	my $master = $self->_sample('master.cf.sample',
		'smtp      inet' => "127.0.0.1:$self->{port} inet",
		'127.0.0.1:10025' => "127.0.0.1:$self->{relay}");
	Muster::Box::spew("$dir/etc/main.cf", $self->_base_main . $main
		. ($self->{main} // ''));
	Muster::Box::spew("$dir/etc/master.cf", $self->_base_master . $master
		. ($self->{master} // ''));
	Muster::Box::spew("$dir/etc/muster-transport",
		$self->_sample('transport.sample',
			'/run/muster/lmtp.sock' => $self->{lmtp},
			"local:\n" => "smtp:[127.0.0.1]:$self->{sink}\n"));
	Muster::Box::spew("$dir/etc/aliases", "bob bob\n");
}

# What any Postfix has, as far as these tests go.
sub _base_main ($self) {
	my $dir = $self->{dir};
	return <<"END";
compatibility_level = 3.7
queue_directory = $dir/spool
data_directory = $dir/data
command_directory = /usr/sbin
daemon_directory = @{[DAEMONS]}
mail_owner = postfix
setgid_group = postdrop
maillog_file = $dir/mail.log
maillog_file_prefixes = /tmp
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.org
mydomain = example.org
myorigin = example.org
mydestination = example.org
mynetworks = 127.0.0.1/32
alias_maps = texthash:$dir/etc/aliases
alias_database =
local_transport = smtp:[127.0.0.1]:$self->{sink}
default_transport = smtp:[127.0.0.1]:$self->{sink}
relay_transport = smtp:[127.0.0.1]:$self->{sink}
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_recipient_restrictions = permit_mynetworks,reject_unauth_destination
recipient_delimiter = +
smtpd_authorized_xclient_hosts = 127.0.0.0/8
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
END
}

sub _base_master ($self) {
	return <<'END';
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
END
}

# master must lead its process group, which start() sees to.
sub start ($self) {
	my $etc = "$self->{dir}/etc";
	$self->{box}->start('postfix', [DAEMONS . '/master', '-d', '-c', $etc],
		env => { MAIL_CONFIG => $etc }, tell => "$self->{dir}/mail.log");
}

sub await_ready ($self) {
	eval {
		$self->{box}->await_answer($self->{$_}, 'postfix')
			for qw(port relay);
		1;
	} or die $@ . $self->log;
}

# Try again now what was deferred.
sub flush ($self) {
	system '/usr/sbin/postqueue', '-c', "$self->{dir}/etc", '-f';
}

sub queue ($self) {
	my $list = qx(/usr/sbin/postqueue -c $self->{dir}/etc -p 2>&1);
	return $list =~ /Mail queue is empty/ ? '' : $list;
}

sub is_idle ($self) { return $self->queue eq '' }

# sendmail(1), as any user of the host runs it
sub submit ($self, $from, $to, $message) {
	local $ENV{MAIL_CONFIG} = "$self->{dir}/etc";
	open my $pipe, '|-', '/usr/sbin/sendmail', '-i', '-f', $from, @$to
		or die "sendmail: $!\n";
	print {$pipe} $message;
	close $pipe;
	return $? == 0;
}

1;
