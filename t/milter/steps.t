# SPDX-License-Identifier: BSD-2-Clause
# What is said at which step of a session, with which code.
use v5.36;
use Test::More;
use Muster::Gate;

my $site = Muster::Gate->new;
$site->list('open@lists.test', 'policy=open', 'max-size=10k');
$site->list('members@lists.test', 'policy=members');
$site->list('strict@lists.test', 'policy=members-strict');
$site->list('rude@lists.test', 'policy=members-strict',
	'refuse-text=100% no, %s "never"');
$site->list('dev@d.test', 'policy=open');
$site->muster(qw(list create silent@lists.test policy=open));

my $session = $site->session;
my $verdict = \&Muster::Milter::verdict;

sub at_rcpt ($from, $path, @params) {
	$session->abort;
	$session->mail($from, undef, @params);
	return $verdict->($session->rcpt($path));
}

# Each form of an address that an MTA may show.
my %forms = (
	'<open@lists.test>' => 'continue',
	'<OPEN@LISTS.TEST>' => 'continue',
	'<Open@Lists.Test>' => 'continue',
	'<open+detail@lists.test>' => 'continue',
	'<"open"@lists.test>' => 'continue',
	'<@relay.test:open@lists.test>' => 'continue',
	'<<open@lists.test>>' => 'continue',
	'open@lists.test' => 'continue',
	'<open>' => 'continue',
	'<dev@d.test>' => 'continue',
	'<other@d.test>' => 'continue',
	'<postmaster>' => 'continue',
	'<postmaster@lists.test>' => 'continue',
	'<open@far.test>' => 'continue',
	'<open@[127.0.0.1]>' => 'continue',
	'<nobody@lists.test>' => '550 5.1.1',
	'<"op en"@lists.test>' => '550 5.1.1',
	'<"op\"en"@lists.test>' => '550 5.1.1',
	'<open%far.test@lists.test>' => '550 5.1.1',
	'<far.test!open@lists.test>' => '550 5.1.1',
	'<op..en@lists.test>' => '550 5.1.1',
	'<.open@lists.test>' => '550 5.1.1',
	"<l\xc3\xaeste\@lists.test>" => '550 5.1.1',
	'<open-bounces@lists.test>' => '550 5.1.1',
	'<open-bounces+abc@lists.test>' => '550 5.1.1',
	'<open-owner@lists.test>' => 'continue',
	'<open-request@lists.test>' => 'continue',
	'<open-join@lists.test>' => 'continue',
	'<open-subscribe@lists.test>' => 'continue',
	'<open-leave@lists.test>' => 'continue',
	'<open-unsubscribe@lists.test>' => 'continue',
	'<open-confirm+x@lists.test>' => '550 5.1.1',
	'<silent-owner@lists.test>' => '550 5.1.1',
);
for my $path (sort keys %forms) {
	like(at_rcpt('<a@far.test>', $path), qr/^\Q$forms{$path}\E/,
		"RCPT $path");
}

# Who may post, as far as the envelope says.
like(at_rcpt('<stranger@far.test>', '<strict@lists.test>'),
	qr/^550 5\.7\.1 .*strict-join\@lists\.test/,
	'a stranger is refused at RCPT, and told what to do');
is(at_rcpt('<member@far.test>', '<strict@lists.test>'), 'continue',
	'a member is welcome');
is(at_rcpt('<member@FAR.test>', '<strict@lists.test>'), 'continue',
	'the domain of a member in any case');
is(at_rcpt('member@far.test', '<strict@lists.test>'), 'continue',
	'a sender without brackets');
is(at_rcpt('<stranger@far.test>', '<members@lists.test>'), 'continue',
	'policy members waits for From');
is(at_rcpt('<stranger@far.test>', '<rude@lists.test>'),
	'550 5.7.1 100%% no, %%s "never"', 'percent signs are doubled');
like(at_rcpt('<>', '<open@lists.test>'), qr/^550 5\.7\.1 /,
	'no delivery reports to the list');
is(at_rcpt('<>', '<open-owner@lists.test>'), 'continue',
	'but to its owner');
like(at_rcpt('', '<open@lists.test>'), qr/^550 5\.7\.1 /,
	'the null sender without brackets');
like(at_rcpt('<not an address', '<open@lists.test>'), qr/^553 5\.1\.7 /,
	'a sender that is no address');
is(at_rcpt('<not an address', '<x@far.test>'), 'continue',
	'which is none of our business elsewhere');
like(at_rcpt('<a@far.test>', '<open@lists.test>', 'SIZE=20000'),
	qr/^552 5\.3\.4 /, 'SIZE= over the limit of the list');
is(at_rcpt('<a@far.test>', '<open@lists.test>', 'BODY=8BITMIME',
	'SIZE=10000'), 'continue', 'SIZE= below it');

# The end of message.
my $post = "From: A <member\@far.test>\r\nSubject: x\r\n\r\nhello\r\n";
my $stranger = "From: b\@far.test\r\nSubject: x\r\n\r\nhello\r\n";

sub ends ($from, $to, $message) {
	return $verdict->($session->send($from, [$to], $message));
}

is(ends('<x@far.test>', '<open@lists.test>', $stranger), 'discard',
	'an accepted post is taken from the MTA');
is(ends('<x@far.test>', '<members@lists.test>', $post), 'discard',
	'a member in From');
like(ends('<x@far.test>', '<members@lists.test>', $stranger),
	qr/^550 5\.7\.1 .*members-join\@lists\.test/,
	'a stranger in From is refused at the end');
like(ends('<member@far.test>', '<strict@lists.test>', $stranger),
	qr/^550 5\.7\.1 /, 'strict looks at From too');
like(ends('<x@far.test>', '<members@lists.test>',
	"Subject: x\r\n\r\nhello\r\n"), qr/^550 5\.7\.1 /, 'no From');
like(ends('<x@far.test>', '<members@lists.test>',
	"From: member\@far.test, b\@far.test\r\n\r\nhello\r\n"),
	qr/^550 5\.7\.1 /, 'one of two authors is a stranger');
like(ends('<x@far.test>', '<open@lists.test>',
	"From: b\@far.test\r\nList-Id: X <open.lists.test>\r\n\r\nx\r\n"),
	qr/^554 5\.4\.6 /, 'it has been on the list');
like(ends('<x@far.test>', '<open@lists.test>',
	("Received: from x\r\n" x 31) . $stranger),
	qr/^554 5\.4\.6 /, 'too many hops');
like(ends('<x@far.test>', '<open@lists.test>',
	"Auto-Submitted: auto-replied\r\n$stranger"),
	qr/^550 5\.7\.1 /, 'automatic mail');
is(ends('<x@far.test>', '<x@far.test>', $stranger), 'accept',
	'mail for no list is waved through at DATA');

is(scalar($site->posts), 2, 'what was refused was not kept');
is($session->{wants} & ~0x108, 0, 'no more rights than are needed');

# Many messages in one connection leave nothing of each other behind.
$session->mail('<x@far.test>');
$session->rcpt('<open@lists.test>');
$session->rcpt('<else@far.test>');
is($verdict->($session->send('<x@far.test>', ['<open@lists.test>'],
	"From: c\@far.test\r\n\r\nagain\r\n")), 'discard',
	'MAIL forgets what was before it');
is_deeply($session->{deleted}, [], 'and its recipients');

my $log = $site->log_of('muster-milter');
like($log, qr/rcpt\.refused .*code=550/, 'refusals logged');
like($log, qr/post\.accepted .*list=open\@lists\.test/, 'posts logged');
done_testing;
