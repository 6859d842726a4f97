# SPDX-License-Identifier: BSD-2-Clause
# A list's posts go through a program of the site's: what comes out, what
# becomes of a post whose program fails, and that nobody else has to wait.
use v5.36;
use Test::More;
use Muster::Box qw(await slurp spew);
use Muster::Gate;
use Muster::Mail qw(body field header message);

my %source = (
	tag => <<'END',
		my @lines = <STDIN>;
		print STDERR "not an error\n";
		my ($at) = grep { $lines[$_] eq "\n" } 0 .. $#lines;
		splice @lines, $at, 0,
			map { "X-Seen-$_: $ENV{qq(MUSTER_$_)}\n" }
			qw(LIST POST MESSAGE_ID SENDER AUTHOR);
		print map { s/secret/XXXXXX/r } @lines;
END
	crlf => q{while (<STDIN>) { s/\n/\r\n/; s/secret/crlf/; print }},
	same => q{print while <STDIN>},
	leave => q{exit 99},
	fail => q{print STDERR "no key\nmore\n"; exit 1},
	later => <<'END',
		exit 75 if !-e 'BOX/gates/later';
		print map { s/secret/later/r } <STDIN>;
END
	junk => q{print "Traceback (most recent call last):\n"},
	mute => q{1 while <STDIN>},
	headless => q{print "X: y\nno field\n\nbody\n"},
	orphan => q{print "Subject: nobody's\n\nbody\n"},
	crash => q{kill SEGV => $$; sleep 10},
	hang => q{$SIG{TERM} = 'IGNORE'; sleep 1000 while 1},
	slow => <<'END',
		select undef, undef, undef, 0.05 while !-e 'BOX/gates/slow';
		print map { s/secret/slow/r } <STDIN>;
END
	spy => <<'END',
		use Socket;
		my @found;
		for (glob('BOX/home/* BOX/run/* BOX/*.conf'),
			glob '/proc/*/environ') {
			push @found, $_ if open my $in, '<', $_ and
				!m{^/proc/(?:$$|self|thread-self|1)/};
		}
		push @found, 'socket'
			if socket my $s, AF_UNIX, SOCK_STREAM, 0;
		push @found, 'signal' if kill 0, PIDS;
		push @found, "fd $_"
			for grep { open my $in, "<&=", $_ } 3 .. 300;
		my %known = map { $_ => 1 } qw(PATH HOME TMPDIR LANG),
			map { "MUSTER_$_" }
			qw(LIST POST MESSAGE_ID SENDER AUTHOR);
		push @found, "env $_" for grep { !$known{$_} } keys %ENV;
		push @found, 'root' if $> == 0;
		print map { s/secret/"found: " . join ' ', @found/er } <STDIN>;
END
);

my $site = Muster::Gate->new(sink => 1, zone => <<'END',
good.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.good.example TXT "v=DMARC1; p=reject"
END
	muster => { 'hung-after' => '1s' },
	'program tag' => { command => '/usr/bin/perl BOX/programs/tag',
		paths => 'BOX/programs' });
my $box = $site->box;
$box->dir('programs');
$box->dir('gates');
sub program ($name, $text = $source{$name}) {
	my $pid = $box->pid('musterd');
	$box->put("programs/$name", $text =~ s/BOX/$box->dir/ger
		=~ s/PIDS/$pid/r);
	$site->{settings}{"program $name"} = {
		command => "/usr/bin/perl programs/$name"
			=~ s{programs}{$box->path('programs')}er,
		paths => join(' ', map { $box->path($_) } qw(programs gates)),
		time => $name eq 'hang' ? '1s' : '60s' };
}
sub reload () {
	my $before = () = $site->log_of('musterd') =~ /settings\.reloaded/g;
	$site->write_conf;
	kill USR1 => $box->pid('musterd');
	await('a reload', sub {
		my $now = () = $site->log_of('musterd')
			=~ /settings\.reloaded/g;
		return $now > $before });
}
program($_) for sort keys %source;
reload;
$site->list("$_\@lists.test", 'policy=open', "program=$_")
	for sort keys %source;
