# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Refused;

# What a list does not want is refused while its sender is connected, at the
# right step, with a sentence; and nothing of it goes out.

use v5.36;
use Muster::Mail qw(message);
use Muster::Play;
use Muster::SMTP;
use Test::More;

my $open = 'open@lists.example.org';
my $members = 'members@lists.example.org';
my $strict = 'strict@lists.example.org';

sub run ($class, $scene) {
	$scene->site->make_list($open, ['policy=open', 'max-size=20k'],
		'ann@client.test');
	$scene->site->make_list($members, ['policy=members'],
		'ann@client.test', 'bea@client.test');
	$scene->site->make_list($strict, ['policy=members-strict',
		'refuse-text=Ask boss@lists.example.org, 100% friendly'],
		'ann@client.test');
	_strangers($scene);
	_unknown($scene);
	_size($scene);
	_loops($scene);
	$scene->await_idle;
	is_deeply([sort map { $_->{to} } $scene->sink->messages],
		['ann@client.test', 'bea@client.test'],
		'of all that only the member\'s post went out');
	like($scene->site->muster('trace', '<stranger-end@client.test>'),
		qr/5\.7\.1/, 'the trace of a refused post says why');
}

sub _strangers ($scene) {
	my $is = $scene->post(from => 'stranger@client.test', to => [$strict],
		message => message(from => 'stranger@client.test'));
	is_refused($is->{rcpt}[0], 550, '5.7.1',
		'Ask boss@lists\.example\.org, 100% friendly',
		'members-strict: a stranger is refused at RCPT, as it says');
	is($is->{data}, '', 'without a byte of the body');

	$is = $scene->post(from => 'stranger@client.test', to => [$members],
		message => message(from => 'stranger@client.test',
			id => '<stranger-end@client.test>'));
	like($is->{rcpt}[0], qr/^250/, 'members: RCPT is taken');
	is_refused($is->{dot}, 550, '5.7.1', 'members-join@lists\.example\.org',
		'the author is refused at the end, and told what to do');

	$is = $scene->post(from => 'ann@client.test', to => [$strict],
		message => message(from => 'stranger@client.test'));
	is_refused($is->{dot}, 550, '5.7.1', 'Ask boss',
		'members-strict judges the author too');

	$is = $scene->post(from => 'elsewhere@client.test', to => [$members],
		message => message(from => '"Ann, A." <Ann@Client.Test>'
			=~ s/Ann@/ann@/r, id => '<member@client.test>'));
	is_taken($is, 'members: only the author counts');
	$scene->sink->await_copies('<member@client.test>', 2);

	$is = $scene->post(from => '', to => [$open],
		message => message(from => 'robot@client.test'));
	is_refused($is->{rcpt}[0], 550, '5.7.1', '.',
		'a null sender is refused, even where all may write');
}

sub _unknown ($scene) {
	my $client = $scene->client;
	$client->cmd('MAIL FROM:<ann@client.test>');
	my @nobody = ('nolist@lists.example.org', 'nolist-owner@lists.example.org',
		'open-bounces+aaaaaaaaaaaaaaaaaaaaaaaa@lists.example.org',
		'open-owner@lists.example.org');
	is_refused($client->cmd("RCPT TO:<$_>"), 550, '5.1.1', '.',
		"unknown: $_") for @nobody;
	like($client->cmd("RCPT TO:<$open>"), qr/^250/,
		'a list next to them is known');
	$client->quit;
}

sub _size ($scene) {
	my $big = message(from => 'ann@client.test', body => "big big\n" x 4000);
	my $is = $scene->post(from => 'ann@client.test', to => [$open],
		message => $big, params => ' SIZE=30000');
	is_refused($is->{rcpt}[0] // '', 552, '5.3.4', '20480',
		'too large by what MAIL says: at RCPT');
	$is = $scene->post(from => 'ann@client.test', to => [$open],
		message => $big);
	is_refused(Muster::SMTP::outcome($is), 552, '5.3.4', '20480',
		'too large by what was sent: at the end');
	$is = $scene->post(from => 'ann@client.test', to => [$members, $open],
		message => message(from => 'stranger@client.test',
			body => "big big\n" x 4000));
	like(Muster::SMTP::outcome($is), qr/^55/,
		'too large for one, unwelcome at the other');
}

sub _loops ($scene) {
	my %bad = (
		'554 5.4.6 its own List-Id' =>
			"List-Id: Open <open.lists.example.org>\n",
		'550 5.7.1 an automatic reply' =>
			"Auto-Submitted: auto-replied\n",
		'554 5.4.6 too many hops' => join('', map {
			"Received: from h$_.test by i$_.test; "
			. "Mon, 01 Jun 2026 12:00:00 +0000\n" } 1 .. 40),
	);
	for my $what (sort keys %bad) {
		my ($code, $status, $name) = split ' ', $what, 3;
		my $is = $scene->post(from => 'ann@client.test',
			to => [$open], message => message(
				from => 'ann@client.test',
				more => $bad{$what}));
		is_refused(Muster::SMTP::outcome($is), $code, $status, '.',
			"$name is refused");
	}
}

1;
