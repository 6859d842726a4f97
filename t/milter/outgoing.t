# SPDX-License-Identifier: BSD-2-Clause
# pause, resume and drain of a list while its copies leave, and what the
# queue says meanwhile.
use v5.36;
use Test::More;
use Time::HiRes qw(time);
use Muster::Box qw(await);
use Muster::Gate;

my $site = Muster::Gate->new(sink => 1,
	outbound => { connections => 4, 'in-flight' => 20 });
my $big = 'big@lists.test';
my $members = 800;
$site->make_list($big, ['policy=open', '--owner', 'owner@far.test'],
	map { sprintf 'm%04d@far.test', $_ } 1 .. $members);
$site->make_list('small@lists.test', ['policy=open'],
	map { "s$_\@far.test" } 1 .. 5);

# A relay that takes its time, so that there is something to see.
sub slow ($seconds) {
	$site->sink->rules(['dot', '^m', '250 2.0.0 taken', $seconds]);
}

my $number = 0;

sub message () {
	$number++;
	return "From: a\@far.test\r\nSubject: $number\r\n"
		. "Message-ID: <$number\@x>\r\n\r\nhello\r\n";
}

sub post ($list) {
	my $is = $site->lmtp->post(from => 'a@far.test', to => [$list],
		message => message());
	return Muster::SMTP::outcome($is);
}

sub jobs ($list = $big) {
	return grep { $_->{list} eq $list && $_->{stage} eq 'outbound' }
		@{ $site->json('queue', 'ls') };
}

sub copies ($list = $big) {
	my $first = substr $list, 0, 1;
	$first =~ tr/b/m/;
	return scalar grep { $_->{to} =~ /^$first\d/ } $site->sink->messages;
}

# --- the queue -------------------------------------------------------------

slow(0.03);
like(post($big), qr/^250/, 'a post to a large list');
my $job;
await('a rate', sub {
	($job) = jobs() or return 0;
	return defined $job->{rate_per_s} && $job->{sent} > 0;
});
is($job->{state}, 'sending', 'queue ls: it is being sent');
is($job->{sent} + $job->{remaining}, $members,
	'queue ls: what is sent and what remains are all');
cmp_ok($job->{rate_per_s}, '>', 1, 'queue ls: a rate');
my $eta = $job->{remaining} / $job->{rate_per_s};
cmp_ok(abs($job->{eta_s} - $eta), '<=', 1, 'queue ls: the time it takes');
like($job->{ends}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
	'queue ls: when it ends');
like($site->muster('queue', 'ls'), qr{^\S+\ outbound\ now\s+\Q$big\E\ \S+\ sending
	\ sent=\d+\ refused=0\ remaining=\d+\ rate=[\d.]+/s\ left=\d\w*
	\ ends=\S+Z$}xm, 'the same for people');
my $shown = $site->json('queue', 'show', $job->{id});
is($shown->{state}, 'sending', 'queue show too');
ok($shown->{remaining} <= $job->{remaining}, 'and what remains');

my $status = $site->json('status');
is($status->{relays}[0]{port}, $site->sink->port, 'status: the relay');
is($status->{relays}[0]{state}, 'up', 'status: it is up');
cmp_ok($status->{relays}[0]{connections}, '>=', 1, 'status: connections');
cmp_ok($status->{outbound}{sent}, '>', 0, 'status: copies in all');
is($status->{outbound}{sending}, 1, 'status: jobs that are being sent');

# --- pause, resume ---------------------------------------------------------

