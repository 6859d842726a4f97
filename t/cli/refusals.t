# SPDX-License-Identifier: BSD-2-Clause
# What is refused gets one clear sentence and changes nothing.
use strict;
use warnings;
use Test::More;
use Muster::Cli;

my $cli = Muster::Cli->new;
my $list = 'dev@lists.example.org';
$cli->ok('list', 'create', $list, 'policy=open', '--owner', 'a@example.net');
$cli->ok('member', 'add', $list, 'ann@example.net');
my $before = $cli->ok('dump');

my $none = 'a' x 20;
my @refused = (
	[['list', 'create', $list], qr/is there already/],
	[['list', 'create', 'x@example.net'], qr/"shared-domains" in \S*conf/],
	[['list', 'create', 'x'], qr/NAME\@DOMAIN/],
	[['list', 'create', 'x-owner@lists.example.org'], qr/cannot end/],
	[['list', 'create', 'postmaster@lists.example.org'], qr/reserved/],
	[['list', 'create', 'a b@lists.example.org'], qr/cannot be a list/],
	[['list', 'create', 'x@lists.example.org', 'polcy=open'],
		qr/unknown key "polcy"; did you mean "policy"/],
	[['list', 'create', 'x@lists.example.org', 'zzz=1'],
		qr/unknown key "zzz"; there are accept-automatic,/],
	[['list', 'create', 'x@lists.example.org', 'policy=opn'],
		qr/open, members/],
	[['list', 'create', 'x@lists.example.org', 'max-size=-1'], qr/10M/],
	[['list', 'create', 'x@lists.example.org', '--owner', 'nobody'],
		qr/owner=nobody/],
	[['list', 'create', 'x@lists.example.org', '--owner', 'a@b.org',
		'owner=c@d.org'], qr/owner is given twice/],
	[['list', 'create', 'x@lists.example.org', 'policy=open',
		'policy=open'], qr/policy is given twice/],
	[['list', 'create', 'x@lists.example.org', "description=a\nb"],
		qr/description/],
	[['list', 'set', $list, 'policy=members', 'max-size=x'],
		qr/max-size=x/],
	[['list', 'set', $list, 'policy=members', '--unset', 'polcy'],
		qr/did you mean/],
	[['list', 'set', $list, 'policy=members', '--unset', 'policy'],
		qr/given and unset/],
	[['list', 'set', 'no@lists.example.org', 'policy=open'],
		qr/there is no list no\@lists\.example\.org/],
	[['list', 'set', '@example.net', 'policy=open'], qr/no list domain/],
	[['list', 'set', 'nonsense', 'policy=open'], qr/is no list/],
	[['list', 'show', 'no@lists.example.org'], qr/there is no list/],
	[['list', 'delete', 'no@lists.example.org'], qr/there is no list/],
	[['member', 'add', 'no@lists.example.org', 'a@b.org'],
		qr/there is no list/],
	[['member', 'ls', 'no@lists.example.org'], qr/there is no list/],
	[['member', 'add', $list, 'x y'], qr/x y/],
	[['member', 'add', $list, '--file', '/nonexistent'],
		qr{/nonexistent: No such file}],
	[['member', 'show', $list, 'no@example.net'], qr/not a member/],
	[['member', 'show', $list, 'nonsense'], qr/no address/],
	[['member', 'set', $list, 'no@example.net', 'delivery=off'],
		qr/not a member/],
	[['member', 'set', $list, 'ann@example.net', 'delivery=off',
		'own-posts=perhaps'], qr/yes or no/],
	[['member', 'set', $list, 'ann@example.net', 'delivry=off'],
		qr/did you mean "delivery"/],
	[['member', 'remove', $list, 'no@example.net'], qr/not a member/],
	[['member', 'remove', $list, 'ann@example.net', 'nonsense'],
		qr/no address/],
	[['queue', 'show', 'nonsense'], qr/no id of a job/],
	[['queue', 'show', $none], qr/there is no job/],
	[['queue', 'retry', $none], qr/there is no job/],
	[['queue', 'drop', $none], qr/there is no job/],
	[['policy', 'show', 'no@lists.example.org'], qr/there is no list/],
	[['trace', 'nothing'], qr/nothing is known of nothing/],
	[['dump', 'no@lists.example.org'], qr/there is no list/],
	[['load', '/nonexistent'], qr{/nonexistent: No such file}],
	[['backup', '/dev/null/x'], qr{/dev/null}],
);
for (@refused) {
	my ($args, $want) = @$_;
	my ($status, $out, $err) = $cli->run(@$args);
	my $name = "@$args" =~ s/[^ -~]/?/gr;
	is($status, 1, "$name: status 1") or diag $err;
	like($err, $want, "$name: says why");
	is($err =~ tr/\n//, 1, "$name: in one line") or diag $err;
	unlike($out, qr/created|changed|deleted|[1-9]\d* (?:added|removed)/,
		"$name: claims nothing");
}
is($cli->ok('dump'), $before, 'nothing has changed');

# what is right is done beside what is not there
my ($status, $out, $err) = $cli->run('member', 'remove', $list,
	'no@example.net', 'ann@example.net');
is("$status $out", "1 1 removed\n", 'remove: the others are removed');
like($err, qr/^muster: no\@example\.net is not a member/, 'remove: names it');

# the home belongs to somebody else: a muster that reads for ever
my $pid = fork() // die;
if ($pid == 0) {
	exec { '/bin/sh' } 'sh', '-c', 'mkfifo "$1/fifo"; exec 3<>"$1/fifo"; '
		. 'exec "$2/muster" -c "$1/muster.conf" member add '
		. 'dev@lists.example.org - < "$1/fifo" > "$1/waiting"',
		'sh', $cli->dir, $Muster::Cli::BUILD or die;
}
$cli->await(sub { my ($s) = $cli->run('list', 'ls'); $s == 75 },
	'the home is busy');
(undef, undef, $err) = $cli->run('list', 'ls');
like($err, qr/belongs to process \d+ \(muster\)/, 'the lock: says why');
kill KILL => $pid;
waitpid($pid, 0);
is($cli->ok('member', 'ls', $list), '', 'it needs no repair after a kill');

done_testing;
