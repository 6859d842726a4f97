# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Shared;

# Lists within a domain that has other mailboxes: their addresses are
# muster's, the others are none of its business.

use v5.36;
use Muster::Box qw(await);
use Muster::Mail qw(message field);
use Muster::Play;
use Test::More;

my $list = 'dev@example.org';

sub run ($class, $scene) {
	$scene->site->make_list($list, ['--owner', 'boss@remote.test',
		'policy=members-strict'], 'ann@client.test',
		'zoe@remote.test', 'gone@remote.test');
	_post($scene);
	_others($scene);
	_refused($scene);
	_roles($scene);
	_bounce($scene);
}

sub _post ($scene) {
	is_taken($scene->post(from => 'ann@client.test',
		to => ['DEV@Example.Org', 'bob@example.org'],
		message => message(from => 'ann@client.test',
			id => '<shared@client.test>')),
		'a post to a list and its neighbour is taken');
	$scene->sink->await_copies('<shared@client.test>', 4);
	$scene->await_idle;
	my @copies = $scene->sink->with_id('<shared@client.test>');
	is_deeply([sort map { $_->{to} } @copies],
		['ann@client.test', 'bob@example.org', 'gone@remote.test',
			'zoe@remote.test'], 'and reaches each once');
	my ($zoe) = grep { $_->{to} =~ /zoe/ } @copies;
	like($zoe->{from}, qr/^dev-bounces\+[a-z2-7]{24}\@example\.org$/,
		'under an envelope sender of that domain');
	is(scalar field($zoe->{data}, 'List-Id'), '<dev.example.org>',
		'with List-Id');
	is_taken($scene->post(from => 'ann@client.test',
		to => ['dev+detail@example.org'],
		message => message(from => 'ann@client.test',
			id => '<detail@client.test>')),
		'dev+detail is the list');
	$scene->sink->await_copies('<detail@client.test>', 3);
}

sub _others ($scene) {
	is_taken($scene->post(from => 'stranger@client.test',
		to => ['bob@example.org'], message => message(
			from => 'stranger@client.test',
			id => '<bob@client.test>')),
		'mail for another mailbox passes');
	my ($copy) = $scene->sink->await_copies('<bob@client.test>', 1);
	is($copy->{from}, 'stranger@client.test', 'as it is');
}

sub _refused ($scene) {
	my $client = $scene->client;
	$client->cmd('MAIL FROM:<stranger@client.test>');
	is_refused($client->cmd("RCPT TO:<$list>"), 550, '5.7.1',
		'dev-join@example\.org', 'a stranger is refused at RCPT');
	is_refused($client->cmd('RCPT TO:<dev-bounces+abc@example.org>'),
		550, '5.1.1', '.', 'so is a token that we did not make');
	like($client->cmd('RCPT TO:<bob@example.org>'), qr/^250/,
		'the neighbour is taken in the same transaction');
	$client->quit;
}

sub _roles ($scene) {
	is_taken($scene->post(from => 'stranger@client.test',
		to => ['dev-owner@example.org'], message => message(
			from => 'stranger@client.test',
			id => '<boss@client.test>')), 'mail to -owner');
	my ($copy) = $scene->sink->await_copies('<boss@client.test>', 1);
	is($copy->{to}, 'boss@remote.test', 'goes to the owner');
}

# The MTA's own report comes back by the transport of the token's address.
sub _bounce ($scene) {
	$scene->sink->rules(['rcpt', '^gone@', '550 5.1.1 no such user']);
	is_taken($scene->post(from => 'ann@client.test', to => [$list],
		message => message(from => 'ann@client.test')), 'a post');
	my $seen;
	await('the bounce', sub {
		$seen = $scene->site->muster('member', 'show', $list,
			'gone@remote.test');
		return $seen =~ /5\.1\.1/;
	});
	like($seen, qr/no such user/, 'a copy that is refused far away is '
		. 'recorded with its reason');
}

1;
