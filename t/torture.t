# SPDX-License-Identifier: BSD-2-Clause
# Some rounds of t/torture, always the same: posts, subscriptions, dumps and
# backups, while everything is killed and the relay misbehaves. No list pauses:
# that takes a minute.
use v5.36;
use Test::More;
use Muster::Torture;

use constant { ROUNDS => 6, SEED => 20 };

my $torture = Muster::Torture->new(seed => SEED, pauses => 0,
	say => sub ($line) { note($line) });
$torture->start;
$torture->round for 1 .. ROUNDS;
$torture->settle;
$torture->count;
$torture->inspect;
note(sprintf '%-48s %10s', @$_) for $torture->table;
my $count = $torture->{tally}{count};
cmp_ok($count->{taken}, '>=', ROUNDS * 4, 'posts were taken');
cmp_ok($count->{copies}, '>', $count->{taken}, 'with copies');
is($count->{missing}, 0, 'each has come');
is($count->{stray}, 0, 'and none that nobody was promised');
is($count->{unexplained}, 0, 'repeats only where nobody can know better');
is(join("\n", $torture->problems), '', 'nothing else is wrong');
done_testing;