$site->list('plain@lists.test', 'policy=open');

sub post ($list, %opt) {
	my $from = $opt{from} // 'ann@far.test';
	my $bytes = message(from => $from, to => "$list\@lists.test",
		body => "The secret.\n.\nEnd\n", %opt);
	$site->post_from('192.0.2.7', $from, ["$list\@lists.test"], $bytes)
		eq 'discard' or die "a post to $list was not taken\n";
	return field($bytes, 'Message-ID');
}
sub copy ($id) { return ($site->sink->await_copies($id, 1))[0]{data} }
sub jobs ($list) {
	return grep { $_->{list} eq "$list\@lists.test" }
		@{ $site->json('queue', 'ls') };
}
sub shunted ($list) {
	return await("a post of $list to be shunted", sub {
		my ($job) = grep { $_->{stage} eq 'shunted' } jobs($list);
		return $job && $site->json('queue', 'show', $job->{id}) });
}

# --- what a program makes of a post ---
my $id = post('tag', from => 'bob@good.example');
my $data = copy($id);
is(body($data), "The XXXXXX.\r\n.\r\nEnd\r\n", 'a post comes out changed');
is(field($data, 'X-Seen-LIST'), 'tag@lists.test', 'it is told the list,');
is(field($data, 'X-Seen-MESSAGE_ID'), $id, 'the message id,');
is(field($data, 'X-Seen-SENDER'), 'bob@good.example', 'the sender,');
is(field($data, 'X-Seen-AUTHOR'), 'bob@good.example', 'the author,');
ok(field($data, 'List-Id'), 'the list does the rest');
like($site->muster('trace', field($data, 'X-Seen-POST')),
	qr/changed by program tag,/, 'and the id of its trace, which says so');
is(field(copy(post('tag')), 'X-Seen-AUTHOR'), '', 'nobody is verified');
is(body(copy(post('crlf'))), "The crlf.\r\n.\r\nEnd\r\n",
	'one that writes CRLF');

my $odd = "bare\rcr\nblank  \n\n--\xe4\n" . 'x' x 900 . "\n";
for my $name (qw(same leave)) {
	my $id = post($name, body => $odd);
	my $data = copy($id);
	is(body($data), $odd =~ s/\n/\r\n/gr, "$name: each byte is left");
	like($site->muster('trace', $id), qr/program $name left it as it is/,
		'the trace says so');
}
my $large = (("y" x 900) . "\n") x 7000;
is(length body(copy(post('same', body => $large))), length($large)
	+ 7000, '6 MB in and out');

# Mail to the owner goes past it.
is(body(copy(post('fail-owner'))), "The secret.\r\n.\r\nEnd\r\n",
	'the owners get what came in');

# --- it fails ---
my %reason = (fail => 'no key (exit status 1)',
	junk => 'what it wrote is no message: its first line is no header '
		. 'field',
	mute => 'what it wrote is no message: it wrote nothing',
	headless => 'what it wrote is no message: a line of its header is no '
		. 'field',
	orphan => 'what it wrote is no message: it has no From',
	crash => 'killed by signal 11 (Segmentation fault)',
	hang => 'took longer than 1 s');
my %id = map { $_ => post($_) } sort keys %reason;
for my $name (sort keys %reason) {
	my $job = shunted($name);
	is($job->{reason}, "program $name: $reason{$name}",
		"$name: shunted with the reason");
	is($job->{shunted_from}, 'program', 'from its stage');
}
program($_, $source{tag}) for keys %reason;
$site->{settings}{'program hang'}{time} = '60s';
reload;
$site->muster('queue', 'retry', map { shunted($_)->{id} } keys %reason);
like(body(copy($id{$_})), qr/^The XXXXXX/, "$_: mended, and tried again")
	for sort keys %reason;

