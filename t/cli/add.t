# SPDX-License-Identifier: BSD-2-Clause
# Address files of all kinds.
use strict;
use warnings;
use Test::More;
use Time::HiRes qw(time);
use Muster::Cli;

my $cli = Muster::Cli->new;
my $list = 'dev@lists.example.org';
$cli->ok('list', 'create', $list);

my $file = $cli->put('odd', join '',
	"\xef\xbb\xbf", "ann\@example.net\r\n",			# 1
	"\r\n", "# a remark\n", "   \n",			# 2 3 4
	"  Bob B\t<bob\@example.net>  \n",			# 5
	"\"Doe, Joe\" <joe\@example.net>\n",			# 6
	"=?utf-8?b?Wm/Dqw==?= <zoe\@example.net>\n",		# 7
	"ann\@EXAMPLE.NET\n",					# 8
	"ann\n", "two words\n", "a\@b.org, c\@d.org\n",		# 9 10 11
	"<unclosed\@example.net\n", "\@example.net\n",		# 12 13
	"nul\0\@example.net\n",					# 14
	"latin\xe9\@example.net\n",				# 15
	"x" x 5000, "\@example.net\n",				# 16
	"\e[2Jclear\@\n",					# 17
	"Esc <es\ec\@example.net>\n",				# 18
	"last\@example.net");					# 19
my ($status, $out, $err) = $cli->run('member', 'add', $list, '--file', $file);
is($status, 1, 'bad lines: status 1');
is($out, "5 added, 1 were already there, 10 bad lines\n", 'the summary');
is(join(' ', $err =~ /^\Q$file\E:(\d+): /mg),
	'9 10 11 12 13 14 15 16 17 18', 'each bad line is named');
is($err =~ tr/\n//, 10, 'in a line each');
unlike($err, qr/[^\n\x20-\x7e\x80-\xff]/, 'with no control characters');
cmp_ok(length((split /\n/, $err)[7]), '<', 300, 'a long line is shortened');
is_deeply([map { "$_->{name}|$_->{address}" }
	@{$cli->json('member', 'ls', $list)}],
	['|ann@example.net', 'Bob B|bob@example.net',
	 'Doe, Joe|joe@example.net', '|last@example.net',
	 "Zo\x{eb}|zoe\@example.net"], 'the others are there');

($status, $out, $err) = $cli->run({ cwd => $cli->dir }, 'member', 'add',
	$list, '--file', 'odd', '--json');
is_deeply(JSON::PP->new->decode($out), { added => 0, already_there => 6,
	bad => 10 }, 'again: nothing new');
like($err, qr/^odd:9: /, 'a relative name is shown as given');

is($cli->ok({ stdin => "s1\@example.net\n" }, 'member', 'add', $list, '-'),
	"1 added, 0 were already there, 0 bad lines\n", '- is stdin');
is($cli->ok({ stdin => "s2\@example.net\n" }, 'member', 'add', $list,
	'--file', '-'), "1 added, 0 were already there, 0 bad lines\n",
	'--file - is stdin');
is($cli->ok('member', 'add', $list, '--file', $cli->put('empty', '')),
	"0 added, 0 were already there, 0 bad lines\n", 'an empty file');
($status, $out, $err) = $cli->run('member', 'add', $list, '--file',
	$cli->dir);
is($status, 1, 'a directory: status 1');
like($err, qr/directory/, 'a directory: says so');
($status, $out, $err) = $cli->run('member', 'add', $list, 'good@example.net',
	'bad', 'Worse <');
is($status, 1, 'bad arguments: status 1');
is($out, "1 added, 0 were already there, 2 bad addresses\n",
	'bad arguments: the good one is added');
is($err =~ tr/\n//, 2, 'bad arguments: a line each');

# many, in no order, some twice
my @many = map { sprintf 'm%d.%d@example%d.net', $_ * 7919 % 200003, $_,
	$_ % 97 } 1 .. 200000;
$file = $cli->put('many', join("\n", @many, @many[0 .. 9999]) . "\n");
my $start = time;
is($cli->ok('member', 'add', $list, '--file', $file),
	"200000 added, 10000 were already there, 0 bad lines\n",
	'200,000 members');
my $took = time - $start;
cmp_ok($took, '<', Muster::Reports::is_sanitized() ? 600 : 45,
	sprintf('in %.1f s', $took));
is($cli->json('list', 'show', $list)->{members}, 200008, 'they are there');
is(scalar(() = $cli->ok('member', 'ls', $list) =~ /\n/g), 200008,
	'ls prints all');
is(scalar(() = $cli->ok('member', 'ls', $list, '--json') =~
	/^ \{"address": /mg), 200008, 'in JSON too');

done_testing;
