# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Post;

# The main job: a post goes in once, a copy for each subscriber comes out.

use v5.36;
use Muster::Box qw(await);
use Muster::Mail qw(message body field fields);
use Muster::Play;
use Test::More;

my $list = 'dev@lists.example.org';
my $verp = qr/^dev-bounces\+[a-z2-7]{24}\@lists\.example\.org$/;
my @readers = map { "reader$_\@remote.test" } 1 .. 5;

sub run ($class, $scene) {
	$scene->site->make_list($list, ['--owner', 'boss@remote.test',
			'policy=members', 'description=The developers'],
		'ann@client.test', @readers,
		['quiet@remote.test', 'delivery=off'],
		['shy@remote.test', 'own-posts=no']);
	$scene->site->make_list('news@lists.example.org', ['policy=open',
			'subject-prefix=[news]'], 'ann@client.test',
		'zoe@remote.test');
	_copies($scene);
	_bytes($scene);
	_repeated($scene);
	_own($scene);
	_mixed($scene);
	_two_lists($scene);
	_owner($scene);
	_local($scene);
}

sub _copies ($scene) {
	my $id = '<copies@client.test>';
	my $message = message(from => 'Ann <ann@client.test>', id => $id,
		body => "One\n.two\n..\n  three  \n\n\n");
	is_taken($scene->post(from => 'ann@client.test', to => [$list],
		message => $message), 'a member\'s post is taken');
	my @copies = $scene->sink->await_copies($id, 7);
	$scene->await_idle;
	@copies = $scene->sink->with_id($id);
	is_deeply([sort map { $_->{to} } @copies],
		[sort 'ann@client.test', 'shy@remote.test', @readers],
		'each subscriber with delivery on gets one copy');
	my %senders = map { $_->{from} => 1 } @copies;
	is(scalar keys %senders, 7, 'each copy has its own envelope sender');
	is_deeply([grep { !/$verp/ } keys %senders], [],
		'which is LIST-bounces+TOKEN');
	is_deeply([grep { body($_->{data}) ne body($message) } @copies], [],
		'the body keeps its bytes');
	_header($copies[0]{data});
	my $story = $scene->site->muster('trace', $id);
	like($story, qr/accept by policy, rule /, 'the trace tells the verdict');
	like($story, qr/pending.*outbound/s, 'and the stages');
}

sub _header ($data) {
	is(scalar field($data, 'List-Id'),
		'The developers <dev.lists.example.org>', 'List-Id');
	is(scalar field($data, 'List-Post'),
		'<mailto:dev@lists.example.org>', 'List-Post');
	like(scalar field($data, "List-$_->[0]"), qr/^<mailto:$_->[1]/,
		"List-$_->[0]") for ['Help', 'dev-request'],
		['Subscribe', 'dev-join'], ['Unsubscribe', 'dev-leave'],
		['Owner', 'dev-owner'];
	is(scalar field($data, 'From'), 'Ann <ann@client.test>',
		'From is the author\'s');
	is(scalar field($data, 'Subject'), 'a post', 'the subject too');
	is(scalar field($data, 'Precedence'), 'list', 'Precedence');
	like(join("\n", field($data, 'Received')), qr/client\.test.*127\.0\.0\.2/,
		'the way from the client is there');
}

# Bodies that a careless program would change.
sub _bytes ($scene) {
	my %body = (
		'8-bit text' => "Gr\xfc\xdfe\nl\xc3\xaet\n",
		'a long body' => join('', map { "line $_ of many\n" }
			1 .. 20000),
		'no final newline, lines of 998' => ('x' x 998) . "\nend",
		'empty lines at the end' => "a\n\n\n\n",
		'an empty body' => '',
		'lines that look like a header' => "From: x\nFrom x\n>From\n",
	);
	for my $what (sort keys %body) {
		my $message = message(from => 'ann@client.test',
			body => $body{$what});
		my $id = field($message, 'Message-ID');
		my $is = $scene->post(from => 'ann@client.test',
			to => [$list], message => $message,
			params => ' BODY=8BITMIME');
		is_taken($is, "$what: taken");
		$message .= "\r\n" if $message !~ /\n\z/;
		my ($copy) = $scene->sink->await_copies($id, 7);
		ok(body($copy->{data}) eq body($message),
			"$what: bytes unchanged");
	}
}

