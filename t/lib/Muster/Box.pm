# SPDX-License-Identifier: BSD-2-Clause
package Muster::Box;

# A place of its own for a test: a directory, ports, processes. What was
# started here ends with the test, however that ends, and nothing else does.
# Nothing waits for a time: await() asks until there is the event, or dies at
# a deadline that is generous.

use v5.36;
use Exporter 'import';
use File::Path ();
use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use Muster::Reports ();
use POSIX ();
use Socket ();
use Time::HiRes ();

our @EXPORT_OK = qw(await slurp spew);

use constant DEADLINE_S => $ENV{MUSTER_DEADLINE_S} // 60;

my %boxes;
$SIG{INT} = $SIG{TERM} = $SIG{HUP} = sub { exit 1 };
$SIG{PIPE} = 'IGNORE';

# new(dir => path that does not exist yet, keep => 1)
sub new ($class, %opt) {
	# Users like postfix must be able to search it.
	my $dir = $opt{dir} // File::Temp::tempdir('muster-t.XXXXXX',
		DIR => '/tmp');
	File::Path::make_path($dir);
	chmod 0755, $dir or die "$dir: $!\n";
	my $self = bless { dir => $dir, owner => $$, procs => [],
		names => {}, keep => $opt{keep} || $ENV{MUSTER_KEEP} }, $class;
	$boxes{$dir} = $self;
	return $self;
}

sub dir ($self, $name = undef, $mode = 0755) {
	return $self->{dir} if !defined $name;
	my $path = "$self->{dir}/$name";
	File::Path::make_path($path);
	chmod $mode, $path or die "$path: $!\n";
	return $path;
}

sub path ($self, $name) { return "$self->{dir}/$name" }

sub slurp ($path) {
	open my $in, '<:raw', $path or return '';
	local $/;
	return scalar(<$in>) // '';
}

sub spew ($path, $text) {
	open my $out, '>:raw', "$path.new" or die "$path: $!\n";
	print {$out} $text;
	close $out or die "$path: $!\n";
	rename "$path.new", $path or die "$path: $!\n";
	return $path;
}

sub put ($self, $name, $text) { return spew($self->path($name), $text) }

# --- waiting ---------------------------------------------------------------

# await('what', sub { ... }) - its first true value
sub await ($what, $ask, $deadline_s = DEADLINE_S) {
	my $end = Time::HiRes::time() + $deadline_s;
	my $pause = 0.002;
	while (1) {
		my $answer = $ask->();
		return $answer if $answer;
		die "waited $deadline_s s in vain for $what\n"
			if Time::HiRes::time() > $end;
		Time::HiRes::sleep($pause);
		$pause *= 1.5 if $pause < 0.05;
	}
}

sub await_file ($self, $path, $regex) {
	await("$path to say $regex", sub { slurp($path) =~ $regex });
}

# Somebody accepts connections there: a port of loopback, or a path.
sub answers ($self, $where) {
	my $socket = $where =~ m{^/}
		? IO::Socket::UNIX->new(Peer => $where)
		: IO::Socket::INET->new(PeerAddr => '127.0.0.1',
			PeerPort => $where, Timeout => 5);
	return defined $socket;
}

sub await_answer ($self, $where, $name = undef) {
	await("an answer at $where", sub {
		die "$name has ended:\n" . $self->log_end($name)
			if defined $name && !$self->runs($name);
		return $self->answers($where);
	});
}

# --- ports -----------------------------------------------------------------

# A loopback port below the range from which the kernel takes ports by
# itself. It is ours until this process ends: other tests, in parallel, see
# the abstract socket of that name.
sub port ($self) {
	for (1 .. 1000) {
		my $port = 20000 + int rand 12000;
		socket my $claim, Socket::AF_UNIX, Socket::SOCK_STREAM, 0
			or die "socket: $!\n";
		bind $claim, Socket::pack_sockaddr_un("\0muster-t-port-$port")
			or next;
		IO::Socket::INET->new(LocalAddr => '127.0.0.1',
			LocalPort => $port, Listen => 1, ReuseAddr => 1)
			or next;
		push @{ $self->{claims} }, $claim;
		return $port;
	}
	die "no free port\n";
}

# --- processes -------------------------------------------------------------

