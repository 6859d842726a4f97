# SPDX-License-Identifier: BSD-2-Clause
package Muster::Milter;

# The MTA's side of the milter protocol (version 6), for driving the gate
# step by step. Each step returns what the filter said: { code => 'c' }, and
# for 'y' the text of the SMTP reply. Modifications at the end of message are
# in {deleted}; progress notes are counted.

use v5.36;
use IO::Select;
use IO::Socket::IP;
use IO::Socket::UNIX;

use constant REPLY_S => $ENV{MUSTER_DEADLINE_S} // 90;

my %PROTO = (
	NR_HDR => 0x80, SKIP => 0x400, NR_CONN => 0x1000, NR_HELO => 0x2000,
	NR_EOH => 0x40000, LEADSPC => 0x100000,
);

# new($address, %opt): actions, protocol (offered), host, family, addr
sub new ($class, $address, %opt) {
	my $socket = $address =~ /^inet:(\d+)\@(.*)/
		? IO::Socket::IP->new(PeerHost => $2, PeerPort => $1)
		: IO::Socket::UNIX->new(Peer => $address =~ s/^unix://r);

	die "cannot connect to $address: $!\n" unless $socket;
	my $self = bless { socket => $socket, buffer => '', %opt }, $class;
	$self->negotiate;
	return $self;
}

sub write_packet ($self, $code, $data) {
	my $packet = pack('N', 1 + length $data) . $code . $data;

	local $SIG{PIPE} = 'IGNORE';
	while (length $packet) {
		my $sent = syswrite $self->{socket}, $packet;
		return unless defined $sent;
		substr($packet, 0, $sent, '');
	}
	return 1;
}

sub fill ($self, $need) {
	my $select = IO::Select->new($self->{socket});

	while (length $self->{buffer} < $need) {
		die "no reply of the filter in " . REPLY_S . " s\n"
			unless $select->can_read(REPLY_S);
		my $count = sysread $self->{socket}, $self->{buffer}, 65536,
			length $self->{buffer};
		return unless $count;
	}
	return 1;
}

# One packet; { code => 'gone' } when the connection has ended.
sub read_packet ($self) {
	return { code => 'gone' } unless $self->fill(4);
	my $len = unpack 'N', $self->{buffer};
	return { code => 'gone' } unless $self->fill(4 + $len);
	my $packet = substr $self->{buffer}, 4, $len;
	substr($self->{buffer}, 0, 4 + $len, '');
	return { code => substr($packet, 0, 1), data => substr($packet, 1) };
}

sub read_reply ($self) {
	while (1) {
		my $reply = $self->read_packet;
		if ($reply->{code} eq 'p') {
			$self->{progress}++;
		} elsif ($reply->{code} eq '-') {
			push @{$self->{deleted}}, $reply->{data} =~ s/\0.*//sr;
		} else {
			$reply->{text} = ($reply->{data} // '') =~ s/\0.*//sr;
			return $reply;
		}
	}
}

sub negotiate ($self) {
	$self->write_packet('O', pack 'NNN', 6, $self->{actions} // 0x1ff,
		$self->{protocol} // 0x1fffff);
	my $reply = $self->read_packet;
	return $self->{refused} = 1 if $reply->{code} ne 'O';
	(undef, $self->{wants}, $self->{steps}, my $macros) =
		unpack 'NNNa*', $reply->{data};
	while (length $macros) {
		(my $stage, $macros) = unpack 'Na*', $macros;
		$macros =~ s/^([^\0]*)\0// or last;
		$self->{macros}{$stage} = $1;
	}
	return 1;
}

sub uses ($self, $name) {
	return ($self->{steps} & $PROTO{$name}) != 0;
}

# What a reply means to the sender: one word, or the text of a refusal.
sub verdict ($reply) {
	return $reply->{text} if $reply->{code} eq 'y';
	return { c => 'continue', a => 'accept', d => 'discard', r => 'reject',
		t => 'tempfail', s => 'skip' }->{ $reply->{code} }
		// $reply->{code};
}

# macros: hash, sent in front of the command as MTAs do
sub command ($self, $code, $data, $macros = undef, $quiet = undef) {
	$self->write_packet('D', $code . join '', map { "$_\0$macros->{$_}\0" }
		sort keys %$macros) if $macros;
	$self->write_packet($code, $data);
	return $quiet && $self->uses($quiet) ? { code => 'c' }
		: $self->read_reply;
}

sub connect ($self, $host = undef, $addr = undef, $macros = undef) {
	my $family = !defined $addr ? 'U' : $addr =~ /:/ ? '6' : '4';
	my $data = ($host // 'client.example') . "\0$family";

	$data .= pack('n', 25) . "$addr\0" if defined $addr;
	return $self->command('C', $data, $macros, 'NR_CONN');
}

sub helo ($self, $name = undef, $macros = undef) {
	return $self->command('H', ($name // 'client.example') . "\0",
		$macros, 'NR_HELO');
}

sub mail ($self, $path, $macros = undef, @params) {
	return $self->command('M', join('', map { "$_\0" } $path, @params),
		$macros);
}

sub rcpt ($self, $path, $macros = undef) {
	return $self->command('R', "$path\0", $macros);
}

sub data ($self, $macros = undef) { return $self->command('T', '', $macros) }

sub header ($self, $name, $value) {
	return $self->command('L', "$name\0$value\0", undef, 'NR_HDR');
}

sub eoh ($self) { return $self->command('N', '', undef, 'NR_EOH') }

sub body ($self, $bytes) { return $self->command('B', $bytes) }

sub abort ($self) { return $self->write_packet('A', '') }

sub quit ($self) {
	$self->write_packet('Q', '');
	return close $self->{socket};
}

# The end of message, without waiting for the verdict.
sub begin_end ($self, $macros = undef) {
	$self->{deleted} = [];
	$self->{progress} = 0;
	$self->write_packet('D', 'E' . join '', map { "$_\0$macros->{$_}\0" }
		sort keys %$macros) if $macros;
	return $self->write_packet('E', '');
}

sub end ($self, $macros = undef) {
	$self->begin_end($macros);
	return $self->read_reply;
}

# The whole content of a message (CRLF), as an MTA would show it. Stops at
# the first answer that is not "continue".
sub content ($self, $message) {
	my ($head, $body) = split /\r\n\r\n/, $message, 2;
	my $reply;

	$head =~ s/\r\n(?=[ \t])/\n/g;
	for my $line (split /\r\n/, $head) {
		my ($name, $value) = $line =~ /^([^:]*):(.*)/s or next;
		$value =~ s/^ // unless $self->uses('LEADSPC');
		$reply = $self->header($name, $value);
		return $reply if $reply->{code} ne 'c';
	}
	$reply = $self->eoh;
	$body //= '';
	while (length $body && $reply->{code} eq 'c') {
		$reply = $self->body(substr $body, 0, 65535, '');
	}
	return $reply;
}

# A transaction up to its verdict; $rcpts: paths
sub send ($self, $from, $rcpts, $message, $macros = undef) {
	my ($reply, @welcome) = $self->mail($from, $macros);

	return $reply if $reply->{code} ne 'c';
	for my $path (@$rcpts) {
		$reply = $self->rcpt($path, $macros);
		push @welcome, $path if $reply->{code} eq 'c';
	}
	return $reply unless @welcome;
	$reply = $self->data($macros);
	return $reply if $reply->{code} ne 'c';
	$reply = $self->content($message);
	return $reply if $reply->{code} !~ /^[cs]$/;
	return $self->end($macros);
}

1;
