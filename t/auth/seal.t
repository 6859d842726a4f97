# SPDX-License-Identifier: BSD-2-Clause
# What a list sends on: the author's signature still good, results that are
# forged taken away and ours in their place, an ARC set of the list's; and
# what such a set is worth where its sealer is trusted. dkimpy is the judge.
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

for my $domain ('good.example', 'lists.test', 'sealer.example') {
	my $pem = $pem{$domain} = $box->path("$domain.pem");
	system("openssl genpkey -algorithm RSA -out $pem 2>/dev/null") == 0
		or die "openssl genpkey\n";
	chmod 0600, $pem;
	chomp(my $record = qx($tool record $pem $domain s1));
	$zone .= "s1._domainkey.$domain TXT \"$record\"\n";
	$keys .= "s1._domainkey.$domain\t$record\n";
}
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

my $site = Muster::Gate->new(sink => 1,
	zone => $zone . <<'END',
good.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.good.example TXT "v=DMARC1; p=reject"
END
	auth => { 'trusted-sealers' => 'sealer.example' });
for my $list (qw(dev sealed)) {
	$site->make_list("$list\@lists.test", ['policy=members',
		$list eq 'sealed' ? ("sign-key=$pem{'lists.test'}",
			'sign-selector=s1', 'sign-domain=lists.test') : ()],
		'ann@good.example');
}

my @forged = ('Authentication-Results: lists.test; dmarc=pass',
	"authentication-results:\n (x) LISTS.test 1;\n\tdmarc=pass",
	'Authentication-Results: "lists.test"; auth=pass',
	'Authentication-Results: mx.lists.test; dmarc=pass',
	'Authentication-Results: (((');

sub post ($list, $client, %opt) {
	my $bytes = message(from => 'ann@good.example',
		to => "$list\@lists.test", %opt);
	$bytes = oracle('sign', $bytes, $pem{'good.example'}, 'good.example',
		's1', $opt{canon}) if $opt{canon};
	my $id = field($bytes, 'Message-ID');
	my $is = $site->post_from($client, 'ann@good.example',
		["$list\@lists.test"], $bytes);
	return ($is, $id);
}

for my $canon ('relaxed/relaxed', 'simple/simple') {
	for my $list (qw(dev sealed)) {
		my ($is, $id) = post($list, '198.51.100.9', canon => $canon,
			more => join("\n", @forged) . "\n"
			. "Authentication-Results: mx.example; spf=pass\n");

		is($is, 'discard', "$list, $canon: verified by a signature");
		my ($copy) = $site->sink->await_copies($id, 1);
		my @results = field($copy->{data}, 'Authentication-Results');
		my ($ours, @more) = grep { /lists\.test/i } @results;
		is(scalar @more, 0, 'one field has our name');
		is(scalar @results, 2, 'that of another host is left');
		like($ours, qr/^lists\.test;.*\bspf=fail\b.*\bdkim=pass\b.*
			\bheader\.d=good\.example\b.*\bdmarc=pass\b/xs,
			'and says what was found');
		my $seen = oracle('verify', $copy->{data});
		like($seen, qr/^dkim pass$/m, 'the author\'s signature holds');
		like($seen, $list eq 'sealed' ? qr/^arc pass/ : qr/^arc none/,
			$list eq 'sealed' ? 'the list\'s seal is good'
			: 'a list without a key does not seal');
		my ($aar) = field($copy->{data}, 'ARC-Authentication-Results');
		like($aar, qr/^i=1;\s*lists\.test;.*dmarc=pass/s,
			'with what was found') if $list eq 'sealed';
	}
}

# An instance more on what has one already.
my $once = oracle('seal', message(from => 'ann@good.example',
	to => 'sealed@lists.test', id => '<once@good.example>'),
	$pem{'sealer.example'}, 'sealer.example', 's1');
is($site->post_from('192.0.2.7', 'ann@good.example', ['sealed@lists.test'],
	$once), 'discard', 'a sealed post');
my ($copy) = $site->sink->await_copies('<once@good.example>', 1);
like(oracle('verify', $copy->{data}), qr/^arc pass/, 'is sealed on top');
is(scalar(field($copy->{data}, 'ARC-Seal')) =~ /i=2/, 1, 'as the second');

# From elsewhere, without a signature: what the trusted sealer has seen.
sub through ($sealer, $author, $text, $id) {
	my $bytes = oracle('seal', message(from => 'ann@good.example',
		to => 'dev@lists.test', id => $id), $pem{$sealer}, $sealer,
		's1', $author);
	$bytes =~ s/Hello/$text/;
	return $site->post_from('198.51.100.9', 'x@sealer.example',
		['dev@lists.test'], $bytes);
}

is(through('sealer.example', 'good.example', 'Hello', '<t1@good.example>'),
	'discard', 'a trusted sealer saw DMARC pass');
like(through('sealer.example', 'good.example', 'Changed',
	'<t2@good.example>'), qr/^550 5\.7\.1 /,
	'what was changed behind it does not count');
like(through('lists.test', 'good.example', 'Hello', '<t3@good.example>'),
	qr/^550 5\.7\.1 /, 'a sealer that is not trusted');
like(through('sealer.example', 'other.example', 'Hello',
	'<t4@good.example>'), qr/^550 5\.7\.1 /,
	'a trusted one that saw another author');
like($site->muster('trace', '<t1@good.example>'),
	qr/sealer\.example/, 'the trace says who vouched');

done_testing;
