# SPDX-License-Identifier: BSD-2-Clause
package Muster::Rogue;

# A relay that cannot be relied on: an SMTP server, one process a connection,
# that draws for each connection what it offers, and what goes wrong on it in
# which transaction and at which step. It may be killed at any time.
#
# What it did is a line each in a file, appended by one write before the
# reply is sent, so that a kill leaves no doubt:
#
#	took TIME CONN TXN ID RCPT	it is responsible for this copy
#	told TIME CONN TXN		and the client's kernel has the 250
#	late TIME CONN TXN		the same, but the client had gone
#	refused TIME CONN TXN RCPT	it is about to answer 5xx
#	fault TIME CONN TXN STEP KIND	what went wrong, on purpose
#	wrong TIME CONN TXN WORDS	the client did what it must not
#
# ID is that of Muster::Poster, whose posts tell whether they are whole.

use v5.36;
use Digest::MD5 ();
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_INFO TCP_NODELAY);
use Time::HiRes ();

use constant SILENCE_S => 60;	# longer than any client waits here
use constant ESTABLISHED => 1;	# of TCP_INFO's state
use constant NOTSENT_AT => 144;	# in TCP_INFO: bytes that have not left us

# Kinds: a reply of that code; drop: hang up; cut: the same with what it had
# to say; silent: say nothing any more; garbage; slow. What ends in "-took"
# happens behind the dot, when it has taken the copies.
my %FAULTS = (
	greeting => [qw(421 554 drop silent garbage slow)],
	ehlo => [qw(421 502 drop silent garbage slow)],
	mail => [qw(421 451 452 552 drop cut silent garbage slow)],
	rcpt => [qw(421 450 451 452 452 552 550 drop cut silent garbage
		slow)],
	data => [qw(421 451 554 drop cut silent garbage slow)],
	text => [qw(421 drop drop cut silent slow)],
	dot => [qw(421 451 452 552 drop silent garbage slow drop-took
		drop-took cut-took half-took silent-took garbage-took
		421-took)],
);
my @STEPS = (qw(greeting ehlo), (qw(mail data)) x 2, (qw(rcpt text)) x 4,
	('dot') x 8);
my @GARBAGE = ("250", "hello\r\n", "2\r\n", "25 0 ok\r\n", "\0\1\2\3\r\n",
	"99 what\r\n", "250-a\r\n251 b\r\n", 'x' x 5000, "\r\n", "600 no\r\n",
	"\xff\xfe250 ok\r\n", "-250 ok\r\n");

# new($box, name => 'relay', seed => N, first => number of its first
# connection, faults => share of connections that have one)
sub new ($class, $box, %opt) {
	my $name = $opt{name} // 'relay';
	return bless { box => $box, port => $box->port, starts => 0,
		log => $box->path("$name.took"), calm => $box->path('calm'),
		name => $name, first => 0, faults => 0.5, seed => 1, %opt },
		$class;
}

sub port ($self) { return $self->{port} }
sub name ($self) { return $self->{name} }
sub log_file ($self) { return $self->{log} }

sub start ($self) {
	$self->{starts}++;
	$self->{box}->start($self->{name}, sub { $self->_serve });
}

# From the next step on nothing goes wrong any more.
sub be_calm ($self) { Muster::Box::spew($self->{calm}, '') }

sub _serve ($self) {
	my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
		LocalPort => $self->{port}, Listen => 200, ReuseAddr => 1)
		or die "relay: $!\n";
	my $number = $self->{first} + $self->{starts} * 100_000;
	$SIG{CHLD} = 'IGNORE';
	while (1) {
		my $client = $server->accept or next;
		$number++;
		my $pid = fork // next;
		next if $pid;
		close $server;
		setsockopt $client, IPPROTO_TCP, TCP_NODELAY, 1;
		srand $self->{seed} * 1_000_003 + $number;
		open my $log, '>>:raw', $self->{log} or die "$!\n";
		my $s = $self->_draw($client, $log, $number);
		eval { $self->_session($s); 1 }
			or $@ eq "over\n" or print STDERR $@;
		POSIX::_exit(0);
	}
}

