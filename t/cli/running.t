# SPDX-License-Identifier: BSD-2-Clause
# With musterd running everything is as without, and nothing that a caller
# does or leaves undone holds it up.
use strict;
use warnings;
use File::Find qw(find);
use Test::More;
use Time::HiRes qw(sleep);
use Muster::Cli;

-x "$Muster::Cli::BUILD/musterd" or plan skip_all => 'no musterd is built';

my $list = 'dev@lists.example.org';
my @script = (
	['list', 'create', $list, '--owner', 'o@example.net'],
	['list', 'create', $list],
	['list', 'create', 'x@example.net'],
	['list', 'set', $list, 'policy=opn'],
	['list', 'set', 'site', 'max-size=2M'],
	['list', 'show', $list, '--json'],
	['list', 'frob'],
	['member', 'add', $list, '--file', 'addresses'],
	[{ stdin => "in\@example.net\nwrong\n" }, 'member', 'add', $list, '-'],
	['member', 'add', $list, '--file', 'nonexistent'],
	['member', 'set', $list, 'bob@example.net', 'delivery=off'],
	['member', 'show', $list, 'bob@example.net'],
	['member', 'ls', $list],
	['member', 'ls', $list, '--json'],
	['member', 'remove', $list, 'bob@example.net', 'no@example.net'],
	['policy', 'show', $list],
	['queue', 'ls', '--json'],
	['queue', 'drop', 'a' x 20],
	['trace', 'nothing'],
	['list', 'keys'], ['settings'],
	['dump', $list],
	['load', '--dry-run', 'saved.dump'],
	['load', 'broken.dump'],
	['backup', 'saved'], ['backup', 'saved'],
	['list', 'delete', $list],
	['list', 'ls'],
);

sub play {
	my ($cli) = @_;
	my @seen;
	$cli->put('addresses', "ann\@example.net\nBob <bob\@example.net>\n" .
		"not one\n");
	for (@script) {
		my @words = @$_;
		my ($status, $out, $err) = $cli->run(@words);
		if (grep { $_ eq 'dump' } @words) {
			$cli->put('saved.dump', $out);
			$cli->put('broken.dump', $out . "x\n");
		}
		my $dir = $cli->dir;
		for ($out, $err) {
			s/\Q$dir\E/DIR/g;
			s/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/TIME/g;
			s/_s":\d+/_s":N/g;
		}
		shift @words if ref $words[0];
		push @seen, "muster @words\n$status\n$out\n$err";
	}
	return \@seen;
}

my $stopped = play(Muster::Cli->new);
my $cli = Muster::Cli->new;
$cli->start;
my $running = play($cli);
is($running->[$_], $stopped->[$_], (split /\n/, $stopped->[$_])[0])
	for 0 .. $#script;
my $status = $cli->json('status');
ok($status->{running}, 'status: running');
my (undef, $out) = $cli->run('check');
like($out, qr/^ok: musterd runs$/m, 'check: musterd');
like($out, qr/^ok: the LMTP door answers/m, 'check: the LMTP door');

# begin - muster in a shell of its own, and its process's id
sub begin {
	my ($words, $redirect) = @_;
	my $pid = fork() // die;
	return $pid if $pid;
	exec { '/bin/sh' } 'sh', '-c', "exec \"\$1\" -c \"\$2\" $words " .
		"$redirect", 'sh', "$Muster::Cli::BUILD/muster", $cli->{conf}
		or die;
}

sub end_it {
	my ($signal, $pid) = @_;
	kill $signal => $pid;
	waitpid($pid, 0);
}

$cli->ok('list', 'create', $list);
my $dir = $cli->dir;
system('mkfifo', map { "$dir/$_" } qw(in blocked blocked2)) == 0 or die;

# he dies while he still has more to say; the pipe stays open
open my $in, '+<', "$dir/in" or die;

# feed - what is written to the pipe is read: he is being served
sub feed {
	my ($bytes) = @_;
	syswrite $in, $bytes;
	return $cli->await(sub {
		my $readable = '';
		vec($readable, fileno $in, 1) = 1;
		return !select $readable, undef, undef, 0;
	}, 'it is read');
}

my $pid = begin("member add $list -", "< $dir/in > $dir/dead.out 2>&1");
feed("first\@example.net\n");
end_it(KILL => $pid);
ok($cli->ok('status'), 'a caller killed while we read: musterd goes on');

# load: what an interrupted pipe has brought is no dump
$pid = begin('load', "< $dir/in > $dir/dead2.out 2>&1");
feed(slurp_of("$dir/saved.dump"));
end_it(KILL => $pid);
like($cli->ok('list', 'show', $list), qr/^members = 0$/m,
	'an interrupted load has loaded nothing');

# nobody reads what he prints
$cli->ok({ stdin => join "\n", map { "m$_\@example.net" } 1 .. 20000 },
	'member', 'add', $list, '-');
open my $blocked, '+<', "$dir/blocked" or die;
$pid = begin("member ls $list --json", "> $dir/blocked");
sysread $blocked, my $byte, 1;
is($cli->ok('member', 'add', $list, 'more@example.net'),
	"1 added, 0 were already there, 0 bad addresses\n",
	'a caller who does not read holds up nobody');
end_it(KILL => $pid);
open my $blocked2, '+<', "$dir/blocked2" or die;
$pid = begin("member ls $list --json",
	"> $dir/blocked2 2> $dir/blocked.err");
sysread $blocked2, $byte, 1;
my $reader = begin("member add $list -",
	"< $dir/in > $dir/r.out 2> $dir/r.err");
feed("second\@example.net\n");
is($cli->stop, 0, 'musterd stops though one does not read, one not write');
waitpid($pid, 0);
is($? >> 8, 75, 'who was printing shall try again');
like(slurp_of("$dir/blocked.err"), qr/^muster: musterd /, 'and is told');
waitpid($reader, 0);
is($? >> 8, 75, 'who was adding too');
is($cli->json('list', 'show', $list)->{members}, 20001,
	'all is there without musterd');

# only root and musterd's user
SKIP: {
	skip 'needs root', 4 if $> != 0;
	my $nobody = getpwnam('nobody') // 65534;
	my $owned = Muster::Cli->new;
	chmod 0755, $dir, $owned->dir or die;
	mkdir $owned->dir . '/home' or die;
	chown $nobody, $nobody, $owned->dir . '/home' or die;
	$owned->ok('list', 'create', $list);
	my @foreign;
	find(sub { push @foreign, $_ if (lstat $_)[4] != $nobody },
		$owned->dir . '/home');
	is("@foreign", '', 'what root makes belongs to the owner of the home');
	$cli->start;
	my $child = fork() // die;
	if ($child == 0) {
		$) = "$nobody $nobody";
		$> = $< = $nobody;
		exec { '/bin/sh' } 'sh', '-c', '"$0" -c "$1" list ls 2>&1 '
			. '| grep -q "you may not use"',
			"$Muster::Cli::BUILD/muster", $cli->{conf};
	}
	waitpid($child, 0);
	is($?, 0, 'another user is refused, and told why');
	ok($cli->ok('status'), 'musterd goes on');
	is($cli->stop, 0, 'and stops');
}

sub slurp_of { return Muster::Cli::slurp(@_) }

done_testing;
