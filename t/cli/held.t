# SPDX-License-Identifier: BSD-2-Clause
# Held posts: what waits is shown, and each verb decides once.
use strict;
use warnings;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use Muster::Cli;

my $list = 'dev@lists.example.org';
my $time = qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/;
my $evidence = JSON::PP->new->canonical->encode({
	author => 'ann@example.net', by => 'dmarc',
	dmarc => { result => 'pass', author_domain => 'example.net' } });
my $json = JSON::PP->new->utf8->canonical;

# id - of 20 characters, by a letter
sub id { return $_[0] x 19 . 'a' }

# held - the records of a post and of its jobs, held for these lists
sub held {
	my ($letter, %of) = @_;
	my $bytes = $of{bytes} // "From: Ann <ann\@example.net>\r\n" .
		"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= $letter\r\n\r\n" .
		"one\r\n\e[31mtwo\r\n";
	my @records = ({ type => 'post', id => id($letter),
		received_s => 1700000000, sender => 'ann@example.net',
		qid => '', message_id => "<$letter\@example.net>",
		door => 'milter', client => '', helo => '', auth => '',
		author => 'ann@example.net', size => length $bytes,
		evidence => $of{evidence} // $evidence },
		{ type => 'piece', post => id($letter), list => '',
		part => 'bytes', number => 0,
		data => encode_base64($bytes, '') });
	my $job = 'a';
	push @records, { type => 'job', id => id($letter) =~ s/^./$job++/er,
		stage => 'held', was => '', due_ms => 4102444800000,
		made_ms => 1700000000000, attempts => 0, post => id($letter),
		list => $_, list_gone => JSON::PP::false, role => 'post',
		detail => '', audience => 'none', after => '', until => '',
		as_of_s => 0, addrs => [], sent => 0, refused => 0,
		reason => 'rule 2: not author.member', }
		for @{$of{lists} // [$list]};
	return join '', map { $json->encode($_) . "\n" } @records;
}

sub site {
	my $cli = Muster::Cli->new;
	$cli->ok('list', 'create', $_, '--owner', 'o@example.net')
		for $list, 'ops@lists.example.org';
	$cli->ok({ stdin => qq({"format":"muster-dump","version":1}\n) .
		join '', @_ }, 'load');
	return $cli;
}

# refused - status 1, one line on stderr that says this
sub refused {
	my ($cli, $said, @words) = @_;
	my ($status, $out, $err) = $cli->run('held', @words);
	is($status, 1, "@words: status 1");
	like($err, $said, "@words: says why");
	return $out;
}

sub queue {
	my ($cli) = @_;
	return join ' ', map { "$_->{stage}:$_->{post}" }
		@{$cli->json('queue', 'ls')};
}

my $cli = site(held('b'), held('c', evidence => ''),
	held('d', lists => [$list, 'ops@lists.example.org']));

# ls, show
my $all = $cli->json('held', 'ls');
is(scalar @$all, 4, 'ls');
is(scalar @{$cli->json('held', 'ls', $list)}, 3, 'ls of a list');
my ($b) = grep { $_->{post} eq id('b') } @$all;
like($b->{$_}, $time, "ls --json: $_") for qw(held expires);
is_deeply({ map { $_ => $b->{$_} } qw(id list author subject reason) },
	{ id => id('b') =~ s/^./a/r, list => $list,
	author => 'ann@example.net', subject => "Gr\xfc\xdfe b",
	reason => 'rule 2: not author.member' }, 'ls --json');
my @rows = split /\n/, $cli->ok('held', 'ls');
is(scalar @rows, 4, 'ls: a line each');
is(scalar(split /\t/, $rows[0]), 8, 'ls: with all columns');
refused($cli, qr/no such list|there is no list/, 'ls',
	'no@lists.example.org');

my $shown = $cli->json('held', 'show', $b->{id});
like($shown->{verified}, qr/^verified: /, 'show: verified');
like($shown->{evidence}, qr/dmarc=pass/, 'show: evidence');
is_deeply($shown->{header}, ['From: Ann <ann@example.net>',
	'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= b'], 'show: header');
is_deeply($shown->{begins}, ['one', '[31mtwo'], 'show: how it begins');
my $text = $cli->ok('held', 'show', id('c'));
like($text, qr/^verified = NOT verified/m, 'show: by the id of the post');
unlike($text, qr/\e/, 'show: nothing for the terminal to obey');
is($cli->ok('held', 'show', '--raw', $b->{id}), "From: Ann " .
	"<ann\@example.net>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= b\r\n" .
	"\r\none\r\n\e[31mtwo\r\n", 'show --raw');
refused($cli, qr/is no id/, 'show', 'nonsense');
refused($cli, qr/no post is held/, 'show', 'x' x 19 . 'a');
refused($cli, qr/held for several lists/, 'show', id('d'));
is(($cli->run('held', 'show', '--raw', '--json', $b->{id}))[0], 2,
	'show --raw --json is a mistake');

# the queue leaves them alone
my ($status, undef, $err) = $cli->run('queue', 'retry', $b->{id});
is($status, 1, 'queue retry is refused');
like($err, qr/muster held approve/, 'and says what to do');
is($cli->json('status')->{queue}{held}, 4, 'status counts them');

# decisions
is($cli->ok('held', 'approve', $b->{id}), "$b->{id} approved\n", 'approve');
like(queue($cli), qr/^pending:\Q@{[id('b')]}\E held:/, 'it is pending');
refused($cli, qr/has been decided/, 'approve', $b->{id});
refused($cli, qr/has been decided/, 'discard', $b->{id});
like($cli->ok('trace', id('b')), qr/approved by the administrator/,
	'its trace');

my ($ops) = grep { $_->{post} eq id('d') && $_->{list} =~ /^ops/ } @$all;
my $out = refused($cli, qr/\A[^\n]*no post is held[^\n]*\n\z/, 'reject',
	'--reason', 'not ours', id('c'), 'x' x 19 . 'a', $ops->{id});
is($out, id('c') . " rejected\n$ops->{id} rejected\n",
	'the others are rejected');
like($cli->ok('trace', id('c')),
	qr/rejected by the administrator: not ours; the author was not told/,
	'an author who is not verified is not told');
like($cli->ok('trace', id('d')),
	qr/rejected by the administrator: not ours; the author was told/,
	'one who is, is');
like(queue($cli), qr/outbound:/, 'by mail');
is($cli->ok('held', 'accept', id('d')),
	id('d') . " approved, its author is accepted\n", 'accept');
is($cli->json('list', 'show', $list)->{accepted}, 'ann@example.net',
	'the key has him');
is($cli->ok('held', 'ls'), '', 'nothing waits');
is_deeply($cli->json('held', 'ls'), [], 'in JSON too');
like((($cli->run('check'))[1]), qr/^ok: database$/m, 'the database is whole');

my $other = site(held('e'), held('f'));
is($other->ok('held', 'discard', id('e')), id('e') . " discarded\n",
	'discard');
is(scalar @{$other->json('held', 'ls')}, 1, 'the other waits');
my $dump = $other->ok('dump');
my $third = Muster::Cli->new;
$third->ok({ stdin => $dump }, 'load');
is($third->ok('dump'), $dump, 'dump, load, dump is the identity');
is_deeply($third->json('held', 'ls'), $other->json('held', 'ls'),
	'and it is held there');
my ($bad) = $other->run({ stdin => qq({"format":"muster-dump","version":1}\n)
	. held('g', evidence => 'nonsense') }, 'load');
is($bad, 1, 'evidence that is none is not loaded');

# with musterd
SKIP: {
	skip 'no musterd is built', 2 if !-x "$Muster::Cli::BUILD/musterd";
	$other->start;
	is($other->ok('held', 'approve', id('f')), id('f') . " approved\n",
		'approve with musterd');
	ok($other->await(sub { $other->ok('trace', id('f')) =~
		/on its way to the members/ }, 'the stages wake'),
		'it is on its way');
	$other->stop;
}

done_testing();
