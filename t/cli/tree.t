# SPDX-License-Identifier: BSD-2-Clause
# A file of the tree that no Makefrag names is not built, not run and not
# distributed, and nothing fails for it: so each is named, or found by a name
# with a "*" in it.
use v5.36;
use Test::More;

my $src = $ENV{MUSTER_SRC};
plan(skip_all => 'no git, or no checkout') if !-e "$src/.git" ||
	!qx(git -C $src rev-parse --git-dir 2>/dev/null);
my @files = split /\n/, qx(git -C $src ls-files);
my %named;
for my $rules ('Makefile.am', grep { m{/Makefrag\.am$} } @files) {
	open my $in, '<', "$src/$rules" or die "$rules: $!\n";
	$named{$_} = 1 for map { m{([\w.+*/-]+)}g } grep { !/^\s*#/ } <$in>;
}

# What a Makefrag finds by itself: corpora of the fuzzers, test data,
# templates; and what only a checkout has.
my $found = qr{^(?:t/data|conf/templates)/|^(?:\.ci/run|\.gitignore)$};
my $known = qr{(?:^|/)(?:Makefrag|Makefile)\.am$|^(?:configure\.ac|README)$};
is_deeply([grep { !$named{$_} && !/$found/ && !/$known/ } @files], [],
	'each file is named where it is built, run or distributed');
done_testing;
