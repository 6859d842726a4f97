# SPDX-License-Identifier: BSD-2-Clause
# Tokens: replayed, guessed, changed, of another list, for something else, too
# old, and out of a dump. None of these does anything.
use v5.36;
use Test::More;
use JSON::PP ();
use Muster::Box qw(await);
use Muster::Mail qw(body field message);
use Muster::Writer qw(text token INSIDE OUTSIDE);

my $w = Muster::Writer->new(clock => 1);
my $site = $w->site;
my ($dev, $ops, $mod) = map { "$_\@lists.test" } qw(dev ops mod);
$site->make_list($_, ['policy=members', '--owner', 'own@good.example',
	'unsubscribe-url=https://lists.test/leave/%{token}'],
	'ann@good.example', 'bob@good.example') for $dev, $ops;
$site->make_list($mod, ['policy=moderated', '--owner', 'own@good.example'],
	'ann@good.example');

sub is_member ($list, $addr) {
	$site->await_idle;
	return $site->muster('member', 'ls', $list) =~ /^\Q$addr\E\b/mi;
}

# What the gate and the LMTP door say to a mail there.
sub bring ($addr, %opt) {
	my $gate = $w->ask(from => 'cy@loose.example', client => OUTSIDE,
		%opt, to => $addr);
	$site->await_idle;
	return $gate;
}

sub bring_both ($addr, $what) {
	like(bring($addr), qr/^550 5\.1\.1 /, "$what: no mailbox");
	like($w->ask_lmtp(from => 'cy@loose.example', to => $addr),
		qr/^550 5\.1\.1 /, "$what: nor by LMTP");
}

# In a command of somebody who is verified, and of somebody who is not
sub bring_words ($list, $token) {
	my $request = $list =~ s/@/-request@/r;
	$w->ask(from => 'eve@good.example', to => $request,
		body => "confirm $token\n");
	$w->ask(from => 'cy@loose.example', to => $request,
		client => OUTSIDE, body => "confirm $token\nok $token\n");
	$site->await_idle;
}

sub join_token ($list = $dev, $who = 'cy@loose.example') {
	$w->letters($who);
	$w->ask(from => $who, client => OUTSIDE, to => $list =~ s/@/-join@/r);
	my ($letter) = $w->letters($who) or return;
	return token($letter);
}

sub bare ($addr) { return ($addr =~ /\+([a-z2-7]+)@/)[0] }

# --- guesses ---
my $good = join_token() or BAIL_OUT('no token');
my $bare = bare($good);
my @letters = ('a' .. 'z', 2 .. 7);
my %guess = (
	'one that was made up' => join('', map { $letters[rand @letters] }
		1 .. 24),
	'zeros' => 'a' x 24,
	'the first character changed' => $bare =~ s/^(.)/$1 eq 'a' ? 'b' : 'a'/er,
	'the last character changed' => $bare =~ s/(.)$/$1 eq 'a' ? 'q' : 'a'/er,
	'cut' => substr($bare, 0, 23),
	'cut to half' => substr($bare, 0, 12),
	'one character more' => $bare . 'a',
	'twice' => $bare . $bare,
	'a character that none has' => substr($bare, 0, 23) . '1',
);
for my $what (sort keys %guess) {
	bring_both("dev-confirm+$guess{$what}\@lists.test", $what);
	bring_words($dev, $guess{$what});
}
bring_both('dev-confirm@lists.test', 'none');
bring_both("ops-confirm+$bare\@lists.test", 'of another list');
bring_words($ops, $bare);
like(bring("dev-leave+$bare\@lists.test"), qr/^550 5\.1\.1 /,
	'to leave with one to join');
like(bring("dev-bounces+$bare\@lists.test", sender => ''),
	qr/^550 5\.1\.1 /, 'nor does it take bounces');
my $random = 0;
my $session = $site->session;
for my $n (1 .. 2000) {
	if ($n % 100 == 1) {
		$session->abort;
		$session->mail('<cy@loose.example>');
	}
	my $token = join '', map { $letters[rand @letters] } 1 .. 24;
	my $role = (qw(confirm leave bounces))[$n % 3];
	$random += Muster::Milter::verdict($session->rcpt(
		"<dev-$role+$token\@lists.test>")) !~ /^550 5\.1\.1 /;
}
$session->quit;
is($random, 0, 'two thousand guesses have no mailbox');
ok(!is_member($_, 'cy@loose.example'), "nobody has joined $_")
	for $dev, $ops;

# --- out of a dump ---
my @stored = map { JSON::PP::decode_json($_) } grep { /"token"/ }
	split /\n/, $site->muster('dump');
