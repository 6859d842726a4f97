# SPDX-License-Identifier: BSD-2-Clause
# 200 sessions whose domain's DNS never answers do not hold up anybody else.
use v5.36;
use Test::More;
use Time::HiRes qw(time);
use Muster::Gate;

my $sessions = 200;
my $site = Muster::Gate->new(zone => <<'END',
quiet.example SILENT
good.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.good.example TXT "v=DMARC1; p=reject"
END
	dns => { timeout => 8 });
$site->make_list('dev@lists.test', ['policy=members'], 'ann@good.example',
	map { "m$_\@s$_.quiet.example" } 1 .. $sessions);

sub begin ($from) {
	my $session = Muster::Milter->new($site->milter_path);

	$session->connect('client.test', '192.0.2.7');
	$session->helo('client.test');
	$session->mail("<$from>");
	$session->rcpt('<dev@lists.test>');
	$session->data;
	$session->content("From: $from\r\nMessage-ID: <" . rand()
		. "\@x.example>\r\n\r\nhello\r\n");
	$session->begin_end;
	return $session;
}

my @stuck = map { begin("m$_\@s$_.quiet.example") } 1 .. $sessions;
my @took;
for my $round (1 .. 5) {
	my $since = time;
	my $session = begin('ann@good.example');

	is($session->read_reply->{code}, 'd',
		"an ordinary post is taken while $sessions wait ($round)");
	push @took, time - $since;
	$session->quit;
}
diag(sprintf 'an ordinary post took %.3f s at most',
	(sort { $b <=> $a } @took)[0]);
cmp_ok((sort { $b <=> $a } @took)[0], '<', 1, 'each within a second');
my @replies = map { $_->read_reply } @stuck;
is(scalar(grep { $_->{code} eq 'y' && $_->{text} =~ /^451 4\.7\./ }
	@replies), $sessions, 'those that waited are told to come again');
done_testing;
