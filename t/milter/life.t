# SPDX-License-Identifier: BSD-2-Clause
# Start, stop, reload, crash.
use v5.36;
use Test::More;
use Muster::Box qw(await slurp);
use Muster::Gate;

my $site = Muster::Gate->new(milter => { workers => 3 });
$site->list('dev@lists.test', 'policy=open');
my $box = $site->box;
my $number = 0;

sub verdict ($reply) { return Muster::Milter::verdict($reply) }

sub post () {
	$number++;
	return "From: a\@far.test\r\nSubject: $number\r\n\r\nhello\r\n";
}

sub begin ($session) {
	$session->mail('<a@far.test>');
	$session->rcpt('<dev@lists.test>');
	$session->data;
	$session->content(post());
}

sub works ($session = $site->session) {
	return verdict($session->send('<a@far.test>', ['<dev@lists.test>'],
		post())) eq 'discard';
}

# The command line.
my $gate = "$ENV{MUSTER_BUILD}/muster-milter";
like(`$gate --help`, qr/--foreground.*--version/s, '--help');
like(`$gate --version`, qr/^muster-milter \d/, '--version');
is(system("$gate --nonsense 2>/dev/null") >> 8, 2, 'a wrong option');
is(system("$gate -c /nonexistent 2>/dev/null") >> 8, 1, 'no settings');
my $second = `$gate -F -c ${\$site->{conf}} 2>&1`;
is($? >> 8, 75, 'a second one does not start');
like($second, qr/another muster-milter runs/, 'and says why');
ok(works(), 'the first is not disturbed');

# A worker dies.
is(scalar($site->workers), 3, 'three workers');
my $victim = $site->session;
$victim->mail('<a@far.test>');
my @old = $site->workers;
kill KILL => @old;
is(verdict($victim->rcpt('<dev@lists.test>')), 'gone',
	'its sessions are lost');
await('three other workers', sub {
	my %is_old = map { $_ => 1 } @old;
	return 3 == grep { !$is_old{$_} } $site->workers;
});
ok(works(), 'others take over');
like($site->log_of('muster-milter'), qr/worker\.died pid=\d+ signal=9/,
	'logged');

# Settings are read again; nobody in a transaction is cut off.
my $within = $site->session;
begin($within);
my $between = $site->session;
ok(works($between), 'a session between two posts');
@old = $site->workers;
$site->{settings}{milter}{workers} = 2;
$site->write_conf;
kill USR1 => $site->gate_pid;
$site->await_log('muster-milter', qr/settings\.reloaded/);
ok(works(), 'a new session');
is(verdict($within->end), 'discard', 'the old transaction ends well');
ok(works($between), 'and an old session goes on');
$_->quit for $within, $between;
await('two workers', sub { scalar($site->workers) == 2 });
ok(!grep({ my $pid = $_; grep { $_ == $pid } @old } $site->workers),
	'old workers leave when their sessions have');

$site->{settings}{milter}{workers} = 'many';
$site->write_conf;
kill USR1 => $site->gate_pid;
$site->await_log('muster-milter', qr/settings\.kept what="[^"]*workers/);
ok(works(), 'wrong settings are not taken');
$site->{settings}{milter}{workers} = 2;
$site->write_conf;

# SIGTERM: a post at its end finishes.
my $ending = $site->session;
begin($ending);
my $idle = $site->session;
my $musterd = $box->pid('musterd');
my $before = scalar($site->posts);
$box->freeze('musterd');
$ending->begin_end;
await('the commit to be asked for', sub {
	return $ending->{progress} || do {
		my $select = IO::Select->new($ending->{socket});
		$ending->{progress} = $select->can_read(0.01);
	};
});
kill TERM => $site->gate_pid;
$site->await_log('muster-milter', qr/muster-milter\.stopping/);
kill CONT => $musterd;
is(verdict($ending->read_reply), 'discard', 'it is told that it is kept');
is($box->await_end('muster-milter'), 0, 'the gate ends well');
is(verdict($idle->read_reply), 'gone', 'the others are let go');
is(scalar($site->posts), $before + 1, 'it is kept');

# Killed without a chance to clean up.
$site->start_milter;
@old = $site->workers;
kill KILL => $site->gate_pid;
$box->await_end('muster-milter');
my $starts = () = $site->log_of('muster-milter') =~ /milter\.started/g;
$site->start_milter;
# Until then an orphan may answer, and leave.
await('the new gate', sub {
	return $starts < (() =
		$site->log_of('muster-milter') =~ /milter\.started/g);
});
ok(works(), 'it starts again after kill -9');
await('the orphans to leave', sub { !grep { -d "/proc/$_" } @old });

# Over TCP, of either version.
for my $host ('127.0.0.1', '::1') {
	my $port = $box->port;
	my $where = "inet:$port\@$host";
	$box->stop('muster-milter');
	local $site->{settings}{milter}{listen} = $where;
	$site->write_conf;
	$box->start('muster-milter', [$gate, '-F', '-c', $site->{conf}]);
	my $session = await('a session over TCP', sub {
		return eval { Muster::Milter->new($where) };
	});
	$session->connect('client.test', '2001:db8::7');
	$session->helo('client.test');
	ok(works($session), "listen = $where");
}
$site->write_conf;

# In the background.
$box->stop('muster-milter');
is(system($gate, '-c', $site->{conf}), 0, 'started in the background');
my $inode = (stat "$site->{run}/muster-milter.lock")[1];
my ($pid) = slurp('/proc/locks') =~ /FLOCK +ADVISORY +WRITE (\d+) \S+:$inode /;
END { kill TERM => $pid if $pid }
ok($pid, 'it holds the lock');
ok(works(), 'and serves when the command returns');
kill TERM => $pid;
await('its end', sub { !-d "/proc/$pid" });
undef $pid;
done_testing;
