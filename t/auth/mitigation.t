# SPDX-License-Identifier: BSD-2-Clause
# What arrives of posts whose authors' domains have DMARC policies: with the
# author's signature where that holds, as the list's mail where it does not.
# dkimpy judges the signatures; libopendkim and our DMARC do in another list,
# to which each copy is sent on from a host that no SPF record knows.
use v5.36;
use Test::More;
use Muster::Gate;
use Muster::Mail qw(field fields message);

system('/usr/bin/python3', '-c', 'import dkim') == 0 or
	plan skip_all => 'python3-dkim is missing';

my $tool = "$ENV{MUSTER_BUILD}/t/auth/sig-tool";
my $oracle = "$ENV{MUSTER_SRC}/t/auth/sign-oracle.py";
my $box = Muster::Box->new;
my (%pem, $zone, $keys);

sub make_key ($selector, $domain, $kind) {
	my $pem = $box->path("$selector.$domain.pem");

	system("openssl genpkey -algorithm $kind -out $pem 2>/dev/null") == 0
		or die "openssl genpkey\n";
	chmod 0600, $pem;
	chomp(my $record = qx($tool record $pem $domain $selector));
	$zone .= "$selector._domainkey.$domain TXT \"$record\"\n";
	$keys .= "$selector._domainkey.$domain\t$record\n";
	return $pem{"$selector.$domain"} = $pem;
}

make_key('rsa', $_, 'RSA') for qw(good.example mail.good.example
	weak.example lists.example);
make_key('ed', 'good.example', 'ED25519');
$box->put('keys', $keys);

sub oracle ($word, $bytes, @args) {
	my $path = $box->path('message');
	Muster::Box::spew($path, $bytes);
	open my $out, '-|:raw', '/usr/bin/python3', $oracle, $word, $path,
		$box->path('keys'), @args or die "$oracle: $!\n";
	my $text = do { local $/; <$out> };
	close $out or die "$oracle $word: status $?\n";
	return $text;
}

# Not below "test", of which no resolver asks anybody (RFC 6761).
my $site = Muster::Gate->new(sink => 1, muster => {
	domains => 'lists.example', hostname => 'lists.example' },
	zone => $zone . <<'END');
good.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.good.example TXT "v=DMARC1; p=reject"
weak.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.weak.example TXT "v=DMARC1; p=none"
_dmarc.part.example TXT "v=DMARC1; p=none; sp=quarantine; np=reject"
www.part.example A 192.0.2.1
_dmarc.test.example TXT "v=DMARC1; p=quarantine; t=y"
_dmarc.lists.example TXT "v=DMARC1; p=reject; adkim=s; aspf=s"
dead.example SERVFAIL
END
my @signs = ("sign-key=$pem{'rsa.lists.example'}", 'sign-selector=rsa');
my %lists = (
	plain => [],
	changed => [@signs, 'footer=the end', 'subject-prefix=[changed]'],
	wrapped => [@signs, 'dmarc=wrap', 'footer=the end'],
	each => [@signs, 'footer=for %{member}'],
	refused => ['dmarc=reject'],
	'refused-all' => ['dmarc=reject', 'footer=the end'],
	same => ["sign-key=$pem{'rsa.good.example'}", 'sign-selector=rsa',
		'sign-domain=good.example', 'footer=the end'],
	judge => [],
);
for my $list (sort keys %lists) {
	$site->make_list("$list\@lists.example", ['policy=open',
		@{ $lists{$list} }], 'reader@far.test');
}

$site->muster({ in => <<'END' }, 'policy', 'set', 'judge@lists.example', '-');
reject "dmarc=%{dmarc}: %{author}" when not dmarc.aligned == "dkim"
accept
END

my $number = 0;

# post(list, message(...), @sign) - its copy. Of a message that is signed: PEM,
# domain, selector, canonical forms and what else the oracle takes.
sub post ($list, $is, @sign) {
	my $id = '<' . ++$number . '@client.test>';
	my $bytes = message(to => "$list\@lists.example", id => $id, %$is);
	my $signed = $bytes;
	$signed = oracle('sign', $signed, $pem{"$_->[1].$_->[0]"}, @$_)
		for @sign;
	my $said = $site->post_from('192.0.2.7', $is->{from} =~
		/([^<\s]+\@[^>\s,]+)/ ? $1 : '', ["$list\@lists.example"],
		$signed);
	return $said if $said ne 'discard';
	my ($copy) = $site->sink->await_copies($id, 1);
	return ($said, $copy->{data}, $bytes);
}

# What a receiver says to a copy that he gets.
sub received ($copy) {
	return $site->post_from('203.0.113.5', 'x@forwarder.example',
		['judge@lists.example'], $copy);
}

sub from ($copy) { return join '|', field($copy, 'From') }

my $ann = 'Ann Example <ann@good.example>';
my $names = 'from:to:subject:date:message-id';

# --- the author's signature is left alone -----------------------------------

