# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Drain;

# SIGTERM while a post is at its end: it gets its answer first.

use v5.36;
use Muster::Box qw(await);
use Muster::Mail qw(message);
use Muster::Play;
use Test::More;

my $list = 'dev@lists.example.org';

sub run ($class, $scene) {
	$scene->site->make_list($list, ['policy=open'], 'zoe@remote.test');
	my ($box, $site) = ($scene->box, $scene->site);
	my $client = _at_the_dot($scene, '<drain@client.test>');
	kill 'TERM', $box->pid('muster-milter');
	await('the gate to have heard it', sub {
		$box->log_of('muster-milter') =~ /stopping/ });
	ok($box->runs('muster-milter'), 'told to end, the gate waits');
	kill 'CONT', $box->pid('musterd');
	like($client->reply, qr/^250 /, 'the post at its end gets its 250');
	is($box->await_end('muster-milter'), 0, 'then the gate ends');
	$scene->sink->await_copies('<drain@client.test>', 1);
	$site->start_milter;
	_musterd($scene);
}

# A session whose message is at its end, and musterd, stopped, has the
# question in its socket.
sub _at_the_dot ($scene, $id) {
	my $client = $scene->client;
	$client->cmd('MAIL FROM:<ann@client.test>');
	$client->cmd("RCPT TO:<$list>");
	$client->cmd('DATA');
	$scene->box->freeze('musterd');
	$client->send_message(message(from => 'ann@client.test', id => $id));
	$client->say_line('.');
	my $path = $scene->site->submit_path;
	await('the question in the socket', sub {
		grep { my @column = split;
			/\Q$path\E/ && $column[2] > 0 } qx(ss -xH) });
	return $client;
}

# musterd told to end while a question waits: it is answered, or the client
# comes again; either way one distribution.
sub _musterd ($scene) {
	my ($box, $site) = ($scene->box, $scene->site);
	my $client = _at_the_dot($scene, '<drain2@client.test>');
	kill 'TERM', $box->pid('musterd');
	kill 'CONT', $box->pid('musterd');
	my $reply = $client->reply;
	like($reply, qr/^(250|451) /, 'musterd told to end: an answer');
	is($box->await_end('musterd'), 0, 'and it ends');
	$site->start_musterd;
	await('250 for the same post', sub {
		Muster::SMTP::outcome($scene->post(from => 'ann@client.test',
			to => [$list], message => message(
				from => 'ann@client.test',
				id => '<drain2@client.test>'))) =~ /^250/ });
	$scene->sink->await_copies('<drain2@client.test>', 1);
	$scene->await_idle;
	is(scalar $scene->sink->with_id('<drain2@client.test>'), 1,
		'sent again it goes out once');
}

1;
