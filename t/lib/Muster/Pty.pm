# SPDX-License-Identifier: BSD-2-Clause
package Muster::Pty;

# A program on a terminal of its own, and what a person sees and types there.

use v5.36;
use Fcntl qw(O_RDWR O_NOCTTY);
use Muster::Box qw(await);
use POSIX ();

# Of Linux, <asm-generic/ioctls.h>
use constant {
	TIOCSPTLCK => 0x40045431, TIOCGPTN => 0x80045430,
	TIOCSWINSZ => 0x5414, TIOCSCTTY => 0x540e,
};

# new(rows, columns, words...) - started; without words only the terminal
sub new ($class, $rows, $columns, @words) {
	sysopen my $master, '/dev/ptmx', O_RDWR | O_NOCTTY
		or die "/dev/ptmx: $!\n";
	my $number = pack 'i', 0;
	ioctl $master, TIOCSPTLCK, $number or die "TIOCSPTLCK: $!\n";
	ioctl $master, TIOCGPTN, $number or die "TIOCGPTN: $!\n";
	my $path = '/dev/pts/' . unpack 'i', $number;
	sysopen my $slave, $path, O_RDWR | O_NOCTTY or die "$path: $!\n";
	my $self = bless { master => $master, slave => $slave,
		path => $path, seen => '' }, $class;
	$self->resize($rows, $columns);
	$self->start(@words) if @words;
	return $self;
}

sub start ($self, @words) {
	my $pid = fork // die "fork: $!\n";
	$self->{pid} = $pid and return if $pid;
	POSIX::setsid();
	ioctl $self->{slave}, TIOCSCTTY, 0;
	POSIX::dup2(fileno $self->{slave}, $_) for 0 .. 2;
	exec { $words[0] } @words or POSIX::_exit(127);
}

# The program hears of it by SIGWINCH.
sub resize ($self, $rows, $columns) {
	my $size = pack 'S4', $rows, $columns, 0, 0;
	ioctl $self->{master}, TIOCSWINSZ, $size or die "TIOCSWINSZ: $!\n";
}

sub type ($self, $keys) { syswrite $self->{master}, $keys }

# The settings of the terminal, to be compared.
sub modes ($self) { return scalar qx(stty -a -F $self->{path}) }

# Everything that was shown so far.
sub seen ($self) {
	my $ready = '';
	vec($ready, fileno $self->{master}, 1) = 1;
	while (select my $now = $ready, undef, undef, 0) {
		sysread $self->{master}, $self->{seen}, 65536,
			length $self->{seen} or last;
	}
	return $self->{seen};
}

# What is shown from now on.
sub forget ($self) {
	$self->seen;
	$self->{seen} = '';
}

sub await_seen ($self, $regex) {
	await("the terminal to show $regex", sub { $self->seen =~ $regex });
	return $self->{seen};
}

# Its exit status; 1000 and more: the signal that it died of.
sub await_end ($self) {
	my $status;
	await('the program on the terminal to end', sub {
		return 0 if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
		$status = $?;
		return 1;
	});
	delete $self->{pid};
	return $status & 127 ? 1000 + ($status & 127) : $status >> 8;
}

sub DESTROY ($self) {
	local $? = $?;
	return if !$self->{pid};
	kill KILL => $self->{pid};
	waitpid $self->{pid}, 0;
}

1;
