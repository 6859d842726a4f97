# SPDX-License-Identifier: BSD-2-Clause
# Bounces that are forged, replayed, of old posts, of others than their token
# says, and mail that is no bounce: nobody's delivery is turned off but by
# real failures.
use v5.36;
use Test::More;
use Muster::Mail qw(body field message report);
use Muster::Writer qw(text INSIDE OUTSIDE);

my $w = Muster::Writer->new(clock => 1);
my $site = $w->site;
my $list = 'dev@lists.test';
my @members = map { "$_\@far.example" } qw(ann bob cy dan);
$site->make_list($list, ['policy=open', '--owner', 'own@good.example'],
	@members);
$site->make_list('ops@lists.test', ['policy=open'], @members);

my $number = 0;
sub post ($to = $list) {
	my $id = '<post' . ++$number . '@good.example>';
	$site->post_from(INSIDE, 'x@good.example', [$to], message(
		from => 'x@good.example', to => $to, id => $id));
	return { map { $_->{to} => $_->{from} }
		$site->sink->await_copies($id, scalar @members) };
}

sub state_of ($addr) {
	my $is = $site->json('member', 'show', $list, $addr);
	return { map { $_ => $is->{$_} } grep { /^(?:delivery|off|score|bounces)/ }
		keys %$is };
}

sub failed ($to, $about, %opt) {
	return report(to => $to, about => $about, status => '5.1.1',
		says => '550 5.1.1 no such user', %opt);
}

# By both doors; what they said
sub bring ($to, $bytes, $sender = '') {
	my $gate = $site->post_from(OUTSIDE, $sender, [$to], $bytes);
	my $door = $site->lmtp;
	my $lmtp = Muster::SMTP::outcome($door->post(from => $sender,
		to => [$to], message => $bytes));
	$door->quit;
	return ($gate, $lmtp);
}

sub untouched ($what) {
	$site->await_idle;
	my @hit = grep { state_of($_)->{bounces} || state_of($_)->{score}
		|| state_of($_)->{delivery} ne 'on' } @members;
	is_deeply(\@hit, [], "$what: nobody is blamed");
}

my $first = post();
my $theirs = post('ops@lists.test');
my ($ann, $bob, $cy, $dan) = @members;
my $token = sub ($addr) { ($addr =~ /\+(\w+)@/)[0] };

# --- made up ---
for my $to ('dev-bounces@lists.test', 'dev-bounces+@lists.test',
	'dev-bounces+ann=far.example@lists.test',
	'dev-bounces+' . 'a' x 24 . '@lists.test',
	'dev-bounces+' . 'a' x 16 . '@lists.test',
	'dev-bounces+' . 'a' x 16 . '+ann=far.example@lists.test',
	'dev-bounces+' . substr($token->($first->{$ann}), 0, 16)
		. '+ann=far.example@lists.test',
	$theirs->{$ann} =~ s/^ops/dev/r,
	$first->{$ann} =~ s/\+(.)/'+' . ($1 eq 'a' ? 'b' : 'a')/er,
	$first->{$ann} =~ s/(.)@/($1 eq 'a' ? 'q' : 'a') . '@'/er,
	$first->{$ann} =~ s/@/+ann=far.example@/r) {
	bring($to, failed($to, $ann));
}
untouched('forged addresses');
for my $to (qw(dev@lists.test dev-owner@lists.test dev-request@lists.test
	dev-leave@lists.test dev-join@lists.test)) {
	bring($to, failed($to, $ann));
}
untouched('reports to other addresses');
is((grep { /far\.example/ } map { $_->{to} } $site->sink->sent_to($ann)) > 2
	? 'more' : 'two', 'two', 'and no mail comes of it');

