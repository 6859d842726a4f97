# SPDX-License-Identifier: BSD-2-Clause
# musterd away, or stuck: 451, nothing kept, and no one else is held up.
use v5.36;
use Test::More;
use Time::HiRes qw(time);
use Muster::Box qw(await);
use Muster::Gate;

my $site = Muster::Gate->new;
$site->list('dev@lists.test', 'policy=open');
my $session = $site->session;
my $post = "From: a\@far.test\r\nMessage-ID: <1\@x>\r\n\r\nhello\r\n";

sub verdict ($reply) { return Muster::Milter::verdict($reply) }

sub begin ($on) {
	$on->mail('<a@far.test>');
	$on->rcpt('<dev@lists.test>');
	$on->data;
	$on->content($post);
}

begin($session);
$site->box->stop('musterd', 'KILL');
like(verdict($session->end), qr/^451 4\.3\.0 /, 'killed before the commit');
$session->mail('<a@far.test>');
like(verdict($session->rcpt('<dev@lists.test>')), qr/^451 4\.3\.0 /,
	'away at RCPT');
is(verdict($session->rcpt('<x@far.test>')), 'continue',
	'not for other domains');
is(verdict($session->data), 'accept', 'whose mail goes on');

$site->start_musterd;
is(scalar($site->posts), 0, 'nothing was kept');
await('the gate to ask again', sub {
	return verdict($session->send('<a@far.test>', ['<dev@lists.test>'],
		$post)) eq 'discard';
});
is(scalar($site->posts), 1, 'and then once');

# Stuck: the process is there and does not answer.
my $musterd = $site->box->pid('musterd');
$site->box->freeze('musterd');
my $start = time;
$session->mail('<a@far.test>');
like(verdict($session->rcpt('<dev@lists.test>')), qr/^451 4\.3\.0 /,
	'stuck at RCPT');
cmp_ok(time - $start, '<', 25, 'is told before the MTA gives up');
kill CONT => $musterd;
await('an answer again', sub {
	$session->mail('<a@far.test>');
	return verdict($session->rcpt('<dev@lists.test>')) eq 'continue';
});
done_testing;
