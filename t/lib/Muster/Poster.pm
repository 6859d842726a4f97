# SPDX-License-Identifier: BSD-2-Clause
package Muster::Poster;

# A client that posts as an MTA does, by the gate or by the LMTP door: what is
# told 4xx, or nothing, is tried again with the same bytes until it is told
# something final, which is then a line in a file:
#
#	TIME ID LIST taken|refused|abandoned
#
# Some posts are abandoned before their end, some hang up without waiting for
# the answer and come again, some come twice although they were taken.

use v5.36;
use Digest::MD5 ();
use Muster::Milter;
use Muster::SMTP;
use Time::HiRes ();

use constant REST_S => 0.1;	# between two tries
use constant PATIENCE_S => 120;

# new(site => Muster::Site, log => file, seed => N, name => 'r3c1',
# lists => [addresses that take all], strict => [those that refuse us])
sub new ($class, %opt) {
	return bless { %opt, number => 0 }, $class;
}

sub run ($self, $posts) {
	local $SIG{PIPE} = 'IGNORE';
	srand $self->{seed};
	open $self->{out}, '>>:raw', $self->{log} or die "$!\n";
	$self->_one for 1 .. $posts;
	return 0;
}

sub _text ($self, $id) {
	my $text = join '', map { "line $_ of $id " . 'x' x int(rand 60)
		. (rand() < 0.1 ? "\r\n.\r\n..dots" : '') . "\r\n" }
		1 .. (rand() < 0.1 ? 400 : 3 + int rand 10);
	my $sum = Digest::MD5::md5_hex($text);
	return "From: a\@torture.test\r\nSubject: $id\r\n"
		. "Message-ID: <$id\@torture.test>\r\n\r\n"
		. "begin $id $sum\r\n${text}end $id\r\n";
}

sub _one ($self) {
	my $id = $self->{name} . '-' . ++$self->{number};
	my @lists = @{ $self->{lists} };
	my $dice = rand();
	my @to = $lists[rand @lists];
	push @to, grep { $_ ne $to[0] } $lists[rand @lists] if $dice < 0.15;
	@to = @{ $self->{strict} } if $dice > 0.93;
	my %post = (id => $id, bytes => $self->_text($id), waiting => [@to],
		door => rand() < 0.35 ? '_by_lmtp' : '_by_milter',
		abandon => rand() < 0.05, rash => rand() < 0.1,
		twice => rand() < 0.1);
	my $end = Time::HiRes::time() + PATIENCE_S;
	while (@{ $post{waiting} }) {
		my $door = $post{door};
		eval { $self->$door(\%post); 1 } or $@ =~ /\S/;
		if (Time::HiRes::time() > $end) {
			die "$id: nothing final in " . PATIENCE_S . " s: "
				. "$post{last}\n";
		}
		Time::HiRes::sleep(REST_S) if @{ $post{waiting} };
	}
	return if !$post{twice} || $post{gone};
	# Its 250 got lost, for all that we know.
	$post{again} = 1;
	$post{waiting} = [@to];
	my $door = rand() < 0.5 ? '_by_lmtp' : '_by_milter';
	eval { $self->$door(\%post) };
}

# One list has given its last word.
sub _final ($self, $post, $list, $word) {
	$post->{waiting} = [grep { $_ ne $list } @{ $post->{waiting} }];
	return if $post->{again};
	syswrite $self->{out}, sprintf "%.4f %s %s %s\n", Time::HiRes::time(),
		$post->{id}, $list, $word;
}

sub _abandon ($self, $post) {
	$post->{gone} = 1;
	$self->_final($post, $_, 'abandoned') for @{ $post->{waiting} };
}

# A refusal is final with 5xx.
sub _told ($self, $post, $list, $reply) {
	$post->{last} = $reply;
	$self->_final($post, $list, 'refused') if $reply =~ /^5/;
	return $reply;
}

sub _by_milter ($self, $post) {
	my $session = Muster::Milter->new($self->{site}->milter_path);
	die "nobody answers\n" if !defined $session->{steps};
	$session->connect('client.test', '192.0.2.7');
	$session->helo('client.test');
	my @welcome;
	my $is = $session->mail('<a@torture.test>');
	return $post->{last} = "MAIL: $is->{code} $is->{text}"
		if $is->{code} ne 'c';
	for my $list (@{ $post->{waiting} }) {
		$is = $session->rcpt("<$list>");
		push @welcome, $list if $is->{code} eq 'c';
		$self->_told($post, $list, $is->{text}) if $is->{code} eq 'y';
	}
	return if !@welcome || $session->data->{code} ne 'c';
	if ($post->{abandon}) {
		$session->content(substr $post->{bytes}, 0,
			length($post->{bytes}) - 40) if rand() < 0.8;
		$self->_abandon($post);
		close $session->{socket};
		return;
	}
	$is = $session->content($post->{bytes});
	if ($is->{code} =~ /^[cs]$/) {
		$session->begin_end({ i => "Q$post->{id}" });
		if (delete $post->{rash}) {
			Time::HiRes::sleep(rand 0.05);
			close $session->{socket};
			return;
		}
		$is = $session->read_reply;
	}
	$post->{last} = "$is->{code} " . ($is->{text} // '');
	for my $list (@welcome) {
		$self->_final($post, $list, 'taken') if $is->{code} eq 'd';
		$self->_told($post, $list, $is->{text})
			if $is->{code} eq 'y';
	}
	$session->quit;
}

sub _by_lmtp ($self, $post) {
	my $client = Muster::SMTP->new(path => $self->{site}->lmtp_path,
		lmtp => 1, hello => 'client.test');
	my $mail = $client->cmd('MAIL FROM:<a@torture.test>');
	return $post->{last} = $mail if $mail !~ /^2/;
	my @welcome;
	for my $list (@{ $post->{waiting} }) {
		my $is = $client->cmd("RCPT TO:<$list>");
		push @welcome, $list if $is =~ /^2/;
		$self->_told($post, $list, $is);
	}
	return if !@welcome || $client->cmd('DATA') !~ /^354/;
	if ($post->{abandon}) {
		my $bytes = $post->{bytes} =~ s/^\./../mgr;
		$client->send_bytes(substr $bytes, 0,
			int(length($bytes) * rand));
		$self->_abandon($post);
		$client->drop;
		return;
	}
	$client->send_message($post->{bytes});
	$client->say_line('.');
	if (delete $post->{rash}) {
		Time::HiRes::sleep(rand 0.05);
		$client->drop;
		return;
	}
	for my $list (@welcome) {
		my $is = $self->_told($post, $list, $client->reply);
		$self->_final($post, $list, 'taken') if $is =~ /^2/;
	}
	$client->quit;
}

1;