# --- what a connection is like ----------------------------------------------

sub _draw ($self, $client, $log, $number) {
	my %offer = map { $_->[0] => rand() < $_->[1] } (['PIPELINING', 0.85],
		['CHUNKING', 0.5], ['XVERP', 0.3], ['8BITMIME', 0.8],
		['DSN', 0.5], ['SMTPUTF8', 0.8], ['SIZE', 0.5]);
	my $s = { socket => $client, log => $log, number => $number, txn => 0,
		in => '', out => '', saying => [], telling => [],
		offer => \%offer,
		read => rand() < 0.2 ? 1 + int rand 300 : 65536,
		slow_s => 0.1 + rand 0.6, eager => rand() < 0.3 };
	$self->_draw_fault($s);
	return $s;
}

# The next thing that goes wrong here
sub _draw_fault ($self, $s) {
	my $step = $STEPS[rand @STEPS];
	my $kinds = $FAULTS{$step};
	$s->{step} = rand() < $self->{faults} ? $step : '';
	$s->{kind} = $kinds->[rand @$kinds];
	$s->{at} = $s->{txn} + ($step =~ /^(greeting|ehlo)$/ ? 0
		: 1 + int rand 15);
	$s->{skip} = int rand 4;
}

sub _log ($s, @lines) {
	my $now = sprintf '%.4f', Time::HiRes::time();
	my $text = join '', map { my ($what, @rest) = @$_;
		"$what $now $s->{number} $s->{txn} @rest\n" } @lines;
	syswrite $s->{log}, $text;
}

# Is it this step's turn to go wrong?
sub _fault ($self, $s, $step) {
	return '' if $s->{step} ne $step || $s->{txn} < $s->{at} ||
		-e $self->{calm};
	return '' if $step =~ /^(rcpt|text)$/ && $s->{skip}-- > 0;
	my $kind = $s->{kind};
	_log($s, ['fault', $step, $kind]);
	$self->_draw_fault($s);
	return $kind;
}

# What is not a reply: does not return unless it was only slow.
sub _misbehave ($s, $kind) {
	if ($kind eq 'slow') {
		Time::HiRes::sleep($s->{slow_s});
		return;
	}
	if ($kind eq 'cut') {		# also of what it had to say before
		die "over\n";
	}
	_drain($s);
	if ($kind eq 'silent') {
		# The client hangs up before.
		sleep SILENCE_S;
	} elsif ($kind eq 'half') {
		syswrite $s->{socket}, '25';
	} elsif ($kind eq 'garbage') {
		syswrite $s->{socket}, $GARBAGE[rand @GARBAGE];
		Time::HiRes::sleep(0.2);
	}
	die "over\n";
}

# The reply that goes wrong, or undef; for what is not a reply at all it does
# not return.
sub _wrong_reply ($self, $s, $step) {
	my $kind = $self->_fault($s, $step) or return;
	return "$kind 4.3.2 not now" if $kind =~ /^4\d\d$/;
	return "$kind 5.3.0 not so" if $kind =~ /^5\d\d$/;
	_misbehave($s, $kind);
	return;
}

# --- bytes ------------------------------------------------------------------

sub _flush ($s) {
	while (length $s->{out}) {
		my $sent = syswrite $s->{socket}, $s->{out};
		die "over\n" if !$sent;
		substr $s->{out}, 0, $sent, '';
	}
	push @{ $s->{telling} }, splice @{ $s->{saying} };
	_see_told($s);
}

# Which 250s have left this kernel? If the connection ends before, what has
# not does not get there.
sub _see_told ($s) {
	return 1 if !@{ $s->{telling} };
	my $info = getsockopt($s->{socket}, IPPROTO_TCP, TCP_INFO) // '';
	my ($state, $left) = length $info >= NOTSENT_AT + 4 ?
		unpack 'Cx' . (NOTSENT_AT - 1) . 'L', $info : (0, 0);
	return 0 if $state == ESTABLISHED && $left > 0;
	my $is = $state == ESTABLISHED ? 'told' : 'late';
	for my $txn (splice @{ $s->{telling} }) {
		local $s->{txn} = $txn;
		_log($s, [$is]);
	}
	return 1;
}

