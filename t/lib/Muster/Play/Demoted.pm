# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Demoted;

# A member's copies fail until he is off; he comes back, and gets posts again.
# Others see nothing of it, and who forges demotes nobody.

use v5.36;
use Muster::Box qw(await);
use Muster::Mail qw(message report);
use Muster::Play;
use Test::More;

my $list = 'dev@lists.example.org';
my $count = 0;

sub run ($class, $scene) {
	$scene->site->make_list($list, ['policy=open', 'bounce-threshold=1',
		'owner=boss@remote.test', 'language=en'], 'fine@remote.test',
		'gone@remote.test', 'leaves@remote.test');
	_forged($scene);
	_off($scene);
	_back($scene);
	_complains($scene);
}

sub _state ($scene, $addr) {
	my ($is) = grep { $_->{address} eq $addr }
		@{ $scene->site->json('bounce', 'ls', $list) };
	return $is;
}

sub _await_state ($scene, $addr, $state) {
	await("$addr to be $state", sub {
		(_state($scene, $addr) // { state => '' })->{state} eq $state });
	return _state($scene, $addr);
}

sub _post ($scene) {
	my $id = '<p' . ++$count . '@client.test>';
	is_taken($scene->post(from => 'guest@client.test', to => [$list],
		message => message(from => 'guest@client.test', id => $id)),
		"post $count");
	return $id;
}

sub _copies ($scene, $addr, $regex) {
	return grep { $_->{data} =~ $regex } $scene->sink->sent_to($addr);
}

# Who has got hold of a copy has its token: all reports with it are one
# failure.
sub _forged ($scene) {
	$scene->site->muster('list', 'set', $list, 'bounce-threshold=2');
	_post($scene);
	$scene->await_idle;
	my ($copy) = $scene->sink->sent_to('fine@remote.test');
	$scene->post(from => '', to => [$copy->{from}],
		message => report(to => $copy->{from},
		about => 'fine@remote.test', status => '5.1.1',
		says => '550 5.1.1 no such user')) for 1 .. 5;
	$scene->await_idle;
	my $is = _state($scene, 'fine@remote.test');
	is($is->{score}, 1, 'a report that is sent five times counts once');
	is($is->{bounces}, 1, 'and is one failure');
	is($is->{state}, 'score', 'and he is not off');
	$scene->site->muster('bounce', 'reset', $list, 'fine@remote.test');
	is(_state($scene, 'fine@remote.test'), undef, 'reset: nothing is left');
	$scene->site->muster('list', 'set', $list, 'bounce-threshold=1');
}

sub _off ($scene) {
	$scene->sink->rules(['rcpt', '^gone@', '550 5.1.1 no such user']);
	my $id = _post($scene);
	my $is = _await_state($scene, 'gone@remote.test', 'off');
	like($is->{reason}, qr/5\.1\.1/, 'off, with the reason');
	is($is->{next}, 'warn', 'and what comes next');
	like($is->{next_time}, qr/^20\d\d-/, 'and when');
	is($scene->site->json('member', 'show', $list, 'gone@remote.test')
		->{off_by}, 'bounces', 'by bounces');
	my $story = $scene->site->json('bounce', 'show', $list,
		'gone@remote.test');
	is_deeply([map { $_->{event} } @{ $story->{events} }],
		['bounce', 'bounce-probe', 'bounce-off'],
		'failure, probe, off');
	my ($probe) = $story->{events}[1]{what} =~ /post (\w+)/;
	like($scene->site->muster('trace', $probe), qr/it was a probe/,
		'the trace of the probe tells it');
	like($scene->site->muster('trace', $id), qr/gone\@remote\.test failed/,
		'the trace of the post too');
	like($scene->site->muster('bounce', 'ls', $list, '--off'),
		qr/^gone\@remote\.test\toff\t/m, 'as text');
	my ($digest) = grep { $_->{stage} eq 'notice' }
		@{ $scene->site->json('queue', 'ls') };
	ok(defined $digest, 'the owners will be told in the morning');
	_post($scene);
	$scene->await_idle;
	is(_state($scene, 'gone@remote.test')->{bounces}, 2,
		'no copy goes to him any more');
}

sub _back ($scene) {
	$scene->sink->rules;
	$scene->site->muster('bounce', 'reset', $list, 'gone@remote.test');
	is(_state($scene, 'gone@remote.test'), undef, 'he begins anew');
	_post($scene);
	$scene->await_idle;
	is(scalar _copies($scene, 'gone@remote.test', qr/<p$count\@client/), 1,
		'and gets the next post');
}

# His provider returns his copy without saying whose it was.
sub _complains ($scene) {
	my ($copy) = _copies($scene, 'leaves@remote.test',
		qr/<p$count\@client/);
	my $text = "From: fbl\@remote.test\r\nTo: $copy->{from}\r\n"
		. "Subject: complaint\r\nMIME-Version: 1.0\r\n"
		. "Content-Type: multipart/report; boundary=b;\r\n"
		. " report-type=feedback-report\r\n\r\n--b\r\n\r\nspam\r\n"
		. "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
		. "Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\n"
		. "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
		. "Subject: x\r\n\r\nx\r\n--b--\r\n";
	is_taken($scene->post(from => 'fbl@remote.test', to => [$copy->{from}],
		message => $text), 'a complaint');
	$scene->await_idle;
	isnt($scene->site->run('member', 'show', $list, 'leaves@remote.test')
		->{status}, 0, 'who complains is removed');
	is(scalar _copies($scene, 'boss@remote.test',
		qr/leaves\@remote\.test/), 1, 'and the owner is told');
}

1;
