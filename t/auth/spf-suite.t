# SPDX-License-Identifier: BSD-2-Clause
# The RFC 7208 suite, through the guard and libspf2.
use v5.36;
use File::Temp ();
use Test::More;

my $suite = "$ENV{MUSTER_SRC}/../shared/suites/spf/rfc7208-tests.yml";
plan skip_all => 'the SPF suite is not here' unless -f $suite;
my $dir = File::Temp->newdir;

system("/usr/bin/python3 $ENV{MUSTER_SRC}/t/auth/spf-suite.py $suite "
	. "$dir/expected >$dir/cases") == 0 or
	die "python3-yaml is missing\n";
my @said = `$ENV{MUSTER_BUILD}/t/auth/spf-cases <$dir/cases`;
is($?, 0, 'it ends well');
open my $in, '<:utf8', "$dir/expected" or die "$dir/expected: $!\n";
my $cases = 0;
while (my $line = <$in>) {
	chomp $line;
	my ($name, $wanted, $what) = split /\t/, $line;
	my ($result) = ($said[$cases++] // '') =~ /^(\w+)/;

	ok((grep { $_ eq ($result // '') } split /,/, $wanted),
		"$name: $what") or
		diag("expected $wanted, got " . ($said[$cases - 1] // ''));
}
is($cases, 203, 'all of it was there');
done_testing;
