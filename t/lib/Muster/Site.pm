# SPDX-License-Identifier: BSD-2-Clause
package Muster::Site;

# The built programs with a settings file, a home and sockets of their own.

use v5.36;
use IPC::Open3 ();
use JSON::PP ();
use Muster::Box qw(await slurp);
use Muster::Dns;
use Muster::Reports qw(wrapped);
use Symbol ();

# new($box, relay => port, zone => text for Muster::Dns, settings => {
# section => { key => value } }); the DNS is never the machine's
sub new ($class, $box, %opt) {
	my $self = bless { box => $box, build => $ENV{MUSTER_BUILD},
		home => $box->dir('home', 0700), run => $box->dir('run'),
		dns => Muster::Dns->new($box, $opt{zone} // ''),
		conf => $box->path('muster.conf') }, $class;
	my %settings = (
		muster => { home => $self->{home}, run => $self->{run},
			domains => 'lists.example.org',
			'shared-domains' => 'example.org',
			hostname => 'mx.example.org' },
		milter => { listen => 'unix:' . $self->milter_path,
			workers => 2 },
		lmtp => { listen => 'unix:' . $self->lmtp_path },
		outbound => { relay => "127.0.0.1:$opt{relay}",
			'retry-first' => '1s', 'retry-most' => '2s' },
		sandbox => { helper => "$self->{build}/muster-sandbox" },
		$self->{dns}->settings,
	);
	for my $section (keys %{ $opt{settings} // {} }) {
		%{ $settings{$section} } = (%{ $settings{$section} // {} },
			%{ $opt{settings}{$section} });
	}
	$self->{settings} = \%settings;
	$self->write_conf;
	return $self;
}

sub dns ($self) { return $self->{dns} }
sub milter_path ($self) { return "$self->{run}/milter.sock" }
sub lmtp_path ($self) { return "$self->{run}/lmtp.sock" }
sub submit_path ($self) { return "$self->{run}/submit.sock" }

sub write_conf ($self) {
	my $text = '';
	for my $section (sort keys %{ $self->{settings} }) {
		my $keys = $self->{settings}{$section};
		$text .= "[$section]\n" . join '',
			map { "$_ = $keys->{$_}\n" } sort keys %$keys;
	}
	Muster::Box::spew($self->{conf}, $text);
}

# --- daemons ---------------------------------------------------------------

sub start_musterd ($self) {
	$self->{box}->start('musterd',
		[wrapped("$self->{build}/musterd", '-F', '-c',
			$self->{conf})], env => $self->{env} // {});
	$self->{box}->await_answer($self->submit_path, 'musterd');
	$self->{box}->await_answer($self->lmtp_path, 'musterd');
}

sub start_milter ($self) {
	$self->{box}->start('muster-milter',
		[wrapped("$self->{build}/muster-milter", '-F', '-c',
			$self->{conf})]);
	$self->{box}->await_answer($self->milter_path, 'muster-milter');
}

sub start ($self) {
	$self->start_musterd;
	$self->start_milter;
}

# The children of the gate.
sub workers ($self) {
	my $parent = $self->{box}->pid('muster-milter');
	return split ' ', slurp("/proc/$parent/task/$parent/children");
}

# --- the administrator's command -------------------------------------------

# run(words...) or run({ in => text }, words...) - { status, out, err }
sub run ($self, @words) {
	my %opt = ref $words[0] ? %{ shift @words } : ();
	my ($in, $out, $err) = map { $self->{box}->path(".muster.$_") }
		qw(in out err);
	Muster::Box::spew($in, $opt{in} // '');
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0) {
		open STDIN, '<', $in;
		open STDOUT, '>', $out;
		open STDERR, '>', $err;
		exec "$self->{build}/muster", '-c', $self->{conf}, @words
			or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return { status => $? >> 8, out => slurp($out), err => slurp($err),
		words => "@words" };
}

# The same, but it must succeed; what it printed.
sub muster ($self, @words) {
	my $is = $self->run(@words);
	die "muster $is->{words}: status $is->{status}: $is->{err}\n"
		if $is->{status} != 0;
	return $is->{out};
}

sub json ($self, @words) {
	return JSON::PP->new->utf8->decode($self->muster(@words, '--json'));
}

# A list with members; ADDR or [ADDR, KEY=VALUE...]
sub make_list ($self, $list, $keys, @members) {
	$self->muster('list', 'create', $list, @$keys);
	$self->muster({ in => join '', map { (ref $_ ? $_->[0] : $_) . "\n" }
		@members }, 'member', 'add', $list, '--file', '-')
		if @members;
	for my $member (grep { ref $_ } @members) {
		my ($addr, @set) = @$member;
		$self->muster('member', 'set', $list, $addr, @set);
	}
}

# All work is done: nothing queued but what waits for a moderator, or for the
# morning.
sub is_idle ($self) {
	my $is = $self->run('queue', 'ls', '--json');
	return if $is->{status} != 0;
	return !grep { $_->{stage} ne 'held' && $_->{stage} ne 'notice'
		|| $_->{stage} eq 'notice' && !_waits($_) }
		@{ JSON::PP->new->utf8->decode($is->{out} || '[]') };
}

sub _waits ($job) {
	my ($date, $time) = ($job->{due} // '') =~ /^(.*)T(.{8})/ or return;
	my ($s, $m, $h, $d, $mon, $y) = gmtime;
	return "$date $time" gt sprintf '%04d-%02d-%02d %02d:%02d:%02d',
		$y + 1900, $mon + 1, $d, $h, $m, $s;
}

sub await_idle ($self) { await('an empty queue', sub { $self->is_idle }) }

1;
