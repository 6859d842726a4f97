# SPDX-License-Identifier: BSD-2-Clause
package Muster::Spoil;

# Misfortune for a site's musterd: t/lib/spoil.c in front of its libraries,
# somebody who starts it again, small file systems.

use v5.36;
use Exporter 'import';
use Muster::Box ();
use POSIX ();
use Test::More ();

our @EXPORT_OK = qw(spoil keep_running await_musterd in_namespace);

# A library in front of musterd's; skips where a sanitizer must be first.
sub spoil ($site) {
	my $musterd = "$site->{build}/musterd";
	Test::More::plan(skip_all => 'a sanitizer must be loaded first')
		if qx(ldd $musterd) =~ /lib[at]san/;
	my $library = $site->{box}->path('spoil.so');
	my $cc = $ENV{CC} // 'cc';
	my $flags = qx(pkg-config --cflags --libs glib-2.0) =~ s/\n//r;
	system("$cc -O1 -shared -fPIC -o $library "
		. "$ENV{MUSTER_SRC}/t/lib/spoil.c $flags") == 0
		or die "cannot compile spoil.c\n";
	%{ $site->{env} } = (%{ $site->{env} // {} }, LD_PRELOAD => $library,
		MUSTER_T_CURED => $site->{box}->path('cured'),
		MUSTER_T_CLOCK => $site->{box}->path('clock'),
		MUSTER_T_HOME => $site->{home},
		MUSTER_T_READONLY => $site->{box}->path('readonly'),
		MUSTER_T_SYNCS => $site->{box}->path('syncs'));
	return $library;
}

# As a service manager does: musterd starts again until it ends well.
sub keep_running ($site) {
	my @command = ("$site->{build}/musterd", '-F', '-c', $site->{conf});
	$site->{box}->start('musterd', sub {
		my $pid;
		local $SIG{TERM} = sub { kill TERM => $pid if $pid };
		while (1) {
			$pid = fork // die "fork: $!\n";
			exec @command or POSIX::_exit(127) if $pid == 0;
			1 while waitpid($pid, 0) != $pid;
			return if $? == 0;
			print STDERR "musterd ended: status $?\n";
			select undef, undef, undef, 0.2;
		}
	}, env => $site->{env});
	await_musterd($site);
	return;
}

sub await_musterd ($site) {
	$site->{box}->await_answer($_, 'musterd')
		for $site->submit_path, $site->lmtp_path;
	return;
}

# Runs the test again in a mount namespace of its own, in which it may mount;
# nothing of that is seen outside. Skips where that is not allowed.
sub in_namespace () {
	return if $ENV{MUSTER_T_NAMESPACE};
	my $said = qx(unshare -m --propagation private /bin/true 2>&1);
	Test::More::plan(skip_all => "no mount namespace: $said") if $? != 0;
	local $ENV{MUSTER_T_NAMESPACE} = 1;
	exec 'unshare', '-m', '--propagation', 'private', $^X, $0, @ARGV
		or die "unshare: $!\n";
}

1;
