# SPDX-License-Identifier: BSD-2-Clause
# kill -9 of musterd while it archives: each post is in the archive once.
use v5.36;
use Test::More;
use Muster::Archive qw(archive_dir maildir mbox archived_ids post_to);
use Muster::Box qw(await slurp);
use Muster::Gate;

use constant { ROUNDS => 8, POSTS => 25 };

my $site = Muster::Gate->new(sink => 1);
my @lists = ('files@lists.test', 'mbox@lists.test');
$site->list($lists[0], 'policy=open', 'archive=maildir',
	'archive-url=https://lists.test/%{list-name}/%{message-id}/');
$site->list($lists[1], 'policy=open', 'archive=mbox');

sub deliver ($round) {
	local $SIG{PIPE} = 'IGNORE';	# the other end is killed
	for my $number (1 .. POSTS) {
		my $list = $lists[$number % 2];
		await("post $number to be taken", sub {
			return eval { post_to($site, $list,
				"$round-$number\@far.test",
				body => 'x' x (500 * $number) . "\r\n"
				) =~ /^250/ };
		});
	}
	return 0;
}

sub archived () {
	return scalar(() = $site->log_of('musterd') =~ /post\.archived/g);
}

for my $round (1 .. ROUNDS) {
	$site->box->start("client$round", sub { deliver($round) });
	# Somewhere in the middle of its work; each musterd has its own log.
	await('some posts', sub { archived() > $round });
	kill KILL => $site->box->pid('musterd');
	$site->box->await_end('musterd');
	$site->start_musterd;
	is($site->box->await_end("client$round"), 0, "round $round: all taken");
}
$site->await_idle;

my @wanted = map { my $round = $_;
	map { "<$round-$_\@far.test>" } 1 .. POSTS } 1 .. ROUNDS;
my %there = (
	$lists[0] => archived_ids(maildir(archive_dir($site, $lists[0]))),
	$lists[1] => archived_ids(mbox(archive_dir($site, $lists[1]) . '/mbox')),
);
for my $n (0, 1) {
	my @mine = grep { /-(\d+)\@/ && $1 % 2 == $n } @wanted;
	is_deeply($there{ $lists[$n] }, { map { $_ => 1 } @mine },
		"$lists[$n]: each post is there, once");
	is(-e archive_dir($site, $lists[$n]) . '/mbox.torn', undef,
		"$lists[$n]: nothing was moved out of the way");
}
is_deeply([glob(archive_dir($site, $lists[0]) . '/tmp/*')], [],
	'nothing is left in tmp');
my ($one) = maildir(archive_dir($site, $lists[0]));
like($one, qr{^Archived-At: <https://lists\.test/files/[\d-]+\@far\.test/>$}m,
	'a link is in the post');
like($site->muster('trace', '<1-1@far.test>'), qr/archived as number \d+/,
	'the trace tells the number');
like($site->run('check')->{out}, qr/^ok: database$/m, 'the database is whole');
done_testing;
