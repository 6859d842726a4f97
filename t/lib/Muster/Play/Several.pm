# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Several;

# Several lists with members in common, through a real MTA: siblings, a list
# that excludes another, one that includes others, one that is a member of
# another by its address, circles of both kinds; a bounce counts where its
# member is.

use v5.36;
use Muster::Box qw(await);
use Muster::Mail qw(message field report);
use Muster::Play;
use Test::More;

my $domain = 'lists.example.org';
my $ann = 'ann@client.test';

sub run ($class, $scene) {
	_siblings($scene);
	_excluded($scene);
	_held($scene);
	_included($scene);
	_member($scene);
	_circles($scene);
	_killed($scene);
	my $is = $scene->site->run('check');
	is($is->{status}, 0, 'muster check finds nothing') or diag $is->{out};
}

# Who joins in the second of a post may have come too late for it, so that
# second must be over.
sub _list ($scene, $name, $keys, @members) {
	$scene->site->make_list("$name\@$domain", $keys, @members);
	my $made = time;
	await('the second of their joining to be over', sub { time > $made });
	return "$name\@$domain";
}

# To lists; who has got it, and from which list's senders.
sub _post ($scene, $id, @to) {
	is_taken($scene->post(from => $ann, to => [@to], message => message(
		from => "Ann <$ann>", id => "<$id\@client.test>",
		body => "text of $id\n")), "$id is taken");
	$scene->await_idle;
	return _got($scene, $id);
}

sub _got ($scene, $id) {
	my %got;
	for ($scene->sink->with_id("<$id\@client.test>")) {
		my ($from) = $_->{from} =~ /^(.*)-bounces/;
		push @{ $got{$_->{to}} }, $from;
	}
	@$_ = sort @$_ for values %got;
	return \%got;
}

sub _trace ($scene, $id) {
	return $scene->site->muster('trace', "<$id\@client.test>");
}

sub _siblings ($scene) {
	my $one = _list($scene, 'b1', ['policy=open'], $ann,
		'both@remote.test', 'b1@remote.test',
		['out@remote.test', 'delivery=off']);
	my $two = _list($scene, 'b2', ['policy=open', "siblings=$one"],
		'both@remote.test', 'b2@remote.test', 'out@remote.test');
	is_deeply(_post($scene, 'sibling', $two, $one), {
		$ann => ['b1'], 'both@remote.test' => ['b1'],
		'b1@remote.test' => ['b1'], 'b2@remote.test' => ['b2'],
		'out@remote.test' => ['b2'],
	}, 'siblings: one copy, of the first by address; off does not count');
	like(_trace($scene, 'sibling'), qr/but\ not\ to\ who\ has\ it\ from
		\ b1@.*;\ 1\ member\ has\ it\ from\ b1@/xs, 'trace says so');
	$scene->site->muster('list', 'set', $one, "siblings=\@$domain");
	_post($scene, 'apart', $two);
	is_deeply(_post($scene, 'apart', $one), {
		$ann => ['b1'], 'both@remote.test' => ['b2'],
		'b1@remote.test' => ['b1'], 'b2@remote.test' => ['b2'],
		'out@remote.test' => ['b2'],
	}, 'one by one: the second passes over who has it') or
		diag _trace($scene, 'apart');
}

sub _excluded ($scene) {
	my $all = _list($scene, 'c1', ['policy=open',
			"exclude=\@$domain"], 'both@remote.test', $ann);
	my $small = _list($scene, 'c2', ['policy=open'], 'both@remote.test');
	is_deeply(_post($scene, 'exclude', $all, $small), {
		$ann => ['c1'], 'both@remote.test' => ['c2'],
	}, 'a list that excludes all of the domain goes behind');
	is_deeply(_post($scene, 'alone', $all), {
		$ann => ['c1'], 'both@remote.test' => ['c1'],
	}, 'and alone it goes to all');
}

# What is held has sent nothing.
sub _held ($scene) {
	my $one = _list($scene, 'd1', ['policy=moderated'],
		'both@remote.test', 'd1@remote.test');
	my $two = _list($scene, 'd2', ['policy=open', "siblings=$one"],
		'both@remote.test');
	is_deeply(_post($scene, 'held', $one, $two), {
		'both@remote.test' => ['d2'],
	}, 'a list that holds it lets the other send');
	my ($job) = grep { $_->{list} eq $one }
		@{ $scene->site->json('held', 'ls') };
	$scene->site->muster('held', 'approve', $job->{id});
	$scene->await_idle;
	is_deeply(_got($scene, 'held'), {
		'both@remote.test' => ['d2'], 'd1@remote.test' => ['d1'],
	}, 'and when it is approved, he gets no second copy');
}

