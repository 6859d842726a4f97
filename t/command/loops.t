# SPDX-License-Identifier: BSD-2-Clause
# Automatic mail that meets automatic mail: robots of two sites, vacation
# programs that mark what they write and such that do not, addresses that
# forward to a list's own. All of it comes to an end after a handful.
use v5.36;
use Test::More;
use Muster::Box qw(await);
use Muster::Mail qw(body field header message);
use Muster::Milter;
use Muster::Writer qw(text INSIDE OUTSIDE ZONE);

my $w = Muster::Writer->new;
my $site = $w->site;
my $list = 'dev@lists.test';

# Whoever gets a letter of the site may answer: answer(mail) gives
# [from, to, bytes, sender] or nothing. Ends when no letter comes any more, or
# after so many. Returns how many answers were written.
my $seen = 0;
sub settle ($who, $answer, $most = 200) {
	my ($answers, $letters) = (0, 0);
	while (1) {
		$site->await_idle;
		my @mails = $site->sink->messages;
		my @new = splice @mails, $seen;
		$seen += @new;
		my @his = grep { $_->{to} =~ $who } @new;
		$letters += @his;
		my @back = map { $answer->($_) } @his;
		return $letters if !@back;
		for my $back (@back) {
			my ($client, $sender, $to, $bytes) = @$back;
			return $letters if ++$answers >= $most;
			$site->post_from($client, $sender, [$to], $bytes);
		}
	}
}

