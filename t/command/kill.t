# SPDX-License-Identifier: BSD-2-Clause
# kill -9 of musterd while commands run: each command that was taken is done
# once, and nobody is told twice but of what was on its way at a kill.
use v5.36;
use Test::More;
use Muster::Box qw(await);
use Muster::Mail qw(field message);
use Muster::Milter;
use Muster::Writer qw(text INSIDE);

use constant { ROUNDS => 8, MAILS => 30, IN_FLIGHT => 10 };

my $w = Muster::Writer->new(outbound => { 'in-flight' => IN_FLIGHT });
my $site = $w->site;
my $box = $site->box;
$site->make_list('dev@lists.test', ['subscription=open', 'welcome=yes',
	'--owner', 'own@good.example'], 'stay@good.example');

# Each asks until he is told that it is taken.
sub ask ($who, $number) {
	my $bytes = message(from => $who, to => 'dev-request@lists.test',
		subject => '', id => "<$number\@good.example>",
		body => "subscribe\nset ack on\nfrobnicate\n");
	await("$who to be taken", sub {
		my $is = eval { $site->post_from(INSIDE, $who,
			['dev-request@lists.test'], $bytes) };
		return defined $is && $is eq 'discard';
	});
}

my @all;
for my $round (1 .. ROUNDS) {
	my @who = map { "m$round-$_\@good.example" } 1 .. MAILS;
	push @all, @who;
	$box->start("client$round", sub {
		ask($_, s/@.*//r) for @who;
		return 0;
	});
	# In the middle: so many commands have been done since the start.
	await('some commands', sub { !$box->runs("client$round") ||
		(() = $box->log_of('musterd') =~ /command\.run /g)
			> 3 * $round });
	kill KILL => $box->pid('musterd');
	$box->await_end('musterd');
	$site->start_musterd;
	is($box->await_end("client$round"), 0, "round $round: all taken");
}
$site->await_idle;

my %member = map { $_ => 1 } $site->muster('member', 'ls', 'dev@lists.test')
	=~ /^(\S+\@\S+)/mg;
is_deeply([grep { !$member{$_} } @all], [], 'each has joined');
my %events;
$events{$_}++ for $site->muster('dump')
	=~ /"addr":"([^"]+)","kind":"joined"/g;
is_deeply([grep { ($events{$_} // 0) != 1 } @all], [], 'once');
is_deeply([grep { $site->json('member', 'show', 'dev@lists.test', $_)->{ack}
	ne JSON::PP::true } @all[map { $_ * 17 } 0 .. 9]], [],
	'and the command behind it is done too');

# A letter is sent again where the kill came before the relay's answer.
my (%letters, %ids);
for my $mail ($site->sink->messages) {
	my $id = field($mail->{data}, 'Message-ID');
	$letters{ $mail->{to} }{$id}++;
}
is_deeply([grep { keys %{ $letters{$_} // {} } != 2 } @all], [],
	'each got a welcome and an answer, and no other');
my $twice = 0;
for my $ids (values %letters) {
	$twice += $_ - 1 for values %$ids;
}
note "$twice letters came again in ", ROUNDS, ' kills';
cmp_ok($twice, '<=', ROUNDS * IN_FLIGHT,
	'and few again, not more than were on their way');
is((grep { $_->{stage} eq 'shunted' } $site->json('queue', 'ls')->@*), 0,
	'nothing is shunted');
done_testing;
