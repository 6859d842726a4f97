# SPDX-License-Identifier: BSD-2-Clause
# A copy's envelope sender names list, member and post; a delivery report that
# comes back to it is seen, by either door.
use v5.36;
use Test::More;
use Muster::Box qw(await);
use Muster::Gate;
use Muster::Sink;

my $box = Muster::Box->new;
my $sink = Muster::Sink->new($box);
my $site = Muster::Gate->new(outbound =>
	{ relay => '127.0.0.1:' . $sink->port });
$site->make_list('dev@lists.test', ['--owner', 'owner@far.test',
	'policy=open'], 'one@far.test', 'two@far.test');

my $session = $site->session;
is($session->send('<a@far.test>', ['<dev@lists.test>'],
	"From: a\@far.test\r\nSubject: x\r\nMessage-ID: <1\@far.test>\r\n"
	. "\r\nhello\r\n", { i => 'Q1' })->{code}, 'd', 'a post');
my @copies = await('two copies', sub {
	my @all = $sink->messages;
	return @all >= 2 ? \@all : undef;
})->@*;
my %sender_of = map { ($_->{to} => $_->{from}) } @copies;
is(scalar(keys %sender_of), 2, 'one for each member');
isnt($sender_of{'one@far.test'}, $sender_of{'two@far.test'},
	'each with a sender of its own');

sub report ($member) {
	return <<"END" =~ s/\n/\r\n/gr;
From: MAILER-DAEMON\@mx.far.test
To: $sender_of{$member}
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b
Auto-Submitted: auto-replied

--b
Content-Type: text/plain

No such user.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.far.test

Final-Recipient: rfc822; $member
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user
--b--
END
}

sub bounces ($member) {
	my $shown = $site->json('member', 'show', 'dev@lists.test', $member);
	return $shown->{bounces};
}

is($session->send('<>', ["<$sender_of{'one@far.test'}>"],
	report('one@far.test'), { i => 'Q2' })->{code}, 'd',
	'a report by the gate');
my $is = $site->lmtp->post(from => '', to => [$sender_of{'two@far.test'}],
	message => report('two@far.test'));
like($is->{dot}, qr/^250/, 'a report by LMTP');
await("a bounce of $_", sub { bounces($_) }) for sort keys %sender_of;
is(bounces($_), 1, "$_ has failed once") for sort keys %sender_of;

my $forged = $sender_of{'one@far.test'}
	=~ s/\+(.)/'+' . ($1 eq 'a' ? 'b' : 'a')/er;
like(Muster::Milter::verdict($session->send('<>', ["<$forged>"],
	report('one@far.test'))), qr/^550 5\.1\.1 /,
	'a token that is not ours');
done_testing;
