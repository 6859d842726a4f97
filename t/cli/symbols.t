# SPDX-License-Identifier: BSD-2-Clause
# A function of a program that has the name of one which a library calls takes
# that one's place. It happens by accident (event_add(), which libunbound
# calls), and on purpose in one place: the gate's accept().
use v5.36;
use Test::More;

my ($nm) = grep { -x } map { "$_/nm" } split /:/, $ENV{PATH};
plan(skip_all => 'no nm') if !$nm;
plan(skip_all => 'sanitizers have names of their own')
	if qx(ldd $ENV{MUSTER_BUILD}/musterd) =~ /lib[atu]b?san/;
my %wanted = ('muster-milter' => 'accept', musterd => '', muster => '');
for my $program (sort keys %wanted) {
	my @names = qx($nm -D --defined-only $ENV{MUSTER_BUILD}/$program)
		=~ /^\S+ T (\w+)/mg;
	is("@names", $wanted{$program}, "$program takes the place of nothing"
		. ($wanted{$program} ? " but $wanted{$program}()" : ''));
}

# Of two in archives that are linked together the first is taken, and nobody
# says so.
my %where;
for my $library (qw(mail door store daemon)) {
	my @names = qx($nm -g --defined-only $ENV{MUSTER_BUILD}/lib$library.a)
		=~ /^\S+ [TDBR] (\w+)/mg;
	push @{ $where{$_} }, $library for @names;
}
is_deeply([map { "$_: @{ $where{$_} }" } grep { @{ $where{$_} } > 1 }
	sort keys %where], [], 'no name is there twice');
done_testing;
