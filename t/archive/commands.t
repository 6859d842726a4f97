# SPDX-License-Identifier: BSD-2-Clause
# muster archive: export, import, verify; with a musterd, and without.
use v5.36;
use IO::Compress::Gzip ();
use Test::More;
use Muster::Archive qw(archive_dir maildir mbox archived_ids post_to);
use Muster::Box qw(await slurp spew);
use Muster::Gate;

my $site = Muster::Gate->new(sink => 1);
my $box = $site->box;
my %list = map { $_ => "$_\@lists.test" } 'maildir', 'mbox', 'none';
$site->list($list{$_}, 'policy=open', "archive=$_") for 'maildir', 'mbox';
$site->list($list{none}, 'policy=open');

sub file ($name, $bytes) {
	spew($box->path($name), $bytes);
	return $box->path($name);
}

sub archived ($format) {
	my $dir = archive_dir($site, $list{$format});
	return sort $format eq 'mbox' ? mbox("$dir/mbox") : maildir($dir);
}

for my $n (1 .. 5) {
	post_to($site, $list{$_}, "$n\@$_", body => "From $n\r\nx\r\n")
		for 'maildir', 'mbox';
}
$site->await_idle;

# --- ls, verify ------------------------------------------------------------

my @rows = @{ $site->json('archive', 'ls', $list{mbox}) };
is_deeply([map { "@$_{qw(number format)}" } @rows],
	[map { "$_ mbox" } 1 .. 5], 'ls --json: the numbers');
is_deeply([sort map { $_->{message_id} } @rows],
	[map { "<$_\@mbox>" } 1 .. 5], 'and the posts');
my $last = $rows[4]{message_id};
like($site->muster('archive', 'ls', $list{maildir}),
	qr/\A1\t\S+Z\t[a-z2-7]{20}\t<\d\@maildir>\n2\t/, 'ls');
for my $format ('maildir', 'mbox') {
	my $is = $site->json('archive', 'verify', $list{$format});
	is_deeply([@$is{qw(posts missing changed waiting behind_mbox
		unknown_files)}], [5, 0, 0, 0, 0, 0], "$format: all is there");
}
my $is = $site->run('archive', 'verify', $list{none});
is($is->{status}, 1, 'verify of nothing: refused');
like($is->{err}, qr/has nothing in an archive/, 'and says so');

# --- export ----------------------------------------------------------------

for my $format ('maildir', 'mbox') {
	my $mbox = $box->path("$format.mbox");
	is_deeply($site->json('archive', 'export', $list{$format}, $mbox),
		{ exported => 5, lost => 0 }, "$format: exported to an mbox");
	is_deeply([sort(mbox($mbox))], [archived($format)],
		"$format: byte for byte");
	is((stat $mbox)[2] & 07777, 0600, 'it is private');
	my $dir = $box->path("$format.dir");
	$site->muster('archive', 'export', '--format', 'maildir',
		$list{$format}, $dir);
	is_deeply([sort(maildir($dir))], [archived($format)],
		"$format: exported to a Maildir, byte for byte");
	is($site->muster('archive', 'export', $list{$format}, '-'),
		slurp($mbox), 'and to stdout');
	for my $to ($mbox, $dir) {
		$is = $site->run('archive', 'export', $list{$format}, $to);
		is($is->{status}, 1, "$to is not written over");
		like($is->{err}, qr/is there already/, 'and that is said');
	}
}
is_deeply([glob($box->path('*.part'))], [], 'nothing is left');

