# SPDX-License-Identifier: BSD-2-Clause
package Muster::Sink;

# The far side: an SMTP (or LMTP) server that records every message with its
# envelope, and refuses what it is told to. One process a connection; each
# message is one JSON line in a file, appended under a lock.

use v5.36;
use Fcntl qw(:flock);
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use Muster::Box qw(await slurp);
use POSIX ();
use Time::HiRes ();

my $json = JSON::PP->new->latin1->canonical;

# new($box, offer => [words of EHLO], lmtp => 1, path => socket)
sub new ($class, $box, %opt) {
	my $name = $opt{name} // 'sink';
	my $self = bless { box => $box, name => $name, lmtp => $opt{lmtp},
		offer => $opt{offer} // [qw(PIPELINING 8BITMIME DSN SMTPUTF8),
			'SIZE 100000000'],
		path => $opt{path}, port => $opt{path} ? undef : $box->port,
		file => $box->path("$name.jsonl"),
		rules_file => $box->path("$name.rules"),
		lines => [], read => 0 }, $class;
	$self->rules;
	$self->start;
	return $self;
}

sub port ($self) { return $self->{port} }

sub start ($self) {
	$self->{box}->start($self->{name}, sub { $self->_serve });
	$self->{box}->await_answer($self->{path} // $self->{port},
		$self->{name});
}

sub stop ($self) { $self->{box}->stop($self->{name}, 'KILL') }

# rules([stage, regex of the address, reply, seconds]...) - stage is mail,
# rcpt or dot; the first that fits is answered instead of 250, after so many
# seconds if they are given. At dot the regex is tried on each recipient.
sub rules ($self, @rules) {
	Muster::Box::spew($self->{rules_file}, $json->encode(\@rules));
}

# --- what came -------------------------------------------------------------

# All copies so far, one for each recipient: { from, to, mail_params,
# rcpt_params, data, helo }
sub messages ($self) {
	open my $in, '<:raw', $self->{file} or return ();
	seek $in, $self->{read}, 0;
	while (my $line = <$in>) {
		last if $line !~ /\n\z/;
		$self->{read} += length $line;
		my $mail = $json->decode($line);
		my @to = @{ delete $mail->{rcpt} };
		my @params = @{ delete $mail->{rcpt_params} };
		push @{ $self->{lines} }, map { { %$mail, to => $to[$_],
			rcpt_params => $params[$_] } } 0 .. $#to;
	}
	return @{ $self->{lines} };
}

# Those for a recipient.
sub sent_to ($self, $addr) {
	return grep { $_->{to} eq $addr } $self->messages;
}

sub with_id ($self, $id) {
	return grep { $_->{data} =~ /^Message-ID:\s*\Q$id\E/mi }
		$self->messages;
}

# await_copies(message-id, n) - they
sub await_copies ($self, $id, $count) {
	await("$count copies of $id; there are "
		. scalar($self->with_id($id)),
		sub { $self->with_id($id) >= $count });
	return $self->with_id($id);
}

# --- the server ------------------------------------------------------------

sub _serve ($self) {
	my $server = $self->{path}
		? IO::Socket::UNIX->new(Local => $self->{path}, Listen => 100)
		: IO::Socket::INET->new(LocalAddr => '127.0.0.1',
			LocalPort => $self->{port}, Listen => 200,
			ReuseAddr => 1);
	die "sink: $!\n" if !$server;
	chmod 0666, $self->{path} if $self->{path};
	$SIG{CHLD} = 'IGNORE';
	while (1) {
		my $client = $server->accept or next;
		my $pid = fork // next;
		next if $pid;
		close $server;
		eval { $self->_session($client) };
		POSIX::_exit(0);
	}
}

sub _rule ($self, $stage, $addr) {
	for my $rule (@{ $json->decode(slurp($self->{rules_file}) || '[]') }) {
		my ($at, $regex, $reply, $seconds) = @$rule;
		next if $at ne $stage || $addr !~ /$regex/;
		Time::HiRes::sleep($seconds) if $seconds;
		return $reply;
	}
	return;
}

