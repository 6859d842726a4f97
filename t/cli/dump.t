# SPDX-License-Identifier: BSD-2-Clause
# dump, load and backup.
use strict;
use warnings;
use Test::More;
use Muster::Cli;

my $cli = Muster::Cli->new;
$cli->ok('list', 'create', "$_\@lists.example.org", '--owner',
	'o@example.net') for qw(dev ops all);
$cli->ok({ stdin => join "\n", map { "Name $_ <m$_\@example.net>" } 1 .. 500 },
	'member', 'add', "$_\@lists.example.org", '-') for qw(dev ops);
$cli->ok('member', 'set', 'dev@lists.example.org', 'm7@example.net',
	'delivery=off', 'own-posts=no');
$cli->ok('list', 'set', '@lists.example.org', 'policy=open');
$cli->ok('list', 'set', 'site', 'max-size=1M');
my $dump = $cli->ok('dump');
my $file = $cli->put('dump', $dump);

my $lines = () = $dump =~ /\n/g;
my $line = 0;
eval { JSON::PP->new->utf8->decode($_), $line++ for split /\n/, $dump; 1 }
	or diag $@;
is($line, $lines, 'every line is JSON');

my $other = Muster::Cli->new;
my $tried = $other->json('load', '--dry-run', $file);
ok(!$tried->{loaded}, 'a dry run loads nothing');
is($other->ok('list', 'ls'), '', 'nothing is there');
is_deeply($other->json('load', $file), { loaded => JSON::PP::true,
	lines => $lines, lists => 3, members => 1000, posts => 0,
	jobs => 0 }, 'load counts');
is($other->ok('dump'), $dump, 'dump, load, dump is the identity');
$other->ok({ stdin_file => $file }, 'load');
is($other->ok('dump'), $dump, 'loading it again changes nothing');
is($other->ok('member', 'ls', 'dev@lists.example.org'),
	$cli->ok('member', 'ls', 'dev@lists.example.org'), 'the members');

my $one = $cli->ok('dump', 'OPS@lists.example.org');
like($one, qr/"addr":"ops\@lists\.example\.org"/, 'one list is dumped');
unlike($one, qr/dev\@lists/, 'and no other');
my $third = Muster::Cli->new;
$third->ok({ stdin => $one }, 'load', '-');
is($third->ok('list', 'ls'), "ops\@lists.example.org\n", 'and loaded');

# what is wrong is named and changes nothing
my @bad = (
	['', qr/./],
	["nonsense\n", qr/line 1/],
	[$dump =~ s/"delivery":"on"/"delivery":7/r, qr/line \d+: .*delivery/],
	[$dump . "{\"type\":\"frob\"}\n", qr/line \d+/],
	[substr($dump, 0, length($dump) - 30), qr/line \d+/],
);
for my $i (0 .. $#bad) {
	my ($status, $out, $err) = $other->run({ stdin => $bad[$i][0] },
		'load');
	is($status, 1, "bad dump $i: status 1");
	like($err, $bad[$i][1], "bad dump $i: says where");
	is($err =~ tr/\n//, 1, "bad dump $i: in one line");
}
is($other->ok('dump'), $dump, 'bad dumps have changed nothing');

my ($status, $out, $err) = $cli->run({ out => '/dev/full' }, 'dump');
is($status, 1, 'a full disk: status 1');
like($err, qr/No space left/, 'a full disk: says so');
is($err =~ tr/\n//, 1, 'a full disk: once');

# backup
like($cli->ok({ cwd => $cli->dir }, 'backup', 'saved'),
	qr{^\Q@{[$cli->dir]}\E/saved: }, 'backup takes a relative name');
($status, $out, $err) = $cli->run('backup', $cli->dir . '/saved');
is($status, 1, 'backup: not into a directory with something in it');
my $restored = Muster::Cli->new;
$restored->write_conf($cli->dir . '/saved', $restored->dir . '/run');
is($restored->ok('dump'), $dump, 'a backup can serve as home');

done_testing;
