# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Down;

# While a part is away mail waits where it is; nothing is lost, and other
# people's mail goes on where it can.

use v5.36;
use Muster::Box qw(await);
use Muster::Mail qw(message);
use Muster::Play;
use Muster::SMTP;
use Test::More;

my $list = 'dev@lists.example.org';

sub run ($class, $scene) {
	$scene->site->make_list($list, ['policy=members'],
		'ann@client.test', 'zoe@remote.test');
	_without_musterd($scene);
	_local_without_musterd($scene);
	_without_milter($scene);
}

sub _send ($scene, $id) {
	return $scene->post(from => 'ann@client.test', to => [$list],
		message => message(from => 'ann@client.test', id => $id));
}

sub _without_musterd ($scene) {
	is($scene->box->stop('musterd'), 0, 'musterd ends at SIGTERM');
	like(Muster::SMTP::outcome(_send($scene, '<d1@client.test>')),
		qr/^451 4/, 'musterd down: a post is asked to come later');
	is_taken($scene->post(from => 'ann@client.test',
		client => '127.0.0.1', to => ['friend@remote.test'], message => message(
			from => 'ann@client.test', id => '<d2@client.test>')),
		'mail that is for no list goes on');
	$scene->sink->await_copies('<d2@client.test>', 1);
	$scene->site->start_musterd;
	await('the gate to find it again', sub {
		Muster::SMTP::outcome(_send($scene, '<d1@client.test>'))
			=~ /^250/ });
	$scene->sink->await_copies('<d1@client.test>', 2);
	pass('up again: it is taken and goes out');
}

# By LMTP the MTA keeps it and tries again.
sub _local_without_musterd ($scene) {
	$scene->box->stop('musterd');
	$scene->mta->submit('ann@client.test', [$list],
		message(from => 'ann@client.test', id => '<d3@client.test>')
			=~ s/\r//gr);
	await('the MTA to defer it', sub {
		$scene->mta->queue ne '' && $scene->mta->log =~ /deferred/i });
	$scene->site->start_musterd;
	await('the post that waited', sub {
		$scene->mta->flush;
		$scene->sink->with_id('<d3@client.test>') >= 2 });
	$scene->await_idle;
	is(scalar $scene->sink->with_id('<d3@client.test>'), 2,
		'sendmail(1) while musterd is down: it waits in the queue');
}

sub _without_milter ($scene) {
	is($scene->box->stop('muster-milter'), 0, 'the gate ends at SIGTERM');
	my $is = _send($scene, '<d4@client.test>');
	like($is->{mail}, qr/^451 4/, 'gate down: MAIL is asked to come later');
	$scene->site->start_milter;
	is_taken(_send($scene, '<d4@client.test>'), 'up again: taken');
	$scene->sink->await_copies('<d4@client.test>', 2);
	$scene->await_idle;
	is(scalar $scene->sink->with_id('<d4@client.test>'), 2,
		'and goes out once');
}

1;