sub _included ($scene) {
	my $low = _list($scene, 'e3', ['policy=members'], 'low@remote.test',
		'both@remote.test');
	my $mid = _list($scene, 'e2', ['policy=members', "include=$low"],
		'mid@remote.test', 'both@remote.test',
		['digest@remote.test', 'delivery=digest'],
		['off@remote.test', 'delivery=off']);
	my $top = _list($scene, 'e1', ['policy=open', 'subject-prefix=[e1]',
			'footer=%{member} %{unsubscribe}', "include=$mid"],
		'both@remote.test', $ann, ['shy@remote.test', 'delivery=off']);
	$scene->site->muster('member', 'add', $low, 'shy@remote.test');
	like($scene->site->muster('list', 'show', $top),
		qr/^includes\s.*\Q$mid, $low (by $mid)\E/m, 'list show');
	is_deeply(_post($scene, 'include', $top), {
		$ann => ['e1'], 'both@remote.test' => ['e1'],
		'mid@remote.test' => ['e2'], 'digest@remote.test' => ['e2'],
		'low@remote.test' => ['e3'],
	}, 'include: each once, under the sender of the list he is on');
	like(_trace($scene, 'include'), qr/of\ the\ lists\ that\ it\ includes,
		\ e2@\S+\ e3@.*included\ by\ e1@/xs, 'trace names them');
	my ($copy) = grep { $_->{to} eq 'low@remote.test' }
		$scene->sink->with_id('<include@client.test>');
	like(scalar field($copy->{data}, 'Subject'), qr/\[e1\]/,
		'as the list has made it');
	_bounce($scene, $copy, $low);
	_leave($scene, $copy, $low);
}

sub _bounce ($scene, $copy, $list) {
	is_taken($scene->post(from => '', to => [$copy->{from}],
		message => report(to => $copy->{from},
			about => $copy->{to}, status => '5.1.1',
			says => '550 5.1.1 no such user')), 'it comes back');
	await('the bounce', sub { ($scene->site->json('member', 'show', $list,
		$copy->{to})->{bounces} // 0) > 0 });
	pass('and counts on the list that he is on');
}

sub _leave ($scene, $copy, $list) {
	my ($leave) = $copy->{data} =~ /mailto:(e1-leave\+\w+\@\Q$domain\E)/ or
		return fail('the copy says how to leave');
	is_taken($scene->post(from => $copy->{to}, to => [$leave],
		message => message(from => $copy->{to}, body => "x\n")),
		'he leaves');
	await('him to have left', sub { $scene->site->run('member', 'show',
		$list, $copy->{to})->{status} == 1 });
	pass('and leaves the list that he was on');
}

# A list's address as a member: over SMTP, with a policy on the way.
sub _member ($scene) {
	my $top = _list($scene, 'f1', ['policy=members'], $ann,
		"f2\@$domain");
	my $low = _list($scene, 'f2', ['policy=members'], 'f2@remote.test');
	is_deeply(_post($scene, 'stranger', $top), { $ann => ['f1'] },
		'a list as member: its own policy holds');
	$scene->site->muster('list', 'set', $low, "accepted=$top");
	is_deeply(_post($scene, 'nested', $top), {
		$ann => ['f1'], 'f2@remote.test' => ['f2'],
	}, 'unless it accepts the other list');
	my $is = $scene->post(from => $ann, to => [$low], message => message(
		from => "Ann <$ann>", body => "x\n"));
	like(Muster::SMTP::outcome($is), qr/^5/,
		'and her own post to it is refused still');
	$scene->site->muster('member', 'add', $low, $top);
	$scene->site->muster('list', 'set', $top, "accepted=$low");
	is_deeply(_post($scene, 'around', $top), {
		$ann => ['f1'], 'f2@remote.test' => ['f2'],
	}, 'a circle of members ends where it closes');
	$is = $scene->site->run('member', 'add', $top, $top);
	like("$is->{status} $is->{out}$is->{err}", qr/banned|the list itself/,
		'a list is no member of itself');
}

# What was in flight may come again, but never from the other list.
sub _killed ($scene) {
	my @members = map { "k$_\@remote.test" } 100 .. 299;
	my $one = _list($scene, 'k1', ['policy=open'], @members, $ann);
	my $two = _list($scene, 'k2', ['policy=open', "siblings=$one"],
		@members);
	for my $round (1 .. 3) {
		is_taken($scene->post(from => $ann, to => [$two, $one],
			message => message(from => "Ann <$ann>",
				id => "<kill$round\@client.test>",
				body => "text\n")), 'a post is taken');
		$scene->sink->await_copies("<kill$round\@client.test>",
			40 * $round);
		$scene->box->stop('musterd', 'KILL');
		$scene->site->start_musterd;
		$scene->await_idle;
		my $got = _got($scene, "kill$round");
		my %from = map { $_ => 1 } map { @$_ } values %$got;
		is(scalar keys %$got, 201, "killed, round $round: all have it");
		is_deeply([sort keys %from], ['k1'], 'from one list');
	}
}

sub _circles ($scene) {
	my $is = $scene->site->run('list', 'set', "e3\@$domain",
		"include=e1\@$domain");
	is($is->{status}, 1, 'a circle of lists that include each other');
	like($is->{err}, qr/circle:\ e3@\S+\ includes\ e1@\S+\ e1@\S+
		\ includes\ e2@\S+\ e2@\S+\ includes\ e3@/x, 'is spelt out');
	$is = $scene->site->run('list', 'set', "\@$domain",
		"include=e1\@$domain");
	like($is->{err}, qr/one list each/, 'nor may a domain include');
}

1;
