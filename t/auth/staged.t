# SPDX-License-Identifier: BSD-2-Clause
# A rule is applied at the earliest step at which it can be decided.
use v5.36;
use Test::More;
use Muster::Gate;

my $site = Muster::Gate->new(zone => "x.example A 192.0.2.1\n");
my $verdict = \&Muster::Milter::verdict;
my $lists = 0;

# A list with that policy; its address.
sub list_with ($policy) {
	my $addr = 'l' . ++$lists . '@lists.test';

	$site->make_list($addr, [], 'ann@x.example');
	$site->muster({ in => $policy }, 'policy', 'set', $addr, '-');
	return $addr;
}

my $mail = "From: ann\@x.example\r\nSubject: Buy now\r\nX-Flag: on\r\n"
	. "Message-ID: <a\@x.example>\r\n\r\nhello world\r\n";

# The step that gave another answer than "go on", and that answer.
sub step_of ($policy, %opt) {
	my $session = Muster::Milter->new($site->milter_path);
	my $addr = list_with($policy);
	my @steps = (
		connect => sub { $session->connect('client.test',
			'192.0.2.7') },
		helo => sub { $session->helo('client.test') },
		mail => sub { $session->mail($opt{sender}
			// '<ann@x.example>') },
		rcpt => sub { $session->rcpt("<$addr>") },
		data => sub { $session->data },
		content => sub { $session->content($opt{mail} // $mail) },
		end => sub { $session->end },
	);

	while (my ($step, $do) = splice @steps, 0, 2) {
		my $is = $do->();

		return "$step: " . $verdict->($is) if $is->{code} !~ /^[cs]$/;
	}
	return 'nothing';
}

like(step_of('reject "by address" when client.addr == "192.0.2.7" accept'),
	qr/^rcpt: 550 5\.7\.1 by address/, 'the client');
like(step_of('reject "by network" when client.addr in ("192.0.2.0/24") '
	. 'accept'), qr/^rcpt: 550 5\.7\.1 by network/, 'its network');
like(step_of('reject "by helo" when helo =~ /^client\./ accept'),
	qr/^rcpt: 550 5\.7\.1 by helo/, 'HELO');
like(step_of('reject "by sender" when not sender.member accept',
	sender => '<zed@x.example>'), qr/^rcpt: 550 5\.7\.1 by sender/,
	'the envelope sender');
like(step_of('defer "later" when sender.member accept'),
	qr/^rcpt: 451 4\.7\.1 later/, 'defer is 451');
like(step_of('reject 554 5.7.7 "own code" when sender.member accept'),
	qr/^rcpt: 554 5\.7\.7 own code/, 'a code of its own');
like(step_of('reject "by subject" when subject =~ /^buy/i accept'),
	qr/^content: 550 5\.7\.1 by subject/, 'the subject: before the body');
like(step_of('reject "by %{header(X-Flag)}" when header("X-Flag") == "on" '
	. 'accept'), qr/^content: 550 5\.7\.1 by on/, 'a header field');
like(step_of('reject "by author" when author in ("@x.example") accept'),
	qr/^content: 550 5\.7\.1 by author/, 'the author');
like(step_of('reject "by size" when size > 10 accept'),
	qr/^end: 550 5\.7\.1 by size/, 'the size');
like(step_of('reject "by body" when body =~ /world/ accept'),
	qr/^end: 550 5\.7\.1 by body/, 'the text');
like(step_of('reject "first" when size > 10 '
	. 'reject "second" when sender.member accept'),
	qr/^end: 550 5\.7\.1 first/,
	'a rule behind one that cannot be decided waits');
is(step_of('accept'), 'end: discard', 'accept');
is(step_of('hold "wait" when sender.member accept'), 'end: discard', 'hold');
is(step_of('discard when sender.member accept'), 'end: discard', 'discard');

# What became of those.
my ($held) = @{ $site->json('held', 'ls') };
is($held->{reason}, 'wait', 'the reason why it is held');
my ($log) = $site->log_of('muster-milter') =~ /^(.*post\.discarded.*)$/m;
ok($log, 'a discarded post is in the log');
my ($id) = $log =~ /\bid=(\w+)/;
like($site->muster('trace', $id), qr/discard by policy, rule /,
	'and its trace says why');

# A changed policy holds from the next transaction on.
my $addr = list_with('accept');
my $session = $site->session;
is($verdict->($session->send('<a@x.example>', ["<$addr>"], $mail)),
	'discard', 'before');
$site->muster({ in => 'reject "no more"' }, 'policy', 'set', $addr, '-');
like($verdict->($session->send('<a@x.example>', ["<$addr>"], $mail)),
	qr/^550 5\.7\.1 no more/, 'after, in the same session');

# Several lists in one message.
my $yes = list_with('accept');
my $no = list_with('reject "not here" when size > 1 accept');
my $later = list_with('defer "not now" when size > 1 accept');
my $fresh = sub ($n) { $mail =~ s/<a\@/<$n\@/r };
is($verdict->($session->send('<a@x.example>', ["<$yes>", "<$no>"],
	$fresh->('b'))), 'discard', 'one takes it, one refuses: 250');
like($verdict->($session->send('<a@x.example>', ["<$no>", "<$no>"],
	$fresh->('c'))), qr/^550 5\.7\.1 not here/, 'all refuse: 5xx');
like($verdict->($session->send('<a@x.example>', ["<$yes>", "<$later>"],
	$fresh->('d'))), qr/^451 4\.7\.1 not now/,
	'one takes it, one wants it later: 451');
my @kept = grep { $_->{message_id} eq '<d@x.example>' } $site->posts;
is(scalar @kept, 1, 'the one has it');
like($verdict->($session->send('<a@x.example>', ["<$yes>", "<$later>"],
	$fresh->('d'))), qr/^451 4\.7\.1 not now/, 'it comes again');
@kept = grep { $_->{message_id} eq '<d@x.example>' } $site->posts;
is(scalar @kept, 1, 'and is not taken twice');

# A post that is sent again because its 250 got lost is no duplicate, and
# not one too many.
for my $policy ('reject "twice" when duplicate accept',
	'defer "too many" when author.rate(1d) >= 1 accept') {
	my $once = list_with($policy);
	my $post = $fresh->('once' . $lists);

	is($verdict->($session->send('<a@x.example>', ["<$once>"], $post)),
		'discard', "$policy: taken");
	is($verdict->($session->send('<a@x.example>', ["<$once>"], $post)),
		'discard', "$policy: and again 250");
	like($verdict->($session->send('<a@x.example>', ["<$once>"],
		$post . "more\r\n")), qr/^(?:550|451)/,
		"$policy: another is not");
}

# LMTP answers each recipient by itself.
my $lmtp = $site->lmtp;
my $is = $lmtp->post(from => 'a@x.example', to => [$yes, $no, $later],
	message => $fresh->('e'));
is_deeply([map { substr $_, 0, 3 } @{ $is->{dots} }], [250, 550, 451],
	'LMTP: an answer for each');
done_testing;
