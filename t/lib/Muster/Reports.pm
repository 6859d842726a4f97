# SPDX-License-Identifier: BSD-2-Clause
package Muster::Reports;

# What sanitizers and valgrind say about any program that a test starts,
# however deep: its reports come into files of their own, and where there is
# one, the test has failed. With MUSTER_WRAP (words: a program and its
# options) the daemons run under it; "valgrind" stands for memcheck as it is
# wanted here.

use v5.36;
use Exporter 'import';
use File::Path ();
use File::Temp ();

our @EXPORT_OK = qw(is_sanitized wrapped);

my $dir = File::Temp::tempdir('muster-reports.XXXXXX', DIR => '/tmp');
my $owner = $$;
chmod 01777, $dir or die "$dir: $!\n";	# some programs change their user
for my $name (qw(ASAN_OPTIONS LSAN_OPTIONS TSAN_OPTIONS UBSAN_OPTIONS)) {
	$ENV{$name} = join ':', grep { length } $ENV{$name} // '',
		"log_path=$dir/report";
}

sub _memcheck () {
	my $lib = "$ENV{MUSTER_SRC}/t/lib";
	-e "$dir/self_exe.so" || system('cc', '-D_GNU_SOURCE', '-shared',
		'-fPIC', '-o', "$dir/self_exe.so", "$lib/self_exe.c") == 0
		or die "cannot compile $lib/self_exe.c\n";
	return ('env', "LD_PRELOAD=$dir/self_exe.so", 'valgrind', '-q',
		"--log-file=$dir/report.%p", '--error-exitcode=99',
		'--trace-children=yes', '--num-callers=30',
		'--leak-check=full', '--show-leak-kinds=definite',
		'--errors-for-leak-kinds=definite',
		"--suppressions=$lib/valgrind.supp");
}

# wrapped(command...) - as it is to be started
sub wrapped (@command) {
	my @wrap = split ' ', $ENV{MUSTER_WRAP} // '';
	splice @wrap, 0, 1, _memcheck()
		if @wrap && $wrap[0] eq 'valgrind';
	return (@wrap, @command);
}

# Is this build slower than others, and no case for valgrind?
sub is_sanitized () {
	open my $in, '<:raw', "$ENV{MUSTER_BUILD}/musterd" or return 0;
	local $/;
	return <$in> =~ /__(?:a|t|ub)san_/;
}

sub _reports () {
	return map {
		open my $in, '<:raw', $_ or die "$_: $!\n";
		local $/;
		scalar(<$in>) // '';
	} glob "$dir/report*";
}

# Box's END, which ends what was started, has run before this one.
END {
	if ($$ == $owner) {
		my @reports = grep { length } _reports();
		print STDERR map { "# $_\n" } map { split /\n/ } @reports;
		print STDERR "# a program under test has broken a rule of C\n"
			if @reports;
		$? ||= 98 if @reports;
		File::Path::remove_tree($dir);
	}
}

1;
