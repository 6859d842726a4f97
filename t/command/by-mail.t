# SPDX-License-Identifier: BSD-2-Clause
# Members and owners ask things of a list by mail: what they get, what others
# cannot get, and what is refused at the door.
use v5.36;
use Test::More;
use JSON::PP ();
use MIME::Base64 ();
use Muster::Box qw(await);
use Muster::Gate;
use Muster::Mail qw(body field header message);

my $site = Muster::Gate->new(sink => 1, zone => <<'END');
good.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.good.example TXT "v=DMARC1; p=reject"
loose.example TXT "v=spf1 ?all"
END
my ($inside, $outside) = ('192.0.2.7', '198.51.100.9');
my $list = 'dev@lists.test';
my $request = 'dev-request@lists.test';
$site->make_list($list, ['policy=members', '--owner', 'own@good.example',
	'who=members', 'description=Development'],
	'ann@good.example', 'bob@good.example', 'cy@loose.example');
$site->make_list('closed@lists.test', ['subscription=closed'],
	'ann@good.example');
$site->make_list('invite@lists.test', ['subscription=invite',
	'banned=*@bad.example'], 'ann@good.example');
$site->make_list('mod@lists.test', ['policy=moderated', '--owner',
	'own@good.example'], 'ann@good.example');

sub ask ($from, $addr, $body, %opt) {
	return $site->post_from($addr, $opt{sender} // $from,
		[$opt{to} // $request],
		message(from => $from, to => $opt{to} // $request,
			subject => $opt{subject} // '', body => $body,
			more => $opt{more}));
}

sub text ($mail) {
	my $body = body($mail->{data});
	$body = MIME::Base64::decode($body)
		if (field($mail->{data}, 'Content-Transfer-Encoding') // '')
		eq 'base64';
	return $body;
}

# The next letter to an address
my %read;
sub letter ($to, $what) {
	my $all = await($what, sub {
		my @is = $site->sink->sent_to($to);
		return @is > ($read{$to} // 0) ? \@is : undef });
	return $all->[$read{$to}++];
}

sub letters ($to) { return scalar $site->sink->sent_to($to) }

# --- one mail, many commands ---
is(ask('ann@good.example', $inside, "Hello,\n\nwhich\nset ack on\n"
	. "set delivery sometimes\nfrobnicate\nwho\n\n-- \nAnn\nhelp\n"),
	'discard', 'commands of a member are taken');
my $mail = letter('ann@good.example', 'an answer');
my $text = text($mail);
is($mail->{from}, '', 'an answer has the null sender');
like(field($mail->{data}, 'Auto-Submitted'), qr/^auto-replied/,
	'and says that it is one');
ok(field($mail->{data}, 'In-Reply-To'), 'and to which mail');
like($text, qr/^> which\r\n.*dev\@lists\.test.*closed\@lists\.test/ms,
	'all lists of the address');
like($text, qr/^> set ack on\r\n.*ack/m, 'a setting');
like($text, qr/^> set delivery sometimes\r\n.*sometimes.*not understood/m,
	'what was wrong');
like($text, qr/^> frobnicate\r\nThis is not a command/m, 'what is none');
like($text, qr/^> who\r\n.*bob\@good\.example/ms, 'the members');
unlike($text, qr/^> help/m, 'nothing of the signature');
is($site->json('member', 'show', $list, 'ann@good.example')->{ack}, JSON::PP::true,
	'it is set');

# --- one command ---
ask('ann@good.example', $inside, '', subject => 'Re: help');
$mail = letter('ann@good.example', 'help');
like(text($mail), qr/set delivery/, 'help');
unlike(text($mail), qr/approve ID/, 'and nothing for moderators');
ask('own@good.example', $inside, "help\n");
like(text(letter('own@good.example', 'help')), qr/approve ID/,
	'an owner is told more');
ask('ann@good.example', $inside, "set hide on\n");
letter('ann@good.example', 'an answer');
ask('bob@good.example', $inside, "who\n");
unlike(text(letter('bob@good.example', 'the members')),
	qr/ann\@good\.example/, 'who is hidden is not shown');
ask('ann@good.example', $inside, "show\n");
like(text(letter('ann@good.example', 'settings')),
	qr/^ *ack +on.*hide +on/ms, 'the settings');
ask('own@good.example', $inside, "who\nbounces\n");
like(text(letter('own@good.example', 'the members')),
	qr/ann\@good\.example/, 'but by an owner');
ask('eve@good.example', $inside, "who\nadd zoe\@far.example\nheld\n");
$text = text(letter('eve@good.example', 'an answer to a stranger'));
unlike($text, qr/bob\@good/, 'a stranger sees no members');
like($text, qr/^> add zoe\@far.example\r\nOnly owners and mod/m,
	'and adds none');
ask('ann@good.example', $inside, "get policy\nget archive\ninfo\n"
	. "password x\n");
$text = text(letter('ann@good.example', 'texts'));
like($text, qr/author\.member/, 'the policy');
like($text, qr/no archive/, 'no archive');
like($text, qr/Development/, 'what the list is');
like($text, qr/no passwords/, 'and no password');
ask('ann@good.example', $inside, "\n");
like(text(letter('ann@good.example', 'help')), qr/set delivery/,
	'an empty mail asks for help');

# --- languages ---
$site->muster('member', 'set', $list, 'ann@good.example', 'language=de');
ask('ann@good.example', $inside, "frobnicate\nset ack off\n");
like(text(letter('ann@good.example', 'an answer')), qr/Das ist kein Befehl/,
	'in the language of the member');

# --- who is not verified ---
my $before = letters('cy@loose.example');
like(ask('cy@loose.example', $outside, "help\n"), qr/^550 5\.7\.1 .*-join/,
	'help for nobody knows whom: refused at the door');
like(ask('ann@good.example', $outside, "show\nwho\n"), qr/^550 5\.7\.1 /,
	'a forger learns nothing');
like(ask('cy@loose.example', $outside, "\n"), qr/^550 5\.7\.1 /,
	'nor by an empty mail');
is(ask('cy@loose.example', $outside, "set delivery off\nwho\n"), 'discard',
	'what the address can confirm is taken');
$mail = letter('cy@loose.example', 'a question');
unlike(text($mail), qr/bob\@good/, 'and no more is said');
is($site->json('member', 'show', $list, 'cy@loose.example')->{delivery},
	'on', 'nothing has changed yet');
my ($confirm) = text($mail) =~ /(dev-confirm\+[a-z2-7]{24}\@lists\.test)/;
ok($confirm, 'there is a token') or BAIL_OUT(text($mail));
like($site->post_from($outside, '', [$confirm], message(
	from => 'cy@loose.example', to => $confirm)), qr/^550 5\.7\.1 /,
	'a null sender confirms nothing');
like(ask('cy@loose.example', $outside, "I am away\n", to => $confirm,
	more => "Auto-Submitted: auto-replied\n"), qr/^550 5\.7\.1 /,
	'nor does a machine');
is(ask('cy@loose.example', $outside, "yes\n", to => $confirm), 'discard',
	'the one who got it does');
await('it to be done', sub {
	$site->json('member', 'show', $list, 'cy@loose.example')->{delivery}
		eq 'off' });
like(ask('cy@loose.example', $outside, "yes\n", to => $confirm),
	qr/^550 5\.1\.1 /, 'but once');
like(ask('cy@loose.example', $outside, "yes\n",
	to => 'dev-confirm+' . 'a' x 24 . '@lists.test'), qr/^550 5\.1\.1 /,
	'a token that was made up has no mailbox');
$site->await_idle;

# --- joining and leaving ---
like(ask('dan@good.example', $inside, '', to => 'closed-join@lists.test'),
	qr/^550 5\.7\.1 .*closed-owner\@/, 'nobody joins a closed list');
like(ask('dan@good.example', $inside, '', to => 'invite-join@lists.test'),
	qr/^550 5\.7\.1 .*invited/, 'nor one by invitation');
like(ask('dan@bad.example', $outside, '', to => 'invite-subscribe@lists.test'),
	qr/^550 5\.7\.1 You cannot/, 'nor who is banned');
is(ask('dan@good.example', $inside, '', to => 'dev-join@lists.test'),
	'discard', 'a mail is enough');
letter('dan@good.example', 'a welcome');
await('a member', sub {
	$site->muster('member', 'ls', $list) =~ /dan\@good/ });
is(ask('dan@good.example', $inside, '', to => 'dev-leave@lists.test'),
	'discard', 'and another to leave');
letter('dan@good.example', 'a farewell');
await('no member', sub {
	$site->muster('member', 'ls', $list) !~ /dan\@good/ });
ask('dan@good.example', $inside, "subscribe dev Dan Person\nshow\n");
$text = text($mail = letter('dan@good.example', 'an answer'));
$text = text(letter('dan@good.example', 'an answer'))
	if $text !~ /^> subscribe/m;
like($text, qr/^> subscribe dev Dan Person\r\n.*is subscribed to the list/m,
	'the same by command');
is($site->json('member', 'show', $list, 'dan@good.example')->{name},
	'Dan Person', 'with a name');

# --- the token in a post ---
ask('dan@good.example', $inside, "get welcome\n");
$site->await_idle;
my ($leave) = map { text($_) =~ /(dev-leave\+[a-z2-7]{24}\@lists\.test)/ }
	$site->sink->sent_to('dan@good.example');
ok($leave, 'an address to leave with');
like(ask('x@far.example', $outside, '', to => $leave =~ s/\+./+0/r),
	qr/^550 5\.1\.1 /, 'not a made up one');
is(ask('x@far.example', $outside, '', to => $leave, sender => '',
	more => "Auto-Submitted: auto-generated\n"), 'discard',
	'by whatever hand');
await('no member', sub {
	$site->muster('member', 'ls', $list) !~ /dan\@good/ });

# --- owners ---
ask('own@good.example', $inside, "add zoe\@far.example yan\@far.example\n"
	. "remove yan\@far.example nobody\@far.example\n");
$text = text(letter('own@good.example', 'an answer'));
like($text, qr/zoe\@far\.example was added/, 'added');
like($text, qr/yan\@far\.example was removed/, 'removed');
like($text, qr/nobody\@far\.example is not a member/, 'and who was none');
like($site->muster('member', 'ls', $list), qr/zoe\@far/, 'it is so');
$site->post_from($inside, 'ann@good.example', ['mod@lists.test'], message(
	from => 'ann@good.example', to => 'mod@lists.test',
	subject => 'for moderators'));
my ($held) = @{ $site->json('held', 'ls', 'mod@lists.test') };
my $mod = 'mod-request@lists.test';
$site->await_idle;
$read{'own@good.example'} = letters('own@good.example');
ask('ann@good.example', $inside, "approve $held->{id}\n", to => $mod);
$site->await_idle;
is(scalar @{ $site->json('held', 'ls', 'mod@lists.test') }, 1,
	'an author approves nothing');
ask('own@good.example', $inside, "held\nshow $held->{id}\napprove "
	. "$held->{id}\napprove $held->{id}\nheld\n", to => $mod);
$text = text(letter('own@good.example', 'an answer'));
like($text, qr/^> held\r\n\Q$held->{id}\E.*for moderators/ms, 'what waits');
like($text, qr/^> show .*Hello\./ms, 'how it begins');
like($text, qr/\Q$held->{id}\E: approved/, 'approved');
is(scalar @{ $site->json('held', 'ls', 'mod@lists.test') }, 0,
	'and waits no more');

# --- sent to the list ---
my $id = '<misdirected@good.example>';
sub stray ($from, $addr, %opt) {
	return $site->post_from($addr, $from, [$list], message(from => $from,
		to => $list, %opt));
}
$site->await_idle;
$read{'bob@good.example'} = letters('bob@good.example');
is(stray('bob@good.example', $inside, subject => 'unsubscribe', id => $id),
	'discard', 'a command sent to the list is taken');
$mail = letter('bob@good.example', 'what to do');
like(text($mail), qr/dev-leave\+/, 'its author is told what to do');
$site->await_idle;
is(scalar(grep { field($_->{data}, 'Message-ID') eq $id }
	$site->sink->sent_to('ann@good.example')), 0,
	'and no member got it');
like(stray('cy@loose.example', $outside, subject => 'x',
	body => "please remove me\n\n-- \ncy\n"),
	qr/^550 5\.7\.1 .*dev-leave\@/, 'or is told at the door');
is(stray('bob@good.example', $inside, subject => 'why does leaving ask twice',
	body => "To unsubscribe I had to confirm; is that meant so?\n"),
	'discard', 'a discussion passes');
$site->await_idle;
ok((grep { field($_->{data}, 'Subject') eq
	'why does leaving ask twice' }
	$site->sink->sent_to('ann@good.example')), 'to the members');
$site->muster('list', 'set', $list, 'misdirected=no');
stray('bob@good.example', $inside, subject => 'unsubscribe',
	id => '<on@good.example>');
$site->await_idle;
ok((grep { field($_->{data}, 'Message-ID') eq '<on@good.example>' }
	$site->sink->sent_to('ann@good.example')),
	'and so does a command where the list says so');

# --- no loops ---
my $robot = 'robot@good.example';
ask($robot, $inside, "help\n");
$mail = letter($robot, 'help');
like($site->post_from($inside, $mail->{from}, [$request], $mail->{data}),
	qr/^550 5\.7\.1 /, 'a letter of ours is not answered by us');
like(ask($robot, $inside, "> help\nI am on holiday\n",
	subject => 'Out of office: Re: help',
	more => "Auto-Submitted: auto-replied\n"), qr/^550 5\.7\.1 /,
	'nor is a vacation program');
ask($robot, $inside, "help\n", more => "Precedence: list\n");
for my $n (1 .. 25) {
	ask($robot, $inside, "info\n", subject => "turn $n");
}
$site->await_idle;
cmp_ok(letters($robot), '<=', 21, 'and at a set rate');
like($site->log_of('musterd'), qr/command\.run .*commands=1 done=1/,
	'the log says what was done');
is($site->json('queue', 'ls')->{stages}{shunted} // 0, 0, 'nothing shunted')
	if ref $site->json('queue', 'ls') eq 'HASH';

done_testing;