sub _more ($s) {
	_flush($s);
	my $select = IO::Select->new($s->{socket});
	1 until _see_told($s) || $select->can_read(0.005);
	sysread $s->{socket}, $s->{in}, $s->{read}, length $s->{in}
		or die "over\n";
}

# It is going to hang up, and wants its answers to get there.
sub _drain ($s) {
	_flush($s);
	my $end = Time::HiRes::time() + 1;
	Time::HiRes::sleep(0.002)
		until _see_told($s) || Time::HiRes::time() > $end;
}

sub _line ($s) {
	my $at;
	_more($s) while ($at = index $s->{in}, "\n") < 0;
	my $line = substr $s->{in}, 0, $at + 1, '';
	$line =~ s/\r?\n\z//;
	return $line;
}

sub _say ($s, $reply) {
	# Some say it in several lines (RFC 5321 section 4.2.1).
	my ($code, $rest) = $reply =~ /^(\d\d\d) (.*)/s;
	$s->{out} .= "$code-well\r\n" if rand() < 0.1;
	$s->{out} .= "$code $rest\r\n";
	if ($code == 421) {
		_drain($s);
		die "over\n";
	}
	_flush($s) if $s->{eager};
}

# --- the dialogue -----------------------------------------------------------

sub _session ($self, $s) {
	my $wrong = $self->_wrong_reply($s, 'greeting');
	_say($s, $wrong // '220 relay.test ESMTP');
	while (1) {
		my $line = _line($s);
		my ($verb, $rest) = $line =~ /^(\w+) ?(.*)$/;
		_see_manners($s, uc $verb) if defined $verb;
		my $does = defined $verb ? $self->can('_on_' . lc $verb)
			: undef;
		if ($does) {
			$self->$does($s, $rest);
		} else {
			_log($s, ['wrong', 'command', $line]);
			_say($s, '500 5.5.2 what?');
		}
	}
}

# RFC 2920: who may send more before the answer
sub _see_manners ($s, $verb) {
	return if $s->{offer}{PIPELINING} || !length $s->{in} ||
		$verb eq 'BDAT';
	_log($s, ['wrong', 'pipelined', $verb]);
}

sub _on_ehlo ($self, $s, $rest) {
	my $wrong = $self->_wrong_reply($s, 'ehlo');
	if (defined $wrong) {
		$s->{offer} = {};
		return _say($s, $wrong);
	}
	my @lines = ('relay.test', grep { $s->{offer}{$_} }
		sort keys %{ $s->{offer} });
	$s->{out} .= join '', map { '250' . ($_ == $#lines ? ' ' : '-')
		. "$lines[$_]\r\n" } 0 .. $#lines;
}

sub _on_helo ($self, $s, $rest) { _say($s, '250 relay.test') }
sub _on_noop ($self, $s, $rest) { _say($s, '250 2.0.0 ok') }

sub _on_quit ($self, $s, $rest) {
	_say($s, '221 2.0.0 bye');
	_drain($s);
	die "over\n";
}

sub _on_rset ($self, $s, $rest) {
	delete $s->{from};
	_say($s, '250 2.0.0 ok');
}

sub _on_mail ($self, $s, $rest) {
	$s->{txn}++;
	my ($from, $params) = $rest =~ /^FROM:<(.*?)>(.*)$/i;
	_log($s, ['wrong', 'mail', $rest]) if !defined $from;
	_log($s, ['wrong', 'xverp']) if $params =~ /XVERP/ &&
		!$s->{offer}{XVERP};
	return _say($s, '503 5.5.1 nested MAIL') if defined $s->{from};
	my $wrong = $self->_wrong_reply($s, 'mail');
	return _say($s, $wrong) if defined $wrong;
	@$s{qw(from rcpts)} = ($from, []);
	_say($s, '250 2.1.0 ok');
}

sub _on_rcpt ($self, $s, $rest) {
	my ($rcpt) = $rest =~ /^TO:<(.*?)>/i;
	return _say($s, '503 5.5.1 need MAIL') if !defined $s->{from};
	my $wrong = $self->_wrong_reply($s, 'rcpt');
	if (defined $wrong) {
		_log($s, ['refused', $rcpt]) if $wrong =~ /^5/;
		return _say($s, $wrong);
	}
	push @{ $s->{rcpts} }, $rcpt;
	_say($s, '250 2.1.5 ok');
}

sub _on_data ($self, $s, $rest) {
	return _say($s, '503 5.5.1 need MAIL') if !defined $s->{from};
	return _say($s, '554 5.5.1 no valid recipients')
		if !@{ $s->{rcpts} } && rand() < 0.7;
	my $wrong = $self->_wrong_reply($s, 'data');
	if (defined $wrong) {
		_refuse($s, $wrong);
		delete $s->{from};
		return _say($s, $wrong);
	}
	_say($s, '354 go on');
	my $data = '';
	while ((my $line = _line($s)) ne '.') {
		$line =~ s/^\.//;
		$data .= "$line\r\n";
		$self->_text_fault($s);
	}
	return _end($s, '554 5.5.1 no valid recipients')
		if !@{ $s->{rcpts} };
	$self->_dot($s, $data);
}

sub _on_bdat ($self, $s, $rest) {
	my ($len, $last) = $rest =~ /^(\d+)( LAST)?$/;
	_log($s, ['wrong', 'bdat', $rest]) if !$s->{offer}{CHUNKING};
	while (length $s->{in} < $len) {
		$self->_text_fault($s);
		_more($s);
	}
	my $data = substr $s->{in}, 0, $len, '';
	return _say($s, '503 5.5.1 need MAIL') if !defined $s->{from};
	return _end($s, '554 5.5.1 no valid recipients')
		if !@{ $s->{rcpts} };
	$self->_dot($s, $data);
}

sub _end ($s, $reply) {
	delete $s->{from};
	_say($s, $reply);
}

sub _text_fault ($self, $s) {
	my $kind = $self->_fault($s, 'text') or return;
	_say($s, '421 4.3.2 leaving') if $kind eq '421';
	_misbehave($s, $kind);
}

# A 5xx: it is final. (A 552 to RCPT means "too many" where some were taken.)
sub _refuse ($s, $reply) {
	return if $reply !~ /^5/;
	_log($s, map { ['refused', $_] } @{ $s->{rcpts} });
}

sub _dot ($self, $s, $data) {
	my $id = _id($s, $data);
	my $kind = $self->_fault($s, 'dot');
	if ($kind =~ /^[45]\d\d$/) {
		my $reply = "$kind " . substr($kind, 0, 1) . '.3.0 no';
		_refuse($s, $reply);
		return _end($s, $reply);
	}
	_misbehave($s, $kind) if $kind ne '' && $kind !~ /-took$/;
	_log($s, map { ['took', $id, $_] } @{ $s->{rcpts} });
	delete $s->{from};
	if ($kind eq '421-took') {
		_say($s, '421 4.3.2 leaving');
	} elsif ($kind =~ /^(\w+)-took$/) {
		_misbehave($s, $1);
	}
	push @{ $s->{saying} }, $s->{txn};
	_say($s, '250 2.0.0 taken');
}

# Muster::Poster puts id and digest of its text into a line of the body.
sub _id ($s, $data) {
	my ($id) = $data =~ /^Message-ID: <([\w.-]+)\@torture\.test>/mi
		or return '-';
	my ($sum, $text) = $data =~ /^begin $id (\w+)\r\n(.*)^end $id\r\n/ms;
	_log($s, ['wrong', 'cut', $id])
		if !defined $sum || Digest::MD5::md5_hex($text) ne $sum;
	return $id;
}

1;
