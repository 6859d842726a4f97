# SPDX-License-Identifier: BSD-2-Clause
package Muster::SMTP;

# A client that says what it is told, and can show the dialogue. Replies are
# returned as text, the lines joined by "\n", without CR.

use v5.36;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes ();

use constant REPLY_S => $ENV{MUSTER_DEADLINE_S} // 90;

# new(port => N | path => P, from => local address, hello => 'client.test',
# lmtp => 1, show => sub ($line) {}); what is shown begins after EHLO.
sub new ($class, %opt) {
	my $where = $opt{path} // "127.0.0.1:$opt{port}";
	my $socket = $opt{path}
		? IO::Socket::UNIX->new(Peer => $opt{path})
		: IO::Socket::INET->new(PeerAddr => $where,
			$opt{from} ? (LocalAddr => $opt{from}) : ());
	die "no connection to $where: $!\n" if !$socket;
	binmode $socket;
	$socket->autoflush(1);
	my $self = bless { socket => $socket, buffer => '',
		show => sub ($line) {}, lmtp => $opt{lmtp},
		hello => $opt{hello} // 'client.test' }, $class;
	$self->{greeting} = $self->reply;
	$self->{ehlo} = $self->cmd(($opt{lmtp} ? 'LHLO ' : 'EHLO ')
		. $self->{hello});
	$self->{show} = $opt{show} if $opt{show};
	return $self;
}

# Be somebody else, where the server believes us (Postfix).
sub xclient ($self, %is) {
	my $show = $self->{show};
	$self->{show} = sub ($line) {};
	my $reply = $self->cmd(join ' ', 'XCLIENT',
		map { "$_=$is{$_}" } sort keys %is);
	$self->cmd("EHLO $self->{hello}") if $reply =~ /^220/;
	$self->{show} = $show;
	return $reply;
}

sub _line ($self) {
	my $end = Time::HiRes::time() + REPLY_S;
	my $at;
	while (($at = index $self->{buffer}, "\n") < 0) {
		my $left = $end - Time::HiRes::time();
		die "no reply within " . REPLY_S . " s\n" if $left <= 0 ||
			!IO::Select->new($self->{socket})->can_read($left);
		my $got = sysread $self->{socket}, $self->{buffer}, 65536,
			length $self->{buffer};
		die "the connection was closed\n" if !$got;
	}
	my $line = substr $self->{buffer}, 0, $at + 1, '';
	$line =~ s/\r?\n\z//;
	return $line;
}

sub reply ($self) {
	my @lines;
	do {
		push @lines, $self->_line;
		$self->{show}->("S: $lines[-1]");
	} while ($lines[-1] =~ /^\d\d\d-/);
	return join "\n", @lines;
}

# A lost connection is an answer: ''.
sub try_reply ($self) {
	my $reply = eval { $self->reply };
	return $reply // '';
}

sub say_line ($self, $line) {
	$self->{show}->("C: $line");
	$self->send_bytes("$line\r\n");
}

sub send_bytes ($self, $bytes) {
	while (length $bytes) {
		my $sent = syswrite $self->{socket}, $bytes;
		die "the connection was lost: $!\n" if !$sent;
		substr $bytes, 0, $sent, '';
	}
}

sub cmd ($self, $line) {
	$self->say_line($line);
	return $self->reply;
}

# All at once; the replies in order.
sub pipeline ($self, @lines) {
	$self->{show}->("C: $_") for @lines;
	$self->send_bytes(join '', map { "$_\r\n" } @lines);
	return map { $self->reply } @lines;
}

# The message, with dots doubled, but not its end.
sub send_message ($self, $message) {
	$message =~ s/^\./../mg;
	my @lines = split /\r?\n/, $message;
	@lines = (@lines[0 .. 8], '[... ' . (@lines - 9) . ' lines]')
		if @lines > 12;
	$self->{show}->("C: $_") for @lines;
	$self->send_bytes($message);
	$self->send_bytes("\r\n") if $message !~ /\n\z/;
}

# The replies to the end of message: one, or one a recipient (LMTP).
sub message ($self, $message, $replies = 1) {
	$self->send_message($message);
	$self->say_line('.');
	return map { $self->reply } 1 .. $replies;
}

# post(from => A, to => [B...], message => bytes) - a whole transaction:
# { mail => reply, rcpt => [replies], data => reply, dot => reply }. It stops
# where nothing more can be said.
sub post ($self, %post) {
	my %is = (mail => $self->cmd("MAIL FROM:<$post{from}>"
		. ($post{params} // '')), rcpt => [], data => '', dot => '');
	if ($is{mail} =~ /^2/) {
		$is{rcpt} = [map { $self->cmd("RCPT TO:<$_>") }
			@{ $post{to} }];
	}
	my $taken = grep { /^2/ } @{ $is{rcpt} };
	if (!$taken) {
		$self->cmd('RSET');
		return \%is;
	}
	$is{data} = $self->cmd('DATA');
	return \%is if $is{data} !~ /^354/;
	my @dots = $self->message($post{message}, $self->{lmtp} ? $taken : 1);
	$is{dot} = $dots[0];
	$is{dots} = \@dots;
	return \%is;
}

# The last thing that was said to it.
sub outcome ($is) {
	return $is->{dot} || $is->{data} || $is->{rcpt}[-1] || $is->{mail};
}

sub quit ($self) {
	eval { $self->cmd('QUIT') };
	$self->drop;
}

# Hang up without a word.
sub drop ($self) { CORE::close($self->{socket}) }

1;
