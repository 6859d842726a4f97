# SPDX-License-Identifier: BSD-2-Clause
# The gate and the LMTP door say the same to each mail for a command address.
use v5.36;
use Test::More;
use Muster::Mail qw(message);
use Muster::Writer qw(INSIDE OUTSIDE);

my $w = Muster::Writer->new;
my $site = $w->site;
$site->make_list("$_\@lists.test", ["subscription=$_", '--owner',
	'own@loose.example', 'banned=*@bad.example'], 'cy@loose.example')
	for qw(open confirm moderated closed invite);

my ($cy, $eve) = ('cy@loose.example', 'eve@loose.example');
my $null = { sender => '' };
my $robot = { more => "Auto-Submitted: auto-replied\n" };
my $many = { from => "$cy, $eve", sender => $cy };
my $none = { from => '', sender => $cy };
my $token = 'a' x 24;
# LMTP has no client's address, so nobody is verified by either here.
my @table;
for my $list (qw(open confirm moderated closed invite)) {
	for my $role (qw(join subscribe leave unsubscribe request confirm
		bounces), map { ("$_+$token", "$_+") }
		qw(confirm leave join request bounces)) {
		push @table, map { ["$list-$role\@lists.test", $_] }
			{}, $null, $robot, $many, $none,
			{ from => 'x@bad.example' }, { body => "help\n" },
			{ body => "subscribe\n" }, { body => "who\n" };
	}
}
push @table, map { ["$_\@lists.test", {}] } qw(none-request none-join
	OPEN-JOIN open-Leave open-frobnicate open-request-request);
push @table, map { [$_, {}] } '"open-join"@lists.test',
	'open-join@LISTS.TEST', 'open-join@[127.0.0.1]', 'open-join@far.test';

# code, enhanced code and text: without what only one of them says
sub plain ($said) {
	return 'taken' if $said =~ /^(?:250|discard)/;
	return $said =~ s/\n.*//sr;
}

my (%differs, %said, %taken);
my $number = 0;
my $door = $site->lmtp;
for my $case (@table) {
	my ($to, $opt) = @$case;
	my %is = (from => $cy, subject => '', body => "\n", %$opt);
	my $sender = delete $is{sender} // $is{from};
	my $name = join ' ', $to, map { "$_=$opt->{$_}" =~ s/\n//gr }
		sort keys %$opt;
	my @is = map { message(%is, to => $to,
		id => "<door-" . $number++ . '@far.test>') } 1 .. 2;
	my $gate = plain($site->post_from(OUTSIDE, $sender, [$to], $is[0]));
	my $lmtp = plain(Muster::SMTP::outcome($door->post(from => $sender,
		to => [$to], message => $is[1])));
	# What is not ours the gate waves through, and LMTP refuses.
	next if $gate eq 'accept' && $lmtp =~ /^550 5\.1\.1/
		&& $to !~ /\@lists\.test/i;
	$said{$gate}++;
	$differs{$name} = [$gate, $lmtp] if $gate ne $lmtp;
}
note scalar @table, ' mails, ', scalar keys %said, ' answers';
is_deeply(\%differs, {}, 'both doors say the same to ' . @table . ' mails');
ok($said{taken} && keys %said > 5, 'and not always the same');
done_testing;