ok(scalar @stored, 'a dump has the tokens');
ok(!(grep { /\Q$bare\E/ } map { values %$_ } @stored), 'but as a hash');
for my $text (grep { !ref && length > 10 } map { values %$_ } @stored) {
	my $word = lc($text =~ s/[^A-Za-z2-7]//gr);
	bring_words($dev, $text) if $text !~ /\s/ && length $text < 200;
	bring("dev-confirm+" . substr($word, 0, 24) . '@lists.test')
		if length $word >= 24;
}
ok(!is_member($dev, 'cy@loose.example'), 'which is good for nothing');

# --- machines ---
like(bring($good, more => "Auto-Submitted: auto-replied\n"), qr/^550 5\.7\.1/,
	'a vacation program confirms nothing');
like(bring($good, sender => ''), qr/^550 5\.7\.1/, 'nor a null sender');
like(bring($good, subject => 'Out of office: x', more =>
	"Precedence: bulk\nIn-Reply-To: <x\@y>\n"), qr/^550 5\.7\.1/,
	'nor an old vacation program');
ok(!is_member($dev, 'cy@loose.example'), 'and he is no member');

# --- once ---
my %mail = (id => '<yes@loose.example>', more =>
	"Date: Thu, 1 Jan 2026 00:00:00 +0000\n");
is(bring($good, %mail), 'discard', 'the token is good');
ok(is_member($dev, 'cy@loose.example'), 'he is in');
is(bring($good, %mail), 'discard',
	'who has not read that brings the same mail again, and is told so');
is($w->ask_lmtp(from => 'cy@loose.example', to => $good, %mail) =~ /^(\d+)/
	? $1 : '', 250, 'by LMTP too');
bring_both($good, 'the same again');
$site->muster('member', 'remove', $dev, 'cy@loose.example');
bring_both($good, 'after he was removed');
bring_words($dev, $bare);
ok(!is_member($dev, 'cy@loose.example'), 'and it does not bring him back');

# --- the other purposes of the list ---
my ($id) = map { field($_, 'Message-ID') } my $post = message(
	from => 'ann@good.example', to => $mod);
$site->post_from(INSIDE, 'ann@good.example', [$mod], $post);
$site->await_idle;
my ($notice) = grep { body($_->{data}) =~ /subject=approve/i }
	$site->sink->sent_to('own@good.example');
my ($approve) = body($notice->{data}) =~ /<mailto:([^?>]+)\?subject=approve/i;
ok($approve, 'a moderator gets a token');
my $decide = bare($approve);
bring_words($mod, $decide);
bring_both("dev-confirm+$decide\@lists.test", 'a moderator\'s, at another list')
	if $decide;
like($w->ask(from => 'ann@good.example', to => $approve),
	qr/^550 5\.7\./, 'is no use to the author');
like($w->ask(from => 'own@good.example', to => $approve, client => OUTSIDE),
	qr/^550 5\.7\./, 'nor to who forges the moderator');
like($w->ask(from => 'own@good.example', to => $approve, sender => ''),
	qr/^550 5\.7\.1/, 'nor to his vacation program');
is(scalar @{ $site->json('held', 'ls', $mod) }, 1, 'the post waits');
is($w->ask(from => 'own@good.example', to => $approve), 'discard',
	'he approves');
await('the copy', sub { $site->sink->sent_to('ann@good.example') });
like($w->ask(from => 'own@good.example', to => $approve), qr/^550 /,
	'but once') for 1 .. 2;
$site->await_idle;
is(scalar(grep { field($_->{data}, 'Message-ID') eq $id }
	$site->sink->sent_to('ann@good.example')), 1, 'one copy');

# --- what stands in a copy: to leave with, and where it bounces to ---
$site->post_from(INSIDE, 'ann@good.example', [$dev], message(
	from => 'ann@good.example', to => $dev, id => '<copy@good.example>'));
$site->await_idle;
my ($copy) = grep { $_->{data} =~ /copy\@good/ }
	$site->sink->sent_to('bob@good.example');
my $verp = $copy->{from};
my ($leave) = $copy->{data} =~ /(dev-leave(?:\+|%2B)[a-z2-7]{24}\@lists\.test)/i;
$leave =~ s/%2B/+/i;
ok($leave && $verp, 'a copy has both');
bring_both('dev-leave+' . bare($verp) . '@lists.test',
	'a bounce address to leave with');
bring_both('dev-confirm+' . bare($verp) . '@lists.test',
	'a bounce address to confirm with');
bring_both('dev-confirm+' . bare($leave) . '@lists.test',
	'an address to leave with to confirm with');
bring_both('ops-leave+' . bare($leave) . '@lists.test',
	'one to leave with of another list');
bring_words($dev, bare($_)) for $verp, $leave;
ok(is_member($_, 'bob@good.example'), "bob is still on $_") for $dev, $ops;
is(bring($leave), 'discard', 'the right one is taken');
ok(!is_member($dev, 'bob@good.example'), 'and he is gone');
ok(is_member($ops, 'bob@good.example'), 'from that list only');
is(bring($leave), 'discard', 'again, for who clicks twice');
$w->letters('bob@good.example');
bring($leave) for 1 .. 20;
is(scalar $w->letters('bob@good.example'), 0, 'but nobody is told again');

# --- changed in case: some mail servers do that ---
my $upper = join_token($ops);
is(bring($upper =~ s/\+(\w+)/'+' . uc $1/er), 'discard',
	'upper case is the same token');
ok(is_member($ops, 'cy@loose.example'), 'and does what it is for');
bring_both($upper, 'and is used up');

# --- too old ---
$site->muster('member', 'remove', $ops, 'cy@loose.example');
my $old = join_token($mod, 'old@loose.example') or BAIL_OUT('no token');
$w->at_day(8);
bring_both($old, 'after eight days');
bring_words($mod, bare($old));
$w->at_day(0);
ok(!is_member($mod, 'old@loose.example'), 'too old is too old');

# --- somebody leaves, and comes back ---
my $again = join_token($mod, 'zoe@loose.example') or BAIL_OUT('no token');
$site->muster('member', 'add', $mod, 'zoe@loose.example');
bring_both($again, 'whoever is in needs none');
is($site->json('queue', 'ls')->@*, 0, 'nothing is left in the queue');
done_testing;
