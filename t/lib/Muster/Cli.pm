# SPDX-License-Identifier: BSD-2-Clause
package Muster::Cli;

# A home of its own for the built muster (and musterd), in a temporary
# directory, which goes with the object.

use strict;
use warnings;
use File::Temp ();
use JSON::PP ();
use Muster::Reports ();
use POSIX ();
use Time::HiRes qw(sleep time);

our $BUILD = $ENV{MUSTER_BUILD} // die "MUSTER_BUILD is not set";
our $SRC = $ENV{MUSTER_SRC} // die "MUSTER_SRC is not set";
my $DEADLINE = 60;    # seconds for what takes a moment

sub new {
	my ($class) = @_;
	# a socket's path is short
	my $dir = File::Temp->newdir('muster-cli-XXXXXX', TMPDIR => 1);
	my $self = bless { dir => $dir, conf => "$dir/muster.conf" }, $class;
	$self->write_conf("$dir/home", "$dir/run");
	return $self;
}

sub dir { return "$_[0]{dir}" }

sub write_conf {
	my ($self, $home, $run) = @_;
	$self->put('muster.conf', <<"CONF");
[muster]
home = $home
run = $run
domains = lists.example.org
shared-domains = example.com
[milter]
listen = unix:$run/milter.sock
[lmtp]
listen = unix:$run/lmtp.sock
[outbound]
relay = 127.0.0.1:1
timeout = 5
CONF
	return;
}

# put - a file in the directory; its path
sub put {
	my ($self, $name, $bytes) = @_;
	open my $fh, '>:raw', "$self->{dir}/$name" or die "$name: $!";
	print $fh $bytes;
	close $fh or die "$name: $!";
	return "$self->{dir}/$name";
}

sub slurp {
	my ($path) = @_;
	open my $fh, '<:raw', $path or die "$path: $!";
	local $/;
	return scalar(<$fh>) // '';
}

# exec_in - never returns
sub exec_in {
	my ($self, $option, $args) = @_;
	chdir($option->{cwd} // $self->{dir}) or die "chdir: $!";
	open STDIN, '<', $option->{stdin_file} // "$self->{dir}/stdin"
		or die "stdin: $!";
	open STDOUT, '>', $option->{out} // "$self->{dir}/out"
		or die "out: $!";
	open STDERR, '>', "$self->{dir}/err" or die "err: $!";
	exec {"$BUILD/muster"} 'muster', @$args or POSIX::_exit(99);
}

# raw - muster with exactly these words: (status, stdout, stderr).
# First an optional { stdin => bytes, stdin_file =>, out =>, cwd => }.
sub raw {
	my ($self, @args) = @_;
	my $option = ref $args[0] ? shift @args : {};
	utf8::encode($_) for grep { utf8::is_utf8($_) } @args;
	$self->put('stdin', $option->{stdin} // '');
	my $pid = fork() // die "fork: $!";
	$self->exec_in($option, \@args) if $pid == 0;
	waitpid($pid, 0);
	my $status = $? & 127 ? 1000 + ($? & 127) : $? >> 8;
	return ($status,
		$option->{out} ? '' : slurp("$self->{dir}/out"),
		slurp("$self->{dir}/err"));
}

# run - the same with -c FILE
sub run {
	my ($self, @args) = @_;
	my @option = ref $args[0] ? (shift @args) : ();
	return $self->raw(@option, '-c', $self->{conf}, @args);
}

# ok - must succeed, quietly on stderr; returns stdout
sub ok {
	my ($self, @args) = @_;
	my ($status, $out, $err) = $self->run(@args);
	die "muster @args: status $status, $err" if $status != 0 || $err ne '';
	return $out;
}

sub json {
	my ($self, @args) = @_;
	return JSON::PP->new->utf8->decode($self->ok(@args, '--json'));
}

# start, stop - musterd
sub start {
	my ($self) = @_;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0) {
		open STDIN, '<', '/dev/null' or die;
		open STDOUT, '>>', "$self->{dir}/log" or die;
		open STDERR, '>&', \*STDOUT or die;
		my @command = Muster::Reports::wrapped("$BUILD/musterd", '-F',
			'-c', $self->{conf});
		exec {$command[0]} @command or POSIX::_exit(99);
	}
	$self->{pid} = $pid;
	$self->await(sub { -f "$self->{dir}/log" &&
		slurp("$self->{dir}/log") =~ /musterd\.started/ },
		'musterd starts');
	return;
}

# its exit status
sub stop {
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;
	kill TERM => $pid;
	my $end = time + $DEADLINE;
	while (waitpid($pid, POSIX::WNOHANG()) == 0) {
		if (time > $end) {
			kill KILL => $pid;
			waitpid($pid, 0);
			die "musterd did not stop";
		}
		sleep 0.02;
	}
	unlink "$self->{dir}/log";
	return $?;
}

sub await {
	my ($self, $event, $what) = @_;
	my $end = time + $DEADLINE;
	until ($event->()) {
		die "timeout: $what" if time > $end;
		sleep 0.02;
	}
	return 1;
}

sub DESTROY {
	my ($self) = @_;
	local ($?, $!, $@);
	eval { $self->stop; 1 } or warn $@;
	return;
}

1;