# Where an answer goes: Reply-To, From or the envelope sender
sub addr_of ($mail, @names) {
	for my $name (@names) {
		my $value = $name eq 'sender' ? $mail->{from} :
			field($mail->{data}, $name) // '';
		my ($addr) = $value =~ /([^<>\s,"]+\@[^<>\s,]+)/ or next;
		return $addr;
	}
	return;
}

my $id = 0;
my %vacation = (
	'marked, to the envelope sender' => sub ($mail) {
		my $to = addr_of($mail, 'sender') or return;
		return [INSIDE, '', $to, reply($mail, $to,
			"Auto-Submitted: auto-replied\n")];
	},
	'marked, to Reply-To' => sub ($mail) {
		my $to = addr_of($mail, 'Reply-To', 'From');
		return [INSIDE, '', $to, reply($mail, $to,
			"Auto-Submitted: auto-replied (vacation)\n")];
	},
	'bulk' => sub ($mail) {
		my $to = addr_of($mail, 'Reply-To', 'From');
		return [INSIDE, $mail->{to}, $to, reply($mail, $to,
			"Precedence: bulk\nIn-Reply-To: <x\@y>\n")];
	},
	'without any mark' => sub ($mail) {
		my $to = addr_of($mail, 'Reply-To', 'From');
		return [INSIDE, $mail->{to}, $to, reply($mail, $to, '')];
	},
	'without any mark, and it quotes all' => sub ($mail) {
		my $to = addr_of($mail, 'Reply-To', 'From');
		return [INSIDE, $mail->{to}, $to, reply($mail, $to, '',
			"Your mail was received.\n\n" . text($mail))];
	},
	'whose text is a command' => sub ($mail) {
		my $to = addr_of($mail, 'Reply-To', 'From');
		return [INSIDE, $mail->{to}, $to, reply($mail, $to, '',
			"which\nhelp\n")];
	},
	'whose subject is a command' => sub ($mail) {
		my $to = addr_of($mail, 'Reply-To', 'From');
		return [INSIDE, $mail->{to}, $to, message(
			from => $mail->{to}, to => $to, subject => 'Re: help',
			body => "I am away.\n", id => '<v' . ++$id
			. '@good.example>')];
	},
	'to every address that it finds but the list\'s own' => sub ($mail) {
		my %to = map { $_ => 1 } grep { /-|\+/ } $mail->{data}
			=~ /([\w+-]+\@lists\.test)/g;
		return map { [INSIDE, $mail->{to}, $_, reply($mail, $_,
			'')] } sort keys %to;
	},
);

sub reply ($mail, $to, $more, $text = "I am away until Monday.\n") {
	return message(from => $mail->{to}, to => $to, more => $more,
		subject => 'Re: ' . (field($mail->{data}, 'Subject') // ''),
		id => '<v' . ++$id . '@good.example>', body => $text);
}

my $number = 0;
$site->make_list($list, ['policy=open', 'subscription=open',
	'--owner', 'own@good.example']);
for my $what (sort keys %vacation) {
	my $who = 'away' . ++$number . '@good.example';
	my $name = "l$number";
	$site->make_list("$name\@lists.test", ['policy=members', 'welcome=yes',
		'--owner', 'own@good.example'], 'ann@good.example');
	$w->ask(from => $who, to => "$name-request\@lists.test",
		body => "subscribe\nhelp\n");
	my $n = settle(qr/^\Q$who\E$/, $vacation{$what});
	note "$what: $n letters";
	# The last goes on joining and leaving, at the rates for those who do.
	cmp_ok($n, '<=', $what =~ /every/ ? 20 + 12 : 4,
		"a vacation program, $what, is written to a handful of times");
	$w->ask(from => 'ann@good.example', to => "$name\@lists.test",
		body => "A post.\n");
	$n = settle(qr/^\Q$who\E$/, $vacation{$what});
	cmp_ok($n, '<=', 8, 'after a post too');
	is($site->json('held', 'ls', "$name\@lists.test")->@*, 0,
		'nothing waits for a moderator');
	my $posts = grep { $_->{to} eq 'ann@good.example' && field($_->{data},
		'From') =~ /\Q$who\E/ } $site->sink->messages;
	cmp_ok($posts, '<=', 1, 'nor do the members get it');
}

# --- a machine that answers every letter where commands go ---
for my $text ("Thank you for your mail.\n", '', "Ticket %d was opened.\n",
	"frobnicate %d\n") {
	my $who = 'desk' . ++$number . '@good.example';
	my $n = 0;
	my $say = sub ($mail) {
		$n++;
		return [INSIDE, $who, 'dev-request@lists.test', message(
			from => $who, to => 'dev-request@lists.test',
			subject => "Case $n", body => $text =~ s/%d/$n/r)];
	};
	{
		my ($client, $sender, $to, $bytes) = $say->(undef)->@*;
		$site->post_from($client, $sender, [$to], $bytes);
	}
	my $got = settle(qr/^\Q$who\E$/, $say, 60);
	note "a machine: $got letters";
	cmp_ok($got, '<=', 6, 'a machine gets six answers a day');
}

# --- two sites; one host's mail is INSIDE of the other's domain ---
my $other = Muster::Gate->new(sink => 1, zone => ZONE . <<'END',
lists.test TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.lists.test TXT "v=DMARC1; p=reject"
END
	muster => { domains => 'good.example', hostname => 'good.example',
		'shared-domains' => '' });
# Each is on the other's list, owns it and moderates it, by all addresses.
my @roles = ('', qw(-request -owner));
my @theirs = map { "far$_\@good.example" } @roles;
my @ours = map { "dev$_\@lists.test" } @roles;
$site->muster('list', 'set', $list, 'owner=' . join(', ', @theirs));
$site->muster('member', 'add', $list, grep { !/owner/ } @theirs);
$other->make_list('far@good.example', ['policy=open', 'subscription=open',
	map { ('--owner', $_) } @ours], grep { !/owner/ } @ours);

my %read;
# All that each has sent to the other is brought there; how many until nothing
# moves any more.
sub exchange ($most = 200, %opt) {
	my $moved = 0;
	while (1) {
		my $now = 0;
		for my $way ([$site, $other, qr/\@good\.example$/],
			[$other, $site, qr/\@lists\.test$/]) {
			my ($from, $to, $whose) = @$way;
			$from->await_idle;
			my @mails = $from->sink->messages;
			my @new = splice @mails, $read{$from} // 0;
			$read{$from} += @new;
			for my $mail (grep { $_->{to} =~ $whose } @new) {
				my $data = $mail->{data};
				$data =~ s/^(?:$opt{strip}):.*?\r\n(?=\S|\r)//gmsi
					if $opt{strip};
				my $sender = $opt{strip} ? (addr_of($mail,
					'From') // '') : $mail->{from};
				$to->post_from(INSIDE, $sender, [$mail->{to}],
					$data);
				$now++;
			}
		}
		return $moved if !$now;
		$moved += $now;
		return $moved if $moved >= $most;
	}
}
$read{$_} = () = $_->sink->messages for $site, $other;
exchange();
for my $to (@ours) {
	for my $from (@theirs) {
		$site->post_from(INSIDE, $from, [$to], message(from => $from,
			to => $to, subject => 'help', body => "help\n"));
	}
}
my $moved = exchange();
note "robots: $moved mails";
cmp_ok($moved, '<=', 100, 'two robots come to an end');
$site->post_from(INSIDE, 'x@good.example', [$list], message(
	from => 'x@good.example', to => $list, body => "A post.\n"));
$moved = exchange();
note "a post: $moved mails";
cmp_ok($moved, '<=', 24, 'as do two lists that are on each other');
is($moved < 200, 1, 'for good');

# A host between them takes away all that says what a mail is.
my $marks = 'Auto-Submitted|Precedence|List-[\w-]+|X-Loop|Sender|'
	. 'X-Auto-Response-Suppress|References|In-Reply-To|Received|'
	. 'Message-ID';
$site->post_from(INSIDE, 'far-request@good.example', ['dev-request@lists.test'],
	message(from => 'far-request@good.example',
		to => 'dev-request@lists.test', body => "help\n"));
$moved = exchange(400, strip => $marks);
note "robots without marks: $moved mails";
cmp_ok($moved, '<=', 60, 'even without any mark left');

# --- a member whose mail is forwarded to the list's own addresses ---
$site->make_list('fwd@lists.test', ['policy=open', '--owner',
	'own@good.example'], 'ann@good.example', 'fwd@good.example',
	map { "fwd$_\@lists.test" } qw(-request -join -leave -owner));
my $posted = () = $site->sink->messages;
$w->ask(from => 'ann@good.example', to => 'fwd@lists.test',
	body => "A post.\n");
my ($all, $turns) = (0, 0);
my $at = $posted;
while ($turns++ < 20) {
	$site->await_idle;
	my @mails = $site->sink->messages;
	my @new = splice @mails, $at;
	$at += @new;
	last if !@new;
	for my $mail (@new) {
		$all++;
		for my $to ($mail->{to} =~ /^fwd\@good/ ? map {
			"fwd$_\@lists.test" } '', qw(-request -join -leave)
			: $mail->{to} =~ /\@lists\.test$/ ? $mail->{to} : ()) {
			$site->post_from(OUTSIDE, $mail->{from}, [$to],
				$mail->{data});
		}
	}
}
note "forwarded: $all mails in $turns turns";
cmp_ok($turns, '<=', 4, 'a member that is the list itself ends too');
cmp_ok($all, '<=', 16, 'with a handful of mails');
is((grep { $_->{stage} eq 'shunted' } $site->json('queue', 'ls')->@*), 0,
	'nothing is shunted');
done_testing;