# --- not a failure, to a true address ---
my %other = (
	'out of office' => message(from => $bob, to => $first->{$bob},
		subject => 'Out of office: a post', body =>
		"I am away. Ask carol\@far.example.\n",
		more => "Auto-Submitted: auto-replied\n"),
	'a vacation that says nothing of itself' => message(from => $bob,
		to => $first->{$bob}, subject => 'Re: a post',
		body => "I am on vacation until Monday.\n"),
	challenge => message(from => $bob, to => $first->{$bob},
		subject => 'Please confirm your message', body =>
		"Click here to have your mail delivered: "
		. "http://far.example/x\nThis is a challenge-response "
		. "system.\n"),
	'a delay' => failed($first->{$bob}, $bob) =~
		s/Action: failed/Action: delayed/r
		=~ s/Status: 5.1.1/Status: 4.4.1/r
		=~ s/550 5.1.1 no such user/451 4.4.1 try again/r,
	success => failed($first->{$bob}, $bob)
		=~ s/Action: failed/Action: delivered/r
		=~ s/Status: 5.1.1/Status: 2.1.5/r
		=~ s/550 5.1.1 no such user/250 ok/r,
	nothing => message(from => $bob, to => $first->{$bob}, body => ''),
);
for my $what (sort keys %other) {
	bring($first->{$bob}, $other{$what}, $_) for '', $bob;
	untouched($what);
}

# --- complaints ---
sub complaint ($to, $about, $original) {
	return message(from => 'fbl@provider.example', to => $to,
		subject => 'complaint', more => "MIME-Version: 1.0\n"
		. "Content-Type: multipart/report; report-type="
		. "feedback-report; boundary=b\n", body => <<"END");
--b
Content-Type: text/plain

Spam.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: x/1
Version: 1
Original-Rcpt-To: <$about>
Original-Mail-From: <$original>

--b
Content-Type: message/rfc822

From: x\@good.example
To: $list
Return-Path: <$original>
List-Unsubscribe: <mailto:dev-leave+$about\@lists.test>
Message-ID: <post1\@good.example>

x
--b--
END
}
my $made_up = 'dev-bounces+' . 'b' x 24 . '@lists.test';
for my $to ($made_up, 'dev-bounces@lists.test', 'dev-owner@lists.test',
	'dev-request@lists.test', $list, $theirs->{$ann}) {
	bring($to, complaint($to, $ann, $made_up), $_) for '', 'f@evil.example';
}
untouched('complaints without a token');
like($site->muster('member', 'ls', $list), qr/\Q$_\E/, "$_ is still there")
	for @members;

# --- other members than the token's ---
my $more = join '', map { "Final-Recipient: rfc822; $_\r\n"
	. "Action: failed\r\nStatus: 5.1.1\r\n\r\n" } $ann, $dan;
bring($first->{$bob}, failed($first->{$bob}, $cy)
	=~ s/(?=Final-Recipient)/$more/r);
$site->await_idle;
is(state_of($_)->{bounces}, 0, "$_, whom a report names, is not blamed")
	for $ann, $cy, $dan;

# --- one true token, as often as one likes ---
my $session = $site->session;
for my $n (1 .. 100) {
	$session->send('<>', ["<$first->{$dan}>"],
		failed($first->{$dan}, $dan), { i => "R$n" });
}
$session->quit;
$site->await_idle;
my $once = state_of($dan);
is($once->{delivery}, 'on', 'a hundred replays do not turn delivery off');
my ($score) = $site->json('member', 'show', $list, $dan)->{score} // 0;
cmp_ok($score, '<=', 1, 'and count once');
is($once->{bounces}, 1, 'one failure');
my $events = () = $site->muster('dump') =~ /"type":"event".*dan failed/g;
cmp_ok($events, '<=', 1, 'and are told to the owners once');
for my $day (1 .. 9) {
	$w->at_day($day);
	bring($first->{$dan}, failed($first->{$dan}, $dan)) for 1 .. 3;
	$site->await_idle;
}
is(state_of($dan)->{delivery}, 'on', 'nor on later days');
cmp_ok($site->json('member', 'show', $list, $dan)->{score} // 0, '<=', 1,
	'it is the same failure');

