# SPDX-License-Identifier: BSD-2-Clause
package Muster::Bench;

# What benchmarks measure with: the load generator and the counting sink,
# made from their sources; CPU and memory of processes; medians, tables.

use v5.36;
use Exporter 'import';
use Muster::Box qw(await slurp);
use Muster::SMTP;
use POSIX ();
use Time::HiRes ();

our @EXPORT_OK = qw(median cpu_s group_cpu_s anon_kb file_kb table);

# missing(DIR) - why the tools cannot be made; undef: they can
sub missing ($class, $dir) {
	my @lacking = grep { !-r "$dir/$_" } qw(load.c sink.c);
	return if !@lacking;
	return "no @lacking in $dir: name their directory with --tools DIR or "
		. 'MUSTER_BENCH_TOOLS';
}

# new($box, DIR of load.c and sink.c)
sub new ($class, $box, $dir) {
	my $self = bless { box => $box, sinks => 0 }, $class;
	for my $name (qw(load sink)) {
		my $out = $self->{$name} = $box->path($name);
		my $said = qx(cc -O2 -w -o $out $dir/$name.c 2>&1);
		die "cc $dir/$name.c: $said\n" if $? != 0;
	}
	return $self;
}

# --- the sink ---------------------------------------------------------------

# A new sink on that port. without: extensions that it does not offer,
# distinct: counts distinct addresses too, which costs it some time
sub start_sink ($self, $port, %opt) {
	my $name = 'sink' . ++$self->{sinks};
	my @words = ($self->{sink}, $port, $opt{distinct} ? '-u' : (),
		$opt{without} ? ('-n', $opt{without}) : ());
	$self->{box}->start($name, \@words);
	$self->{box}->await_answer($port, $name);
	my $sink = { name => $name, port => $port,
		pid => $self->{box}->pid($name) };
	$sink->{control} = Muster::SMTP->new(port => $port);
	$sink->{control}->cmd('XRESET');
	return $sink;
}

# What it has counted: msgs rcpts urcpt ufrom bytes first_mail first last ...
sub counts ($self, $sink) {
	return { $sink->{control}->cmd('XSTAT') =~ /(\w+)=([0-9.]+)/g };
}

sub stop_sink ($self, $sink) {
	$sink->{control}->drop;
	$self->{box}->stop($sink->{name}, 'KILL');
}

# --- the generator ----------------------------------------------------------

# load(port, mode => , connections => , messages => , bytes => , rcpts => ,
# base => , domain => ) - { secs, errs, cpu_s, ... } as it prints them
sub load ($self, $port, %opt) {
	my $out = $self->{box}->path('load.out');
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0) {
		open STDOUT, '>', $out or POSIX::_exit(127);
		exec $self->{load}, "127.0.0.1:$port", '-m', $opt{mode}, '-c',
			$opt{connections}, '-n', $opt{messages}, '-l',
			$opt{bytes}, '-r', $opt{rcpts} // 1, '-b',
			$opt{base} // 0, '-d', $opt{domain}
			or POSIX::_exit(127);
	}
	# Its CPU is read before it is waited for.
	await('load to end', sub { slurp("/proc/$pid/stat") =~ /\) Z / }, 3600);
	my $cpu = cpu_s($pid);
	waitpid $pid, 0;
	my $status = $?;
	my $said = slurp($out);
	my %is = ($said =~ /(\w+)=([0-9.]+)/g, cpu_s => $cpu);
	die "load: $said (status $status)\n" if $status != 0 || $is{errs};
	return \%is;
}

# --- processes --------------------------------------------------------------

# Seconds of CPU of a process with all its threads, those that have ended too:
# its CPU clock (clock_getcpuclockid), which counts nanoseconds, not ticks.
sub cpu_s ($pid) {
	return Time::HiRes::clock_gettime((-$pid - 1) * 8 + 2);
}

# The same, in ticks, for all that a process has started in its session.
sub group_cpu_s ($leader) {
	my $sum = 0;
	for my $path (glob '/proc/[0-9]*/stat') {
		my @is = split ' ', slurp($path) =~ s/.*\) //sr;
		next if !@is || $is[3] != $leader;
		# the leader has those that it waited for
		$sum += $is[11] + $is[12];
		$sum += $is[13] + $is[14] if $path eq "/proc/$leader/stat";
	}
	return $sum / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# Memory that is its own: heap, stacks, written data.
sub anon_kb ($pid) {
	return slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m ? $1 : 0;
}

# What of files is resident: (programs and libraries, the rest under DIR)
sub file_kb ($pid, $dir) {
	my ($other, $under, $kind) = (0, 0, '');
	for my $line (split /\n/, slurp("/proc/$pid/smaps")) {
		if ($line =~ /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+\s*(.*)/) {
			my $path = $1;
			$kind = $path !~ m{^/} ? ''
				: index($path, "$dir/") == 0 ? 'under'
				: 'other';
		} elsif ($line =~ /^Rss:\s+(\d+)/) {
			$under += $1 if $kind eq 'under';
			$other += $1 if $kind eq 'other';
		} elsif ($line =~ /^Anonymous:\s+(\d+)/) {
			$other -= $1 if $kind eq 'other';
		}
	}
	return ($other, $under);
}

# --- figures ----------------------------------------------------------------

sub median (@values) {
	@values = sort { $a <=> $b } grep { defined } @values;
	return undef if !@values;
	my $half = $#values / 2;
	return ($values[POSIX::floor($half)] + $values[POSIX::ceil($half)]) / 2;
}

# table([head...], [cell...]...) - the first column to the left, the others
# to the right; undef is a dash
sub table (@rows) {
	my @wide;
	for my $row (@rows) {
		$_ //= '-' for @$row;
		for my $i (0 .. $#$row) {
			my $len = length $row->[$i];
			$wide[$i] = $len if $len > ($wide[$i] // 0);
		}
	}
	return join '', map {
		my $row = $_;
		sprintf("%-*s", $wide[0], $row->[0]) . join('', map {
			sprintf '  %*s', $wide[$_], $row->[$_] } 1 .. $#$row)
			. "\n";
	} @rows;
}

1;
