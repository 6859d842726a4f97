# SPDX-License-Identifier: BSD-2-Clause
# Commands of somebody who means ill: forged authors, verbs that are not his,
# mail that is too much or malformed, text that would be a header field
# elsewhere, questions about others.
use v5.36;
use utf8;
use Test::More;
use Muster::Box qw(await);
use Muster::Mail qw(body field header message);
use Muster::Milter;
use Muster::Writer qw(text INSIDE OUTSIDE);

my $w = Muster::Writer->new;
my $site = $w->site;
my ($dev, $mod) = map { "$_\@lists.test" } qw(dev mod);
$site->make_list($dev, ['policy=members', '--owner', 'own@good.example',
	'--owner', 'own@loose.example', 'who=owners', 'description=Development',
	'commands-most=10'], 'ann@good.example', 'bob@good.example',
	'cy@loose.example');
$site->make_list($mod, ['policy=moderated', '--owner', 'own@good.example',
	'--owner', 'own@loose.example', 'subscription=moderated'],
	'ann@good.example', 'cy@loose.example');
$site->make_list('open@lists.test', ['policy=open', 'who=all'],
	'bob@good.example');
$site->post_from(INSIDE, 'ann@good.example', [$mod], message(
	from => 'ann@good.example', to => $mod, subject => 'waits'));
my ($held) = $site->json('held', 'ls', $mod)->@*;
$site->await_idle;
my $before = $w->roster;
my $mark = sub { scalar(my @all = $site->sink->messages) };

# --- forged authors ---
my @verbs = ("add zoe\@far.example\n", "remove ann\@good.example\n",
	"approve $held->{id}\n", "reject $held->{id} x\n",
	"discard $held->{id}\n", "accept $held->{id}\n", "held\n",
	"show $held->{id}\n", "bounces\n", "invite zoe\@far.example\n",
	"who\n", "which\n", "show\n", "set hide on\n", "help\n");
my $n = $mark->();
my %why;
for my $verb (@verbs) {
	for my $who (['own@good.example', OUTSIDE, 'own@good.example'],
		['own@good.example', OUTSIDE, 'x@evil.example'],
		['own@good.example', INSIDE, 'x@loose.example'],
		['own@loose.example', OUTSIDE, 'own@loose.example'],
		['own@loose.example', INSIDE, 'ann@good.example'],
		['"own@good.example" <x@evil.example>', OUTSIDE,
			'x@evil.example'],
		['own@good.example, x@evil.example', OUTSIDE,
			'x@evil.example'],
		['x@evil.example, own@good.example', INSIDE,
			'own@good.example']) {
		my ($from, $client, $sender) = @$who;
		for my $to ("dev-request\@lists.test",
			'mod-request@lists.test') {
			my $is = $w->ask(from => $from, client => $client,
				sender => $sender, to => $to, body => $verb);
			$why{"$from $verb"} = $is if $is eq 'discard'
				&& $verb !~ /^set/;
		}
	}
}
$site->await_idle;
is_deeply(\%why, {}, 'whoever forges an owner is refused at the door');
is($w->roster, $before, 'and nothing has changed');
my @mails = $site->sink->messages;
my @got = splice @mails, $n;
is_deeply([grep { text($_) !~ /-confirm\+/ } @got], [],
	'nobody is told anything');
cmp_ok(scalar @got, '<=', 3, 'but asked to confirm what he may set');

# --- a member, an owner's verbs ---
for my $at (0 .. 1) {
	$w->ask(from => 'bob@good.example', to => ('dev-request@lists.test',
		'mod-request@lists.test')[$at], body => join '', @verbs[0 .. 9]);
}
my $said = join "\n", map { text($_) } $w->letters('bob@good.example');
is($w->roster, $before, 'a member can do nothing of an owner\'s');
my $refused = () = $said =~ /Only owners and mod/g;
is($refused, 20, 'and is told so for each verb');
unlike($said, qr/waits|cy\@loose|Hello\./, 'and no more');

# --- what answers tell ---
sub answer ($who, $body, $to = 'dev-request@lists.test', %opt) {
	$w->letters($who);
	$w->ask(from => $who, to => $to, body => $body, %opt);
	return join "\n", map { text($_) } $w->letters($who);
}
# The same for a member and for nobody, but for the address.
sub same ($verb, $what, $list = 'dev') {
	my @is = map { my $is = answer('eve' . ++$n . '@good.example',
		$verb =~ s/ADDR/$_/gr, "$list-request\@lists.test");
		my $addr = $_;
		$is =~ s/\Q$addr\E|eve\d+\@good\.example/X/g;
		$is =~ s/\s+/ /gr } 'ann@good.example', 'nobody@good.example';
	is($is[0], $is[1], "$what says the same of a member and of nobody");
	return $is[0];
}
same("who\n", 'who of a list that shows owners only');
unlike(answer('ann@good.example', "who\ninfo\n"), qr/bob\@good|cy\@loose/,
	'who tells no member either');
