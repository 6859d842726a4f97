# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Kill;

# kill -9 of anything at any time: no post that was acknowledged is lost, no
# repair is needed, and only copies that were just on their way may come
# twice.

use v5.36;
use Muster::Box qw(await);
use Muster::Mail qw(message body);
use Muster::Play;
use Muster::SMTP;
use Test::More;

use constant { ROUNDS => 8, MEMBERS => 10, IN_FLIGHT => 20 };

my $list = 'dev@lists.example.org';
my %done;	# posts that were acknowledged

sub scene ($class) {
	return (settings => { outbound => { 'in-flight' => IN_FLIGHT } });
}

sub run ($class, $scene) {
	$scene->site->make_list($list, ['policy=open'],
		map { "reader$_\@remote.test" } 1 .. MEMBERS);
	_worker($scene);
	_gate($scene);
	_rounds($scene);
	_count($scene);
}

# Like a mail server: again until it is told 250.
sub _insist ($scene, $id) {
	my $message = message(from => 'ann@client.test', id => $id);
	await("250 for $id", sub {
		my $is = eval { $scene->post(from => 'ann@client.test',
			to => [$list], message => $message) };
		return $is && Muster::SMTP::outcome($is) =~ /^250/;
	});
	$done{$id} = 1;
}

sub _worker ($scene) {
	my @workers = $scene->site->workers;
	ok(@workers >= 2, 'the gate has workers');
	kill 'KILL', @workers;
	_insist($scene, '<worker@client.test>');
	pass('all workers killed: others take their place');
}

sub _gate ($scene) {
	$scene->box->stop('muster-milter', 'KILL');
	my $is = eval { $scene->post(from => 'ann@client.test', to => [$list],
		message => message(from => 'ann@client.test')) };
	unlike($is ? Muster::SMTP::outcome($is) : '', qr/^250/,
		'gate killed: nothing passes unseen');
	$scene->site->start_milter;
	_insist($scene, '<gate@client.test>');
	pass('it starts again where it was');
}

# musterd is killed right after its 250, while copies are on their way, or
# between; the start is that of any day.
sub _rounds ($scene) {
	for my $round (1 .. ROUNDS) {
		my $id = "<round$round\@client.test>";
		_insist($scene, $id);
		$scene->sink->await_copies($id, $round % 4) if $round % 4;
		$scene->box->stop('musterd', 'KILL');
		$scene->site->start_musterd;
	}
}

sub _count ($scene) {
	my %count;
	for my $id (sort keys %done) {
		await("all copies of $id", sub {
			my %to = map { $_->{to} => 1 }
				$scene->sink->with_id($id);
			return keys %to == MEMBERS;
		});
	}
	pass('every acknowledged post reached every subscriber');
	$scene->await_idle;
	my $extra = -MEMBERS * keys %done;
	$extra += $scene->sink->with_id($_) for keys %done;
	cmp_ok($extra, '<=', ROUNDS * IN_FLIGHT,
		"$extra copies came twice, fewer than were in flight");
	is(scalar(grep { body($_->{data}) ne "Hello.\r\n" }
		$scene->sink->messages), 0, 'none is damaged');
}

1;
