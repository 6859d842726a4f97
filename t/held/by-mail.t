# SPDX-License-Identifier: BSD-2-Clause
# Moderators decide by mail: what they get, what their mail does, and what
# anybody else's does not.
use v5.36;
use Test::More;
use Muster::Box qw(await);
use Muster::Gate;
use Muster::Mail qw(body field message);

my $site = Muster::Gate->new(sink => 1, zone => <<'END');
good.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.good.example TXT "v=DMARC1; p=reject"
loose.example TXT "v=spf1 ?all"
END
my ($inside, $outside) = ('192.0.2.7', '198.51.100.9');
my $list = 'dev@lists.test';
$site->make_list($list, ['policy=moderated', '--owner', 'own@good.example',
	'moderator=mod@good.example'], 'ann@good.example',
	'cy@loose.example', 'zoe@far.example');

sub post ($from, $addr = $inside, %opt) {
	my $bytes = message(from => $from, to => $list, %opt);
	my $id = field($bytes, 'Message-ID');
	is($site->post_from($addr, $opt{sender} // $from, [$list], $bytes),
		'discard', "$id: a post of $from is taken");
	return $id;
}

# The notice about the post: { approve => address, ... } and the whole.
my $read = 0;
sub notice () {
	my @all = await('a notice', sub {
		my @is = $site->sink->sent_to('mod@good.example');
		return @is > $read ? \@is : undef })->@*;
	my $mail = $all[$read++];
	my %way = map { lc(/subject=(\w+)/ ? $1 : '') => (/mailto:([^?]+)/)[0] }
		body($mail->{data}) =~ /<(mailto:[^>]+)>/g;
	return { mail => $mail, %way,
		ask => (field($mail->{data}, 'Reply-To') // '')
			=~ s/.*<|>.*//gr };
}

sub decide ($to, $from, $addr, $body = "ok\n", %opt) {
	return $site->post_from($addr, $opt{sender} // $from, [$to],
		message(from => $from, to => $to, body => $body,
			more => $opt{more}));
}

my $held = sub { scalar @{ $site->json('held', 'ls', $list) } };
my $copies = sub ($id) {
	return scalar grep { $_->{to} ne 'mod@good.example' }
		$site->sink->with_id($id);
};
my $go_out = sub ($id, $promise) {
	await("copies of $id", sub { $copies->($id) >= 3 });
	is($copies->($id), 3, $promise);
};

# --- approve ---
my $id = post('ann@good.example');
my $notice = notice;
is($notice->{mail}{from}, '', 'a notice has the null sender');
like(field($notice->{mail}{data}, 'Auto-Submitted'), qr/^auto-generated/,
	'and says what it is');
is(scalar(grep { $notice->{$_} } qw(approve reject discard accept ask)), 5,
	'with five ways to answer');
is($copies->($id), 0, 'nothing was sent');

# What does not count.
for my $who (['mod@good.example', $outside, 'a forger of the moderator'],
	['ann@good.example', $inside, 'the author'],
	['cy@loose.example', $inside, 'somebody who cannot be verified']) {
	like(decide($notice->{approve}, $who->[0], $who->[1]), qr/^550 5\.7\./,
		"$who->[2] decides nothing");
}
my $other = $notice->{approve} =~ s/\+./+x/r;
$other = $notice->{approve} =~ s/\+./+y/r if $other eq $notice->{approve};
like(decide($other, 'mod@good.example', $inside), qr/^550 5\.1\.1 /,
	'a token that was made up has no mailbox');
isnt(decide($notice->{approve}, 'mod@good.example', $inside, "I am away\n",
	sender => '', more => "Auto-Submitted: auto-replied\n"), undef,
	'the moderator\'s vacation program answers');
is($held->(), 1, 'and still it waits');

is(decide($notice->{approve}, 'mod@good.example', $inside), 'discard',
	'the moderator approves');
$go_out->($id, 'and it goes to all');
is($held->(), 0, 'and is held no more');
like(decide($notice->{$_}, 'mod@good.example', $inside),
	qr/^550 5\.2\.1 .*has been decided about already/,
	"$_, too late, is told so") for qw(approve reject);
$site->await_idle;
is($copies->($id), 3, 'and nothing happens twice');

# --- reject, with a reason ---
$id = post('ann@good.example');
$notice = notice;
decide($notice->{reject}, 'mod@good.example', $inside,
	"Reason: not about our subject\n\n-- \nmod\n");
my $answer = await('the author to be told', sub {
	return (grep { $_->{data} =~ /not about our subject/ }
		$site->sink->sent_to('ann@good.example'))[0] });
is($answer->{from}, '', 'with the null sender');
is($copies->($id), 0, 'and the post goes nowhere');

# --- an author who is not verified is not told ---
$id = post('cy@loose.example', $outside);
$notice = notice;
like(body($notice->{mail}{data}), qr/not verified/i,
	'the notice says that nobody knows who wrote it');
decide($notice->{reject}, 'mod@good.example', $inside, "Reason: spam\n");
$site->await_idle;
await('it to be gone', sub { $held->() == 0 });
is(scalar(grep { $_->{data} =~ /spam/ }
	$site->sink->sent_to('cy@loose.example')), 0,
	'no mail to an author who may be another');

# --- by a reply with a word in it ---
$id = post('ann@good.example');
$notice = notice;
decide($notice->{ask}, 'mod@good.example', $inside,
	"Discard\n\n> A post to dev waits\n> approve\n");
await('it to be discarded', sub { $held->() == 0 });
$site->await_idle;
is($copies->($id), 0, 'discarded by a word in a reply');

# --- accept: now and from now on ---
$id = post('ann@good.example');
$notice = notice;
decide($notice->{accept}, 'mod@good.example', $inside);
$go_out->($id, 'accepted, and sent');
$go_out->(post('ann@good.example'),
	'and from now on his posts are not held');
is($held->(), 0, 'none of them');
post('ann@good.example', $outside);
is($held->(), 1, 'but one that is not verified is');
like($site->muster('trace', $id), qr/mod\@good\.example/,
	'the trace says who decided');

done_testing;
