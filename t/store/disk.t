# SPDX-License-Identifier: BSD-2-Clause
# A disk that is full, cannot be written, or has changed a byte; a backup that
# is taken under load, and restored as the manual page says.
use v5.36;
use Test::More;
use Time::HiRes ();
use Muster::Box qw(await slurp spew);
use Muster::Gate;
use Muster::Mail qw(message);
use Muster::Spoil qw(spoil keep_running await_musterd in_namespace);

use constant MB => 1024 * 1024;

in_namespace();
my ($site, $box, %taken);
my $number = 0;
my $list = 'dev@lists.test';

sub try_post ($size = 100) {
	$number++;
	my $id = "<$number\@far.test>";
	my $is = eval { $site->post_from('192.0.2.7', 'ann@far.test', [$list],
		message(from => 'ann@far.test', to => $list, id => $id,
			body => "0123456789012345678901234567890123456789\n"
				x ($size / 41) . "end\n")) } // 'gone';
	$taken{$id} = 1 if $is eq 'discard';
	return $is;
}

sub all_arrive ($what) {
	for my $id (sort keys %taken) {
		await("$id", sub { $site->sink->with_id($id) });
	}
	pass("$what: all " . keys(%taken) . ' that were acknowledged arrive');
	%taken = ();
}

sub free_of ($path) {
	return (qx(df --output=avail -B1 $path) =~ /(\d+)\s*\z/)[0];
}

# What musterd writes meanwhile fills it, too.
sub fill ($path, $leave) {
	my $size = free_of($path) - $leave;
	system('fallocate', '-l', $size, "$path/filler") == 0
		|| system("head -c $size /dev/zero >$path/filler") == 0
		|| free_of($path) <= $leave
		or die "cannot fill $path\n";
}

sub begin (%settings) {
	$site = Muster::Gate->new(sink => 1, %settings);
	$box = $site->box;
	$number = 0;
}

# --- full ------------------------------------------------------------------

