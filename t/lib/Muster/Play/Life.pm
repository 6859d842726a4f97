# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Life;

# Two members' lives, from joining to leaving, by mail alone: one whose
# domain proves who writes, and one who has to confirm each step.

use v5.36;
use Muster::Box qw(await);
use Muster::Mail qw(message body field);
use Muster::Play;
use Test::More;

my $list = 'dev@lists.example.org';
my $ann = 'ann@proven.example';	# SPF says that it is her
my $new = 'ann.new@proven.example';
my $bob = 'bob@loose.example';

sub scene ($class) {
	return (zone => <<'END');
proven.example TXT "v=spf1 ip4:127.0.0.2 -all"
_dmarc.proven.example TXT "v=DMARC1; p=reject"
loose.example TXT "v=spf1 ?all"
END
}

sub run ($class, $scene) {
	$scene->site->make_list($list, ['policy=members', 'description=All of it',
		'--owner', 'own@remote.test', 'bounce-threshold=1',
		'bounce-hard-weight=1']);
	_join($scene);
	_post($scene, 'first', $ann, $ann, $bob);
	_prefer($scene);
	_move($scene);
	_bounce($scene);
	_leave($scene);
}

# --- what the far side sees -------------------------------------------------

my %read;	# letters to an address that have been looked at

sub _letter ($scene, $to, $subject) {
	return await("a letter to $to: $subject", sub {
		my @all = grep { field($_->{data}, 'Auto-Submitted') }
			$scene->sink->sent_to($to);
		my ($is) = grep { !$read{$to}{$_}
			&& field($all[$_]{data}, 'Subject') =~ $subject }
			0 .. $#all;
		return if !defined $is;
		$read{$to}{$is} = 1;
		return $all[$is];
	});
}

# The address that a letter asks to answer to
sub _answer_to ($letter) {
	my ($addr) = body($letter->{data})
		=~ /^\s+(dev-confirm\+\S+\@lists\.example\.org)\r$/m;
	return $addr;
}

sub _mail ($scene, $from, $to, %is) {
	return $scene->post(from => $from, to => [$to],
		message => message(from => $from, to => $to, %is));
}

sub _is_member ($scene, $addr) {
	return grep { $_->{address} eq $addr }
		$scene->site->json('member', 'ls', $list)->@*;
}

sub _show ($scene, $addr) {
	return $scene->site->json('member', 'show', $list, $addr);
}

# --- the acts ---------------------------------------------------------------

sub _join ($scene) {
	is_taken(_mail($scene, $ann, 'dev-join@lists.example.org'),
		'ann asks to join');
	await('ann to be a member', sub { _is_member($scene, $ann) });
	_letter($scene, $ann, qr/welcome/i);
	is_taken(_mail($scene, $bob, 'dev-join@lists.example.org'),
		'bob asks to join');
	my $letter = _letter($scene, $bob, qr/confirm/i);
	is($letter->{from}, '', 'whom nobody knows is asked, from <>');
	ok(!_is_member($scene, $bob), 'and is not a member yet');
	my $to = _answer_to($letter);
	is_taken(_mail($scene, $bob, $to), 'his answer');
	await('bob to be a member', sub { _is_member($scene, $bob) });
	my $again = _mail($scene, $bob, $to);
	is_refused(Muster::SMTP::outcome($again), 550, '5.1.1', '.',
		'the token is good for once');
	pass('both have joined');
}

sub _post ($scene, $name, $from, @to) {
	my @more = grep { /\n\z/ } @to;	# fields
	@to = grep { !/\n/ } @to;
	my $id = "<$name\@life.test>";
	is_taken(_mail($scene, $from, $list, id => $id, subject => $name,
		more => join '', @more),
		"a post of $from");
	$scene->sink->await_copies($id, scalar @to);
	$scene->await_idle;
	is_deeply([sort map { $_->{to} } $scene->sink->with_id($id)],
		[sort @to], "$name: who gets it");
}

