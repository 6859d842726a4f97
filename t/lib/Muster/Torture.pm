# SPDX-License-Identifier: BSD-2-Clause
package Muster::Torture;

# Rounds of torture: clients post by both doors, an administrator subscribes
# people and takes them off, dumps, backs up and loads, the relay misbehaves
# (Muster::Rogue), and all of them are killed or stopped at random instants.
# What has been killed is started again, as systemd would, and nothing else is
# done about it. At the end everything is counted (Muster::Tally).
#
# The schedule of a round follows from seed and number of the round, and so
# does what clients post and the relay does on each connection; how these meet
# is up to the machine.

use v5.36;
use JSON::PP ();
use Muster::Box qw(await slurp);
use Muster::Poster;
use Muster::Rogue;
use Muster::Site;
use Muster::Tally;
use POSIX ();
use Time::HiRes qw(sleep time);

use constant {
	IN_FLIGHT => 60,	# the bound of repeats for a kill of musterd
	TIMEOUT_S => 3,		# for a reply of the relay
	CLIENTS => 3,
	POSTS => 4,		# of a client in a round
	CALM_S => 180,		# at the end, for what is still queued
};

my %MEMBERS = (
	'auto@lists.test' => [map { "a$_\@d" . $_ % 4 . '.test' } 1 .. 40],
	'single@lists.test' => [map { "s$_\@d" . $_ % 3 . '.test' } 1 .. 15],
	'adaptive@lists.test' => [map { "v$_\@d" . $_ % 4 . '.test' }
		1 .. 30],
	'own@lists.test' => [map { "o$_\@d" . $_ % 2 . '.test' } 1 .. 12],
	'churn@lists.test' => [map { "f$_\@d0.test" } 1 .. 3],
);
my %KEYS = (
	'auto@lists.test' => [],
	'single@lists.test' => ['verp=single'],
	'adaptive@lists.test' => ['verp=adaptive', 'verp-every=3',
		'verp-proven=1m'],
	'own@lists.test' => ['footer=%{member} reads %{list}',
		'unsubscribe-url=https://lists.test/u/%{token}',
		'sign-selector=t'],
	'churn@lists.test' => [],
);
my $STRICT = 'strict@lists.test';

# kind => [weight, what is done]; methods, with their argument from draw
my @EVENTS = (
	[9, kill => 'musterd'], [4, twice => 'musterd'],
	[3, kill => 'muster-milter'], [2, orphan => 'muster-milter'],
	[4, worker => 'muster-milter'], [4, worker => 'musterd'],
	[4, kill => 'relay'], [2, away => 'relay'],
	[2, term => 'musterd'], [1, term => 'muster-milter'],
	[4, pause => 'musterd'], [2, pause => 'muster-milter'],
	[4, pause => 'relay'], [1, reload => 'musterd'],
	[1, reload => 'muster-milter'],
);