for my $verb ("subscribe address=ADDR\n", "unsubscribe address=ADDR\n",
	"move ADDR new\@far.example\n", "which ADDR\n", "show ADDR\n",
	"which address=ADDR\n", "set delivery off address=ADDR\n",
	"bounces ADDR\n", "remove ADDR\n", "password ADDR\n") {
	my $is = same($verb, $verb =~ s/\n//r);
	unlike($is, qr/open\@lists|mod\@lists/, 'and names no list');
}
is($w->roster, $before, 'none of it does anything');
unlike(answer('bob@good.example', "which\n"), qr/mod\@/,
	'which tells of him who asks');

# --- too much ---
unlike(answer('ann@good.example', "frobnicate 1\n" x 5000),
	qr/(?:^> .*){4}/ms, 'what is no command is answered three times');
my $many = answer('ann@good.example', join "",
	map { "subscribe address=a$_\@far.example\n" } 1 .. 5000);
cmp_ok(scalar(() = $many =~ /^> /mg), '<=', 10, 'ten of 5000 commands');
like($many, qr/too many/i, 'and the rest is said to be ignored');
cmp_ok(length $many, '<', 20000, 'in a short letter');
my @heavy = (
	'a line of 10 MB' => 'help ' . 'x' x 10_000_000 . "\n",
	'a word of 10 MB' => 'y' x 10_000_000 . "\nwhich\n",
	'NUL bytes' => "he\0lp\nwhi\0ch\0\n\0\0\0\n",
	'control characters' => join('', map { chr } 0 .. 31, 127 .. 255) . "\n",
	'only line ends' => "\n" x 200_000,
	'quotes' => "> unsubscribe\n" x 50_000,
);
while (my ($what, $body) = splice @heavy, 0, 2) {
	my $who = 'h' . ++$n . '@good.example';
	my $is = $w->ask(from => $who, body => $body);
	ok($is =~ /^(?:discard|5\d\d )/, "$what: an answer at the door") or diag $is;
	my @letters = $w->letters($who);
	cmp_ok(scalar @letters, '<=', 1, 'and one letter at most');
	cmp_ok(length $_->{data}, '<', 20000, 'a short one') for @letters;
}
my $deep = join '', map { "Content-Type: multipart/mixed; boundary=b$_\n\n"
	. "--b$_\n" } 1 .. 400;
for my $parts ($deep, "Content-Type: multipart/mixed; boundary=b\n\n"
	. "--b\nContent-Type: text/plain\n\nwhich\n" x 20_000,
	"Content-Type: message/rfc822\n\n" x 500 . "x\n") {
	my $who = 'h' . ++$n . '@good.example';
	my ($type, $body) = split /\n\n/, $parts, 2;
	my $is = $w->ask(from => $who, body => $body,
		more => "MIME-Version: 1.0\n$type\n");
	ok($is =~ /^(?:discard|5\d\d )/, 'nested parts: an answer') or diag $is;
	cmp_ok(scalar(my @l = $w->letters($who)), '<=', 1, 'and one letter');
}
is($w->roster, $before, 'and nobody is anything else');

# --- header fields in what is quoted ---
my $bad = "\r\nBcc: bcc\@evil.example\r\nX-Evil: 1\r\n\r\n<html>";
my $word = $bad =~ s/([^a-z0-9])/sprintf '=%02X', ord $1/gier;
my @names = ("=?utf-8?Q?$word?=", "=?utf-8?B?"
	. MIME::Base64::encode_base64("a$bad", '') . '?=',
	"\"x\\\r\n Bcc: a\"", "=?utf-8?Q?=E2=80=AE=E2=80=A8=C2=85=00x?=",
	'=?utf-8?Q?' . 'x' x 5000 . '?=', "\x{ff}\x{fe}");
my $start = $mark->();
for my $name (@names) {
	utf8::encode(my $raw = $name);
	my $who = 'n' . ++$n . '@good.example';
	$w->ask(from => "$raw <$who>", subject => $raw, body => "$raw\n",
		more => "Accept-Language: $raw\nContent-Language: $raw\n"
		. "References: <x\@y>\n");
	$w->ask(from => "$raw <$who>", subject => $raw,
		to => 'mod-join@lists.test');
	$w->ask(from => "$raw <$who>", to => 'dev-request@lists.test',
		body => "subscribe dev $raw\nset language $raw\n"
		. "set name $raw\nwho $raw\n");
	$w->ask(from => "$raw <c$n\@loose.example>", client => OUTSIDE,
		to => 'dev-join@lists.test', subject => $raw);
	$site->post_from(INSIDE, 'ann@good.example', [$mod], message(
		from => "$raw <ann\@good.example>", to => $mod,
		subject => $raw, body => "x$n\n"));
	$site->post_from(INSIDE, 'ann@good.example', [$dev], message(
		from => "$raw <ann\@good.example>", to => $dev,
		subject => 'unsubscribe', body => "unsubscribe $raw\n"));
}
$site->await_idle;
for my $post (grep { $_->{id} ne $held->{id} }
	$site->json('held', 'ls', $mod)->@*) {
	$w->ask(from => 'own@good.example', to => 'mod-request@lists.test',
		body => "held\nshow $post->{id}\nreject $post->{id} "
		. "no=20$bad\nwho\n");
}
$site->await_idle;
@mails = $site->sink->messages;
my @letters = splice @mails, $start;
cmp_ok(scalar @letters, '>', 20, scalar(@letters) . ' letters');
my $file = $site->box->path('letters.bin');
Muster::Box::spew($file, join '', map { pack 'N/a*', $_->{data} } @letters);
my $found = qx(python3 - $file <<'END'
import email, email.policy, re, struct, sys
data = open(sys.argv[1], 'rb').read()
known = set('''from to subject date message-id auto-submitted precedence
    list-id list-post list-help list-subscribe list-unsubscribe list-owner
    mime-version content-type content-transfer-encoding in-reply-to references
    reply-to x-loop list-unsubscribe-post sender list-archive
    x-auto-response-suppress authentication-results received content-language
    '''.split())
at = 0
while at < len(data):
    n, = struct.unpack_from('>I', data, at)
    raw = data[at + 4:at + 4 + n]
    at += 4 + n
    m = email.message_from_bytes(raw, policy=email.policy.default)
    head = raw.split(b'\\r\\n\\r\\n', 1)[0]
    if b'\\r\\nAuto-Submitted' not in head:
        continue    # a post's copy
    bad = [k for k in m.keys() if k.lower() not in known]
    if bad: print('fields', bad)
    if m.defects: print('defects', m.defects)
    for part in m.walk():
        if part.defects: print('part', part.defects, part.get_content_type())
        if part.get_content_type() == 'text/plain' and \\
            part.get_content_charset() in ('utf-8', None, 'us-ascii'):
            try: part.get_payload(decode=True).decode()
            except UnicodeDecodeError as e:
                if part is m or part is m.get_payload(0): print('utf-8', e)
    for k, v in m.items():
        if k.lower() in ('from', 'to', 'subject', 'reply-to') and v.defects:
            print('value', k, v, v.defects)
        if re.search('[\\x00-\\x1f\\x7f\\u2028\\u2029\\x85]', str(v)):
            print('control', k, repr(v))
    if re.search(rb'[^\\r]\\n|\\r[^\\n]|\\0', raw): print('bare', head[:200])
    if max(map(len, raw.split(b'\\r\\n'))) > 998: print('long line')
    try: head.decode('utf-8')
    except UnicodeDecodeError: print('header', head)
print('all read')
END
);
is($found, "all read\n", 'Python reads them all, with no field but ours');
is((grep { $_->{to} =~ /evil/ } $site->sink->messages), 0,
	'nothing went to an address in them');
my $unasked = grep { $_->{to} =~ /^c\d+\@loose/ && text($_) =~ /evil|html/ }
	@letters;
is($unasked, 0, 'a stranger gets nothing of a forger\'s name');

# --- an acknowledgement goes to nobody but who is verified, and at a rate ---
$site->make_list('ack@lists.test', ['policy=open'], ['ann@good.example',
	'ack=yes'], ['cy@loose.example', 'ack=yes'], 'bob@good.example');
$site->await_idle;
my $acks = sub ($who) { scalar grep { field($_->{data}, 'Auto-Submitted') }
	$site->sink->sent_to($who) };
my %acks = map { $_ => $acks->($_) } 'ann@good.example', 'cy@loose.example';
for my $n (1 .. 40) {
	$site->post_from(OUTSIDE, $_, ['ack@lists.test'], message(from => $_,
		to => 'ack@lists.test')) for keys %acks;
	$site->post_from(INSIDE, 'ann@good.example', ['ack@lists.test'],
		message(from => 'ann@good.example', to => 'ack@lists.test',
		more => "Auto-Submitted: auto-replied\n"));
}
$site->await_idle;
is($acks->($_), $acks{$_}, "$_ is told of no forger's posts, nor a machine's")
	for sort keys %acks;
for my $n (1 .. 60) {
	$site->post_from(INSIDE, 'ann@good.example', ['ack@lists.test'],
		message(from => 'ann@good.example', to => 'ack@lists.test'));
}
$site->await_idle;
my $told = $acks->('ann@good.example') - $acks{'ann@good.example'};
note "60 posts: $told acknowledgements";
cmp_ok($told, '>=', 1, 'of his own he is told');
cmp_ok($told, '<', 60, 'at a set rate');

is((grep { $_->{stage} eq 'shunted' } $site->json('queue', 'ls')->@*), 0,
	'nothing is shunted');
done_testing;
