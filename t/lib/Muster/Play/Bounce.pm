# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Bounce;

# A copy that fails is recorded against its subscriber, by whichever way the
# news comes.

use v5.36;
use Muster::Box qw(await);
use Muster::Mail qw(message report);
use Muster::Play;
use Test::More;

my $list = 'dev@lists.example.org';

sub run ($class, $scene) {
	$scene->site->make_list($list, ['policy=open'], 'fine@remote.test',
		'gone@remote.test', 'full@remote.test', 'nosuch@example.org',
		'later@remote.test');
	_far_side($scene);
	_by_smtp($scene);
	_not_ours($scene);
}

sub _member ($scene, $addr) {
	return $scene->site->json('member', 'show', $list, $addr);
}

sub _await_bounce ($scene, $addr, $regex) {
	my $is;
	await("a bounce of $addr", sub {
		$is = _member($scene, $addr);
		return $is->{bounces};
	});
	like($is->{bounce_reason}, $regex, "$addr: the reason is kept");
	like($is->{last_bounce}, qr/^20\d\d-\d\d-\d\dT/, "$addr: and the time");
	return $is;
}

sub _far_side ($scene) {
	$scene->sink->rules(['rcpt', '^gone@', '550 5.1.1 no such user'],
		['dot', '^full@', '552 5.2.2 mailbox full']);
	is_taken($scene->post(from => 'guest@client.test', to => [$list],
		message => message(from => 'guest@client.test',
			id => '<far@client.test>')), 'a post');
	_await_bounce($scene, 'gone@remote.test', qr/5\.1\.1/);
	_await_bounce($scene, 'full@remote.test', qr/5\.2\.2/);
	_await_bounce($scene, 'nosuch@example.org', qr/5\.1\.1/);
	$scene->await_idle;
	is(_member($scene, 'fine@remote.test')->{bounces}, 0,
		'who got his copy has none');
	my $story = $scene->site->muster('trace', '<far@client.test>');
	like($story, qr/gone\@remote\.test.*5\.1\.1|5\.1\.1.*gone\@remote/s,
		'the trace of the post tells it');
}

# A host far away has taken the copy and sends its report by SMTP.
sub _by_smtp ($scene) {
	my ($copy) = $scene->sink->sent_to('later@remote.test');
	my $report = _report($copy->{from});
	is_taken($scene->post(from => '', to => [$copy->{from}],
		message => $report), 'a report by SMTP is taken by the gate');
	_await_bounce($scene, 'later@remote.test', qr/5\.7\.9/);
	$scene->await_idle;
	is(scalar(grep { $_->{data} =~ /5\.7\.9/ } $scene->sink->messages), 0,
		'and goes nowhere else');
}

sub _report ($to) {
	return report(to => $to, about => 'later@remote.test',
		status => '5.7.9', says => '550 5.7.9 not today');
}

sub _not_ours ($scene) {
	my ($copy) = $scene->sink->sent_to('fine@remote.test');
	my $forged = $copy->{from} =~ s/\+(.)/'+' . ($1 eq 'a' ? 'b' : 'a')/er;
	my $is = $scene->post(from => '', to => [$forged],
		message => _report($forged));
	is_refused($is->{rcpt}[0], 550, '5.1.1', '.',
		'a token that was tampered with is refused');
	is(_member($scene, 'fine@remote.test')->{bounces}, 0,
		'and counts for nobody');
}

1;
