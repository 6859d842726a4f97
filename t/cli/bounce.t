# SPDX-License-Identifier: BSD-2-Clause
# muster bounce test: without settings, without a store, without musterd.
use strict;
use warnings;
use utf8;
use JSON::PP ();
use Test::More;
use Muster::Cli;

my $cli = Muster::Cli->new;
unlink $cli->dir . '/muster.conf' or die;

my $qmail = <<'MAIL';
From: MAILER-DAEMON@mx.test
Subject: failure notice

Hi. This is the qmail-send program at mx.test.
I'm afraid I wasn't able to deliver your message to the following addresses.

<ann@a.test>:
Sorry, no mailbox here by that name. (#5.1.1)

<bob@a.test>:
This account is over quota.

--- Below this line is a copy of the message.

Return-Path: <eve@e.test>
MAIL
my $delay = <<'MAIL';
From: MAILER-DAEMON@mx.test
Subject: Warning: message delayed

Your message has not yet been delivered to:
  ann@a.test
MAIL

# test - what is printed of this message
sub test {
	my ($bytes, @options) = @_;
	return $cli->ok('bounce', 'test', @options,
		$cli->put('message', $bytes));
}

my $lines = "hard\tann\@a.test\nsoft\tbob\@a.test\n";
is(test($qmail), $lines, 'class TAB address');
is($cli->ok({ stdin => $qmail }, 'bounce', 'test', '-'), $lines, 'of stdin');
is(test($delay), "none\t\n", 'a delay is no failure');
is(test("Subject: hello\n\nworld\n"), "none\t\n", 'nor is other mail');
is(test(''), "none\t\n", 'nor is nothing');
is(test("From: MAILER-DAEMON\nSubject: Undeliverable mail\n\n"
	. "It could not be delivered.\n"), "hard\t\n",
	'a failure that names nobody');

my $json = JSON::PP::decode_json(test($qmail, '--json'));
is($json->{class}, 'hard', '--json: the worst class');
is($json->{how}, 'text', '--json: how it was recognised');
is_deeply($json->{recipients}[0], { class => 'hard', address => 'ann@a.test',
	status => '5.1.1', reason => 'user', diagnostic =>
	'<ann@a.test>: Sorry, no mailbox here by that name. (#5.1.1)' },
	'--json: all about a recipient');
is($json->{recipients}[1]{reason}, 'full', '--json: and about the next');
is(JSON::PP::decode_json(test($delay, '--json'))->{class}, 'delayed',
	'--json: a delay is called one');

my $mbox = "From x Thu Apr  1 00:00:00 2010\n$qmail\n"
	. "From y Fri Apr  2 00:00:00 2010\n$delay";
is(test($mbox), $lines . "none\t\n", 'an mbox: the lines of all');
$json = JSON::PP::decode_json(test($mbox, '--json'));
is_deeply([map { $_->{class} } @$json], ['hard', 'delayed'],
	'an mbox, --json: an array');

my ($status, $out, $err) = $cli->raw('bounce', 'test', $cli->dir . '/none');
is($status . $out, '1', 'no such file');
like($err, qr/none/, 'it is named');
($status) = $cli->raw('bounce', 'test');
is($status, 2, 'no file: usage');

done_testing();
