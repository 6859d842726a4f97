# SPDX-License-Identifier: BSD-2-Clause
# Each verb does what it says, in text and in JSON.
use strict;
use warnings;
use utf8;
use Test::More;
use Muster::Cli;

binmode $_, ':utf8' for Test::More->builder->output,
	Test::More->builder->failure_output;

my $cli = Muster::Cli->new;
my $list = 'dev@lists.example.org';
my $time = qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/;

is($cli->ok('list', 'create', 'Dev@LISTS.example.org', '--owner',
	'ann@example.net', '--owner', 'Bob@example.net', 'policy=open',
	'description=Dévelopers'), "$list: created\n", 'create');
is($cli->ok('list', 'create', 'all@example.com'),
	"all\@example.com: created\n", 'create in a shared domain');
is($cli->ok('list', 'ls'), "all\@example.com\n$list\n", 'ls is sorted');
my $all = $cli->json('list', 'ls');
is_deeply([map { $_->{list} } @$all], ['all@example.com', $list],
	'ls --json');
is($all->[1]{description}, 'Dévelopers', 'ls --json: UTF-8');
like($all->[1]{created}, $time, 'ls --json: time');

my $shown = $cli->json('list', 'show', $list);
is($shown->{policy}, 'open', 'show --json: policy');
is($shown->{owner}, 'ann@example.net, Bob@example.net', 'show: owners');
is($shown->{members}, 0, 'show: members');
my %from = map { $_->{key} =~ tr/-/_/r => 'default' }
	grep { $_->{of} eq 'list' } @{$cli->json('list', 'keys')};
$from{$_} = 'list' for qw(description owner policy);
is_deeply($shown->{from}, \%from, 'show --json: from');
is_deeply([sort keys %$shown], [sort qw(list created members delivery_off
	includes from), keys %{$shown->{from}}], 'show --json: all keys');

$cli->ok('list', 'set', '@lists.example.org', 'max_size=2M',
	'policy=members-strict');
$cli->ok('list', 'set', 'site', 'max-size=1M');
$cli->ok('list', 'set', $list, '--unset', 'policy', '--unset', 'owner',
	'subject-prefix=[dev]');
$shown = $cli->json('list', 'show', $list);
is("$shown->{policy} $shown->{from}{policy}", 'members-strict domain',
	'unset falls back to the domain');
is("$shown->{max_size} $shown->{from}{max_size}", '2M domain',
	'the domain is nearer than the site');
is("$shown->{subject_prefix} $shown->{from}{subject_prefix}", '[dev] list',
	'set');
is($cli->json('list', 'show', 'all@example.com')->{max_size}, '1M',
	'another domain inherits from the site');
is($cli->json('list', 'show', 'site')->{scope}, 'site', 'show site');
is($cli->json('list', 'show', '@lists.example.org')->{from}{policy},
	'domain', 'show @DOMAIN');

is($cli->ok('member', 'add', $list, 'ann@example.net',
	'"Bob, B" <Bob@Example.NET>', 'Zoë <zoe@example.net>',
	'ann@EXAMPLE.net'),
	"3 added, 1 were already there, 0 bad addresses\n", 'member add');
is_deeply($cli->json('member', 'add', $list, 'ann@example.net',
	'x@example.net'), { added => 1, already_there => 1, bad => 0 },
	'member add --json');
$cli->ok('member', 'set', $list, 'x@example.net', 'delivery=off',
	'own-posts=no', 'moderated=yes', 'name=Ix');
is($cli->ok('member', 'ls', $list), "Bob\@Example.NET\nann\@example.net\n" .
	"x\@example.net\tdelivery=off\tmoderated=yes\town-posts=no" .
	"\toff-by=admin\n" .
	"zoe\@example.net\n",
	'member ls');
is($cli->ok('member', 'ls', $list, @{$_->[0]}), $_->[1],
	"member ls @{$_->[0]}") for
	[['--delivery', 'on'], "Bob\@Example.NET\nann\@example.net\n" .
		"zoe\@example.net\n"],
	[['--delivery=digest'], ''],
	[['--off-by', 'self'], ''],
	[['--off-by', 'admin', '--moderated', '--delivery', 'off'],
		"x\@example.net\tdelivery=off\tmoderated=yes\town-posts=no" .
		"\toff-by=admin\n"];
is(scalar @{$cli->json('member', 'ls', $list, '--moderated')}, 1,
	'member ls --moderated --json');
