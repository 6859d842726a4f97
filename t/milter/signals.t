# SPDX-License-Identifier: BSD-2-Clause
# A signal that comes while a daemon starts waits until it can be obeyed.
use v5.36;
use Fcntl qw(O_WRONLY O_NONBLOCK);
use Test::More;
use Muster::Box qw(await slurp);
use Muster::Gate;
use POSIX ();

my $site = Muster::Gate->new;
my $box = $site->box;
my $text = slurp($site->{conf});
my %serves = (musterd => $site->submit_path,
	'muster-milter' => $site->milter_path);

# It reads its settings out of a pipe, and so comes no further than there
# until they are written.
sub start_and_signal ($name, $signal) {
	unlink $site->{conf};
	POSIX::mkfifo($site->{conf}, 0600) or die "$!\n";
	my $pid = $box->start($name,
		["$site->{build}/$name", '-F', '-c', $site->{conf}]);
	my $pipe = await("$name to read its settings", sub {
		sysopen my $out, $site->{conf}, O_WRONLY | O_NONBLOCK
			or return;
		return $out;
	});
	kill $signal, $pid;
	$site->write_conf;		# for who reads them again
	syswrite $pipe, $text;
	close $pipe;
	return $pid;
}

sub log_since ($name, $from) { return substr $box->log_of($name), $from }

for my $name (sort keys %serves) {
	$box->stop($name);
	for my $round (1 .. 3) {
		my $from = length $box->log_of($name);
		start_and_signal($name, 'USR1');
		$box->await_answer($serves{$name}, $name);
		await('the reload', sub {
			log_since($name, $from) =~ /settings\.reloaded/ });
		pass("$name: SIGUSR1 during the start is a reload ($round)");
		is($box->stop($name), 0, 'and it ends well');
	}
	for my $signal (qw(TERM INT)) {
		my $from = length $box->log_of($name);
		start_and_signal($name, $signal);
		is($box->await_end($name), 0,
			"$name: SIG$signal during the start is an orderly end");
		like(log_since($name, $from),
			qr/$name\.started.*$name\.stopped/s, 'as ever');
	}
	start_and_signal($name, 'HUP');
	$box->await_answer($serves{$name}, $name);
	pass("$name: SIGHUP is ignored");
	is($box->stop($name), 0, 'and it ends well');
}
done_testing;
