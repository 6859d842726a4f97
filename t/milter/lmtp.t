# SPDX-License-Identifier: BSD-2-Clause
# The LMTP door of the real musterd.
use v5.36;
use Test::More;
use IO::Select;
use Muster::Box qw(await);
use Muster::Gate;

my $site = Muster::Gate->new;
$site->list('dev@lists.test', 'policy=open');
$site->list('members@lists.test', 'policy=members');
$site->list('small@lists.test', 'policy=open', 'max-size=200');
$site->list('strict@lists.test', 'policy=members-strict');
my $post = "From: a\@far.test\r\nSubject: x\r\nMessage-ID: <1\@x>\r\n\r\n"
	. "hello\r\n..dot\r\n" . 'x' x 70 . "\r\n" . 'y' x 70 . "\r\n";

my $door = $site->lmtp;
like($door->{greeting}, qr/^220 lists\.test LMTP/, 'greeting');
like($door->{ehlo}, qr/PIPELINING.*8BITMIME.*SMTPUTF8.*SIZE/s, 'offers');
unlike($door->{ehlo}, qr/DSN|CHUNKING/, 'and no more');

my $is = $door->post(from => 'a@far.test', to => ['dev@lists.test',
	'nobody@lists.test', 'members@lists.test', 'strict@lists.test',
	'x@far.test', 'small@lists.test', 'dev+x@lists.test'],
	message => $post);
like($is->{rcpt}[0], qr/^250 2\.1\.5/, 'the list');
like($is->{rcpt}[1], qr/^550 5\.1\.1/, 'nobody');
like($is->{rcpt}[3], qr/^550 5\.7\.1/, 'a stranger at RCPT');
like($is->{rcpt}[4], qr/^550 5\.1\.1/, 'not ours');
is(scalar(@{ $is->{dots} }), 4, 'a reply for each that was welcome');
like($is->{dots}[0], qr/^250 2\.6\.0 \S+ for dev\@/, 'in their order: taken');
like($is->{dots}[1], qr/^550 5\.7\.1/, 'From is no member');
like($is->{dots}[2], qr/^552 5\.3\.4/, 'too large');
like($is->{dots}[3], qr/^250 2\.6\.0/, 'taken');
my @posts = $site->posts;
is(scalar(@posts), 1, 'kept once');
is($posts[0]{door}, 'lmtp', 'by this door');
is($posts[0]{bytes} =~ s/^Received:.*?\r\n(?=\S)//sr, $post, 'as sent');

$is = $door->post(from => 'a@far.test', to => ['dev@lists.test'],
	message => $post);
like($is->{dot}, qr/^250/, 'a repeat is welcome');
is(scalar($site->posts), 1, 'and recognised');
my $gate = $site->session;
is(Muster::Milter::verdict($gate->send('<a@far.test>', ['<dev@lists.test>'],
	$post)), 'discard', 'by the other door too');
is(scalar($site->posts), 1, 'it is the same post');

# A delivery report to the list's bounce address.
$is = $door->post(from => '', to => ['dev-bounces+forged@lists.test'],
	message => $post);
like($is->{rcpt}[0], qr/^550 5\.1\.1/, 'a token that we did not make');
$is = $door->post(from => '', to => ['dev@lists.test'], message => $post);
like($is->{rcpt}[0], qr/^550 5\.7\.1/, 'no delivery reports to the list');

# musterd's end, with a message whose dot is not there yet.
$door->cmd('MAIL FROM:<a@far.test>');
$door->cmd('RCPT TO:<dev@lists.test>');
$door->cmd('DATA');
$door->send_bytes("Subject: cut\r\n");
kill TERM => $site->box->pid('musterd');
like($door->reply, qr/^421 4\.3\.2/, 'SIGTERM in DATA is told');
is($site->box->await_end('musterd'), 0, 'musterd ends well');
$site->start_musterd;
is(scalar($site->posts), 1, 'nothing half is kept');

# The door is a process of its own.
$door = $site->lmtp;
my ($pid) = map { @$_ } grep { @$_ } [$site->children('musterd')];
kill KILL => $pid;
is($door->try_reply, '', 'killed');
await('another door', sub {
	my $again = eval { $site->lmtp } or return 0;
	return $again->cmd('NOOP') =~ /^250/;
});
like($site->log_of('musterd'), qr/lmtp\.died signal=9/, 'logged');
done_testing;
