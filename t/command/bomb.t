# SPDX-License-Identifier: BSD-2-Clause
# A stranger is subscribed, unsubscribed, moved and asked about, thousands of
# times, under all the spellings of his address, by everybody from everywhere.
# MUSTER_BOMBS says how many times.
use v5.36;
use Test::More;
use IO::Select;
use Muster::Box qw(await);
use Muster::Mail qw(field message);
use Muster::Milter;
use Muster::Writer qw(text INSIDE OUTSIDE);
use Time::HiRes ();

my $count = $ENV{MUSTER_BOMBS} // 1500;
my $w = Muster::Writer->new;
my $site = $w->site;
my @lists = map { "$_\@lists.test" } qw(dev ops news shut);
my %key = (dev => 'confirm', ops => 'open', news => 'confirm+moderated',
	shut => 'moderated');
for my $list (@lists) {
	my ($name) = split /@/, $list;
	$site->make_list($list, ["subscription=$key{$name}", '--owner',
		'own@good.example'], 'ann@good.example', 'vic@member.example');
}
$site->await_idle;
my $before = $w->roster;
my $sent = () = $site->sink->messages;

my @spell = map { ("$_\@loose.example", "\u$_\@loose.example",
	uc($_) . '@LOOSE.example') } qw(vic v.ic v.i.c vic+a);
sub victim ($n) {
	return $spell[$n % @spell] if $n % 3;
	return "vic+$n\@loose.example";
}

# One of the ways to make a list write to him: (to, sender, from, subject,
# body)
my @ways = (
	sub ($name, $vic) { ("$name-join", $vic, $vic, '', "\n") },
	sub ($name, $vic) { ("$name-subscribe", 'x@evil.example', $vic, '',
		"\n") },
	sub ($name, $vic) { ("$name-request", $vic, $vic, 'subscribe', "\n") },
	sub ($name, $vic) { ("$name-request", 'eve@good.example',
		'eve@good.example', '', "subscribe address=$vic\n" x 8) },
	sub ($name, $vic) { ("$name-leave", $vic, $vic, '', "\n") },
	sub ($name, $vic) { ("$name-request", $vic, 'ann@good.example', '',
		"move $vic\nmove $vic all\n") },
	sub ($name, $vic) { ("$name-request", 'eve@good.example',
		'eve@good.example', '', "move ann\@good.example $vic\n") },
	sub ($name, $vic) { ("$name-request", $vic, $vic, '',
		"set delivery off\nset ack on\nsubscribe digest\n") },
	sub ($name, $vic) { ("$name-request", 'x@evil.example', $vic, '',
		"help\n") },
	sub ($name, $vic) { ($name, $vic, $vic, 'unsubscribe',
		"unsubscribe\n") },
	sub ($name, $vic) { ("$name-join", $vic,
		qq("Buy at http://spam.example/ now" <$vic>), '', "\n") },
);

my $session;
my %said;
my $started = Time::HiRes::time();
for my $n (1 .. $count) {
	my ($name) = split /@/, $lists[$n % @lists];
	my ($to, $sender, $from, $subject, $body) =
		$ways[$n % @ways]->($name, victim($n));
	# every network once, but the one where good.example is
	my $client = $sender =~ /good/ ? INSIDE : join '.', 11 + $n % 100,
		int($n / 100) % 250, $n % 250, 1 + $n % 200;
	my $is = $site->post_from($client, $sender, ["$to\@lists.test"],
		message(from => $from, to => "$to\@lists.test",
			subject => $subject, body => $body));
	$said{ $is =~ s/ .*//sr }++;
}
my $took = Time::HiRes::time() - $started;
$site->await_idle;
note sprintf '%d requests in %.1f s: %s', $count, $took,
	join ', ', map { "$_ $said{$_}" } sort keys %said;

my @mails = $site->sink->messages;
splice @mails, 0, $sent;
my @his = grep { $_->{to} =~ /^v\.?i\.?c/i } @mails;
my @others = grep { $_->{to} !~ /^v\.?i\.?c/i } @mails;
note 'letters to him: ', scalar @his, '; to all others: ', scalar @others;
note join ', ', map { $_->{to} . ' ' . field($_->{data}, 'Subject') } @his;
cmp_ok(scalar @his, '<=', 3, 'he gets three letters a day, of all lists');
cmp_ok(scalar @his, '>=', 1, 'and he gets one');
is((grep { $_->{to} eq 'eve@good.example' } @mails) <= 20 ? 'few' : 'many',
	'few', 'who asks is answered at a set rate');
is_deeply([grep { $_->{to} !~ /^(?:eve|ann)\@good/ } @others], [],
	'and nobody else gets anything');
is((scalar grep { text($_) =~ /spam\.example/
	|| $_->{data} =~ /spam\.example/ } @his), 0,
	'nothing in them is of a stranger\'s choosing');
is((scalar grep { $_->{from} ne '' } @his), 0, 'all with the null sender');
is($w->roster, $before, 'the members and what is held are as they were');
is(scalar @{ $site->json('held', 'ls') }, 0, 'nothing waits for a moderator');

# He is not locked out: who proves himself needs no letter.
is($w->ask(from => 'vic@good.example', to => 'dev-join@lists.test'),
	'discard', 'somebody who is verified may join');
$site->await_idle;
like($site->muster('member', 'ls', 'dev@lists.test'), qr/vic\@good/,
	'and is in');
done_testing;
