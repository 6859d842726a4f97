# SPDX-License-Identifier: BSD-2-Clause
# Few descriptors, little memory: what cannot be served is told 451 or 421,
# nothing spins, nothing that was acknowledged is lost, and it goes on by
# itself.
use v5.36;
use Test::More;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(sleep time);
use Muster::Box qw(await slurp);
use Muster::Gate;
use Muster::Mail qw(message);
use Muster::Spoil qw(keep_running await_musterd);

my $site = Muster::Gate->new(sink => 1, outbound => { attempts => 2 });
my $box = $site->box;
my $list = 'dev@lists.test';
$site->list($list, 'policy=open', 'max-size=0');
plan(skip_all => 'sanitizers need much memory')
	if qx(ldd $site->{build}/musterd) =~ /lib[at]san/;
my ($number, %taken) = (0);

sub try_post ($body = "hello\n") {
	$number++;
	my $id = "<$number\@far.test>";
	my $is = eval { $site->post_from('192.0.2.7', 'ann@far.test', [$list],
		message(from => 'ann@far.test', to => $list, id => $id,
			body => $body)) } // 'gone';
	$taken{$id} = 1 if $is eq 'discard';
	return $is;
}

sub is_taken ($what) {
	await($what, sub { try_post() eq 'discard' });
	pass($what);
}

# The share of a processor that it takes for a second.
sub load_of ($pid) {
	my $ticks = sub {
		my @stat = split ' ', slurp("/proc/$pid/stat") =~ s/.*\) //sr;
		return $stat[11] + $stat[12];
	};
	my ($before, $begun) = ($ticks->(), time);
	sleep 1;
	return ($ticks->() - $before) / POSIX::sysconf(POSIX::_SC_CLK_TCK)
		/ (time - $begun);
}

# As many connections as somebody takes, without a word.
sub crowd ($path, $count) {
	return [map { IO::Socket::UNIX->new(Peer => $path, Timeout => 1)
		// () } 1 .. $count];
}

sub limited ($name, $limit, @more) {
	my $path = $name eq 'musterd' ? $site->submit_path
		: $site->milter_path;
	$box->stop($name);
	$box->start($name, ['sh', '-c', "ulimit $limit; exec \"\$@\"", 'sh',
		"$site->{build}/$name", '-F', '-c', $site->{conf}]);
	$box->await_answer($path, $name);
}

# --- descriptors -----------------------------------------------------------

subtest 'descriptors of musterd' => sub {
	limited('musterd', '-n 190');
	my $pid = $box->pid('musterd');
	is_taken('a post with few descriptors');
	my $crowd = crowd($site->submit_path, 150);
	await('the limit', sub {
		$box->log_of('musterd') =~ /server\.no-descriptor/ });
	like($box->log_of('musterd'), qr/no-descriptor .*todo="raise/,
		'the log says what to do');
	cmp_ok(load_of($pid), '<', 0.5, 'it does not spin');
	unlike(try_post(), qr/^5/, 'a post meanwhile is not refused');
	undef $crowd;
	is_taken('a post when they have gone');
};

subtest 'descriptors of the LMTP door' => sub {
	my ($door) = await('the door', sub {
		$box->answers($site->lmtp_path) && [$site->children('musterd')]
	})->@*;
	my $crowd = crowd($site->lmtp_path, 250);
	cmp_ok(load_of($door), '<', 0.5, 'it does not spin');
	undef $crowd;
	my $is = await('a session', sub { my $is = eval {
		my $client = $site->lmtp;
		$client->post(from => 'a@far.test', to => [$list],
			message => message(from => 'a@far.test', to => $list,
				id => '<lmtp@far.test>')) };
		return $is && $is->{dot} =~ /^250/ });
	ok($is, 'a post when they have gone');
	$taken{'<lmtp@far.test>'} = 1;
};

subtest 'descriptors of the gate' => sub {
	limited('muster-milter', '-n 100');
	is_taken('a post with few descriptors');
	my $session = $site->session;
	my $crowd = crowd($site->milter_path, 200);
	my @workers = $site->workers;
	await('each worker to be full', sub {
		@workers == (() = $box->log_of('muster-milter')
			=~ /worker\.no-descriptor /g) });
	like($box->log_of('muster-milter'),
		qr/no-descriptor limit=100 todo="raise LimitNOFILE/,
		'the log says what to do');
	cmp_ok(load_of($_), '<', 0.3, 'a worker does not spin') for @workers;
	is(scalar(() = $box->log_of('muster-milter') =~ /no-descriptor /g),
		scalar @workers, 'the log says so once');
	my $id = '<within@far.test>';
	is(Muster::Milter::verdict($session->send('<ann@far.test>',
		["<$list>"], message(from => 'ann@far.test', to => $list,
			id => $id))), 'discard',
		'a session that was there has what it needs');
	$taken{$id} = 1;
	undef $crowd;
	is_taken('a post when they have gone');
	$box->stop('muster-milter');
	my $gate = "$site->{build}/muster-milter -F -c $site->{conf}";
	my $said = qx(ulimit -n 63; $gate 2>&1);
	is($? >> 8, 1, 'with next to none it does not start');
	like($said, qr/63 descriptors are too few.*LimitNOFILE/s,
		'and says what to do');
	$site->start_milter;
};

# --- memory ----------------------------------------------------------------

subtest 'memory of musterd' => sub {
	$box->stop('musterd');
	my $build = $site->{build};
	my $script = $box->put('limited', <<"END");
#!/bin/sh
ulimit -d \${MUSTER_T_MEMORY:-200000}
exec $build/musterd "\$@"
END
	chmod 0755, $script;
	my $other = $box->dir('limited-build');
	rename $script, "$other/musterd" or die "$!\n";
	{
		local $site->{build} = $other;
		keep_running($site);
	}
	is_taken('a post in little memory');
	my $big = try_post("0123456789012345678901234567890123456789012345678\n"
		x 1_200_000);
	my $id = "<$number\@far.test>";
	like($big, qr/^(?:discard|451|gone)/, "one of 60 MB is told: $big");
	is_taken('the next one is');
	await('the big one to come to an end', sub {
		my $queue = eval { $site->json('queue', 'ls') } or return;
		return !grep { $_->{stage} ne 'shunted' } @$queue;
	});
	my $ends = () = $box->log_of('musterd') =~ /ended: status [1-9]\d?$/mg;
	cmp_ok($ends, '<=', 4, "musterd ended $ends times for it");
	is_taken('and after it');
	my ($job) = @{ await('the queue', sub {
		eval { $site->json('queue', 'ls') } }) };
	SKIP: {
		skip('there was room for it', 2) if !$job;
		is($job->{stage}, 'shunted', 'it is set aside');
		like($job->{reason}, qr/^crash: signal \d+/,
			'with the reason');
		$site->muster('queue', 'drop', $job->{id});
	}
	delete $taken{$id};
};

for my $id (sort keys %taken) {
	await("$id", sub { $site->sink->with_id($id) });
}
pass('all ' . keys(%taken) . ' that were acknowledged arrive');
done_testing;