# --- an old post, long after ---
$w->at_day(20);
bring($first->{$_}, failed($first->{$_}, $_)) for $ann, $cy;
$site->await_idle;
is($site->json('member', 'show', $list, $_)->{score} // 0, 0,
	"an old post's token counts nothing against $_") for $ann, $cy;
is(state_of($_)->{delivery}, 'on', "$_ gets posts") for @members;

# --- and those that are true do ---
for my $day (0 .. 6) {
	$w->at_day(21 + $day);
	my $copies = post();
	$site->post_from(OUTSIDE, '', [$copies->{$cy}],
		failed($copies->{$cy}, $cy));
	$site->await_idle;
}
my ($probe) = grep { field($_->{data}, 'Subject') =~ /reach you/ }
	$site->sink->sent_to($cy);
ok($probe, 'real failures lead to a probe') or diag explain state_of($cy);
is(scalar(grep { field($_->{data}, 'Subject') =~ /reach you/ }
	$site->sink->messages), 1, 'of him alone');
# Another's token with the probe's, and the probe's of another list
bring($probe->{from} =~ s/^dev/ops/r, failed($probe->{from}, $cy));
bring($probe->{from} =~ s/(.)@/($1 eq 'a' ? 'q' : 'a') . '@'/er,
	failed($probe->{from}, $cy));
is(state_of($cy)->{delivery}, 'on', 'a forged failure of the probe is none');
$site->post_from(OUTSIDE, '', [$probe->{from}], failed($probe->{from}, $cy));
$site->await_idle;
is(state_of($cy)->{delivery}, 'off', 'a real one is');
$site->muster('bounce', 'reset', $list, $cy);
bring($probe->{from}, failed($probe->{from}, $cy)) for 1 .. 3;
$site->await_idle;
is(state_of($cy)->{delivery}, 'on', 'and not a second time');
is(state_of($_)->{delivery}, 'on', "$_ gets posts still")
	for $ann, $bob, $dan;

# --- envelopes that members share: anybody who got a copy knows the token ---
$w = Muster::Writer->new(sink => [qw(PIPELINING 8BITMIME DSN XVERP)]);
$site = $w->site;
$list = 'shared@lists.test';
$site->make_list($list, ['policy=open', 'verp=xverp', '--owner',
	'own@good.example'], @members);
my ($shared) = grep { /\+\w{16}\@/ } values %{ post($list) };
ok($shared, 'members share an envelope') or BAIL_OUT('nothing to forge');
my $theirs_made = "Received: by mx.lists.test (Postfix) id 1;\r\n"
	. " Mon, 1 Jun 2026 12:00:00 +0000\r\n";
my $handed_over = "Received: from evil.example (evil.example [192.0.2.66])\r\n"
	. "\tby mx.lists.test (Postfix) with ESMTP id 2;\r\n"
	. "\tMon, 1 Jun 2026 12:00:01 +0000\r\n";
for my $addr (@members) {
	my $named = $shared =~ s/\@/'+' . ($addr =~ s,\@,=,r) . '@'/er;
	for my $to ($shared, $named,
		$named =~ s/\+(.)/'+' . ($1 eq 'a' ? 'b' : 'a')/er) {
		my $report = failed($to, $addr);
		bring($to, $_) for $report, complaint($to, $addr, $to),
			$handed_over . $theirs_made . $report;
		# A client of the gate says that our own MTA has made it.
		$site->post_from(OUTSIDE, '', [$to], $theirs_made . $report);
	}
}
my $others = join '', map { "Final-Recipient: rfc822; $_\r\n"
	. "Action: failed\r\nStatus: 5.1.1\r\n\r\n" } (@members) x 50;
bring($shared, failed($shared, $ann) =~ s/(?=Final-Recipient)/$others/r)
	for 1 .. 10;
$site->await_idle;
for my $addr (@members) {
	my $is = $site->json('member', 'show', $list, $addr);
	is_deeply([$is->{delivery}, $is->{score} // 0], ['on', 0],
		"in a shared envelope nothing counts against $addr");
}
done_testing;