sub _prefer ($scene) {
	my $request = 'dev-request@lists.example.org';
	is_taken(_mail($scene, $ann, $request, subject => 'commands',
		body => "set delivery digest\nset own-posts off\nwhat?\n"
		. "> help\n-- \nAnn\n"), 'ann wants digests');
	my $reply = _letter($scene, $ann, qr/./);
	like(body($reply->{data}), qr/set delivery digest/,
		'and is told what came of it');
	is(_show($scene, $ann)->{delivery}, 'digest', 'so it is');
	_post($scene, 'second', $bob, $bob);
	$scene->site->muster('digest', 'send', $list);
	my $digest = await('a digest', sub {
		(grep { $_->{data} =~ m{^Content-Type: multipart/digest}m }
			$scene->sink->sent_to($ann))[0] });
	like(body($digest->{data}), qr/^Message-ID: <second\@life\.test>/m,
		'it comes in a digest');
	is_taken(_mail($scene, $ann, $request, subject => 'set delivery on'),
		'and each post again');
	await('that', sub { _show($scene, $ann)->{delivery} eq 'on' });
	_mail($scene, $ann, $request,
		subject => 'set duplicates off; set ack on',
		body => "set duplicates off\nset ack on\n");
	await('both', sub { my $is = _show($scene, $ann);
		!$is->{duplicates} && $is->{ack} });
	_post($scene, 'copied', $bob, $bob, "Cc: $ann\n");
	_mail($scene, $ann, $list, id => '<told@life.test>', subject => 'tell me');
	like(body(_letter($scene, $ann, qr/accepted.*tell me/)->{data}),
		qr/set ack off/, 'and is told of a post of hers');
	my $bobs = _mail($scene, $bob, $request, subject => 'set delivery off');
	like(Muster::SMTP::outcome($bobs), qr/^5|^250/, 'bob is not believed');
	$scene->await_idle;
	is(_show($scene, $bob)->{delivery}, 'on', 'just so');
}

sub _move ($scene) {
	is_taken(_mail($scene, $ann, 'dev-request@lists.example.org',
		subject => "move $new"), 'ann moves');
	my $letter = _letter($scene, $new, qr/confirm/i);
	ok(!_is_member($scene, $new), 'not before the new address agrees');
	is_taken(_mail($scene, $new, _answer_to($letter)), 'it does');
	await('the new address', sub { _is_member($scene, $new) });
	ok(!_is_member($scene, $ann), 'and the old one is gone');
	is(_show($scene, $new)->{own_posts}, JSON::PP::false(),
		'her preferences came along');
}

sub _bounce ($scene) {
	$scene->sink->rules(['rcpt', '^ann\.new@', '550 5.1.1 no such user']);
	is_taken(_mail($scene, $bob, $list, id => '<third@life.test>'),
		'a post that ann cannot get');
	await('delivery to be off', sub {
		_show($scene, $new)->{delivery} eq 'off' });
	is(_show($scene, $new)->{off_by}, 'bounces', 'because of bounces');
	$scene->await_idle;
	_post($scene, 'fourth', $bob, $bob);
	$scene->sink->rules;
	is_taken(_mail($scene, $new, 'dev-join@lists.example.org'),
		'ann is back');
	await('delivery to be on', sub {
		_show($scene, $new)->{delivery} eq 'on' });
	_post($scene, 'fifth', $bob, $bob, $new);
}

sub _leave ($scene) {
	is_taken(_mail($scene, $new, 'dev-leave@lists.example.org'),
		'ann leaves');
	await('ann to be gone', sub { !_is_member($scene, $new) });
	_letter($scene, $new, qr/left|leave|bye/i);
	is_taken(_mail($scene, $bob, 'dev-leave@lists.example.org'),
		'bob asks to leave');
	my $letter = _letter($scene, $bob, qr/leav/i);
	ok(_is_member($scene, $bob), 'and is asked whether it was him');
	is_taken(_mail($scene, $bob, _answer_to($letter)), 'it was');
	await('bob to be gone', sub { !_is_member($scene, $bob) });
	$scene->await_idle;
}

1;