my $said = $site->muster('list', 'pause', $big);
like($said, qr/^\Q$big\E: paused; posts are taken and wait \(1 queued, /,
	'list pause says what it did');
await('the job to be set aside', sub {
	($job) = jobs();
	return $job->{state} eq 'paused';
});
my $then = copies();
cmp_ok($then, '<', $members, 'paused under way');
is($job->{sent}, $then, 'what left before is recorded');
is($job->{rate_per_s}, undef, 'no rate where nothing leaves');
is($job->{remaining}, $members - $then, 'and what remains is known');
like(post($big), qr/^250/, 'posts are taken');
like(post('small@lists.test'), qr/^250/, 'and other lists');
await('the other list', sub { copies('small@lists.test') == 5 });
await('both to wait', sub {
	2 == grep { $_->{state} eq 'paused' } jobs();
});
is(copies(), $then, 'go on alone');

slow(0);
my $begun = time;
$said = $site->muster('list', 'resume', $big);
like($said, qr/^\Q$big\E: on;/, 'list resume says what it did');
like($said, qr/^2 jobs are due again$/m, 'and how many jobs go on');
await('a copy more', sub { copies() > $then });
cmp_ok(time - $begun, '<', 20, 'at once, not when they were due');
await('all copies', sub { copies() == 2 * $members });
my %seen;
$seen{"$_->{to} " . ($_->{data} =~ /^Message-ID: (\S+)/m)[0]}++
	for $site->sink->messages;
is((grep { $_ > 1 } values %seen), 0, 'and none twice');
$site->await_idle;

# The key does the same.
$site->muster('list', 'set', $big, 'outgoing=paused');
post($big);
await('it to wait', sub { ((jobs())[0]{state} // '') eq 'paused' });
$site->muster('list', 'set', $big, '--unset', 'outgoing');
isnt((jobs())[0]{state} // '', 'paused', 'list set wakes its jobs too');
await('all copies', sub { copies() == 3 * $members });
is($site->json('list', 'show', $big)->{outgoing}, 'on', 'and it is on');

# So does a dump that is loaded.
$site->muster('list', 'set', $big, 'outgoing=on');
my $dump = $site->muster('dump', $big);
$site->muster('list', 'pause', $big);
post($big);
await('it to wait', sub { ((jobs())[0]{state} // '') eq 'paused' });
$site->muster({ in => $dump }, 'load', '-');
isnt((jobs())[0]{state} // '', 'paused', 'load wakes its jobs too');
await('all copies', sub { copies() == 4 * $members });
$site->muster('list', 'set', $big, '--unset', 'outgoing');

# --- scopes ----------------------------------------------------------------

$site->muster('list', 'drain', 'small@lists.test');
$said = $site->muster('list', 'pause', 'site');
like($said, qr/^site: these have a value of their own, .*: small\@\S+ \(drain\)$/m,
	'pause of all lists names those it does not change');
my $is = $site->run('list', 'pause', $big, 'no@lists.test');
is($is->{status}, 1, 'an unknown list is refused');
$site->muster('list', 'resume', $big);
is($site->json('list', 'show', $big)->{outgoing}, 'on',
	'one list goes on though all others are paused');
$site->muster('list', 'resume', 'site', 'small@lists.test', $big);
$site->await_idle;

# --- drain -----------------------------------------------------------------

slow(0.03);
my $before = copies();
post($big);
await('it to begin', sub { copies() > $before });
my $session = $site->session;
$session->mail('<a@far.test>');
is(Muster::Milter::verdict($session->rcpt("<$big>")), 'continue',
	'a transaction that begins before');
$is = $site->run('list', 'drain', $big, '--wait', '--timeout', '1s');
is($is->{status}, 75, 'drain --wait --timeout: try again');
like($is->{out}, qr/^\Q$big\E: draining; what is queued leaves/, 'it says so');
like($is->{err}, qr/1s are over; 1 job has not left yet/, 'and what is left');

my $again = $site->session;
$again->mail('<a@far.test>');
like(Muster::Milter::verdict($again->rcpt("<$big>")),
	qr/^451 4\.3\.2 \Q$big\E takes no new posts/, 'milter: 451 at RCPT');
my $door = $site->lmtp;
$is = $door->post(from => 'a@far.test', to => [$big, 'small@lists.test'],
	message => message());
like($is->{rcpt}[0], qr/^451 4\.3\.2 .*will try again/, 'LMTP: 451 at RCPT');
like($is->{dots}[0], qr/^250/, 'another list takes it');
my $late = $site->session;
like(Muster::Milter::verdict($session->send('<a@far.test>', ["<$big>"],
	message())), qr/^451/, 'one that began before is put off at its end');
for my $to ('big-owner@lists.test', 'small@lists.test') {
	$late->abort;
	$late->mail('<a@far.test>');
	is(Muster::Milter::verdict($late->rcpt("<$to>")), 'continue',
		"$to takes mail");
}
cmp_ok(copies(), '<', $before + $members, 'copies are under way');
slow(0);
$is = $site->run('list', 'drain', $big, '--wait', '--timeout', '5m');
is($is->{status}, 0, "drain --wait: done $is->{err}");
like($is->{out}, qr/^drained: nothing is queued$/m, 'and says so');
is(copies(), $before + $members, 'all that was queued has left');
is($site->run('list', 'drain', $big, '--timeout', '5m')->{status}, 2,
	'--timeout alone is wrong');
$site->muster('list', 'resume', $big);
like(post($big), qr/^250/, 'resumed: posts are taken');
$site->await_idle;

# What a moderator has may still be approved: it was taken before.
$site->muster('list', 'set', $big, 'emergency=yes');
post($big);
$site->muster('list', 'set', $big, 'emergency=no', 'outgoing=drain');
my ($held) = @{ $site->json('held', 'ls') };
$before = copies();
$site->muster('held', 'approve', $held->{id});
await('it to leave', sub { copies() == $before + $members });
$site->box->stop('musterd');
$is = $site->run('list', 'drain', $big, '--wait');
is($is->{status}, 0, 'without musterd, with nothing queued: done');
done_testing;