# Python's mailbox reads both.
my $ids = qx(python3 -c '
import mailbox, sys
for box in mailbox.mbox(sys.argv[1]), mailbox.Maildir(sys.argv[2]):
	print(*sorted(m["Message-ID"] for m in box))
' @{[ $box->path('mbox.mbox') ]} @{[ $box->path('mbox.dir') ]});
is($ids, (join(' ', map { "<$_\@mbox>" } 1 .. 5) . "\n") x 2,
	"another's reader finds all");

# --- import ----------------------------------------------------------------

$site->list("$_\@lists.test", 'policy=open', 'archive=' . s/\d//r)
	for 'maildir2', 'mbox2';

sub import_to ($name, @words) {
	return $site->json('archive', 'import', "$name\@lists.test", @words);
}

for my $name ('maildir2', 'mbox2') {
	for my $from ('maildir.mbox', 'mbox.dir') {
		is_deeply(import_to($name, $box->path($from)),
			{ imported => 5, there_already => 0, not_wanted => 0,
			bad => 0 }, "$name: imported from $from");
	}
	is_deeply(import_to($name, $box->path($_)),
		{ imported => 0, there_already => 5, not_wanted => 0, bad => 0 },
		"$name, $_ again: nothing comes twice")
		for 'maildir.mbox', 'maildir.dir', 'mbox.mbox';
	my $verified = $site->json('archive', 'verify', "$name\@lists.test");
	is($verified->{posts}, 10, "$name: all are known");
	$is = $site->run({ in => slurp($box->path('mbox.mbox')) }, 'archive',
		'import', '--json', "$name\@lists.test", '-');
	like($is->{out}, qr/"there_already": ?5/, "$name: from stdin");
}
is_deeply([sort map { s/\n\z//r } mbox(archive_dir($site,
	'mbox2@lists.test') . '/mbox')], [sort map { s/\n\z//r }
	archived('maildir'), archived('mbox')],
	'what was imported are the same bytes');

my $line = 'From ann at example.net  Mon Nov 23 12:00:00 2026';
my $text = "$line\nFrom: ann at example.net (Ann Example)\n"
	. "Date: Mon, 23 Nov 2026 12:00:00 +0000\nSubject: [dev] one\n"
	. "Message-ID: <one\@example.net>\n\n>From here\n\n\n"
	. "$line\n\nno header\n\n"
	. "$line\nFrom: bob at example.net (Bob)\nSubject: two\n"
	. "X-No-Archive: yes\nMessage-ID: <two\@example.net>\n\nhi\n\n\n"
	. "$line\nFrom: bob at example.net\nSubject: three\n"
	. "Message-ID: <three\@example.net>\n\nhi\n\n";
IO::Compress::Gzip::gzip(\$text, \my $zipped);
my $gz = file('2026-November.txt.gz', $zipped);
$is = $site->run('archive', 'import', '--json', 'maildir2@lists.test', $gz);
is($is->{status}, 1, 'a bad message: status 1');
is($is->{err}, "$gz:10: it has no header field\n",
	'it is reported with file and line');
is_deeply(JSON::PP::decode_json($is->{out}), { imported => 2,
	there_already => 0, not_wanted => 1, bad => 1 }, 'the others are in');
my ($one) = grep { /^Message-ID: <one\@/m }
	maildir(archive_dir($site, 'maildir2@lists.test'));
like($one, qr/^From: Ann Example <ann\@example\.net>$/m,
	"Pipermail's addresses are addresses again");
like($one, qr/\n\nFrom here\n+\z/, 'and its text is what it was');

for my $case ([['none@lists.test', $gz], qr/has no archive.*set archive=/],
	[['maildir2@lists.test', $box->path('nothing')], qr/No such file/],
	[['maildir2@lists.test', file('cut.gz', substr $zipped, 0, -20)],
		qr/cut\.gz: the compressed data is damaged/],
	[['maildir2@lists.test', $box->dir('empty')], qr{empty/\w+: No such}],
	[['nobody@lists.test', $gz], qr/there is no list/]) {
	my ($words, $says) = @$case;
	$is = $site->run('archive', 'import', @$words);
	is($is->{status}, 1, "import @$words: refused");
	like($is->{err}, $says, 'and why');
}
$is = $site->run('archive', 'import', '--format', 'x', 'none@lists.test', $gz);
is($is->{status}, 2, 'a wrong --format: usage');

# --- interrupted -----------------------------------------------------------

my $many = join '', map { "From a\@b Mon Nov 23 12:00:00 2026\nFrom: a\@b\n"
	. "Subject: $_\nMessage-ID: <many-$_\@b>\n\n$_\n\n" } 1 .. 3000;
my $large = file('many', $many);
$site->list("many$_\@lists.test", 'policy=open', "archive=$_")
	for 'maildir', 'mbox';
for my $format ('maildir', 'mbox') {
	my $list = "many$format\@lists.test";
	$box->start("import$format", ["$site->{build}/muster", '-c',
		$site->{conf}, 'archive', 'import', $list, $large]);
	await('some of it', sub { -s archive_dir($site, $list) . '/mbox'
		|| glob(archive_dir($site, $list) . '/new/*') });
	kill KILL => $box->pid('musterd');
	$box->await_end('musterd');
	$box->await_end("import$format");
	$site->start_musterd;
	my $first = $site->json('archive', 'import', $list, $large);
	cmp_ok($first->{imported} + $first->{there_already}, '==', 3000,
		"$format, killed and run again: all");
	my @all = $format eq 'mbox' ?
		mbox(archive_dir($site, $list) . '/mbox') :
		maildir(archive_dir($site, $list));
	is_deeply(archived_ids(@all),
		{ map { ("<many-$_\@b>" => 1) } 1 .. 3000 },
		"$format: each is there once");
	is($site->run('archive', 'verify', $list)->{status}, 0,
		"$format: verified");
}

# --- without a musterd; what is missing ------------------------------------

$box->stop('musterd');
is_deeply($site->json('archive', 'export', $list{mbox}, $box->path('down')),
	{ exported => 5, lost => 0 }, 'no musterd: export');
is(import_to('maildir2', $box->path('down'))->{there_already}, 5,
	'no musterd: import');

my $dir = archive_dir($site, $list{maildir});
my @files = sort glob("$dir/new/*");
unlink $files[0];
spew($files[1], 'something else');
rename $files[2], "$dir/cur/" . ($files[2] =~ s{.*/}{}r) . ':2,S' or die;
my $mbox = archive_dir($site, $list{mbox}) . '/mbox';
my $end = -s $mbox;
truncate $mbox, $end - 10;
$is = $site->run('archive', 'verify', $list{maildir});
is($is->{status}, 1, 'missing and changed: status 1');
like($is->{err},
	qr/number \d, [a-z2-7]{20}, <.\@maildir>: \Q$files[0]\E does not have it$/m, 'the missing one is named');
like($is->{err}, qr/\Q$files[1]\E is not what was written$/m,
	'and the one that has changed');
like($is->{err}, qr/archive verify --forget/, 'and what to do');
$is = $site->json('archive', 'verify', $list{maildir}, '--forget');
is_deeply([@$is{qw(posts missing changed forgotten)}], [5, 1, 1, 2],
	'--forget');
$is = $site->json('archive', 'verify', $list{mbox}, '--forget');
is_deeply([@$is{qw(posts missing forgotten)}], [5, 1, 1],
	'--forget of the end of an mbox');
$site->start_musterd;
post_to($site, $list{mbox}, '6@mbox');
$site->await_idle;
is_deeply(archived_ids(archived('mbox')), { map { ($_ => 1) }
	grep { $_ ne $last } map { "<$_\@mbox>" } 1 .. 6 }, 'the next post goes behind the last that is there');
ok(-s "$mbox.torn", 'what was left of the other is kept');
is($site->json('archive', 'verify', $list{mbox})->{posts}, 5,
	'and all is there again');
unlike($site->run('check')->{out}, qr/database:/, 'the database is whole');
done_testing;
