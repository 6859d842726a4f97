#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What a list makes of headers, by the real musterd, from the door to the
# copies and the digests: numbers, where replies go, and no trace of an
# author.
use v5.36;
use Test::More;
use Muster::Box qw(await);
use Muster::Gate;
use Muster::Mail qw(field);

my $site = Muster::Gate->new(sink => 1);
my $sink = $site->sink;

# Accepted by the gate, from ann's machine.
sub post ($list, $id, $subject, %more) {
	my $fields = $more{fields} // '';
	is($site->post_from('192.0.2.7', 'ann@client.test', [$list],
		"Received: from laptop.client.test ([198.51.100.9]) by"
		. " mail.client.test; Mon, 23 Nov 2026 12:00:00 +0930\r\n"
		. "From: Ann Miller <ann\@client.test>\r\nTo: <$list>\r\n"
		. "Message-ID: <$id\@client.test>\r\nSubject: $subject\r\n"
		. "Date: Mon, 23 Nov 2026 12:00:00 +0930\r\n$fields\r\n"
		. ($more{body} // "text $id\r\n")), 'discard', "$id is taken");
}

# Copies to somebody, when there are so many.
sub copies ($addr, $count) {
	await("$count copies to $addr", sub {
		$sink->sent_to($addr) >= $count });
	return map { $_->{data} } $sink->sent_to($addr);
}

# --- numbers, and where replies go -------------------------------------------

$site->make_list('dev@lists.test', ['policy=open',
	'subject-prefix=[dev %{number}]', 'reply-to=list'], 'one@far.test',
	['mime@far.test', 'delivery=digest']);
my $n = 0;
for ('hi', 'AW: [dev 1] hi', 'AW: [dev 2] Re: [dev 1] hi') {
	post('dev@lists.test', 'n' . ++$n, $_);
	copies('one@far.test', $n);
}
my @copies = copies('one@far.test', 3);
is_deeply([map { scalar field($_, 'Subject') } @copies],
	['[dev 1] hi', 'AW: [dev 2] hi', 'AW: [dev 3] hi'],
	'each has its number, and one');
is(scalar(field($_, 'Reply-To')), 'dev@lists.test', 'replies go to the list')
	for @copies;
post('dev@lists.test', "m$_", 'many') for 1 .. 12;
my %numbers = map { (field($_, 'Subject') =~ /\[dev (\d+)\]/)[0] => 1 }
	copies('one@far.test', 15);
is_deeply([sort { $a <=> $b } keys %numbers], [1 .. 15],
	'none is left out, none is there twice');
$site->muster('digest', 'send', 'dev@lists.test');
my ($digest) = copies('mime@far.test', 1);
like($digest, qr/^Subject: AW: \[dev 3\] hi\r$/m, 'digests have the same');
unlike($digest =~ s/\A.*?\r\n\r\n//sr, qr/^Reply-To:/m,
	'but not what is for copies');
kill KILL => $site->box->pid('musterd');
$site->box->await_end('musterd');
$site->start_musterd;
post('dev@lists.test', 'k1', 'after all');
is(scalar(field((copies('one@far.test', 16))[-1], 'Subject')),
	'[dev 16] after all', 'the list counts on after a kill');
my $dump = $site->muster('dump', 'dev@lists.test');
like($dump, qr/"number":16\b/, 'a dump has the number');

# --- rules -------------------------------------------------------------------

my $is = $site->run('list', 'set', 'dev@lists.test',
	"header-rules=remove X-A\nremove Date");
is($is->{status}, 1, 'a wrong rule is refused');
like($is->{err}, qr/header-rules: line 2: no rule may be about Date: each/,
	'and it is said why');
$is = $site->run('list', 'set', 'dev@lists.test', 'subject-prefix=%{nr}');
like($is->{err}, qr/no field but one %\{number\}/, 'so is a wrong prefix');
$site->muster('list', 'set', 'dev@lists.test', 'header-rules=remove Received;'
	. ' set Organization: "%{list}; ours"');
post('dev@lists.test', 'r1', 'rules', fields => "Organization: Ann Inc.\r\n");
my $ruled = (copies('one@far.test', 17))[-1];
is_deeply([field($ruled, 'Organization')], ['dev@lists.test; ours'],
	'set is instead of what came');
unlike($ruled, qr/laptop/, 'remove is gone');

# --- no trace of the author --------------------------------------------------

my $pem = $site->box->path('key.pem');
system("openssl genpkey -algorithm ed25519 -out $pem 2>/dev/null") == 0
	or die "openssl genpkey\n";
chmod 0600, $pem;
$site->make_list('talk@lists.test', ['policy=open', 'anonymous=yes',
	'description=Let us talk', "sign-key=$pem", 'sign-selector=s'],
	'two@far.test', ['md@far.test', 'delivery=digest'],
	['pd@far.test', 'delivery=plain'],
	['ann@client.test', 'own-posts=no']);
my $parts = "--ann-laptop\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
	. "--ann-laptop\r\nContent-Type: text/plain; name=\"miller.txt\"\r\n"
	. "Content-ID: <7.8\@laptop.client.test>\r\n\r\nmore\r\n"
	. "--ann-laptop--\r\n";
post('talk@lists.test', 'a1', 'a secret', body => $parts, fields =>
	"Cc: <ann\@client.test>\r\nUser-Agent: AnnMail\r\n"
	. "X-Originating-IP: [198.51.100.9]\r\nReply-To: ann\@client.test\r\n"
	. "DKIM-Signature: v=1; a=rsa-sha256; d=client.test; s=s; h=from;"
	. " bh=x; b=y\r\nMIME-Version: 1.0\r\n"
	. "Content-Type: multipart/mixed; boundary=ann-laptop\r\n");
my ($first) = copies('two@far.test', 1);
post('talk@lists.test', 'a2', 'Re: a secret',
	fields => "References: <a1\@client.test>\r\n");
my (undef, $second) = copies('two@far.test', 2);
my $id = field($first, 'Message-ID');
like($id, qr/^<anon\.[a-z2-7]{32}\@lists\.test>$/, 'another id');
is(scalar(field($second, 'References')), $id, 'and the thread holds');
post('talk@lists.test', 'a3', 'Re: a secret', fields => "References: $id\r\n");
is(scalar(field((copies('two@far.test', 3))[2], 'References')), $id,
	'whoever answers');
is(scalar(field($first, 'From')), 'Let us talk <talk@lists.test>',
	'the list is the author');
is(scalar(field($first, 'Reply-To')), 'talk@lists.test',
	'and replies go to it');
like($first, qr/^DKIM-Signature: .*d=lists\.test/m, 'it signs');
$site->muster('digest', 'send', 'talk@lists.test');
my ($mime) = copies('md@far.test', 1);
my ($plain) = copies('pd@far.test', 1);
for (['a copy', $first], ['another', $second], ['a digest', $mime],
	['a plain one', $plain]) {
	my ($what, $text) = @$_;
	unlike($text, qr/\bann\b|miller|client|laptop|AnnMail|198\.51|192\.0\.2/i,
		"$what has no trace of her");
	like($text, qr/secret/, 'and what she says');
}
for ($sink->sent_to('two@far.test')) {
	unlike("$_->{from} $_->{mail_params}", qr/\bann\b|client/i,
		'nor has its envelope');
}
is(scalar(() = $sink->sent_to('ann@client.test')), 0,
	'her own settings hold');
like($site->muster('trace', $id), qr/made anonymous/,
	'the administrator finds it by its new name');
done_testing();
