# SPDX-License-Identifier: BSD-2-Clause
# A client whose 250 got lost sends the same post again.
use v5.36;
use Test::More;
use Muster::Gate;

my $site = Muster::Gate->new;
$site->list('dev@lists.test', 'policy=open');
$site->list('other@lists.test', 'policy=open');

my $head = "From: a\@far.test\r\nSubject: x\r\nMessage-ID: <1\@far.test>\r\n";
my $post = "$head\r\nhello\r\n";

sub ends ($message, $qid = 'Q1', $from = '<a@far.test>',
	$to = '<dev@lists.test>') {
	my $session = $site->session;
	my $reply = $session->send($from, [$to], $message, { i => $qid });
	$session->quit;
	return Muster::Milter::verdict($reply);
}

is(ends($post), 'discard', 'once');
is(ends($post, 'Q2'), 'discard', 'again');
is(ends($post, 'Q3', '<a@far.test>', '<DEV+x@lists.test>'), 'discard',
	'to another form of the address');
is(scalar($site->posts), 1, 'is kept once');
like($site->log_of('muster-milter'), qr/post\.repeated qid=Q2 /, 'and logged');

# What the MTA adds is its own, and new each time.
for my $qid ('Q4', 'Q5') {
	is(ends("From: a\@far.test\r\nSubject: no id\r\n"
		. "Message-Id: <2026.$qid\@mx.test>\r\n"
		. "Date: Mon, 23 Nov 2026 10:00:0" . substr($qid, 1)
		. " +0000\r\n\r\nhello\r\n", $qid), 'discard', "as $qid");
}
is(scalar($site->posts), 2, 'without the MTA\'s fields it is the same');

is(ends("$head\r\nhello!\r\n", 'Q6'), 'discard', 'another body');
is(ends($post, 'Q7', '<b@far.test>'), 'discard', 'another sender');
is(ends($post, 'Q8', '<a@far.test>', '<other@lists.test>'), 'discard',
	'another list');
is(scalar($site->posts), 5, 'are other posts');

$site->box->stop('musterd', 'KILL');
$site->start_musterd;
is(ends($post, 'Q9'), 'discard', 'after a crash');
is(scalar($site->posts), 5, 'it is still known');
done_testing;
