# SPDX-License-Identifier: BSD-2-Clause
# Who may post where the author can be verified, and where he cannot: the
# gate, with a DNS of ours.
use v5.36;
use Test::More;
use Muster::Gate;

my $site = Muster::Gate->new(zone => <<'END',
good.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
good.example MX 10 mx.good.example
_dmarc.good.example TXT "v=DMARC1; p=reject"
open.example TXT "v=spf1 ip4:192.0.2.0/24 ?all"
host.example TXT "v=spf1 ip4:127.0.0.9 -all"
_dmarc.host.example TXT "v=DMARC1; p=reject"
sub.good.example A 192.0.2.1
_dmarc.quiet.example SILENT
_dmarc.broken.example SERVFAIL
END
	dns => { timeout => 2 },
	files => { logins => "robert bob\@good.example\n" },
	auth => { trusted => '203.0.113.0/24', logins => 'BOX/logins' });

my @members = map { "$_\@good.example" } qw(ann bob);
$site->make_list("$_\@lists.test", ['--owner', 'owner@good.example',
	"policy=$_"], @members, 'cy@open.example', 'dan@quiet.example',
	'eve@broken.example', 'x@none.example', 'owner@good.example',
	'me@host.example')
	for qw(open members members-strict moderated announce);

# One transaction from a client address.
sub post ($list, $client, $sender, $from, %opt) {
	return $site->post_from($client, $sender, ["$list\@lists.test"],
		"From: $from\r\nTo: $list\@lists.test\r\n"
		. "Message-ID: <" . rand() . "\@good.example>\r\n"
		. "Subject: x\r\n\r\nhello\r\n", $opt{macros});
}

my ($inside, $outside) = ('192.0.2.7', '198.51.100.9');

is(post('members', $inside, 'ann@good.example', 'ann@good.example'),
	'discard', 'a member whom SPF and DMARC verify');
is(post('members', $inside, 'ann@good.example', 'Ann <ann@sub.good.example>'),
	post('members', $inside, 'ann@good.example', 'zed@good.example'),
	'a verified author who is no member is a stranger');
like(post('members', $outside, 'ann@good.example', 'ann@good.example'),
	qr/^550 5\.7\.1 /, 'a member\'s address from elsewhere');
like(post('members', $outside, 'spy@none.example', 'ann@good.example'),
	qr/^550 5\.7\.1 /, 'and with an envelope of his own');
like(post('members', $_, 'ann@good.example', 'ann@good.example'),
	qr/^550 5\.7\.1 /, "$_ speaks for no domain by itself")
	for '127.0.0.1', '127.3.2.1', '::1', '::ffff:127.0.0.1';
is(post('members', '127.0.0.9', 'me@host.example', 'me@host.example'),
	'discard', 'but where a domain says so');
is(post('members', $outside, 'cy@open.example', 'cy@open.example'),
	'discard', 'a member whose domain publishes no policy');
like(post('members', $inside, 'dan@quiet.example', 'dan@quiet.example'),
	qr/^451 4\.7\./, 'DNS that does not answer: later');
like(post('members', $inside, 'eve@broken.example', 'eve@broken.example'),
	qr/^451 4\.7\./, 'DNS that is broken: later');
is(post('open', $inside, 'dan@quiet.example', 'dan@quiet.example'),
	'discard', 'where nobody asks who wrote it, nobody need know');
is(post('members', '203.0.113.5', 'x@none.example', 'ann@good.example'),
	'discard', 'the client is trusted');
is(post('members', '::ffff:192.0.2.7', 'ann@good.example',
	'ann@good.example'), 'discard', 'an IPv4 client in IPv6 form');
is(post('members', $outside, 'x@none.example', 'ann@good.example',
	macros => { '{auth_authen}' => 'ann@good.example' }),
	'discard', 'a login that is the author\'s address');
like(post('members', $outside, 'x@none.example', 'ann@good.example',
	macros => { '{auth_authen}' => 'bob@good.example' }),
	qr/^550 5\.7\.1 /, 'a login that is another\'s');
is(post('members', $outside, 'x@none.example', 'bob@good.example',
	macros => { '{auth_authen}' => 'robert' }),
	'discard', 'a login that the file maps to the author');

like(post('members-strict', $inside, 'spy@none.example', 'ann@good.example'),
	qr/^550 5\.7\.1 /, 'strict: the envelope sender must be a member too');
is(post('members-strict', $inside, 'bob@good.example', 'ann@good.example'),
	'discard', 'strict: but it may be another member');

like(post('members', $inside, 'ann@good.example',
	'ann@good.example, spy@none.example'), qr/^550 5\.7\.1 /,
	'a stranger beside a member in From');
like(post('members', $inside, 'ann@good.example', 'undisclosed:;'),
	qr/^550 5\.7\.1 /, 'a From without an address');

like(post('announce', $inside, 'ann@good.example', 'ann@good.example'),
	qr/^550 5\.7\.1 /, 'announce: a member may not post');
is(post('announce', $inside, 'owner@good.example', 'owner@good.example'),
	'discard', 'announce: an owner may');
isnt(post('announce', $outside, 'owner@good.example', 'owner@good.example'),
	'discard', 'announce: somebody who says he is the owner may not');

# What was found goes along, and can be read.
my ($id) = map { $_->{id} } grep { $_->{author} eq 'cy@open.example' }
	$site->posts;
like($site->muster('trace', $id),
	qr/authentication .*spf=neutral \(open\.example.*dmarc=none/,
	'the trace shows the evidence');

# Held.
is(post('moderated', $inside, 'ann@good.example', 'ann@good.example'),
	'discard', 'moderated: a post is taken');
my $held = $site->json('held', 'ls', 'moderated@lists.test');
is(scalar @$held, 1, 'and held');
my $before = () = $site->posts;
is(post('moderated', $inside, 'owner@good.example', 'owner@good.example'),
	'discard', 'moderated: the owner\'s post passes');
is(scalar @{ $site->json('held', 'ls', 'moderated@lists.test') }, 1,
	'and is not held');

done_testing;
