# SPDX-License-Identifier: BSD-2-Clause
# A clock that is set by days, forward and back, while posts wait and at a
# start: nothing stands still for that, and nothing is given up.
use v5.36;
use Test::More;
use Muster::Box qw(await spew);
use Muster::Gate;
use Muster::Mail qw(message);
use Muster::Spoil qw(spoil);

use constant DAYS => 10 * 86400;

my $site = Muster::Gate->new(sink => 1, outbound => { 'max-age' => '1d' });
my $box = $site->box;
spoil($site);
my $list = 'dev@lists.test';
$site->make_list($list, ['policy=open'], 'one@far.test', 'slow@far.test');
$site->make_list('held@lists.test', ['policy=moderated', 'held-keep=5d',
	'--owner', 'owner@far.test'], 'one@far.test');
restart();

my $number = 0;
sub restart () {
	$box->stop('musterd');
	$site->start_musterd;
}

sub set_clock ($seconds) { spew($box->path('clock'), $seconds) }

sub post ($to = $list) {
	$number++;
	my $id = "<$number\@far.test>";
	is($site->post_from('192.0.2.7', 'ann@far.test', [$to],
		message(from => 'ann@far.test', to => $to, id => $id)),
		'discard', "post $number to $to");
	return $id;
}

sub defer ($whom = '^slow@') {
	$site->sink->rules(['rcpt', $whom, '451 4.2.0 later']);
}

sub waiting () {
	return grep { $_->{stage} eq 'outbound' && $_->{reason} =~ /later/ }
		@{ $site->json('queue', 'ls') };
}

# The copy that was deferred comes when the relay takes it.
sub comes ($id, $what) {
	$site->sink->rules;
	await("$id for slow", sub {
		return grep { $_->{to} eq 'slow@far.test' }
			$site->sink->with_id($id);
	});
	pass("$what: a post that waits is tried again and goes");
}

post('held@lists.test');
for my $set (DAYS, -&DAYS) {
	my $what = $set > 0 ? 'ten days forward' : 'ten days back';

	defer();
	my $id = post();
	await('it is deferred', sub { waiting() });
	my $before = () = $box->log_of('musterd') =~ /clock\.was-set /g;
	set_clock($set);
	await('the log to say so', sub { $before <
		(() = $box->log_of('musterd') =~ /clock\.was-set /g) });
	my ($by) = $box->log_of('musterd') =~ /.*clock\.was-set by=(\S+) /s;
	cmp_ok(abs($by - $set), '<', 60, "$what: the log says by how much");
	$site->sink->rules(['rcpt', '^slow@', '451 4.2.0 even later']);
	await('one more try', sub {
		grep { $_->{reason} =~ /even later/ }
			@{ $site->json('queue', 'ls') } });
	is(scalar(grep { $_->{stage} eq 'outbound' }
		@{ $site->json('queue', 'ls') }), 1,
		"$what: it is not given up");
	comes($id, $what);
	my $new = post();
	$site->sink->await_copies($new, 2);
	pass("$what: a new post goes at once");
	set_clock(0);
	await('the log to say that it is right', sub {
		$box->log_of('musterd') =~ /clock\.is-right/ });
}
is(scalar(@{ $site->json('held', 'ls') }), 1, 'a held post stays');
is($site->json('member', 'show', $list, 'slow@far.test')->{bounces}, 0,
	'nobody has bounced');

# The clock was wrong before the start: all dates lie in the future.
set_clock(DAYS);
restart();
$site->muster('member', 'add', $list, 'late@far.test');
defer();
my $id = post();
await('it is deferred', sub { waiting() });
$box->stop('musterd');
set_clock(0);
$site->start_musterd;
comes($id, 'set back before a start');
like($box->log_of('musterd'),
	qr/clock\.was-set-back stage=outbound jobs=1 todo=/, 'logged');
$id = post();
$site->sink->await_copies($id, 3);
pass('who subscribed at a date to come gets posts');
is($box->stop('musterd'), 0, 'musterd ends well');
done_testing;