my %forms = (
	'as dkimpy signs' => [],
	'h= of the main fields' => ["h=$names"],
	'oversigned' => ["h=$names:$names:cc:mime-version:content-type"],
	'oversigned, Sender and Reply-To too' =>
		["h=$names:from:sender:reply-to:precedence"],
	'l= of all the body' => ['l'],
);
for my $selector (qw(rsa ed)) {
	for my $canon (qw(relaxed/relaxed relaxed/simple simple/relaxed
		simple/simple)) {
		for my $form (sort keys %forms) {
			my ($said, $copy) = post('plain', { from => $ann,
				subject => 'odd   blanks', body =>
				"two  blanks\n\n at the end \n\n\n" },
				['good.example', $selector, $canon,
				@{ $forms{$form} }]);
			my $what = "$selector, $canon, $form";

			is($said, 'discard', $what);
			is(from($copy), $ann, 'From is the author\'s');
			is(received($copy), 'discard',
				'which a receiver believes');
			like(oracle('verify', $copy), qr/^dkim pass$/m,
				'as does dkimpy');
		}
	}
}

my (undef, $copy) = post('plain', { from => $ann },
	['good.example', 'rsa', 'relaxed/relaxed'],
	['good.example', 'ed', 'simple/simple']);
is(from($copy), $ann, 'two signatures');
is(() = oracle('verify', $copy) =~ /^dkim pass$/mg, 2, 'hold both');

(undef, $copy) = post('plain', { from => $ann },
	['mail.good.example', 'rsa', 'relaxed/relaxed']);
is(from($copy), $ann, 'a signature of an aligned domain holds');
is(received($copy), 'discard', 'which a receiver believes');

for my $names ('list-unsubscribe', 'list-id:list-post', 'x-loop') {
	(undef, $copy) = post('plain', { from => $ann },
		['good.example', 'rsa', 'relaxed/relaxed', "h=from:$names"]);
	unlike(oracle('verify', $copy), qr/^dkim pass$/m,
		"nobody may add $names");
	is(from($copy), 'Ann Example via plain <plain@lists.example>',
		'and so From is the list\'s');
}

(undef, $copy) = post('plain', { from => $ann });
is(from($copy), 'Ann Example via plain <plain@lists.example>',
	'what is not signed at all passed by SPF, which no copy does');

# --- From is the list's -----------------------------------------------------

my @signature = ('good.example', 'rsa', 'relaxed/simple');

for my $list (qw(changed wrapped each)) {
	for my $signed (0, 1) {
		my ($said, $copy) = post($list, { from => $ann,
			more => "Reply-To: office\@good.example\n" },
			$signed ? \@signature : ());
		my $what = $signed ? "$list, signed" : $list;

		is($said, 'discard', $what);
		is(from($copy), "Ann Example via $list <$list\@lists.example>",
			'From is the list\'s');
		is(join('|', field($copy, 'Reply-To')),
			"office\@good.example, $ann",
			'an answer reaches the author');
		is(join('|', field($copy, 'Author')), $ann,
			'who is named (RFC 9057)');
		my $seen = oracle('verify', $copy);
		like($seen, qr/^dkim pass$/m, 'the list has signed it');
		like($seen, qr/^arc pass/, 'and sealed');
		is(received($copy), 'discard',
			'From and signature are aligned');
	}
}

(undef, $copy) = post('same', { from => $ann }, \@signature);
is(from($copy), $ann, 'a list that signs for the author\'s domain');
is(received($copy), 'discard', 'needs no other From');

sub inner ($copy) {
	my ($boundary) = (field($copy, 'Content-Type'))[0]
		=~ /boundary="?([^";]+)/;
	my (undef, $part) = split /\r\n--\Q$boundary\E\r\n/, $copy;
	my ($head, $text) = split /\r\n\r\n/, $part, 2;
	return ($head, $text =~ s/\r\n--\Q$boundary\E.*//sr);
}

for my $canon (qw(relaxed/relaxed simple/simple)) {
	my (undef, $copy, $bytes) = post('wrapped', { from => $ann,
		body => "Gr\xc3\xbc\xc3\x9fe\n", more =>
		"Content-Type: text/plain; charset=utf-8\n"
		. "Content-Transfer-Encoding: 8bit\nMIME-Version: 1.0\n" },
		['good.example', 'rsa', $canon]);
	my ($head, $inner) = inner($copy);

	like($head, qr{^Content-Type: message/rfc822\r$}m, "$canon: wrapped");
	like($head, qr/^Content-Transfer-Encoding: 8bit\r?$/m, 'as 8-bit');
	like($inner, qr/\Q$bytes\E$/, 'the post as it was');
	like(oracle('verify', $inner), qr/^dkim pass$/m,
		'the author\'s signature holds in there');
	is(field($copy, 'Message-ID'), field($inner, 'Message-ID'),
		'threads keep');
}

# --- whose domain asks for what ---------------------------------------------

