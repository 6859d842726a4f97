# SPDX-License-Identifier: BSD-2-Clause
# Sessions at the gate commit while members are imported, a post goes to all of
# them, everything is dumped and a backup is made: nobody gets an error, and
# nobody is forgotten. The longest waits are told, not judged; with
# MUSTER_T_MEMBERS=1000000 it is what t/bench/README reports.
use v5.36;
use Test::More;
use Time::HiRes qw(time);
use Muster::Box qw(await slurp spew);
use Muster::Gate;
use Muster::Mail qw(message);

use constant {
	SESSIONS => $ENV{MUSTER_T_SESSIONS} // 32,
	MEMBERS => $ENV{MUSTER_T_MEMBERS} // 20_000,
};
my $deadline_s = ($ENV{MUSTER_DEADLINE_S} // 60) + MEMBERS / 2000;

my $site = Muster::Gate->new(sink => 1, outbound => { connections => 2 });
my $box = $site->box;
$site->make_list('dev@lists.test', ['policy=members'],
	map { "ann$_\@far.test" } 1 .. SESSIONS);
$site->make_list('big@lists.test', ['policy=open']);
$site->muster('list', 'set', 'dev@lists.test', 'outgoing=paused');
my $file = $box->put('members', join '',
	map { sprintf "m%07d\@far.test\n", $_ } 1 .. MEMBERS);
my $stop = $box->path('stop');

# One session: posts in a row, and when each of them began and ended.
sub client ($name) {
	open my $out, '>', $box->path("$name.times") or die "$!\n";
	for (my $count = 0; !-e $stop || $count < 2; $count++) {
		my $session = $site->session;
		my $begun = time;
		my $is = Muster::Milter::verdict($session->send(
			"<$name\@far.test>", ['<dev@lists.test>'], message(
			from => "$name\@far.test",
			id => "<$name.$count\@far.test>")));
		print {$out} "$begun " . time . " $is\n";
		$session->quit;
	}
	close $out or die "$!\n";
}

# Something of the administrator's, in a process of its own.
sub admin ($name, @words) {
	$box->start($name, sub {
		my $begun = time;
		my $out = $box->path("$name.out");
		my $rc = system("$site->{build}/muster -c $site->{conf} @words "
			. ">$out 2>$out.err");
		spew($box->path("$name.took"), time - $begun);
		die "status $rc: " . slurp("$out.err") if $rc != 0;
	});
	return $name;
}

my @clients = map { "ann$_" } 1 .. SESSIONS;
for my $name (@clients) {
	$box->start($name, sub { client($name) });
}
sub seconds ($name) { return sprintf '%.1f', slurp($box->path("$name.took")) }

# Alone, for comparison.
my @phases = (['alone', time]);
await('each to have posted twice', sub {
	!grep { (() = $box->log_of('muster-milter') =~ /from=$_\@/g) < 2 }
		@clients });
push @phases, ['import, dump, backup', time];
my @first = (admin('import', qw(member add big@lists.test --file), $file));
@first = (@first, admin('dump1', 'dump'), admin('backup1', 'backup',
	$box->path('copy1')));
sub finish (@names) {
	for my $name (@names) {
		my $status = await("$name to end", sub {
			!$box->runs($name) && defined $box->_find($name)->{status}
				&& \$box->_find($name)->{status} },
			$deadline_s);
		is($$status, 0, "$name, " . seconds($name) . ' s')
			or diag($box->log_of($name));
	}
}
finish(@first);
push @phases, ['expansion, dump, backup', time];
is($site->post_from('192.0.2.7', 'ann1@far.test', ['big@lists.test'],
	message(from => 'ann1@far.test', to => 'big@lists.test',
		id => '<big@far.test>')), 'discard', 'a post to all');
$site->sink->await_copies('<big@far.test>', 1);
finish(admin('dump2', 'dump'), admin('backup2', 'backup',
	$box->path('copy2')));
push @phases, ['end', time];
spew($stop, '');
my ($posts, @most, @bad) = (0);
for my $name (@clients) {
	is($box->await_end($name), 0, "$name ends") or diag($box->log_of($name));
	for my $line (split /\n/, slurp($box->path("$name.times"))) {
		my ($begun, $ended, $is) = split ' ', $line, 3;
		$posts++;
		push @bad, $is if $is ne 'discard';
		for my $at (0 .. $#phases - 1) {
			my $took = $ended - $begun;
			next if $ended < $phases[$at][1]
				|| $begun > $phases[$at + 1][1];
			$most[$at] = $took if $took > ($most[$at] // 0);
		}
	}
}
is_deeply(\@bad, [], 'every post is taken');
await('all to be worked on', sub { my $queue = eval {
	$site->json('queue', 'ls') } or return;
	return !grep { $_->{stage} eq 'pending' } @$queue });
my %seen = map { ($_->{post} => 1) } grep { $_->{list} eq 'dev@lists.test' }
	@{ $site->json('queue', 'ls') };
is(scalar(keys %seen), $posts, "all $posts are there");
unlike($box->log_of('musterd'), qr/deadlocks in a row|store\.panic/,
	'no deadlock comes to light');
diag(sprintf 'longest time of a post at the gate, %s: %.2f s',
	$phases[$_][0], $most[$_] // 0) for 0 .. $#phases - 1;
done_testing;
