# SPDX-License-Identifier: BSD-2-Clause
# What the administrator does to members: add, invite, find, move, leave,
# remove; and requests that wait.
use strict;
use warnings;
use MIME::Base64 qw(decode_base64);
use Test::More;
use Muster::Cli;

my $cli = Muster::Cli->new;
my $list = 'dev@lists.example.org';
my $other = 'other@lists.example.org';
$cli->ok('list', 'create', $list, '--owner', 'owner@example.org');
$cli->ok('list', 'create', $other);

# letters - how many are on their way
sub letters {
	return scalar grep { $_->{stage} eq 'outbound' }
		@{$cli->json('queue', 'ls')};
}

# welcome_token - of the letter to him, if it is in this line of a dump
sub welcome_token {
	my ($line) = @_;
	my ($data) = $line =~ /"data":"([^"]+)"/ or return;
	my $text = decode_base64($data);
	return $text =~ /joe\@j\.example.*dev-leave\+([a-z2-7]{24})/s ? $1 : ();
}

sub refused {
	my ($what, $says, @args) = @_;
	my ($status, $out, $err) = $cli->run(@args);
	is($status, 1, "$what: status 1");
	like($err, $says, "$what: says why");
	unlike($out, qr/[1-9]/, "$what: and does nothing");
	return;
}

# add
is($cli->ok('member', 'add', $list, 'Ann <Ann@Example.net>', 'bob@b.example'),
	"2 added, 0 were already there, 0 bad addresses\n", 'add');
is(letters(), 0, 'nobody is told');
is($cli->ok('member', 'add', $list, '--welcome', '--delivery', 'digest',
	'--language', 'de', 'cid@b.example'),
	"1 added, 0 were already there, 0 bad addresses\n", 'add --welcome');
is(letters(), 1, 'he is told');
my $cid = $cli->json('member', 'show', $list, 'cid@b.example');
is($cid->{delivery}, 'digest', 'with a delivery');
is($cid->{language}, 'de', 'and a language');
is($cli->json('member', 'show', $list, 'Ann@example.net')->{address},
	'Ann@Example.net', 'written as it was given');
is($cli->ok('member', 'add', $list, '--confirm', 'dan@d.example',
	'bob@b.example'), "1 asked to confirm, 0 added, 1 were already there, "
	. "0 bad addresses\n", 'add --confirm');
refused('who is asked', qr/not a member/, 'member', 'show', $list,
	'dan@d.example');
is(letters(), 2, 'but he has a letter');
my $file = $cli->put('addresses',
	"eve\@e.example\nnonsense\nfay\@banned.example\n");
$cli->ok('list', 'set', $list, 'banned=@banned.example');
for my $option ([], ['--welcome']) {
	my ($status, $out, $err) = $cli->run('member', 'add', $list,
		'--file', $file, @$option);
	is($status, 1, "a file (@$option): status 1");
	like($err, qr/^\Q$file\E:2: /m, 'the bad line');
	like($err, qr/^\Q$file\E:3: fay\@banned\.example is banned$/m,
		'who is banned');
	is($out, @$option ? "0 added, 1 were already there, 2 bad lines\n" :
		"1 added, 0 were already there, 2 bad lines\n", 'summary');
}
for (['--welcome', '--no-welcome'], ['--welcome', '--confirm'],
	['--delivery', 'never']) {
	my ($status) = $cli->run('member', 'add', $list, @$_, 'x@x.example');
	is($status, 2, "usage: @$_");
}

# invite
is($cli->ok('member', 'invite', $list, 'gus@g.example', 'Hal <hal@h.example>'),
	"2 invited\n", 'invite');
is(letters(), 4, 'two letters');
refused('an invitation that holds', qr/gus\@g\.example was written to lately/,
	'member', 'invite', $list, 'gus@g.example');
refused('a member', qr/bob\@b\.example is a member already/, 'member',
	'invite', $list, 'bob@b.example');
my ($status, $out, $err) = $cli->run('member', 'invite', $list, '--json',
	'--file', $cli->put('more', "ivy\@i.example\nbob\@b.example\n"));
is_deeply(JSON::PP->new->decode($out), { invited => 1, bad => 1 },
	'invite --json');
like($err, qr/:2: bob/, 'and the line');

# find
$cli->ok('member', 'add', $other, 'bob@b.example');
$cli->ok('member', 'set', $other, 'bob@b.example', 'delivery=off');
is($cli->ok('member', 'find', 'bob@B.example'),
	"$list\tbob\@b.example\tdelivery=on\n" .
	"$other\tbob\@b.example\tdelivery=off\toff-by=admin\n", 'find');
is_deeply([map { "$_->{list} $_->{delivery}" }
	@{$cli->json('member', 'find', 'bob@b.example')}],
	["$list on", "$other off"], 'find --json');
refused('nowhere', qr/not a member of any list/, 'member', 'find',
	'no@x.example');
is_deeply($cli->json('member', 'find', 'no@x.example'), [], 'none in JSON');

# move
is($cli->ok('member', 'move', $list, 'Ann@example.net', 'ann@New.example'),
	"Ann\@example.net is now ann\@new.example on 1 list\n", 'move');
is($cli->json('member', 'show', $list, 'ann@new.example')->{name}, 'Ann',
	'with the name');
is_deeply($cli->json('member', 'move', '--all', $list, 'bob@b.example',
	"b\xc3\xb6b\@b.example"), { from => 'bob@b.example',
	to => "b\x{f6}b\@b.example", lists => 2 }, 'move --all');
is($cli->json('member', 'show', $other, "b\xc3\xb6b\@b.example")->{delivery},
	'off', 'each as it was');
refused('a stranger', qr/not a member of dev/, 'member', 'move', $list,
	'no@x.example', 'y@x.example');
refused('a banned one', qr/is banned/, 'member', 'move', $list,
	'ann@new.example', 'y@banned.example');
refused('to himself', qr/one address/, 'member', 'move', $list,
	'ann@new.example', 'ann@NEW.example');

# leave: a token as a welcome has it
$cli->ok('member', 'add', $list, '--welcome', 'joe@j.example');
my ($token) = map { welcome_token($_) } split /\n/, $cli->ok('dump');
ok(defined $token, 'a token to leave with');
refused('another list', qr/not valid/, 'member', 'leave', $other, $token);
refused('nonsense', qr/not valid/, 'member', 'leave', $list, 'nonsense');
is($cli->ok('member', 'leave', $list, uc $token),
	"joe\@j.example: has left $list\n", 'leave');
refused('once more', qr/already gone/, 'member', 'leave', $list, $token);

# remove
is($cli->ok('member', 'remove', $list, 'eve@e.example'), "1 removed\n",
	'remove');
my $letters = letters();
is($cli->ok('member', 'remove', $list, '--goodbye', 'cid@b.example'),
	"1 removed\n", 'remove --goodbye');
is(letters(), $letters + 1, 'he is told');
($status, $out, $err) = $cli->run('member', 'remove', $list, '--file',
	$cli->put('gone', "no\@x.example\nann\@new.example\n# x\n"));
is($status, 1, 'remove --file: status 1');
is($out, "1 removed, 1 bad lines\n", 'the others are removed');
like($err, qr/:1: no\@x\.example is not a member$/m, 'who was none');

done_testing;