sub full () {
	begin();
	my $home = $site->{home};
	$box->stop('musterd');
	system('mount', '-t', 'tmpfs', '-o', 'size=420m,mode=700', 'tmpfs',
		$home) == 0 or plan(skip_all => 'no tmpfs can be mounted');
	$site->start_musterd;
	$site->list($list, 'policy=open');
	is(try_post(), 'discard', 'there is room');

	# Below the floor.
	fill($home, 50 * MB);
	like(try_post(), qr/^451 4\.3\.\d/, 'below space-floor: 451');
	like($box->log_of('musterd'),
		qr/submission\.failed what=.*todo="free disk space/,
		'the log says what to do');
	like($site->run('check')->{out}, qr/^(?:warning|error): .*free/m,
		'muster check sees it');
	unlink "$home/filler";
	await('room', sub { try_post() eq 'discard' });
	pass('room again: taken, without a restart');

	# To the last byte, for which there is no floor.
	$box->stop('musterd');
	$site->{settings}{muster}{'space-floor'} = 0;
	$site->write_conf;
	keep_running($site);
	$site->sink->rules(['rcpt', '.', '451 4.2.0 later']);
	is(try_post(), 'discard', 'a post that waits');
	fill($home, 3 * MB);	# of which a post needs twice its size
	my %said;
	for (1 .. 40) {
		my $is = try_post(400_000);
		$said{ $is =~ /^451/ ? '451' : $is }++;
		last if ($said{451} // 0) >= 3;
	}
	cmp_ok($said{451} // 0, '>', 0, 'full to the last byte: 451')
		or diag(explain(\%said));
	is(scalar(grep { !/^(?:451|discard|gone)$/ } keys %said), 0,
		'and nothing else') or diag(explain(\%said));
	like($box->log_of('musterd'), qr/what="(?:\d+\ bytes\ free,\ space-floor
		\ is\ 0|[^"]*No\ space)[^"]*"\ todo="free/x,
		'the log says what to do');
	unlink "$home/filler";
	await('room', sub { try_post() eq 'discard' });
	pass('room again: taken, by itself');

	# Killed, and started on a full disk.
	fill($home, 0);
	kill KILL => split ' ', slurp('/proc/' . $box->pid('musterd')
		. '/task/' . $box->pid('musterd') . '/children');
	await('it to be started again', sub {
		$box->log_of('musterd') =~ /ended: status 9/ });
	await('it to start, or to say why not', sub {
		my ($after) = $box->log_of('musterd') =~
			/.*ended: status 9\n(.*)/s;
		return $after =~ /musterd\.started/ ||
			$after =~ /bytes are free|No space/;
	});
	unlink "$home/filler";
	await_musterd($site);
	await('room', sub { try_post() eq 'discard' });
	pass('killed on a full disk: goes on when there is room');
	$site->sink->rules;
	all_arrive('full disk');
	like($site->muster('check'), qr/^ok: database/m, 'the store is sound');
	is($box->stop('musterd'), 0, 'musterd ends well');
	system('umount', $home);
	$box->done;
}

# --- read-only -------------------------------------------------------------

# As after a remount, by the library in front of musterd's; a real one is
# refused while a file is open to be written.
sub read_only () {
	begin();
	spoil($site);
	my $flag = $box->path('readonly');
	$site->list($list, 'policy=open');
	$box->stop('musterd');
	keep_running($site);
	$site->sink->rules(['rcpt', '.', '451 4.2.0 later']);
	is(try_post(), 'discard', 'it can be written');
	await('it is tried', sub {
		$box->log_of('musterd') =~ /outbound\.begun/ });
	spew($flag, '');
	like(try_post(), qr/^451|^gone/, 'read-only: 451') for 1 .. 3;
	like($box->log_of('musterd'), qr/todo="see whether the disk/,
		'the log says what to do');
	await('a stage to meet it', sub { $box->log_of('musterd') =~
		/(?:job\.failed|not-recorded) .*todo="see whether the disk/ });
	my $lines = () = $box->log_of('musterd') =~ /\n/g;
	Time::HiRes::sleep(1);
	cmp_ok((() = $box->log_of('musterd') =~ /\n/g) - $lines, '<', 100,
		'without a flood of lines');
	unlink $flag;
	await('a post', sub { try_post() eq 'discard' });
	pass('it goes on by itself');
	$site->sink->rules;
	all_arrive('read-only disk');
	like($site->muster('check'), qr/^ok: database/m,
		'the store is sound');
	is($box->stop('musterd'), 0, 'musterd ends well');
	$box->done;
}

# --- backup, a byte, restore -----------------------------------------------

# The commands of the manual page, with our paths and our service manager.
sub commands ($from, $to, $wanted) {
	my ($page) = slurp("$ENV{MUSTER_SRC}/core/musterd.8") =~
		/^\.SH "BACKUP AND RESTORE"(.*?)^\.SH/ms;
	my @blocks = $page =~ /^\.EX\n(.*?)^\.EE/msg;
	my ($block) = grep { /$wanted/ } @blocks;
	return map { s/^\s+|\\(?=-)//gr } split /\n/,
		$block =~ s{/srv/backup/1}{$from}gr
			=~ s{/var/lib/muster}{$to}gr;
}

sub run_command ($command) {
	return $box->stop('musterd') if $command eq 'systemctl stop musterd';
	return $site->start_musterd if $command eq 'systemctl start musterd';
	my @words = split ' ', $command;
	return $site->run(@words[1 .. $#words]) if $words[0] eq 'muster';
	is(system(@words), 0, $command);
}

sub flip ($path, $at) {
	open my $file, '+<:raw', $path or die "$path: $!\n";
	seek $file, $at, 0;
	read $file, my $byte, 1;
	seek $file, $at, 0;
	print {$file} chr(ord($byte) ^ 4);
	close $file or die "$path: $!\n";
}

sub backup () {
	begin();
	my ($home, $copy) = ($site->{home}, $box->path('copy'));
	$site->list($list, 'policy=open');
	$site->sink->rules(['rcpt', '.', '451 4.2.0 later']);

	# Under load: what was acknowledged before is in it.
	try_post(30_000) for 1 .. 20;
	my %before = %taken;
	my $load = $box->start('load', sub {
		try_post(20_000) while 1 });
	await('load', sub {
		(() = $box->log_of('muster-milter') =~ /post\.accepted/g)
			> 25 });
	run_command($_) for commands($copy, $home, 'backup');
	$box->stop('load', 'KILL');
	my $said = qx(db5.3_verify -o $copy/env/data/* 2>&1);
	is($?, 0, 'the backup verifies') or diag($said);

	# Damage, of a page that nobody reads.
	$site->muster('list', 'set', $list, 'outgoing=paused');
	$box->stop('musterd');
	my ($file) = grep { -s $_ >= 4 * 4096 } glob "$home/env/data/post.*";
	flip($file, 3 * 4096 + 1000);
	my $is = $site->run('check');
	is($is->{status}, 1, 'muster check finds a flipped byte');
	like($is->{out}, qr/^error: .*page 3 of \Q$file\E is damaged/m,
		'and names file and page');
	$site->start_musterd;
	$is = $site->run('check');
	like($is->{out}, qr/^error: .*page 3 of \Q$file\E is damaged/m,
		'so it does while musterd runs');
	ok($box->runs('musterd'), 'which goes on');

	run_command($_) for commands($copy, $home, 'systemctl');
	like($site->muster('check'), qr/^ok: database/m,
		'restored: the store is sound');
	$site->sink->rules;
	%taken = %before;
	all_arrive('restored');
	$number = 1000;
	is(try_post(), 'discard', 'and new ones are taken');
	all_arrive('restored');
	is($box->stop('musterd'), 0, 'musterd ends well');
	$box->done;
}

my %parts = (full => \&full, read_only => \&read_only, backup => \&backup);
for my $part (@ARGV ? @ARGV : qw(full read_only backup)) {
	subtest($part, $parts{$part});
}
done_testing;