my @domains = (
	['weak.example', 0, 'p=none'],
	['nothing.example', 0, 'no record'],
	['good.example', 1, 'p=reject'],
	['part.example', 0, 'p=none, whatever sp= says'],
	['www.part.example', 1, 'sp=quarantine'],
	['nowhere.part.example', 1, 'np=reject'],
	['test.example', 1, 'p=quarantine, t=y'],
	['dead.example', 1, 'what the DNS does not say'],
	['lists.example', 0, 'that of the list'],
);
for (@domains) {
	my ($domain, $munged, $what) = @$_;
	my ($said, $copy) = post('changed', { from => "x\@$domain" });

	is($said, 'discard', $what);
	is(from($copy), $munged ? 'x via changed <changed@lists.example>'
		: "x\@$domain", $munged ? 'From is the list\'s'
		: 'From is the author\'s');
}

(undef, $copy) = post('changed',
	{ from => 'ann@good.example, bob@weak.example' });
is(from($copy), '"ann, bob via changed" <changed@lists.example>',
	'several domains are nobody\'s to vouch for');

# --- refused at the door ----------------------------------------------------

my $said = post('refused', { from => $ann });
like($said, qr/^550 5\.7\.1 good\.example asks to refuse its mail/, 'dmarc=reject: what would not arrive');
($said) = post('refused', { from => $ann }, \@signature);
is($said, 'discard', 'what is signed, and is not changed, is taken');
like((post('refused-all', { from => $ann }, \@signature))[0],
	qr/^550 5\.7\.1 /, 'but not where a footer breaks it');
is((post('refused', { from => 'x@weak.example' }))[0], 'discard', 'p=none');
like((post('refused', { from => 'x@dead.example' }))[0],
	qr/^451 4\.7\.1 .*try again/, 'later, where the DNS is silent');
like((post('refused', { from => 'a@good.example, b@weak.example' }))[0],
	qr/^550 5\.7\.1 /, 'authors of several domains');
(undef, $copy) = post('refused', { from => $ann },
	[@signature, 'h=from:list-id']);
is(from($copy), 'Ann Example via refused <refused@lists.example>',
	'what gets past and would not arrive is munged');

my $id = '<both@client.test>';
is($site->post_from('192.0.2.7', 'ann@good.example', ['plain@lists.example',
	'refused@lists.example'], message(from => $ann, id => $id)), 'discard',
	'two lists, one of which refuses');
($copy) = $site->sink->await_copies($id, 1);
like($site->muster('trace', $id), qr/refused\@lists\.example.*550 5\.7\.1/s,
	'the trace says which');

my $lmtp = $site->lmtp;
my $is = $lmtp->post(from => 'ann@good.example', to => [
	'refused@lists.example'], message => message(from => $ann));
like(Muster::SMTP::outcome($is), qr/550 5\.7\.1 /, 'by the LMTP door too');

sub trial ($list, @facts) {
	my $is = $site->run({ in => message(from => $ann) }, 'policy',
		'test', "$list\@lists.example", '-', '--json',
		map { ('--evidence', $_) } @facts);
	return JSON::PP::decode_json($is->{out});
}
my $trial = trial('refused', 'dmarc=pass', 'dmarc.policy=reject',
	'dmarc.aligned=spf');
is($trial->{verdict}, 'reject', 'muster policy test says so');
like($trial->{text}, qr/asks to refuse/, 'and why');
is(trial('refused', 'dmarc=pass', 'dmarc.policy=reject',
	'dmarc.aligned=dkim')->{verdict}, 'accept', 'or not');

# --- answers, and what comes back -------------------------------------------

(undef, $copy) = post('changed', { from => 'bob@weak.example',
	to => '"Ann Example via changed" <changed@lists.example>, c@x.example' });
is(field($copy, 'To'), '<changed@lists.example>, c@x.example',
	'the list\'s address in an answer has no other\'s name');

(undef, $copy) = post('changed', { from => $ann });
like($site->post_from('192.0.2.7', 'x@weak.example', ['changed@lists.example'],
	$copy), qr/^554 5\.4\.6 /, 'a copy that comes back is a loop');
$copy =~ s/^(?:List-Id|X-Loop):.*\r\n(?:[ \t].*\r\n)*//mg;
(undef, $copy) = post('plain', { from =>
	'Ann Example via changed <changed@lists.example>' });
is(from($copy), 'Ann Example via changed <changed@lists.example>',
	'From of a list is not munged again');

# --- what the administrator is told ------------------------------------------

$site->muster('list', 'create', 'odd@lists.example', 'sign-domain=odd.example',
	@signs, 'footer=x');
$site->muster('list', 'create', 'bare@lists.example', 'footer=x');
my $check = $site->run('check')->{out};
like($check, qr/^warning: list odd\@.*From becomes.*odd\.example does not/m,
	'muster check: a signature that is not aligned');
like($check, qr/^warning: list bare\@lists\.example: .*no sign-key/m,
	'and a list without a key');
unlike($check, qr/^warning: list (?:changed|plain|refused-all)\@.*From/m,
	'not of those that are as they should be');

done_testing;
