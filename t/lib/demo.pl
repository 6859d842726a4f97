#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# demo.pl DIR [--keep] - started by t/demo when everything is built

use v5.36;
use Muster::Box qw(await);
use Muster::Mail qw(message field);
use Muster::SMTP;
use Muster::Scene;

my ($dir, $keep) = @ARGV;
my $list = 'dev@lists.example.org';
my $wrong = 0;
$| = 1;

my $box = Muster::Box->new(dir => "$dir/run");
my $scene = Muster::Scene->new('Postfix', box => $box);
my ($site, $sink) = ($scene->site, $scene->sink);

sub title ($text) { say "\n=== $text\n" }
sub outcome ($good, $text) {
	say $good ? "--> $text" : "--> THIS WENT WRONG: $text";
	$wrong++ if !$good;
}

# An administrator's command, and what it prints.
sub admin (@words) {
	my %opt = ref $words[0] ? %{ shift @words } : ();
	say '$ muster ' . join ' ', map { /[\s<>\@]/ && !/^\S+$/
		? "'$_'" : $_ } @words;
	my $is = $site->run(\%opt, @words);
	print map { "    $_\n" } split /\n/, $is->{out} . $is->{err};
	return $is->{out};
}

# A whole transaction, shown.
sub talk (%post) {
	my $client = $scene->client(hello => 'client.example.net',
		show => sub ($line) { say "    $line" });
	$client->xclient(NAME => 'client.example.net', ADDR => '192.0.2.7');
	my $is = $client->post(%post);
	$client->quit;
	say '';
	return $is;
}

sub said ($is, $at, $regex) {
	my $reply = $at eq 'rcpt' ? $is->{rcpt}[-1] : $is->{$at};
	return $reply =~ $regex;
}

sub show_copies (@copies) {
	for my $copy (@copies) {
		printf "    to %-24s from %s\n", $copy->{to},
			$copy->{from};
	}
}

title 'Two lists, with subscribers';
admin('list', 'create', $list, '--owner', 'boss@example.net',
	'policy=members', 'description=The developers',
	'subject-prefix=[dev]');
admin('member', 'add', $list, 'Ann <ann@example.net>', 'bea@example.com',
	'carl@example.edu', 'gone@example.com');
admin('list', 'create', 'board@lists.example.org', 'policy=members-strict');
admin('member', 'add', 'board@lists.example.org', 'ann@example.net');
admin('member', 'ls', $list);

title 'A subscriber posts: one copy per subscriber, each with its own '
	. 'envelope sender';
$sink->rules(['rcpt', '^gone@', '550 5.1.1 no such user here']);
my $is = talk(from => 'ann@example.net', to => [$list],
	message => message(from => 'Ann <ann@example.net>',
		id => '<post1@example.net>', subject => 'Release',
		body => "Shall we release on Monday?\n"));
my @copies = $sink->await_copies('<post1@example.net>', 3);
show_copies(@copies);
say '';
print map { "    $_\n" } split /\r\n/, $copies[0]{data};
say '';
outcome(said($is, 'dot', qr/^250/) && @copies == 3,
	'250, on disk; and a copy for each, gone@example.com aside');

title 'That copy is refused by the far side: the report comes back to the '
	. 'token, and is seen';
eval { await('', sub { $site->muster('member', 'show', $list,
	'gone@example.com') =~ /5\.1\.1/ }) };
my $seen = admin('member', 'show', $list, 'gone@example.com');
outcome($seen =~ /5\.1\.1/, 'recorded with time and reason');

title 'A stranger writes: policy=members judges the author, at the end of '
	. 'message';
$is = talk(from => 'spam@example.biz', to => [$list],
	message => message(from => 'Stranger <stranger@example.biz>',
		id => '<stranger1@example.biz>'));
outcome(said($is, 'dot', qr/^550[ -]5\.7\.1/),
	'550, with a sentence that tells him what to do');

title 'A stranger writes: policy=members-strict judges the envelope too, '
	. 'at RCPT';
$is = talk(from => 'spam@example.biz', to => ['board@lists.example.org'],
	message => message(from => 'stranger@example.biz'));
outcome(said($is, 'rcpt', qr/^550[ -]5\.7\.1/),
	'550, before he has sent a byte of the body');

title 'An unknown list';
$is = talk(from => 'ann@example.net', to => ['cooking@lists.example.org'],
	message => message(from => 'ann@example.net'));
outcome(said($is, 'rcpt', qr/^550[ -]5\.1\.1/), '550 at RCPT');

title 'A mail to a list and to somebody else';
$is = talk(from => 'bea@example.com', to => [$list, 'bob@example.org'],
	message => message(from => 'bea@example.com',
		id => '<mixed1@example.com>', to => "$list, bob\@example.org"));
@copies = $sink->await_copies('<mixed1@example.com>', 4);
show_copies(@copies);
outcome(@copies == 4, 'the list\'s by muster, Bob\'s by the MTA');

title 'musterd is away: the sender is asked to come again';
$box->stop('musterd');
$is = talk(from => 'ann@example.net', to => [$list],
	message => message(from => 'ann@example.net'));
outcome(said($is, 'rcpt', qr/^451/), '451, nothing kept, nothing lost');
$site->start_musterd;

title 'The stories';
$scene->await_idle;
for my $id ('<post1@example.net>', '<stranger1@example.biz>',
	'<mixed1@example.com>') {
	my $story = admin('trace', $id);
	say '';
	outcome($story =~ /\S/, "the story of $id");
	outcome($story =~ /gone\@example\.com.*5\.1\.1/,
		'with the copy that came back') if $id =~ /post1/;
	say '';
}
admin('queue', 'ls');
admin('status');

if (!$keep) {
	title $wrong ? "$wrong things went wrong" : 'All as it should be';
	exit($wrong ? 1 : 0);
}

my $stop = $box->leave("$dir/stop", $dir);
my $port = $scene->mta->port;
my $conf = $site->{conf};
title 'It goes on running';
print <<"END";
Send mail:   swaks --server 127.0.0.1:$port --from ann\@example.net \\
                 --to $list
             or talk to it: telnet 127.0.0.1 $port
Administer:  $dir/build/muster -c $conf list ls
Copies:      all go to a sink that keeps them as JSON, a line each, in
             $sink->{file}
Logs:        $dir/run/musterd.log, muster-milter.log, postfix/mail.log
Stop, and remove everything:
             $stop
END
exit($wrong ? 1 : 0);
