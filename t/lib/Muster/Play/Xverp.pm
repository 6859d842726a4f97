# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Xverp;

# Members share an envelope, and the MTA makes their senders (XVERP).

use v5.36;
use Muster::Box qw(await);
use Muster::Mail qw(message report);
use Muster::Play;
use Test::More;

my $list = 'dev@lists.example.org';
my @odd = ('"b o"@remote.test', 'a=b@remote.test', 'tag+x@remote.test',
	'per%cent@remote.test');

sub run ($class, $scene) {
	$scene->site->make_list($list, ['policy=open', 'verp=xverp'],
		(map { "m$_\@remote.test" } 1 .. 30), @odd,
		'gone@remote.test', 'later@remote.test');
	_senders($scene);
	_by_the_mta($scene);
	_by_a_stranger($scene);
	_forged($scene);
}

sub _member ($scene, $addr) {
	return $scene->site->json('member', 'show', $list, $addr);
}

sub _post ($scene, $id) {
	is_taken($scene->post(from => 'guest@client.test', to => [$list],
		message => message(from => 'guest@client.test',
			id => "<$id\@client.test>")), "post $id");
	$scene->await_idle;
}

sub _senders ($scene) {
	$scene->sink->rules(['rcpt', '^gone@', '550 5.1.1 no such user']);
	_post($scene, 'one');
	my $log = $scene->mta->log;
	ok($log =~ /nrcpt=(\d+)/ && (sort { $b <=> $a }
		$log =~ /nrcpt=(\d+)/g)[0] >= 30, 'many in one transaction');
	my ($token) = map { $_->{from} =~ /\+([a-z2-7]{16})\+/ }
		$scene->sink->sent_to('m1@remote.test');
	ok($token, 'the sender has a token of the post');
	for my $addr ('m7@remote.test', 'a=b@remote.test',
		'tag+x@remote.test') {
		my ($copy) = $scene->sink->sent_to($addr);
		is($copy->{from}, "dev-bounces+$token+" . ($addr =~ s/@/=/r)
			. '@lists.example.org', "$addr is named behind it");
	}
	for my $addr ('"b o"@remote.test', 'per%cent@remote.test') {
		my ($copy) = $scene->sink->sent_to($addr);
		like($copy->{from}, qr/^dev-bounces\+[a-z2-7]{24}\@/,
			"$addr goes singly");
	}
}

sub _by_the_mta ($scene) {
	my $is;
	await('a bounce of gone', sub {
		$is = _member($scene, 'gone@remote.test');
		return $is->{bounces};
	});
	is($is->{bounces}, 1, 'what the MTA itself reports counts');
	like($is->{bounce_reason}, qr/5\.1\.1/, 'with its reason');
	is(_member($scene, 'm1@remote.test')->{bounces}, 0,
		'and against nobody else');
}

sub _report ($to, $whom) {
	return report(to => $to, about => $whom, status => '5.7.9',
		says => '550 5.7.9 not today');
}

# Who is said to bounce gets the next post singly, and then it counts.
sub _by_a_stranger ($scene) {
	my ($copy) = $scene->sink->sent_to('later@remote.test');
	is_taken($scene->post(from => '', to => [$copy->{from}], message =>
		_report($copy->{from}, 'later@remote.test')),
		'a report by SMTP is taken by the gate');
	$scene->await_idle;
	is(_member($scene, 'later@remote.test')->{bounces}, 0,
		'and proves nothing');
	_post($scene, 'two');
	my @copies = $scene->sink->sent_to('later@remote.test');
	is(scalar @copies, 2, 'later has both posts');
	like($copies[1]{from}, qr/^dev-bounces\+[a-z2-7]{24}\@/,
		'the second one singly');
	is_taken($scene->post(from => '', to => [$copies[1]{from}], message =>
		_report($copies[1]{from}, 'later@remote.test')),
		'a report about that');
	await('the bounce to count', sub {
		_member($scene, 'later@remote.test')->{bounces} });
	pass('which counts');
}

sub _forged ($scene) {
	my ($copy) = $scene->sink->sent_to('m1@remote.test');
	my $forged = $copy->{from} =~ s/\+m1=/+m2=/r;
	is_taken($scene->post(from => '', to => [$forged], message =>
		_report($forged, 'm2@remote.test')), 'm1 says that m2 fails');
	$scene->await_idle;
	is(_member($scene, 'm2@remote.test')->{bounces}, 0,
		'm2 is not demoted by it');
	my $tampered = $copy->{from} =~ s/\+(.)/'+' . ($1 eq 'a' ? 'b' :
		'a')/er;
	my $is = $scene->post(from => '', to => [$tampered], message =>
		_report($tampered, 'm1@remote.test'));
	is_refused($is->{rcpt}[0], 550, '5.1.1', '.',
		'a token that was tampered with is refused');
}

1;
