# SPDX-License-Identifier: BSD-2-Clause
# A job that crashes a stage, or from which it does not come back, is set
# aside after its attempts, with the reason; everything else flows on.
use v5.36;
use Test::More;
use Muster::Box qw(await slurp spew);
use Muster::Gate;
use Muster::Mail qw(message);
use Muster::Spoil qw(spoil keep_running);

use constant ATTEMPTS => 2;

my $site = Muster::Gate->new(sink => 1, muster => { 'hung-after' => '1s' },
	outbound => { attempts => ATTEMPTS, 'in-flight' => 8 });
my $box = $site->box;
spoil($site);

my %policy = (notice => 'moderated', held => 'moderated');
my @poison = ((map { "poison-$_-segv" } qw(pending bounce notice held
	outbound relay)), map { "poison-$_-hang" } qw(pending relay));
for my $name (@poison) {
	my ($stage) = $name =~ /-(\w+)-/;
	$site->list("$name\@lists.test",
		'policy=' . ($policy{$stage} // 'open'),
		$stage eq 'held' ? 'held-keep=60s' : ());
}
$site->list('dev@lists.test', 'policy=open');
$box->stop('musterd');
# What is held for a minute has been so for longer than that.
spew($box->path('clock'), $box->{early} = -3600);
keep_running($site);

# Again until it is taken, as a mail server does.
sub post ($to, $sender = 'ann@far.test', $id = "<$to>") {
	my $bytes = message(from => $sender || 'mailer@far.test', to => $to,
		id => $id);
	return await("a post to $to", sub {
		return (eval { $site->post_from('192.0.2.7', $sender, [$to],
			$bytes) } // '') eq 'discard';
	});
}

# The posts that are held are put in first, and are not yet due.
my @held = grep { /held/ } @poison;
post("$_\@lists.test") for @held;
await('they are held', sub { @{ $site->json('held', 'ls') } == @held });
await('nothing else', sub { $site->is_idle });
$box->stop('musterd');
unlink $box->path('clock');
keep_running($site);

my $sound = 0;
for my $name (grep { !/held/ } @poison) {
	my ($stage) = $name =~ /-(\w+)-/;
	post("$name\@lists.test");
	if ($stage eq 'bounce') {
		my ($copy) = $site->sink->await_copies(
			"<$name\@lists.test>", 1);
		post($copy->{from}, '');
	}
	$sound++;
	post('dev@lists.test', 'ann@far.test', "<sound$sound\@far.test>");
}

my %shunted;
await('all poison to be set aside', sub {
	my $queue = eval { $site->json('queue', 'ls') } or return;
	%shunted = map { ($_->{list} =~ s/\@.*//r => $_) }
		grep { $_->{stage} eq 'shunted' } @$queue;
	return keys %shunted == @poison;
});
is_deeply([sort keys %shunted], [sort @poison], 'all poison is set aside');
for my $name (@poison) {
	my ($stage, $how) = $name =~ /-(\w+)-(\w+)/;
	my $job = $site->json('queue', 'show', $shunted{$name}{id});
	is($job->{shunted_from}, $stage eq 'relay' ? 'outbound' : $stage,
		"$name: out of the stage");
	like($job->{reason}, $how eq 'segv' ? qr/^crash: signal 11 /
		: qr/^hung: .* after \d+ s/, 'with the reason');
	like($job->{held_for} // '', qr/moderat/,
		'and why it is held, beside it') if $stage eq 'held';
	like($site->muster('trace', $shunted{$name}{post}),
		qr/shunted from .*(?:signal 11|hung)/, 'in the trace too');
}
my $ends = () = $box->log_of('musterd') =~ /musterd ended: status (?:6|11)$/mg;
cmp_ok($ends, '<=', ATTEMPTS * @poison, "musterd ended $ends times for it");
unlike($box->log_of('musterd'), qr/double free|corrupt|invalid pointer/,
	'and by nothing else');
like($box->log_of('musterd'), qr/job\.hung job=\S+ seconds=\d+ todo=/,
	'a hung job is logged');
like($box->log_of('musterd'), qr/job\.at-fault .*signal 11/,
	'so is one that crashes');

# Everything else has flown.
await('sound posts', sub { $site->sink->sent_to('member@far.test') >=
	$sound });
for my $number (1 .. $sound) {
	my @copies = $site->sink->with_id("<sound$number\@far.test>");
	cmp_ok(scalar @copies, '>=', 1, "post $number of a sound list came");
}
is_deeply([map { $_->{list} } grep { $_->{stage} eq 'shunted' &&
	$_->{list} =~ /^dev/ } @{ $site->json('queue', 'ls') }], [],
	'no sound post is set aside');

# What can be done about them.
my $dropped = delete $shunted{'poison-outbound-segv'};
$site->muster('queue', 'drop', $dropped->{id});
isnt($site->run('queue', 'show', $dropped->{id})->{status}, 0,
	'one is dropped');
spew($box->path('cured'), '');
$site->muster('queue', 'retry', map { $_->{id} } values %shunted);
$site->await_idle;
for my $stage (qw(pending relay)) {
	is(scalar($site->sink->with_id("<poison-$stage-segv\@lists.test>")), 1,
		"cured, that of $stage is delivered");
}
is(scalar($site->sink->with_id('<poison-outbound-segv@lists.test>')), 0,
	'what was dropped is not');
is($box->stop('musterd'), 0, 'musterd ends well');
done_testing;
