# SPDX-License-Identifier: BSD-2-Clause
# kill -9 of any process at any time: what was acknowledged is there, once.
use v5.36;
use Test::More;
use Muster::Box qw(await);
use Muster::Gate;

use constant { ROUNDS => 12, POSTS => 40 };

my $site = Muster::Gate->new(milter => { workers => 3 });
$site->list('dev@lists.test', 'policy=open');
my %kept;	# number => what its sender was told

# A client repeats a post until it is told something final.
sub try_post ($number, $door) {
	my $post = "From: a\@far.test\r\nSubject: $number\r\n"
		. "Message-ID: <$number\@far.test>\r\n\r\npost $number\r\n";
	if ($door eq 'lmtp') {
		my $client = $site->lmtp;
		my $is = $client->post(from => 'a@far.test',
			to => ['dev@lists.test'], message => $post);
		$client->quit;
		return $is->{dot} =~ /^250/;
	}
	my $session = $site->session;
	my $reply = $session->send('<a@far.test>', ['<dev@lists.test>'], $post,
		{ i => "Q$number" });
	$session->quit;
	return $reply->{code} eq 'd';
}

sub deliver ($number, $door) {
	await("post $number to be taken", sub {
		return eval { try_post($number, $door) };
	});
	$kept{$number} = 1;
}

# In a process of its own, so that the killing goes on beside it.
sub start_client ($round) {
	my $name = "client$round";
	my $door = $round % 3 == 2 ? 'lmtp' : 'milter';
	$site->box->start($name, sub {
		local $SIG{PIPE} = 'IGNORE';	# the other end is killed
		deliver("$round-$_", $door) for 1 .. POSTS;
		return 0;
	});
	return $name;
}

my @victims = (
	sub { my ($worker) = $site->workers; kill KILL => $worker if $worker },
	sub {
		kill KILL => $site->box->pid('musterd');
		$site->box->await_end('musterd');
		$site->start_musterd;
	},
	sub {
		kill KILL => $site->gate_pid;
		$site->box->await_end('muster-milter');
		$site->start_milter;
	},
	sub {
		my ($door) = $site->children('musterd');
		kill KILL => $door if $door;
	},
);

for my $round (1 .. ROUNDS) {
	my $client = start_client($round);
	my $before = () = $site->log_of('muster-milter') =~ /post\.accepted/g;
	my $victim = $victims[$round % @victims];
	# Somewhere in the middle of its work.
	await('some posts', sub {
		return !$site->box->runs($client) || (() =
			$site->log_of('muster-milter') =~ /post\.accepted/g)
			> $before + $round;
	}) if $round % 3 != 2;
	$victim->();
	is($site->box->await_end($client), 0, "round $round: all taken");
}

my %count;
for my $post ($site->posts) {
	$count{$1}++ if $post->{bytes} =~ /^Subject: (\S+)\r$/m;
}
my @wanted = map { my $round = $_; map { "$round-$_" } 1 .. POSTS }
	1 .. ROUNDS;
is_deeply([grep { !$count{$_} } @wanted], [], 'nothing is lost');
is_deeply([grep { ($count{$_} // 0) > 1 } @wanted], [], 'nothing is doubled');
done_testing;