# start(NAME, [command...], env => {}, tell => file) - in a process group of
# its own, what it says in NAME.log; tell is its log, if that is elsewhere.
# Returns the process id.
sub start ($self, $name, $command, %opt) {
	my $log = $self->path("$name.log");
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0) {
		%boxes = ();
		POSIX::setsid();
		$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
		%ENV = (%ENV, %{ $opt{env} // {} });
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', $log or POSIX::_exit(127);
		open STDERR, '>&', \*STDOUT;
		if (ref $command eq 'CODE') {
			eval { $command->(); 1 } or print STDERR $@;
			POSIX::_exit($@ ? 1 : 0);
		}
		no warnings 'exec';
		exec { $command->[0] } @$command;
		print STDERR "$command->[0]: $!\n";
		POSIX::_exit(127);
	}
	push @{ $self->{procs} }, { name => $name, pid => $pid,
		log => $opt{tell} // $log };
	return $pid;
}

sub _find ($self, $name) {
	my ($proc) = grep { $_->{name} eq $name } reverse @{ $self->{procs} };
	die "nothing called $name was started\n" if !$proc;
	return $proc;
}

sub _reap ($proc, $flags = POSIX::WNOHANG()) {
	return 1 if defined $proc->{status};
	my $got = waitpid $proc->{pid}, $flags;
	$proc->{status} = $? if $got == $proc->{pid};
	$proc->{status} //= 0 if $got < 0;
	return defined $proc->{status};
}

sub pid ($self, $name) { return $self->_find($name)->{pid} }

# freeze(NAME) - SIGSTOP, which takes effect thread by thread; when this
# returns all of them have stopped.
sub freeze ($self, $name) {
	my $pid = $self->pid($name);
	kill 'STOP', $pid;
	await("$name to stop", sub {
		!grep { slurp($_) !~ /\) T / } glob "/proc/$pid/task/*/stat" });
	return;
}

sub runs ($self, $name) { return !_reap($self->_find($name)) }
sub log_of ($self, $name) { return slurp($self->_find($name)->{log}) }

sub log_end ($self, $name, $lines = 30) {
	my @lines = split /^/, $self->log_of($name);
	splice @lines, 0, -$lines if @lines > $lines;
	return join '', @lines;
}

# Its status as waitpid() says it. With KILL its whole group goes.
sub stop ($self, $name, $signal = 'TERM', $deadline_s = DEADLINE_S) {
	my $proc = $self->_find($name);
	if (!_reap($proc)) {
		kill $signal, $signal eq 'KILL' ? -$proc->{pid} : $proc->{pid};
		await("$name to end", sub { _reap($proc) }, $deadline_s);
	}
	return $proc->{status};
}

sub await_end ($self, $name) {
	my $proc = $self->_find($name);
	await("$name to end by itself", sub { _reap($proc) });
	return $proc->{status};
}

# forget(NAME) - one that has ended, and whose number may be another's soon.
# What of its group is left is not stopped any more. Returns its id.
sub forget ($self, $name) {
	my $proc = $self->_find($name);
	die "$name runs\n" if !_reap($proc);
	$self->{procs} = [grep { $_ != $proc } @{ $self->{procs} }];
	return $proc->{pid};
}

sub stop_all ($self) {
	for my $proc (reverse @{ $self->{procs} }) {
		next if _reap($proc);
		kill 'CONT', -$proc->{pid};
		kill 'TERM', $proc->{pid};
		eval { await('', sub { _reap($proc) },
			$ENV{MUSTER_WRAP} ? DEADLINE_S : 10) };
	}
	# Children that outlived their parent are in its group.
	for my $proc (@{ $self->{procs} }) {
		kill 'KILL', -$proc->{pid};
		_reap($proc, 0);
	}
}

sub done ($self) {
	return if $self->{owner} != $$ || !delete $boxes{ $self->{dir} };
	$self->stop_all;
	File::Path::remove_tree($self->{dir}) if !$self->{keep};
}

# leave(SCRIPT, DIR) - go without stopping anything; SCRIPT will do that,
# and remove DIR.
sub leave ($self, $script, $dir) {
	my $groups = join ', ', map { -$_->{pid} } grep { !_reap($_) }
		reverse @{ $self->{procs} };
	spew($script, <<"END");
#!/usr/bin/perl
my \@groups = ($groups);
kill 'TERM', \@groups;
for (1 .. 100) {
	last if !kill 0, \@groups;
	select undef, undef, undef, 0.1;
}
kill 'KILL', \@groups;
system 'rm', '-rf', '$dir';
END
	chmod 0755, $script;
	delete $boxes{ $self->{dir} };
	return $script;
}

# The ends of all logs, for a test that has failed.
sub story ($self) {
	my $text = '';
	my %seen;
	for my $proc (@{ $self->{procs} }) {
		next if $seen{ $proc->{log} }++ || $proc->{name} =~ /sink/;
		$text .= "--- $proc->{name} ($proc->{log})\n"
			. $self->log_end($proc->{name}, 40);
	}
	return $text;
}

sub _failed ($status) {
	return 1 if $status;
	return 0 if !$INC{'Test/More.pm'};
	return !Test::More->builder->is_passing;
}

END {
	my $status = $?;
	my $failed = _failed($status);
	for my $box (values %boxes) {
		next if $box->{owner} != $$;
		$box->stop_all;
		print STDERR map { "# $_\n" } split /\n/, $box->story
			if $failed && !$ENV{MUSTER_QUIET};
		print STDERR "# kept: $box->{dir}\n" if $box->{keep};
		$box->done;
	}
	$? = $status;
}

1;
