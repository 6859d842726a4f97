# SPDX-License-Identifier: BSD-2-Clause
# Feedback reports (RFC 5965) come to one address of the site, by either door,
# with the copy that is complained of in them.
use v5.36;
use Test::More;
use Muster::Box qw(await slurp);
use Muster::Gate;

my $corpus = "$ENV{MUSTER_SRC}/../shared/corpus/bounces/eml";
my $tool = "$ENV{MUSTER_BUILD}/t/auth/sig-tool";
my $keys = Muster::Box->new;
my $pem = $keys->path('isp.pem');

system("openssl genpkey -algorithm ED25519 -out $pem 2>/dev/null") == 0
	or die "openssl genpkey\n";
chmod 0600, $pem;
chomp(my $record = qx($tool record $pem isp.example s1));
$keys->put('keys', "s1._domainkey.isp.example\t$record\n");

my $site = Muster::Gate->new(sink => 1,
	muster => { feedback => 'fbl@lists.test' }, zone => <<"END");
isp.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
other.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
broken.example SERVFAIL
s1._domainkey.isp.example TXT "$record"
END
my @people = map { "$_\@isp.example" } qw(ann bob cy dan eve fay gus hal);
$site->make_list("$_\@lists.test", ['--owner', 'owner@far.test',
	'policy=open', 'unsubscribe-url=https://x.test/u?t=%{token}'],
	@people) for qw(dev ops);
$site->muster('list', 'set', 'ops@lists.test', 'complaint=off');

# A post to both; then each member's copy of each.
sub post ($id) {
	is($site->post_from('192.0.2.7', 'a@far.test', ['dev@lists.test',
		'ops@lists.test'], "From: a\@far.test\r\nSubject: x\r\n"
		. "Message-ID: <$id\@far.test>\r\n\r\nhello\r\n"),
		'discard', "a post, $id");
	my %copy;
	for my $sent ($site->sink->await_copies("<$id\@far.test>", 2 * @people)) {
		my ($list) = $sent->{from} =~ /^(\w+)-bounces/ or die;
		$copy{"$list $sent->{to}"} = $sent;
	}
	return \%copy;
}