for (['--delivery', 'no'], ['--off-by', '']) {
	my ($status, $out, $err) = $cli->run('member', 'ls', $list, @$_);
	is($status . $out, '2', "member ls @$_ is no usage");
	like($err, qr/$_->[0]: .* is expected/, 'and it says what is');
}
$cli->ok('member', 'set', $list, 'zoe@example.net', 'delivery=plain',
	'duplicates=no', 'ack=yes', 'hidden=yes', 'language=pt_BR');
like($cli->ok('member', 'ls', $list, '--delivery', 'plain'),
	qr/^zoe\@example\.net\tdelivery=plain\tduplicates=no\tack=yes\t
	hidden=yes\tlanguage=pt-br\n\z/x, 'what is not the default');
$cli->ok('member', 'set', $list, 'zoe@example.net', 'delivery=on');
my $members = $cli->json('member', 'ls', $list);
is_deeply([map { $_->{name} } @$members], ['Bob, B', '', 'Ix', 'Zoë'],
	'member ls --json');
is_deeply([map { $_->{moderated} ? 1 : 0 } @$members], [0, 0, 1, 0],
	'member ls --json: moderated');
my $member = $cli->json('member', 'show', $list, 'x@example.net');
like(delete $member->{since}, $time, 'member show: since');
like(delete $member->{off_since}, $time, 'member show: since when it is off');
is_deeply($member, { list => $list, address => 'x@example.net',
	name => 'Ix', delivery => 'off', off_by => 'admin', language => undef,
	own_posts => JSON::PP::false, moderated => JSON::PP::true,
	duplicates => JSON::PP::true, ack => JSON::PP::false,
	hidden => JSON::PP::false, posts => 0,
	bounces => 0, last_bounce => undef, bounce_reason => undef,
	score => 0, scored => undef, probe => undef, warnings => 0,
	last_warning => undef },
	'member show --json');
like($cli->ok('member', 'show', $list, 'x@example.net'),
	qr/^delivery = off\nown-posts = no\nmoderated = yes$/m, 'member show');
is($cli->ok('member', 'remove', $list, 'x@example.net',
	'zoe@example.net'), "2 removed\n", 'member remove');

is($cli->ok('queue', 'ls'), '', 'queue ls');
is_deeply($cli->json('queue', 'ls'), [], 'queue ls --json');
my $status = $cli->json('status');
is($status->{members}, 2, 'status: members');
is($status->{lists}, 2, 'status: lists');
ok(!$status->{running}, 'status: not running');
is_deeply($status->{queue}, { pending => 0, outbound => 0, bounce => 0,
	notice => 0, command => 0, program => 0, archive => 0,
	held => 0, shunted => 0 }, 'status: queue');
cmp_ok($status->{free_bytes}, '>', 0, 'status: free space');

my ($code, $out, $err) = $cli->run('check');
is($code . $err, '1', 'check: the relay is away, status 1');
like($out, qr/^error: relay 127\.0\.0\.1:1: /m, 'check: the relay');
like($out, qr/^ok: settings /m, 'check: settings');
like($out, qr/^warning: list \S+ has no owner/m, 'check: owner');
like($out, qr/^warning: musterd does not run/m, 'check: musterd');
like($out, qr/^ok: database$/m, 'check: database');
is(scalar grep({ !/^(?:ok|warning|error): / } split /\n/, $out), 0,
	'check: nothing but findings');
(undef, $out) = $cli->run('check', '--json');
my $findings = JSON::PP->new->utf8->decode($out);
is(scalar grep({ $_->{level} eq 'error' } @$findings), 1, 'check --json');

is($cli->ok('list', 'delete', $list), "$list: deleted\n", 'delete');
is($cli->ok('list', 'ls'), "all\@example.com\n", 'it is gone');
$cli->ok('list', 'create', $list);
is($cli->ok('member', 'ls', $list), '', 'its members too');
is($cli->json('list', 'show', $list)->{from}{subject_prefix}, 'default',
	'and its keys');

my $settings = $cli->json('settings');
is((grep { $_->{key} eq 'relay' } @$settings)[0]{default},
	'127.0.0.1:10025', 'settings --json');
my $keys = $cli->json('list', 'keys');
is((grep { $_->{of} eq 'member' && $_->{key} eq 'delivery' } @$keys)[0]
	{default}, 'on', 'list keys --json');

# a reader who has enough
my @many = map { "m$_\@example.net" } 1 .. 20000;
$cli->ok({ stdin => join("\n", @many) }, 'member', 'add', $list, '-');
my $muster = "$Muster::Cli::BUILD/muster";
my $first = qx("$muster" -c "$cli->{conf}" member ls $list 2>&1 | head -1);
like($first, qr/\Am\d+\@example\.net\n\z/,
	'a pipe that closes is no complaint');

done_testing;