# new(seed => N, say => sub ($line), faults => share of connections to the
# relay, pauses => share of rounds in which a list pauses)
sub new ($class, %opt) {
	my $box = Muster::Box->new(%{ $opt{box} // {} });
	my $self = bless { seed => 1, say => sub ($line) {}, faults => 0.8,
		pauses => 0.3,
		%opt, box => $box, down => {}, kills => [], groups => [],
		did => {}, members_of_churn => {}, round => 0,
		problems => [] }, $class;
	# One relay, or two that share the work
	$self->{relays} = { map { ("relay$_" => Muster::Rogue->new($box,
		name => "relay$_", first => $_ * 1_000_000_000,
		seed => $self->{seed} * 2 + $_, faults => $self->{faults})) }
		1 .. 1 + $self->{seed} % 2 };
	my $relays = join ', ', map { '127.0.0.1:'
		. $self->{relays}{$_}->port . ' ' . (/1/ ? 2 : 1) }
		sort keys %{ $self->{relays} };
	$self->{site} = Muster::Site->new($box, relay => 0, settings => {
			muster => { domains => 'lists.test',
				hostname => 'lists.test' },
			milter => { workers => 3 },
			outbound => { 'in-flight' => IN_FLIGHT,
				relay => $relays, connections => 6,
				timeout => TIMEOUT_S,
				'domain-limits' => 'd3.test 2' },
		});
	return $self;
}

sub box ($self) { return $self->{box} }
sub site ($self) { return $self->{site} }

sub _problem ($self, $what) {
	push @{ $self->{problems} }, $what;
	$self->{say}->("PROBLEM: $what");
}

sub start ($self) {
	$_->start for values %{ $self->{relays} };
	$self->{site}->start;
	my $key = $self->{box}->path('sign.pem');
	system('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', $key)
		== 0 or die "openssl: $?\n";
	for my $list (sort keys %MEMBERS) {
		$self->{site}->make_list($list, ['policy=open',
			@{ $KEYS{$list} }, $list =~ /^own/ ?
			("sign-key=$key") : ()], @{ $MEMBERS{$list} });
	}
	$self->{site}->make_list($STRICT, ['policy=members-strict'],
		'nobody@d0.test');
	$self->{began} = time;
}

# --- the schedule -----------------------------------------------------------

# Of a round: [seconds from its begin, event, who, seconds]..., in order
sub schedule ($class, $seed, $round) {
	srand $seed * 1_000_003 + $round;
	my $sum = 0;
	$sum += $_->[0] for @EVENTS;
	my @plan;
	for (1 .. 2 + int rand 3) {
		my $dice = rand $sum;
		my ($event) = grep { ($dice -= $_->[0]) < 0 } @EVENTS;
		push @plan, [0.05 + rand 2.5, @$event[1, 2],
			rand() < 0.8 ? rand 1.2 : 1.2 + rand 3];
	}
	return sort { $a->[0] <=> $b->[0] } @plan;
}

sub plan_text (@plan) {
	return join ', ', map { sprintf '%.3f %s %s %.3f', @$_ } @plan;
}

# --- killing, and starting again --------------------------------------------

# Ended, by us or by itself: it is started again in a while, like
# Restart=always with RestartSec.
sub _watch ($self) {
	my $box = $self->{box};
	for my $name (qw(musterd muster-milter),
		sort keys %{ $self->{relays} }) {
		if (my $due = $self->{down}{$name}) {
			next if time < $due;
			delete $self->{down}{$name};
			$self->_start($name);
			next;
		}
		next if $box->runs($name);
		$self->_ended($name, $box->stop($name));
	}
}

sub _start ($self, $name) {
	return $self->{relays}{$name}->start if $self->{relays}{$name};
	my $site = $self->{site};
	$self->{box}->start($name, ["$site->{build}/$name", '-F', '-c',
		$site->{conf}]);
}

sub _ended ($self, $name, $status) {
	my $by = delete $self->{ends}{$name};
	# Signals that come before main() has blocked them end it.
	$by //= 'reload' if $status == POSIX::SIGUSR1() &&
		$self->{reloaded} && $self->{reloaded} ==
			$self->{box}->pid($name);
	# 75: the home is the admin's command's at present
	my $busy = $status >> 8 == 75;
	$self->_problem("$name ended by itself, status $status:\n"
		. $self->{box}->log_end($name))
		if !$busy && !defined $by;
	$self->_problem("$name ended with status $status at SIGTERM")
		if ($by // '') eq 'term' && $status != 0 && !$busy &&
			$status != POSIX::SIGTERM();
	$self->{did}{"$name waited"}++ if $busy;
	push @{ $self->{groups} }, $self->{box}->forget($name);
	$self->{down}{$name} = time + ($self->{rest}{$name} // 0.2);
	delete $self->{rest}{$name};
}

# Is it there to be hurt?
sub _is_up ($self, $name) {
	return !$self->{down}{$name} && $self->{box}->runs($name);
}

sub _children ($pid) {
	return split ' ', slurp("/proc/$pid/task/$pid/children");
}

sub _kill ($self, $name, $rest_s, @pids) {
	return 0 if !$self->_is_up($name);
	my $pid = $self->{box}->pid($name);
	my $begin = time;
	$self->{ends}{$name} = 'kill';
	$self->{rest}{$name} = $rest_s;
	# One that has just been forked has no group yet.
	kill KILL => @pids ? @pids : (-$pid, $pid, _children($pid));
	$self->_ended($name, $self->{box}->await_end($name));
	push @{ $self->{kills} }, [$begin, time] if $name eq 'musterd';
	return 1;
}

sub _do ($self, $what, $name, $seconds) {
	my $method = "_do_$what";
	if ($name eq 'relay') {
		my @all = sort keys %{ $self->{relays} };
		$name = $all[$seconds * 1000 % @all];
	}
	my $done = $self->$method($name, $seconds);
	$self->{did}{"$what $name"}++ if $done;
}

# The whole control group, as systemd does
sub _do_kill ($self, $name, $seconds) {
	return $self->_kill($name, $seconds / 4);
}

# Again while it recovers
sub _do_twice ($self, $name, $seconds) {
	$self->_kill($name, 0) or return 0;
	$self->_watch;
	sleep $seconds / 10;
	$self->_kill($name, 0);
	return 1;
}

# Its children are left to themselves.
sub _do_orphan ($self, $name, $seconds) {
	return 0 if !$self->_is_up($name);
	return $self->_kill($name, $seconds / 4, $self->{box}->pid($name));
}

sub _do_away ($self, $name, $seconds) {
	return $self->_kill($name, $seconds);
}

# One child: a worker of the gate, or the LMTP door
sub _do_worker ($self, $name, $seconds) {
	return 0 if !$self->_is_up($name);
	my @children = _children($self->{box}->pid($name)) or return 0;
	kill KILL => $children[0];
	return 1;
}

# Not a child of ours that is to become it
sub _is_itself ($self, $name) {
	return $self->_is_up($name) && (readlink(
		"/proc/${\$self->{box}->pid($name)}/exe") // '') =~ m{/$name$};
}

sub _do_term ($self, $name, $seconds) {
	return 0 if !$self->_is_itself($name);
	$self->{ends}{$name} = 'term';
	kill TERM => $self->{box}->pid($name);
	return 1;
}

sub _do_pause ($self, $name, $seconds) {
	return 0 if !$self->_is_up($name);
	my $pid = $self->{box}->pid($name);
	my @pids = (-$pid, _children($pid));
	kill STOP => @pids;
	push @{ $self->{wake} }, [time + $seconds, @pids];
	return 1;
}

sub _do_reload ($self, $name, $seconds) {
	return 0 if !$self->_is_itself($name);
	$self->{site}{settings}{outbound}{connections} =
		2 + $seconds * 1000 % 7;
	$self->{site}->write_conf;
	$self->{reloaded} = $self->{box}->pid($name);
	kill USR1 => $self->{reloaded};
	return 1;
}

sub _wake ($self, $all = 0) {
	my @later;
	for my $nap (@{ $self->{wake} // [] }) {
		my ($due, @pids) = @$nap;
		$all || time >= $due ? kill(CONT => @pids)
			: push @later, $nap;
	}
	$self->{wake} = \@later;
}

# --- a round ----------------------------------------------------------------

sub _start_client ($self, $number) {
	my $name = "r$self->{round}c$number";
	my $poster = Muster::Poster->new(site => $self->{site},
		log => $self->{box}->path('posts'), name => $name,
		seed => $self->{seed} * 7919 + $self->{round} * 101 + $number,
		lists => [sort keys %MEMBERS], strict => [$STRICT]);
	$self->{box}->start($name, sub { $poster->run(POSTS) });
	return $name;
}

sub round ($self) {
	$self->{round}++;
	my @plan = ref($self)->schedule($self->{seed}, $self->{round});
	$self->{say}->("round $self->{round}: " . plan_text(@plan));
	my @busy = map { $self->_start_client($_) } 1 .. CLIENTS;
	push @busy, $self->_start_admin;
	my $begin = time;
	my $end = $begin + 180;
	while (@plan || @busy || @{ $self->{wake} // [] }) {
		$self->_watch;
		$self->_wake;
		if (@plan && time >= $begin + $plan[0][0]) {
			my ($at, @event) = @{ shift @plan };
			$self->_do(@event);
		}
		@busy = grep { !$self->_is_done($_) } @busy;
		die "round $self->{round} does not end: @busy\n"
			if time > $end;
		sleep 0.01;
	}
}

sub _is_done ($self, $name) {
	my $box = $self->{box};
	return 0 if $box->runs($name);
	my $status = $box->stop($name);
	$self->_problem("$name: status $status: " . $box->log_end($name))
		if $status != 0;
	$box->forget($name);
	return 1;
}

# --- the administrator ------------------------------------------------------

sub _start_admin ($self) {
	my $name = "r$self->{round}admin";
	$self->{box}->start($name, sub { $self->_administer });
	return $name;
}

# (status, what it said); with an end the command is killed after that time
sub _muster ($self, $words, $kill_after_s = undef) {
	my $site = $self->{site};
	my $file = $self->{box}->path("admin.$$");
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0) {
		open STDOUT, '>', "$file.out";
		open STDERR, '>', "$file.err";
		exec "$site->{build}/muster", '-c', $site->{conf}, @$words
			or POSIX::_exit(127);
	}
	if (defined $kill_after_s) {
		sleep $kill_after_s;
		kill KILL => $pid;
	}
	waitpid $pid, 0;
	return ($?, slurp("$file.err"), "$file.out");
}

# Until it is done; what it may say instead is $or.
sub _insist ($self, $or, @words) {
	my $end = time + 120;
	while (1) {
		my ($status, $said) = $self->_muster(\@words);
		return if $status == 0 || $said =~ $or;
		die "muster @words: $status $said" if time > $end;
		$self->_see_status($status, $said, @words);
		sleep 0.1;
	}
}

# Refused for now is 75; anything else is a defect.
sub _see_status ($self, $status, $said, @words) {
	die "muster @words: status $status: $said"
		if $status != 0 && $status >> 8 != 75;
}

sub _administer ($self) {
	srand $self->{seed} * 31 + $self->{round};
	my $addr = "c$self->{round}\@d1.test";
	my $old = 'c' . (1 + int rand $self->{round}) . '@d1.test';
	my $box = $self->{box};
	$self->_insist(qr/already/, qw(member add churn@lists.test), $addr);
	my $dice = rand;
	if ($dice < 0.3) {
		$self->_backup;
	} elsif ($dice < 0.6) {
		$self->_dump;
	} else {
		$self->_muster([$dice < 0.8 ? ('backup',
			$box->path("cut$self->{round}")) : ('dump')],
			rand 0.1);
	}
	$self->_pause if rand() < $self->{pauses};
	if (rand() < 0.5) {
		$self->_insist(qr/not (?:a member|subscribed|found)|no member/,
			qw(member remove churn@lists.test), $old);
		syswrite _open_log($box->path('removed')), "$old\n";
	}
	return 0;
}

# A list stops sending for a while.
sub _pause ($self) {
	my @lists = sort keys %MEMBERS;
	my @set = (qw(list set), $lists[rand @lists]);
	$self->_insist(qr/^$/, @set, 'outgoing=paused');
	sleep rand 2;
	$self->_insist(qr/^$/, @set, 'outgoing=on');
}

sub _open_log ($path) {
	open my $out, '>>:raw', $path or die "$path: $!\n";
	return $out;
}

# It may be cut short by what befalls musterd; then another one is made.
sub _backup ($self) {
	for my $try (1 .. 10) {
		my $dir = $self->{box}->path("backup$self->{round}.$try");
		my ($status, $said) = $self->_muster(['backup', $dir]);
		my $bad = $status == 0 ? verify($dir) : '';
		die "backup $dir: $bad" if $bad;
		File::Path::remove_tree($dir);
		if ($status == 0) {
			syswrite _open_log($self->{box}->path('backups')),
				"$dir\n";
			return;
		}
		$self->_see_status($status, $said, 'backup');
	}
}

sub _dump ($self) {
	my ($status, $said, $out) = $self->_muster(['dump']);
	if ($status != 0) {
		$self->_see_status($status, $said, 'dump');
		return;
	}
	rename $out, "$out.jsonl";
	$self->_insist(qr/^$/, 'load', '--dry-run', "$out.jsonl");
	syswrite _open_log($self->{box}->path('dumps')), "$out\n";
	unlink "$out.jsonl";
}

# What db5.3_verify finds in a home; '' is good.
sub verify ($home) {
	my @files = glob "$home/env/data/*";
	return "$home: no databases\n" if !@files;
	my $said = qx(db5.3_verify -o @files 2>&1);
	return $? == 0 ? '' : "db5.3_verify: $said";
}

# --- the end ----------------------------------------------------------------

# Everybody is left alone, and what is queued must go out by itself.
sub settle ($self) {
	$self->_wake(1);
	$_->be_calm for values %{ $self->{relays} };
	my $begin = time;
	my $end = $begin + CALM_S;
	my $idle = 0;
	while (!$idle && time < $end) {
		$self->_watch;
		sleep 0.05;
		$idle = !%{ $self->{down} } && $self->{site}->is_idle;
	}
	$self->{calm_s} = time - $begin;
	$self->_problem("the queue is not empty after " . CALM_S . " s:\n"
		. $self->{site}->run('queue', 'ls')->{out}) if !$idle;
	eval { await('orphans to leave', sub {
		!grep { kill 0, -$_ } @{ $self->{groups} } }, 30); 1 }
		or $self->_problem("of a group that was killed some are left: "
			. join ' ', grep { kill 0, -$_ } @{ $self->{groups} });
}

sub _was_refused ($self, $id, $rcpt) {
	my $is = $self->{site}->run('trace', "<$id\@torture.test>");
	return $is->{out} =~
		/\Q$rcpt\E failed: refused at re-injection/;
}

sub count ($self) {
	my $box = $self->{box};
	my $tally = Muster::Tally->new(posts => $box->path('posts'),
		relays => [map { $_->log_file } values %{ $self->{relays} }],
		members => \%MEMBERS,
		kills => $self->{kills}, in_flight => IN_FLIGHT,
		ignore => sub ($rcpt) { $rcpt =~ /^c\d+\@d1\.test$/ },
		was_refused => sub ($id, $rcpt) {
			$self->_was_refused($id, $rcpt) });
	$self->_problem($_) for $tally->problems;
	$self->{tally} = $tally;
}

sub inspect ($self) {
	my ($site, $box) = @$self{qw(site box)};
	$self->_inspect_roster;
	my $is = $site->run('check');
	$self->_problem("muster check: $is->{out}") if $is->{status} != 0;
	my $log = $box->log_of('musterd');
	$self->_problem($_) for $log =~ /^(.*job\.shunted.*)$/mg;
	my $backup = $box->path('backup');
	$site->muster('backup', $backup);
	my $dump = $site->muster('dump');
	$box->stop('musterd');
	$self->_problem('a dump differs with and without musterd')
		if $site->muster('dump') ne $dump;
	for my $home ($site->{home}, $backup) {
		my $bad = verify($home);
		$self->_problem($bad) if $bad;
	}
	$self->_inspect_posts($dump);
}

# Each post once in the store, if it is there at all
sub _inspect_posts ($self, $dump) {
	my %seen;
	for my $line (split /\n/, $dump) {
		my $is = JSON::PP::decode_json($line);
		next if ($is->{type} // '') ne 'post';
		my $id = $is->{message_id} // $is->{'message-id'} // next;
		$self->_problem("twice in the store: $id") if $seen{$id}++;
	}
	$self->{stored} = scalar keys %seen;
}

sub _inspect_roster ($self) {
	my %is = map { (split)[0] => 1 } split /\n/,
		$self->{site}->muster('member', 'ls', 'churn@lists.test');
	my %gone = map { $_ => 1 } split /\n/, slurp(
		$self->{box}->path('removed'));
	for my $round (1 .. $self->{round}) {
		my $addr = "c$round\@d1.test";
		$self->_problem("not subscribed: $addr")
			if !$is{$addr} && !$gone{$addr};
		$self->_problem("still subscribed: $addr")
			if $is{$addr} && $gone{$addr};
	}
}

# [what, figure]... for people
sub table ($self) {
	my $count = $self->{tally}{count};
	my $lines = sub ($name) {
		return scalar(() = slurp($self->{box}->path($name)) =~ /\n/g);
	};
	my $did = $self->{did};
	return (['seed', $self->{seed}], ['rounds', $self->{round}],
		(map { [$_, $did->{$_}] } sort keys %$did),
		['faults of the relay', $count->{faults}],
		['backups that verify', $lines->('backups')],
		['dumps that load', $lines->('dumps')],
		['posts acknowledged', $count->{taken}],
		['posts refused', $count->{refused}],
		['posts abandoned', $count->{abandoned}],
		['copies expected', $count->{copies}],
		['copies refused by the relay', $count->{given_up}],
		['copies missing', $count->{missing}],
		['copies of nothing', $count->{stray}],
		['copies whose answer may not have come', $count->{unanswered}],
		['repeats of these', $count->{withheld}],
		['repeats after kills of musterd', $count->{killed}],
		['most for one kill (bound ' . IN_FLIGHT . ')',
			$count->{most_a_kill}],
		['repeats without excuse', $count->{unexplained}],
		['seconds', sprintf '%.0f', time - $self->{began}],
		['seconds of calm until the queue was empty',
			sprintf '%.1f', $self->{calm_s}]);
}

sub problems ($self) { return @{ $self->{problems} } }

1;
