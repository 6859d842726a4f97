# SPDX-License-Identifier: BSD-2-Clause
# The home has one owner. A musterd that starts while an administrator's
# command is at work waits for it, and says for whom; one that starts beside
# a musterd does not.
use v5.36;
use Test::More;
use Muster::Box qw(await);
use Muster::Gate;
use POSIX ();

my $site = Muster::Gate->new;
my $box = $site->box;
my $musterd = ["$site->{build}/musterd", '-F', '-c', $site->{conf}];
my $list = 'dev@lists.test';
$site->list($list, 'policy=open');
my $dump = $site->muster('dump');

$box->start('second', $musterd);
is($box->await_end('second') >> 8, 75, 'a second musterd does not start');
my $owner = $box->pid('musterd');
like($box->log_of('second'), qr/belongs to process $owner \(\S*musterd\)/,
	'and says who is there');
unlike($box->log_of('second'), qr/store\.awaited/, 'it does not wait');
is($box->stop('musterd'), 0, 'the first one ends');

# A load that comes out of a pipe takes as long as we like.
my $fifo = $box->path('dump');
POSIX::mkfifo($fifo, 0600) or die "$!\n";

sub begin_load () {
	my $pid = $box->start('load', ['sh', '-c',
		"exec $site->{build}/muster -c $site->{conf} load <$fifo"]);
	open my $out, '>', $fifo or die "$!\n";
	$out->autoflush(1);
	print {$out} substr $dump, 0, 10;
	await('it to hold the lock', sub {
		$site->run('list', 'ls')->{status} == 75 });
	return ($pid, $out);
}

my ($pid, $pipe) = begin_load();
$box->start('musterd', $musterd);
$site->await_log('musterd', qr/store\.awaited /);
like($box->log_of('musterd'),
	qr/store\.awaited what="\S+ belongs to process $pid \(muster\)" wait_s=\d+ todo=/,
	'a musterd that waits says for whom');
kill USR1 => $box->pid('musterd');
print {$pipe} substr $dump, 10;
close $pipe;
is($box->await_end('load'), 0, 'the load ends well');
$box->await_answer($site->submit_path, 'musterd');
pass('and musterd starts');
$site->await_log('musterd', qr/settings\.reloaded/);
pass('a reload that it was told meanwhile has waited');
like($site->muster('list', 'ls'), qr/\Q$list\E/, 'and serves');
is($box->stop('musterd'), 0, 'it ends');

for my $signal (qw(TERM INT)) {
	my ($pid, $pipe) = begin_load();
	my $from = length $box->log_of('musterd');
	$box->start('musterd', $musterd);
	await('it to wait', sub {
		substr($box->log_of('musterd'), $from) =~ /store\.awaited/ });
	is($box->stop('musterd', $signal), 0,
		"SIG$signal while it waits is an orderly end");
	print {$pipe} substr $dump, 10;
	close $pipe;
	is($box->await_end('load'), 0, 'the load is not disturbed');
}
done_testing;