# --- try again later ---
$id = post('later');
my $waiting = await('it waits', sub {
	my ($job) = jobs('later');
	$job = $site->json('queue', 'show', $job->{id}) if $job;
	return $job && $job->{reason} && $job });
is($waiting->{stage}, 'program', 'exit status 75: it waits');
is($waiting->{reason}, 'program later: exit status 75', 'and says why');
spew($box->path('gates/later'), '');
like(body(copy($id)), qr/^The later/, 'and is tried again');

# --- nobody else waits ---
my @slow = map { post('slow') } 1 .. 6;
is(body(copy(post('plain'))), "The secret.\r\n.\r\nEnd\r\n",
	'a list without a program goes on');
like(body(copy(post('tag'))), qr/XXXXXX/, 'so does one with a program');
is(scalar jobs('slow'), 6, 'while those of the slow one wait');
is($site->json('status')->{queue}{program}, 6, 'as the status says');
sub running () {
	return scalar grep {
		slurp("$_/cmdline") =~ m{^/usr/bin/perl\0\S*/slow\0}
	} glob '/proc/[0-9]*';
}
cmp_ok(await('one to run', \&running), '<=', 2, 'no more than two run');
# A job is looked at for long, and not taken for hung.
select undef, undef, undef, 1.5;
unlike($site->log_of('musterd'), qr/job\.hung/, 'none is taken for hung');

# --- the administrator drops one that runs ---
my $dropped = await('one that has begun', sub {
	my ($job) = grep { $_->{attempts} } jobs('slow');
	return $job });
$site->muster('queue', 'drop', $dropped->{id});
is(scalar jobs('slow'), 5, 'one that runs is dropped');
my ($lost) = grep { $site->muster('trace', $_) =~ /dropped/ } @slow;
@slow = grep { $_ ne $lost } @slow;

# --- musterd goes ---
is($box->stop('musterd'), 0, 'it stops while they run');
is(running(), 0, 'and leaves none');
$site->start_musterd;
is_deeply([grep { $_ > 1 } map { $_->{attempts} } jobs('slow')], [],
	'which counts as no attempt');
await('they run again', \&running);
$box->stop('musterd', 'KILL');
await('the programs to end with it', sub { !running() });
$site->start_musterd;
spew($box->path('gates/slow'), '');
like(body(copy($_)), qr/^The slow/, 'in the end each comes out')
	for @slow;
is(scalar $site->sink->with_id($lost), 0, 'but the one that was dropped');
unlike($site->log_of('musterd'), qr/bytes are gone/, 'without a complaint');

# --- what it could do ---
program('spy');
is(body(copy(post('spy'))), "The found: .\r\n.\r\nEnd\r\n",
	'a spy finds nothing');
like($site->log_of('musterd'), qr/sandbox\.holds by=/, 'the log says why');

# --- what the administrator sees ---
my $is = $site->run('list', 'set', 'plain@lists.test', 'program=other');
is($is->{status}, 1, 'a program that is not in the settings');
like($is->{err}, qr/no \[program other\] in /, 'is refused');
$is = $site->run('check');
like($is->{out}, qr/^ok: programs are held by \S/m, 'muster check: what holds');
delete $site->{settings}{'program tag'};
$site->{settings}{'program same'}{command} = '/nowhere/same';
reload;
$is = $site->run('check');
like($is->{out}, qr/^error: list tag\@lists\.test: .*program tag/m,
	'muster check: a list without its program');
like($is->{out}, qr/^error: program same: \/nowhere\/same/m,
	'and one that is not there');
$id = post('tag');
is(shunted('tag')->{reason},
	"the list's program tag is not in the settings", 'its posts wait');
$site->muster('list', 'set', 'tag@lists.test', 'program=');
$site->muster('queue', 'retry', shunted('tag')->{id});
is(body(copy($id)), "The secret.\r\n.\r\nEnd\r\n",
	'and go on when it needs none');
$site->await_idle;
done_testing;
