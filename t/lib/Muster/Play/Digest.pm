# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Digest;

# Digests through a real MTA: both kinds, signed, with a bounce that comes
# back; members who change; musterd killed while one is made.

use v5.36;
use Muster::Box qw(await);
use Muster::Mail qw(message body field report);
use Muster::Play;
use Test::More;

my $list = 'dev@lists.example.org';

sub run ($class, $scene) {
	my $box = $scene->box;
	my $pem = $box->path('key.pem');
	system("openssl genpkey -algorithm RSA -out $pem 2>/dev/null") == 0
		or die "openssl genpkey\n";
	chmod 0600, $pem;
	my $line = "$ENV{MUSTER_BUILD}/t/auth/sig-tool record $pem "
		. 'lists.example.org s';
	chomp(my $record = qx($line));
	$box->put('keys', "s._domainkey.lists.example.org\t$record\n");
	$scene->site->make_list($list, ['policy=members', "sign-key=$pem",
			'sign-selector=s'], 'ann@client.test',
		['mime@remote.test', 'delivery=digest'],
		['text@remote.test', 'delivery=plain'],
		['mover@remote.test', 'delivery=digest']);
	_two_kinds($scene);
	_bounce($scene);
	_change($scene);
	_killed($scene);
}

sub _post ($scene, $number, $copies) {
	my $id = "<d$number\@client.test>";
	is_taken($scene->post(from => 'ann@client.test', to => [$list],
		message => message(from => 'Ann <ann@client.test>', id => $id,
			subject => "post $number",
			body => "text $number\n")), "post $number is taken");
	$scene->sink->await_copies($id, $copies);
	$scene->await_idle;
	return $id;
}

# Copies to an address that are digests, after the first so many.
sub _digests ($scene, $addr, $count) {
	await("digest $count for $addr", sub {
		grep({ field($_->{data}, 'Subject') =~ /Digest V/ }
			$scene->sink->sent_to($addr)) >= $count });
	return grep { field($_->{data}, 'Subject') =~ /Digest V/ }
		$scene->sink->sent_to($addr);
}

sub _two_kinds ($scene) {
	_post($scene, $_, 1) for 1, 2;
	is_deeply([grep { $_->{to} ne 'ann@client.test' }
		$scene->sink->messages], [], 'nobody else gets single copies');
	my ($open) = @{ $scene->site->json('digest', 'ls') };
	is("$open->{volume} $open->{issue} $open->{posts}", '1 1 2',
		'digest ls: what is collected');
	like($scene->site->muster('trace', '<d1@client.test>'),
		qr/in digest vol 1 no 1/, 'trace says so');
	like($scene->site->muster('digest', 'send', $list),
		qr/V1 #1, 2 posts/, 'digest send');
	my ($mime) = _digests($scene, 'mime@remote.test', 1);
	my ($text) = _digests($scene, 'text@remote.test', 1);
	like(body($mime->{data}), qr/multipart\/digest.*Message-ID:\ <d1@.*
		text\ 1\r\n.*Message-ID:\ <d2@.*text\ 2\r\n/xs, 'MIME digest');
	like(body($text->{data}), qr/\r\n-{70}\r\n\r\nDate:.*text\ 1\r\n\r\n
		-{30}\r\n\r\nDate:.*text\ 2\r\n\r\n-{30}\r\n\r\n
		End\ of\ dev\ Digest\ V1\ \#1\r\n\*+\r\n/xs, 'plain digest');
	for ($mime, $text) {
		like(scalar field($_->{data}, 'List-Id'), qr/dev\.lists/,
			'List-Id');
		like($_->{from}, qr/^dev-bounces\+/, 'VERP');
		_signed($scene, $_);
	}
	is_deeply($scene->site->json('digest', 'ls'), [], 'nothing is left');
}

sub _signed ($scene, $copy) {
	my $path = $scene->box->path('copy');
	Muster::Box::spew($path, $copy->{data});
	my $keys = $scene->box->path('keys');
	my $said = qx($ENV{MUSTER_BUILD}/t/auth/sig-tool verify $path $keys);
	like($said, qr/^dkim pass/m, 'libopendkim takes the signature');
}

sub _bounce ($scene) {
	my ($copy) = _digests($scene, 'text@remote.test', 1);
	is_taken($scene->post(from => '', to => [$copy->{from}],
		message => report(to => $copy->{from},
			about => 'text@remote.test', status => '5.1.1',
			says => '550 5.1.1 no such user')),
		'a digest comes back');
	await('the bounce', sub { ($scene->site->json('member', 'show', $list,
		'text@remote.test')->{bounces} // 0) > 0 });
	pass('and counts');
}

sub _change ($scene) {
	my $id = _post($scene, 3, 1);
	$scene->site->muster('member', 'set', $list, 'mover@remote.test',
		'delivery=on');
	$scene->sink->await_copies($id, 2);
	pass('who changes to single copies gets what there is of the issue');
	_post($scene, 4, 2);
	$scene->site->muster('digest', 'send', $list);
	_digests($scene, 'mime@remote.test', 2);
	$scene->await_idle;
	is(scalar _digests($scene, 'mover@remote.test', 1), 1,
		'and no digest more');
}

# At whatever it is: each gets one, or once more what was being sent.
sub _killed ($scene) {
	for my $round (1 .. 5) {
		_post($scene, 10 + $round, 2);
		$scene->site->muster('digest', 'send', $list);
		$scene->box->stop('musterd', 'KILL');
		$scene->site->start_musterd;
		for my $who ('mime@remote.test', 'text@remote.test') {
			_digests($scene, $who, 2 + $round);
			$scene->await_idle;
			my %ids = map { field($_->{data}, 'Message-ID') => 1 }
				_digests($scene, $who, 2 + $round);
			is(scalar keys %ids, 2 + $round,
				"killed, round $round: one digest for $who");
		}
	}
	my $is = $scene->site->run('check');
	is($is->{status}, 0, 'muster check finds nothing') or diag $is->{out};
	is($scene->site->muster('queue', 'ls'), '', 'nothing is left over');
}

1;
