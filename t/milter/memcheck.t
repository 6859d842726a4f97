# SPDX-License-Identifier: BSD-2-Clause
# The daemons' main paths under valgrind: a post through the gate and one
# through the LMTP door, refused, held, deferred and bounced; drain and stop.
# A leak, or a byte that is not theirs, ends the test in Muster::Reports.
use v5.36;
use Test::More;
BEGIN { $ENV{MUSTER_WRAP} = 'valgrind'; $ENV{MUSTER_DEADLINE_S} //= 180 }
use Muster::Box qw(await);
use Muster::Gate;
use Muster::Mail qw(message report);
use Muster::Reports qw(is_sanitized);

plan skip_all => 'no valgrind here'
	if !grep { -x "$_/valgrind" } split /:/, $ENV{PATH};
plan skip_all => 'a sanitizer is watching already'
	if is_sanitized();

my $site = Muster::Gate->new(sink => 1, milter => { workers => 1 });
my ($box, $sink) = ($site->box, $site->sink);
$site->make_list('dev@lists.test', ['--owner', 'owner@far.test',
	'policy=members-strict', 'max-size=20k'],
	'ann@far.test', 'bob@far.test');
$site->make_list('slow@lists.test', ['--owner', 'owner@far.test',
	'policy=moderated'], 'ann@far.test');

sub post ($id, %is) {
	return message(from => 'ann@far.test', id => "<$id\@far.test>", %is);
}

sub await_copies ($id, $count) {
	return [$sink->await_copies("<$id\@far.test>", $count)];
}

# The gate: taken, refused at RCPT, too large, held.
sub by_gate ($list, $sender, $bytes) {
	return $site->post_from('192.0.2.7', $sender, [$list], $bytes,
		{ i => 'Q1' });
}
is(by_gate('dev@lists.test', 'ann@far.test', post('gate')), 'discard',
	'a post through the gate');
like(by_gate('dev@lists.test', 'zoe@far.test', post('stranger')), qr/^550/,
	'refused at RCPT');
like(by_gate('dev@lists.test', 'ann@far.test',
	post('large', body => "x\n" x 20000)), qr/^552/, 'too large');
is(by_gate('slow@lists.test', 'ann@far.test', post('held')), 'discard',
	'held');
my ($held) = @{ $site->json('held', 'ls') };
$site->muster('held', 'approve', $held->{id});
is(join(' ', sort map { $_->{to} } @{ await_copies('held', 2) }),
	'ann@far.test owner@far.test', 'the notice of it, and the copy');
my ($copy) = grep { $_->{to} eq 'bob@far.test' } @{ await_copies('gate', 2) };

# The LMTP door: a post, and a bounce to the copy's sender.
my $door = $site->lmtp;
my $is = $door->post(from => 'ann@far.test', to => ['dev@lists.test',
	'nobody@lists.test'], message => post('door',
	more => "Content-Type: text/plain; charset=utf-8\n"));
like($is->{dots}[0], qr/^250/, 'a post through the LMTP door');
await_copies('door', 2);
$is = $door->post(from => '', to => [$copy->{from}], message =>
	report(to => $copy->{from}, about => 'bob@far.test',
		status => '5.1.1', says => '550 5.1.1 no such user'));
like($is->{dots}[0], qr/^250/, 'a bounce');
await('the bounce to count', sub { $site->json('member', 'show',
	'dev@lists.test', 'bob@far.test')->{bounces} });
$door->quit;

# Deferred and refused by the relay; stopped and started again meanwhile.
$sink->rules(['rcpt', 'bob', '450 4.2.1 later'], ['rcpt', 'ann',
	'550 5.1.1 gone']);
by_gate('dev@lists.test', 'ann@far.test', post('later'));
await('the refusal to count', sub { $site->json('member', 'show',
	'dev@lists.test', 'ann@far.test')->{bounces} });
is($box->stop('musterd'), 0, 'musterd ends well with work left');
$sink->rules;
$site->start_musterd;
is(scalar @{ await_copies('later', 1) }, 1, 'and goes on with it');
$site->await_idle;

# The administrator's verbs, and a reload.
$site->muster('status');
$site->muster('queue', 'ls');
$site->muster('trace', '<gate@far.test>');
$site->muster('dump');
$site->muster('check');
kill USR1 => $box->pid($_) for qw(musterd muster-milter);
$site->await_log('muster-milter', qr/settings\.reloaded/);
$site->await_log('musterd', qr/settings\.reloaded/);
is(by_gate('dev@lists.test', 'ann@far.test', post('reloaded')), 'discard',
	'a post after a reload');
await_copies('reloaded', 2);
is($box->stop('muster-milter'), 0, 'the gate ends well');
is($box->stop('musterd'), 0, 'and musterd');
done_testing;
