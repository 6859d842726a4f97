# SPDX-License-Identifier: BSD-2-Clause
# muster top: one look, and the live view on a terminal.
use v5.36;
use Test::More;
use Muster::Box qw(await);
use Muster::Gate;
use Muster::Pty;

my $enter = "\e[?1049h";
my $leave = "\e[?25h\e[?1049l";
my $site = Muster::Gate->new(sink => 1,
	outbound => { connections => 2, 'in-flight' => 20 });
my $big = 'big@lists.test';
$site->make_list($big, ['policy=open'],
	map { sprintf 'm%04d@far.test', $_ } 1 .. 1000);
my @top = ("$ENV{MUSTER_BUILD}/muster", '-c', $site->{conf}, 'top');

sub slow ($seconds) {
	$site->sink->rules(['dot', '.', '250 2.0.0 taken', $seconds]);
}

# A whole frame that is drawn from now on.
sub frame ($pty, $regex = qr/./) {
	$pty->forget;
	my $seen = $pty->await_seen(qr/\e\[H[^\e]*(?:\e(?!\[J)[^\e]*)*$regex
		(?:.*?)\e\[J/sx);
	my ($frame) = $seen =~ /.*\e\[H(.*?)\e\[J/s;
	return $frame;
}

# --- nothing to do ---------------------------------------------------------

my $is = $site->run('top', '--once');
is($is->{status}, 0, 'top --once');
like($is->{out}, qr/^copies   0\/s, 0 sent since the start, 0 connections$/m,
	'nothing is sent');
like($is->{out}, qr/^queue    pending 0  outbound 0  bounce 0 /m, 'the queue');
unlike($is->{out}, qr/\e|^LIST/m, 'plain text, no lists');
is($site->run('top')->{out} =~ s/\d\d:\d\d:\d\dZ//r,
	$is->{out} =~ s/\d\d:\d\d:\d\dZ//r, 'the same without a terminal');
is($site->run('top', '--interval', '-1')->{status}, 2, 'a wrong interval');

# --- a list under way ------------------------------------------------------

slow(0.05);
$site->lmtp->post(from => 'a@far.test', to => [$big],
	message => "From: a\@far.test\r\nMessage-ID: <1\@x>\r\n\r\nx\r\n");
my $look;
await('a rate', sub {
	$look = $site->json('top');
	return defined(($look->{jobs}[0] // {})->{rate_per_s});
});
is($look->{relays}[0]{state}, 'up', '--json: a relay');
is($look->{outbound}{sending}, 1, '--json: jobs being sent');
is($look->{queue}{outbound}, 1, '--json: depth of the queue');
my $job = $look->{jobs}[0];
is($job->{sent} + $job->{remaining}, 1000, '--json: what remains');
$is = $site->run('top', '--once');
my $port = $site->sink->port;
like($is->{out}, qr/^127\.0\.0\.1:$port +up +\d +0 +\d+ +[\d.]+$/m,
	'--once: the relay with its rate');
like($is->{out}, qr/^\Q$big\E +sending +\d+ +0 +\d+ +[\d.]+ +\d\w+ +\S+Z \S+$/m,
	'--once: the list with rate and end');

my $pty = Muster::Pty->new(24, 90);
my $modes = $pty->modes;
$pty->start(@top);
$pty->await_seen(qr/\Q$enter\E.*\Q$big\E/s);
isnt($pty->modes, $modes, 'on a terminal: keys are read one by one');
my $first = frame($pty, qr/sending/);
my ($left) = $first =~ /sending +\d+ +0 +(\d+)/;
await('it to be drawn again with less', sub {
	my ($now) = frame($pty, qr/sending/) =~ /sending +\d+ +0 +(\d+)/;
	return $now < $left;
});
pass('it goes on by itself');

$pty->resize(9, 40);
await('a frame of the new size', sub {
	my @lines = split /\r+\n/, frame($pty) =~ s/\e\[[\d?]*[A-Za-z]//gr;
	return @lines <= 9 && !grep { length > 40 } @lines;
});
pass('it follows the size of the terminal');
$pty->resize(24, 90);

# --- musterd comes and goes ------------------------------------------------

$site->box->stop('musterd');
like(frame($pty, qr/this\ is\ old: /), qr/\Q$big\E/,
	'musterd has gone: that is told, with what was last');
$site->start_musterd;
await('a fresh frame', sub { frame($pty) !~ /this is old/ });
pass('and goes on when it is back');
$pty->type('q');
is($pty->await_end, 0, 'q ends it');
like($pty->seen, qr/\Q$leave\E\z/, 'the screen is as before');
is($pty->modes, $modes, 'and the terminal');

for my $end (["\003", '^C'], [TERM => 'SIGTERM'], [HUP => 'SIGHUP']) {
	my ($how, $name) = @$end;
	$pty->forget;
	$pty->start(@top, '--interval', '1');
	$pty->await_seen(qr/\Q$enter\E.*queue/s);
	length $how > 1 ? kill $how => $pty->{pid} : $pty->type($how);
	is($pty->await_end, 0, "$name ends it");
	like($pty->seen, qr/\Q$leave\E\z/, "$name: the screen is as before");
	is($pty->modes, $modes, "$name: and the terminal");
}

# --- without musterd -------------------------------------------------------

$site->box->stop('musterd');
$pty->forget;
$pty->start(@top);
is($pty->await_end, 75, 'without musterd: try again');
like($pty->seen, qr/^muster: musterd does not run, and nothing is sent \(/,
	'and what to do');
unlike($pty->seen, qr/\e/, 'the terminal is left alone');
$is = $site->run('top', '--once');
is($is->{status}, 0, 'but one look is possible');
like($is->{out}, qr/musterd does not run$/m, 'which says so');
like($is->{out}, qr/^\Q$big\E +waiting +\d+ +0 +\d+ +- +- +- /m,
	'and what waits');
my @rows = @{ $site->json('queue', 'ls') };
my $remaining = 0;
$remaining += $_->{remaining} for @rows;
is($remaining + $site->sink->messages, 1000, 'queue ls: what remains');
is((grep { defined $_->{rate_per_s} } @rows), 0, 'without a rate');
done_testing;
