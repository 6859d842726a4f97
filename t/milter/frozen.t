# SPDX-License-Identifier: BSD-2-Clause
# musterd is held up for longer than it waits for a reply: what the relay has
# answered meanwhile is not sent again.
use v5.36;
use Test::More;
use Muster::Box qw(await);
use Muster::Gate;

use constant { MEMBERS => 300, TIMEOUT_S => 1 };

my $site = Muster::Gate->new(sink => 1,
	outbound => { timeout => TIMEOUT_S, connections => 4 });
my @members = map { "m$_\@far.test" } 1 .. MEMBERS;
$site->make_list('dev@lists.test', ['policy=open', 'verp=single'], @members);

for my $number (1 .. 3) {
	my $session = $site->session;
	$session->send('<a@far.test>', ['<dev@lists.test>'],
		"From: a\@far.test\r\nMessage-ID: <$number\@x>\r\n\r\nhello\r\n");
	my $sink = $site->sink;
	await('some copies', sub {
		my @copies = $sink->messages;
		return @copies > ($number - 1) * MEMBERS + 20;
	});
	$site->box->freeze('musterd');
	select undef, undef, undef, TIMEOUT_S + 0.5;	# longer than that
	kill CONT => $site->box->pid('musterd');
	$site->await_idle;
}
my %count;
$count{$_->{to}}++ for $site->sink->messages;
is(scalar(keys %count), MEMBERS, 'everybody has it');
is_deeply([grep { $count{$_} != 3 } sort keys %count], [], 'and each once');
unlike($site->log_of('musterd'), qr/lost-connection/,
	'no connection was given up');
done_testing;