# Lines in, replies out; replies wait until the peer waits (RFC 2920).
sub _session ($self, $client) {
	my %s = (in => '', out => '', socket => $client);
	$s{out} = "220 sink.test ESMTP\r\n";
	while (defined(my $line = _read_line(\%s))) {
		$s{out} .= join '', map { "$_\r\n" } $self->_answer(\%s, $line);
		last if $s{quit};
	}
	_flush(\%s);
}

sub _flush ($s) {
	while (length $s->{out}) {
		my $sent = syswrite $s->{socket}, $s->{out} or return;
		substr $s->{out}, 0, $sent, '';
	}
}

sub _read_line ($s) {
	my $at;
	while (($at = index $s->{in}, "\n") < 0) {
		_flush($s);
		sysread $s->{socket}, $s->{in}, 65536, length $s->{in}
			or return;
	}
	my $line = substr $s->{in}, 0, $at + 1, '';
	$line =~ s/\r?\n\z//;
	return $line;
}

sub _answer ($self, $s, $line) {
	my ($verb, $rest) = $line =~ /^(\w+)\s*(.*)$/ or return '500 what?';
	$verb = uc $verb;
	if ($verb eq 'EHLO' || $verb eq 'LHLO' || $verb eq 'HELO') {
		$s->{helo} = $rest;
		my @lines = ('sink.test',
			$verb eq 'HELO' ? () : @{ $self->{offer} });
		return map { ($_ == $#lines ? '250 ' : '250-') . $lines[$_] }
			0 .. $#lines;
	}
	return $self->_mail($s, $rest) if $verb eq 'MAIL';
	return $self->_rcpt($s, $rest) if $verb eq 'RCPT';
	return $self->_data($s) if $verb eq 'DATA';
	if ($verb eq 'QUIT') {
		$s->{quit} = 1;
		return '221 2.0.0 bye';
	}
	delete $s->{mail} if $verb eq 'RSET';
	return '250 2.0.0 ok';
}

sub _mail ($self, $s, $rest) {
	my ($addr, $params) = $rest =~ /^FROM:\s*<(.*?)>\s*(.*)$/i
		or return '501 5.5.4 syntax';
	my $reply = $self->_rule('mail', $addr);
	return $reply if defined $reply;
	$s->{mail} = { from => $addr, mail_params => $params, rcpt => [],
		rcpt_params => [], helo => $s->{helo} };
	return '250 2.1.0 ok';
}

sub _rcpt ($self, $s, $rest) {
	my ($addr, $params) = $rest =~ /^TO:\s*<(.*?)>\s*(.*)$/i
		or return '501 5.5.4 syntax';
	return '503 5.5.1 MAIL first' if !$s->{mail};
	my $reply = $self->_rule('rcpt', $addr);
	return $reply if defined $reply;
	push @{ $s->{mail}{rcpt} }, $addr;
	push @{ $s->{mail}{rcpt_params} }, $params;
	return '250 2.1.5 ok';
}

sub _data ($self, $s) {
	my $mail = delete $s->{mail};
	return '503 5.5.1 RCPT first' if !$mail || !@{ $mail->{rcpt} };
	$s->{out} .= "354 go on\r\n";
	my $data = '';
	while (defined(my $line = _read_line($s))) {
		if ($line eq '.') {
			return $self->_dot($mail, $data);
		}
		$line =~ s/^\.//;
		$data .= "$line\r\n";
	}
	$s->{quit} = 1;
	return ();
}

sub _dot ($self, $mail, $data) {
	my @replies = map { $self->_rule('dot', $_) // '250 2.0.0 taken' }
		@{ $mail->{rcpt} };
	if (!$self->{lmtp}) {
		my ($bad) = grep { !/^2/ } @replies;
		return $bad if $bad;
		@replies = ('250 2.0.0 taken');
	}
	$self->_record({ %$mail, data => $data });
	return @replies;
}

sub _record ($self, $mail) {
	open my $out, '>>:raw', $self->{file} or die "$!\n";
	flock $out, LOCK_EX;
	print {$out} $json->encode($mail) . "\n";
	close $out;
}

1;
