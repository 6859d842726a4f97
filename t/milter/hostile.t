# SPDX-License-Identifier: BSD-2-Clause
# Hostile content, hostile peers, crowds.
use v5.36;
use Test::More;
use IO::Socket::UNIX;
use Muster::Box qw(slurp);
use Muster::Gate;

my $site = Muster::Gate->new(milter => { workers => 2 });
$site->list('dev@lists.test', 'policy=open', 'max-size=1M');
$site->list('members@lists.test', 'policy=members');
$site->list('large@lists.test', 'policy=open', 'max-size=0');
my @workers = $site->workers;
my $session = $site->session;

sub ends ($message, $to = '<dev@lists.test>') {
	return Muster::Milter::verdict($session->send('<a@far.test>', [$to],
		$message));
}

like(ends(join('', map { "X-$_: v\r\n" } 1 .. 100_000) . "\r\nx\r\n",
	'<large@lists.test>'), qr/^554 5\.6\.0 /, '100,000 header lines');
like(ends("From: a\@far.test\r\n\r\n" . ('x' x 70 . "\r\n") x 20000),
	qr/^552 5\.3\.4 /, 'a body over the limit');
like(ends('From: ' . 'a@b, ' x 10000 . "\r\n\r\nx\r\n",
	'<members@lists.test>'), qr/^550 /, '10,000 authors');
like(ends('From: ' . '(' x 60000 . "\r\n\r\nx\r\n",
	'<members@lists.test>'), qr/^550 /, 'comments without an end');
like(ends('From: ' . '<' x 30000 . '"' x 30000 . "\r\n\r\nx\r\n",
	'<members@lists.test>'), qr/^550 /, 'brackets and quotes');
like(ends("From: \xff\xfe=?x?q?=80?= <\xf0\@\xf1>\r\n\r\nx\r\n",
	'<members@lists.test>'), qr/^550 /, 'broken UTF-8');
is(ends("Subject: a\x01\x02\x7f\r\n\r\n\0\0\0\r\n"), 'discard',
	'control bytes');
is(ends("\r\n\r\n"), 'discard', 'no header at all');

$session->mail('<' . 'a' x 10000 . '@far.test>');
like(Muster::Milter::verdict($session->rcpt('<dev@lists.test>')),
	qr/^(continue|553 )/, 'a long sender');
like(Muster::Milter::verdict($session->rcpt(
	'<' . 'a' x 10000 . '@lists.test>')), qr/^(continue|550 )/,
	'a long recipient');
$session->mail('<a@far.test>');
my $welcome = grep { $session->rcpt("<dev+$_\@lists.test>")->{code} eq 'c' }
	1 .. 1010;
is($welcome, 1000, 'a thousand recipients, no more');
$session->abort;

# What is no milter protocol ends its connection and nothing else.
for my $bytes ("GET / HTTP/1.0\r\n\r\n", "\0\0\0\0", "\xff\xff\xff\xff",
	"\0\0\0\1E", "\0\0\0\x0dO\0\0\0\6\0\0\0\0\0\0\0\0", 'x' x 100000) {
	my $socket = IO::Socket::UNIX->new(Peer => "$site->{run}/milter.sock");
	syswrite $socket, $bytes;
	shutdown $socket, 1;
	my $select = IO::Select->new($socket);
	1 while $select->can_read(60) && sysread $socket, my $reply, 4096;
}
ok(ends("From: a\@far.test\r\n\r\nstill here\r\n") eq 'discard',
	'garbage disturbs nobody');
is_deeply([sort $site->workers], [sort @workers], 'no worker has died');
$session->quit;

# A crowd.
my @crowd = map { $site->session } 1 .. 60;
for my $number (0 .. $#crowd) {
	my $on = $crowd[$number];
	$on->mail('<a@far.test>', { i => "Q$number" });
	$on->rcpt('<dev@lists.test>');
	$on->data;
	$on->content("From: a\@far.test\r\nSubject: $number\r\n\r\nx\r\n");
}
$_->begin_end for @crowd;
is(scalar(grep { $_->read_reply->{code} eq 'd' } @crowd), 60,
	'sixty sessions at once');
my %ids = map { $_->{id} => 1 } $site->posts;
is(scalar(grep { $_->{qid} =~ /^Q\d/ } $site->posts), 60, 'all are kept');

# Idle ones cost little.
my @idle = map { $site->session } 1 .. 300;
$_->mail('<a@far.test>') for @idle;
is(Muster::Milter::verdict($site->session->send('<a@far.test>',
	['<dev@lists.test>'], "From: a\@far.test\r\n\r\nlast\r\n")), 'discard',
	'beside 300 that wait');
my ($rss) = slurp("/proc/$workers[0]/status") =~ /^VmRSS:\s+(\d+) kB/m;
cmp_ok($rss, '<', 200_000, 'in bounded memory');
done_testing;
