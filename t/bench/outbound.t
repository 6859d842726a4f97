#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The benchmark of outbound runs and writes what it says. Nothing about time.
use v5.36;
use Muster::Box qw(slurp);
use Test::More;

my $bench = "$ENV{MUSTER_SRC}/t/bench/outbound";
my $box = Muster::Box->new;
my $out = $box->dir('out');

my $none = qx('$bench' --smoke --tools '$out' 2>&1);
is($? >> 8, 3, 'without the generator it says so');
like($none, qr/no load\.c sink\.c in \Q$out\E: name their directory/,
	'and what to do');
is(scalar(grep { m{^sink/pipe/4k/plain/1000000$} }
	split /\n/, qx('$bench' --list)), 1, 'its cases');

SKIP: {
	my $said = qx('$bench' --smoke --out '$out' 2>&1);
	skip('no load generator here', 4) if $? >> 8 == 3;
	is($?, 0, 'it runs') or diag($said);
	like($said, qr{^pipe/4k/plain/300 +\d+ +\d+ +\d\.\d+ }m, 'a table');
	my ($head, @rows) = split /\n/, slurp("$out/results.tsv");
	is(scalar(grep { split(/\t/, $_, -1) == split /\t/, $head } @rows), 4,
		'four rows of as many cells as the head');
	like(slurp("$out/results.svg"), qr{\A<svg .*<polyline .*</svg>\n\z}s,
		'a plot');
}

done_testing;