# What of a sample is enclosed gets those fields, and loses its Return-Path.
sub adapted ($sample, %with) {
	my $text = slurp("$corpus/$sample.eml") =~ s/\r?\n/\r\n/gr;
	my ($head, $copy) = $text =~ m{\A(.*?\r\nContent-Type:[ ]
		(?:message/rfc822|text/rfc822-headers?)\b.*?\r\n\r\n
		(?:From[ ][^\r]*\r\n)?)(.*)\z}six or die "$sample: no copy\n";
	my ($fields, $rest) = split /(?<=\r\n)(?=\r\n)/, $copy, 2;
	$fields =~ s/^Return-Path:.*\r\n//mig;
	$head =~ s/^(Original-Mail-From:).*$/$1 <$with{said}>\r/mi
		if $with{said};
	return "$head" . ($with{fields} // '') . $fields . ($rest // '');
}

# A report of our own making; copies: texts of whole messages
sub report ($type, @copies) {
	return "From: fbl\@isp.example\r\nSubject: spam\r\nMIME-Version: 1.0\r\n"
		. "Message-ID: <" . rand() . "\@isp.example>\r\n"
		. "Content-Type: multipart/report; boundary=bb;\r\n"
		. " report-type=feedback-report\r\n\r\n--bb\r\n\r\nspam\r\n"
		. "--bb\r\nContent-Type: message/feedback-report\r\n\r\n"
		. "Feedback-Type: $type\r\nUser-Agent: x/1\r\nVersion: 1\r\n"
		. join('', map { "\r\n--bb\r\nContent-Type: message/rfc822\r\n"
			. "\r\n$_" } @copies) . "\r\n--bb--\r\n";
}

sub signed ($text) {
	$keys->put('message', $text);
	my $out = qx($tool sign @{[$keys->path("message")]} @{[$keys->path("keys")]} $pem isp.example s1);
	die "sig-tool: status $?\n" if $?;
	return $out;
}

sub by_gate ($text, %opt) {
	return $site->post_from($opt{client} // '192.0.2.7',
		$opt{from} // 'fbl@isp.example', [$opt{to} // 'fbl@lists.test'],
		$text);
}

sub by_lmtp ($text) {
	return $site->lmtp->post(from => '', to => ['fbl@lists.test'],
		message => $text)->{dot};
}

sub is_on ($list, $name) {
	my $shown = eval { $site->json('member', 'show', "$list\@lists.test",
		"$name\@isp.example") } or return 0;
	return $shown->{delivery} eq 'on';
}

sub complaints ($list) {
	return scalar grep { /\bcomplaint\b/ } split /\n/,
		$site->muster('bounce', 'ls', "$list\@lists.test");
}

sub leave_of ($copy) {
	my ($field) = $copy->{data} =~ /^(List-Unsubscribe:.*?\r\n)(?=\S)/msi
		or die;
	return $field;
}

my $copy = post('one');
my @lives = (
	[ann => 'sisimai--arf-01', sub ($c) { (fields =>
		"Return-Path: <$c->{from}>\r\n") }],
	[bob => 'sisimai--arf-12', sub ($c) { (fields => leave_of($c)) }],
	[cy => 'sisimai--arf-14', sub ($c) { (said => $c->{from}) }],
	[dan => 'phpbh--fbl-yahoo', sub ($c) { (said => $c->{from}) }],
	[eve => 'phpbh--fbl-hotmail', sub ($c) { (fields => leave_of($c)) }],
	[fay => 'phpbh--arf5', sub ($c) { (fields => 'Received: from x by y '
		. "(envelope-from\r\n <$c->{from}>) id 1\r\n") }],
);
SKIP: {
	skip 'the corpus is not there', 1 if !-d $corpus;
	for my $life (@lives) {
		my ($name, $sample, $with) = @$life;
		my $dev = adapted($sample, $with->($copy->{"dev $name\@isp.example"}));
		my $ops = adapted($sample, $with->($copy->{"ops $name\@isp.example"}));

		is(by_gate($dev), 'discard', "$sample by the gate");
		like(by_lmtp(signed($ops)), qr/^250 /, "$sample by LMTP");
		await("$name to have left dev", sub { !is_on('dev', $name) });
		await("$name to be off in ops", sub { !is_on('ops', $name) });
	}
	is_deeply([map { is_on('dev', $_) } qw(gus hal)], [1, 1],
		'nobody else has');
	await('letters to the owner', sub {
		6 == grep { $_->{to} eq 'owner@far.test'
			&& $_->{data} =~ /by\s+isp\.example\b/ } $site->sink->messages });
	like($site->muster('member', 'show', 'ops@lists.test', 'ann@isp.example'),
		qr/off/, 'and those of ops are members');
	is(by_gate(adapted('sisimai--arf-18', said =>
		$copy->{'dev gus@isp.example'}{from})), 'discard',
		'a report of another kind is taken');
}

my $gus = $copy->{'ops gus@isp.example'};
my $hal = $copy->{'dev hal@isp.example'};
my $mine = "Return-Path: <$gus->{from}>\r\n$gus->{data}";
my $refused = qr/^550 5\.7\.1 /;
like(by_gate(report('abuse', $mine), client => '198.51.100.9'), $refused,
	'from where nothing is verified');
like(by_lmtp(report('abuse', $mine)), $refused, 'without a signature');
like(by_gate(report('abuse', $mine), from => 'x@broken.example'), qr/^451 4\.7\.0 /,
	'where the DNS fails');
like(by_gate("From: x\@isp.example\r\nSubject: hello\r\n\r\nhello\r\n"),
	$refused, 'what is no report');
like(by_gate($mine), $refused, 'nor is a copy alone');
like(by_gate(report('abuse')), $refused, 'a report without a copy');
like(by_gate(report('abuse', "From: x\@isp.example\r\n\r\nhello\r\n")), $refused,
	'of another mail');
like(by_gate(report('abuse', $mine =~ s/^(Return-Path: <\S+?\+)../$1zz/r
	=~ s/^List-Unsubscribe:.*?\r\n(?=\S)//msir)), $refused,
	'with a token that we have not made');
like(by_gate(report('abuse', "List-Id: <other.lists.test>\r\n"
	. ($mine =~ s/^List-Id:.*?\r\n(?=\S)//msir))), $refused,
	'a copy that another list has sent on');
like(by_gate(report('abuse', "From: a\@b.test\r\nMIME-Version: 1.0\r\n"
	. "Content-Type: message/rfc822\r\n\r\n$mine")), $refused,
	'a copy that stands in another mail');
is(by_gate(report('not-spam', $mine)), 'discard', 'no complaint');
$site->await_idle;
is(is_on('ops', 'gus'), 1, 'nothing of this has turned anybody off');
is(is_on('dev', 'gus'), 1, 'or removed');

is(by_gate(report('abuse', $mine, "Return-Path: <$hal->{from}>\r\n"
	. "$hal->{data}"), to => 'FBL+x@lists.test'), 'discard',
	'one report of two copies');
await('gus to be off', sub { !is_on('ops', 'gus') });
await('hal to have left', sub { !is_on('dev', 'hal') });
is_deeply([is_on('dev', 'gus'), is_on('ops', 'hal')], [1, 1],
	'each from his list only');
$site->muster('member', 'set', 'ops@lists.test', 'gus@isp.example',
	'delivery=on');
is(by_gate(report('abuse', $mine)), 'discard', 'the same again');
is(by_gate(report('abuse', leave_of($gus) . "From: a\@far.test\r\n\r\nx\r\n")),
	'discard', 'and with the other token');
$site->await_idle;
is(is_on('ops', 'gus'), 1, 'counts once');
my ($id) = $site->muster('trace', '<one@far.test>') =~ /^(\S+)/m;
like($site->muster('trace', '<one@far.test>'),
	qr/hal\@isp\.example called a post spam, and was removed/, 'traced');

# A site that names whom it believes, and one without the address.
$site = Muster::Gate->new(muster => { feedback => 'fbl@lists.test',
	'feedback-from' => 'isp.example' }, zone => <<'END');
sub.isp.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
other.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
END
like(by_gate(report('abuse', $mine), from => 'x@other.example'),
	qr/^550 5\.7\.1 .*some providers only/, 'not one of those');
like(by_gate(report('abuse', $mine), from => 'x@sub.isp.example'),
	qr/^550 5\.7\.1 .*encloses no copy/, 'one of those');
my $is = $site->run('list', 'create', 'fbl@lists.test');
isnt($is->{status}, 0, 'no list has that address');
$site = Muster::Gate->new;
like(by_gate(report('abuse', $mine)), qr/^550 5\.1\.1 /, 'no such address');
done_testing;