# A client whose 250 was lost sends the same again.
sub _repeated ($scene) {
	my $message = message(from => 'ann@client.test',
		id => '<twice@client.test>');
	is_taken($scene->post(from => 'ann@client.test', to => [$list],
		message => $message), "time $_: 250") for 1 .. 2;
	$scene->sink->await_copies('<twice@client.test>', 7);
	$scene->await_idle;
	is(scalar $scene->sink->with_id('<twice@client.test>'), 7,
		'a post that is repeated goes out once');
	my $other = message(from => 'ann@client.test',
		id => '<twice@client.test>', body => "Other text.\n");
	is_taken($scene->post(from => 'ann@client.test', to => [$list],
		message => $other), 'the same id with other text is taken');
	$scene->sink->await_copies('<twice@client.test>', 14);
	pass('and goes out');
}

sub _own ($scene) {
	my $message = message(from => 'shy@remote.test',
		id => '<own@client.test>');
	is_taken($scene->post(from => 'shy@remote.test',
		to => [$list, 'dev+hello@lists.example.org',
			'DEV@Lists.Example.Org'],
		message => $message), 'one list under three addresses');
	$scene->sink->await_copies('<own@client.test>', 6);
	$scene->await_idle;
	my @to = map { $_->{to} } $scene->sink->with_id(
		'<own@client.test>');
	is(scalar @to, 6, 'is one list');
	ok(!grep({ $_ eq 'shy@remote.test' } @to),
		'own-posts=no: the author gets no copy');
}

# The list's part goes by muster, the other's by the MTA.
sub _mixed ($scene) {
	my $message = message(from => 'ann@client.test',
		id => '<mixed@client.test>');
	my $is = $scene->post(from => 'ann@client.test',
		client => '127.0.0.1', to => ['friend@remote.test', $list, 'bob@example.org'],
		message => $message);
	is_taken($is, 'a post that has other recipients too is taken');
	$scene->sink->await_copies('<mixed@client.test>', 9);
	$scene->await_idle;
	my %count;
	$count{$_}++ for map { $_->{to} }
		$scene->sink->with_id('<mixed@client.test>');
	is_deeply(\%count, { map { $_ => 1 } 'friend@remote.test',
			'bob@example.org', 'ann@client.test',
			'shy@remote.test', @readers },
		'the others and all subscribers get it exactly once');
	my ($friend) = grep { $_->{to} =~ /friend|bob/ }
		$scene->sink->with_id('<mixed@client.test>');
	is($friend->{from}, 'ann@client.test',
		'the others under the author\'s envelope');
	ok(!defined field($friend->{data}, 'List-Id'),
		'and without the list\'s fields');
}

sub _two_lists ($scene) {
	my $message = message(from => 'guest@client.test',
		id => '<two@client.test>', subject => 'Hello');
	my $is = $scene->post(from => 'guest@client.test',
		to => [$list, 'news@lists.example.org'], message => $message);
	is_taken($is, 'a post to two lists, of which one refuses: taken');
	$scene->sink->await_copies('<two@client.test>', 2);
	$scene->await_idle;
	my @copies = $scene->sink->with_id('<two@client.test>');
	is_deeply([sort map { $_->{to} } @copies],
		['ann@client.test', 'zoe@remote.test'],
		'the list that takes it distributes it');
	is(scalar field($copies[0]{data}, 'Subject'), '[news] Hello',
		'with its subject prefix');
	my $story = $scene->site->muster('trace', '<two@client.test>');
	like($story, qr/dev\@lists.*5\.7\.1|5\.7\.1.*dev\@lists/s,
		'the refusal of the other is in the trace');
}

sub _owner ($scene) {
	my $message = message(from => 'guest@client.test',
		id => '<owner@client.test>', to => 'dev-owner');
	is_taken($scene->post(from => 'guest@client.test',
		to => ['dev-owner@lists.example.org'],
		message => $message), 'mail to -owner is taken');
	my ($copy) = $scene->sink->await_copies('<owner@client.test>', 1);
	is($copy->{to}, 'boss@remote.test', 'and goes to the owner');
}

# sendmail(1): no milter sees it
sub _local ($scene) {
	my $message = message(from => 'ann@client.test',
		id => '<local@client.test>') =~ s/\r//gr;
	ok($scene->mta->submit('ann@client.test', [$list], $message),
		'sendmail(1) takes a post');
	$scene->sink->await_copies('<local@client.test>', 7);
	$scene->await_idle;
	is(scalar $scene->sink->with_id('<local@client.test>'), 7,
		'which comes by LMTP and goes to all');
	like($scene->site->muster('trace', '<local@client.test>'),
		qr/lmtp/i, 'the trace tells the door');
}

1;
