# SPDX-License-Identifier: BSD-2-Clause
#
# What the gate costs: mail for no list beside a milter that does nothing, in
# a real Postfix, and CPU for the full verdict on a post. Not a test:
#
#	make bench-gate
#
# Rates are medians of interleaved rounds, and only their ratio says much. A
# machine that is shared makes CPU time dear: beside it stands what an RSA-2048
# signature took at that moment (some 0.25 ms where nothing else runs).
use v5.36;
use IO::Socket::INET;
use Muster::Box qw(await slurp);
use Muster::Gate;
use Muster::Mail qw(message);
use Muster::Postfix;
use POSIX ();
use Time::HiRes qw(time);

my $rounds = $ENV{ROUNDS} // 5;
my $messages = $ENV{MESSAGES} // 1500;
my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());

sub median (@values) { return (sort { $a <=> $b } @values)[@values / 2] }

# Seconds of CPU of these processes, with those of threads that have ended.
sub cpu_s (@pids) {
	my $sum = 0;
	for my $pid (@pids) {
		my @fields = split ' ', slurp("/proc/$pid/stat") =~ s/.*\) //sr;
		$sum += $fields[11] + $fields[12];
	}
	return $sum / $ticks;
}

# --- mail for no list ---

sub no_list () {
	my $site = Muster::Gate->new;
	my $box = $site->box;
	my $socket = $box->path('null.sock');
	my %port = (none => $box->port, null => $box->port,
		muster => $box->port);
	my %milter = (none => '', null => "unix:$socket",
		muster => 'unix:' . $site->milter_path);
	my $services = join '', map { "127.0.0.1:$port{$_} inet n - n - - "
		. "smtpd\n -o smtpd_milters=$milter{$_}\n" } keys %port;
	$site->list('dev@lists.test');
	my $null = $box->start('null', ["$ENV{MUSTER_BUILD}/t/bench/null-milter",
		"unix:$socket"]);
	await('the null milter', sub { -S $socket });
	chmod 0666, $socket;
	my $mta = Muster::Postfix->new($box, milter => $site->milter_path,
		lmtp => $site->lmtp_path, sink => $box->port,
		main => "default_transport = discard:\n", master => $services);
	$mta->await_ready;
	my @gate = ($box->pid('muster-milter'),
		$site->children('muster-milter'));
	my %of = (null => [$null], muster => \@gate, none => []);
	my (%rate, %cpu);
	for my $round (0 .. $rounds) {
		for my $who (qw(none null muster)) {
			my $before = cpu_s($of{$who}->@*);
			my $since = time;
			system('smtp-source', '-s', 4, '-m', $messages, '-l',
				4096, '-f', 'ann@far.test', '-t',
				'bob@far.test', "127.0.0.1:$port{$who}") == 0
				or die "smtp-source: status $?\n";
			next if $round == 0;	# everything is warm then
			push $rate{$who}->@*, $messages / (time - $since);
			push $cpu{$who}->@*,
				(cpu_s($of{$who}->@*) - $before) / $messages;
			await('Postfix to be done', sub { $mta->is_idle });
		}
	}
	printf "%-28s %8s %9s %12s\n", 'mail for no list, 4 KB', 'msg/s',
		'of null', 'CPU, ms/msg';
	for my $who (qw(none null muster)) {
		printf "%-28s %8.0f %9.3f %12.3f\n", $who,
			median($rate{$who}->@*),
			median(map { $rate{$who}[$_] / $rate{null}[$_] }
				0 .. $rounds - 1),
			1000 * median($cpu{$who}->@*);
	}
}

# --- a post ---

my @rules = ('reject when subject =~ /\b(casino|viagra|lottery)\b/i',
	'reject when header("X-Spam-Flag") =~ /^yes/i',
	'reject when spf == "fail" and not client.trusted',
	'defer when not author.verified and dmarc == "temperror"',
	'reject when author.verifiable and not author.verified',
	'reject "%{refuse-text}" when not author.member',
	'reject when mime.type =~ /^application\//',
	'reject when mime.name =~ /\.(exe|scr|js)$/i',
	'hold when author.moderated', 'hold when size > 400k',
	'hold when recipients > 10', 'hold when author.since < 3d and '
	. 'body =~ /https?:\/\/bad/',
	(map { "hold when subject =~ /word$_/" } 1 .. 7), 'accept');

sub posts () {
	my $box = Muster::Box->new;
	my $pem = $box->path('key.pem');
	system("openssl genpkey -algorithm RSA -out $pem 2>/dev/null") == 0
		or die "openssl genpkey\n";
	chmod 0600, $pem;
	my $tool = "$ENV{MUSTER_BUILD}/t/auth/sig-tool";
	chomp(my $record = qx($tool record $pem good.example s1));
	my $site = Muster::Gate->new(zone => <<"END", sink => 1);
\$TTL 86400
s1._domainkey.good.example TXT "$record"
good.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.good.example TXT "v=DMARC1; p=reject"
END
	$site->make_list('dev@lists.test', ["policy=" . join "\n", @rules],
		'ann@good.example');
	$box->put('keys', '');
	my @posts = map { signed($box, $tool, $pem) } 1 .. 200;
	my @gate = ($site->box->pid('muster-milter'),
		$site->children('muster-milter'));
	my $musterd = $site->box->pid('musterd');
	my (@gate_ms, @musterd_ms, @rsa_ms);
	for my $round (0 .. $rounds) {
		my @before = (cpu_s(@gate), cpu_s($musterd));
		my $session = $site->session;
		for my $post (@posts) {
			# a new Message-ID is not signed, so no repeat
			my $is = Muster::Milter::verdict($session->send(
				'<ann@good.example>', ['<dev@lists.test>'],
				"Resent-Message-ID: <$round>\r\n"
				. $post =~ s/BENCH/$round/r));
			die "not taken: $is\n" if $is ne 'discard';
		}
		$session->quit;
		await('the queue to be empty', sub { $site->is_idle });
		next if $round == 0;
		push @rsa_ms, rsa_ms();
		push @gate_ms, 1000 * (cpu_s(@gate) - $before[0]) / @posts;
		push @musterd_ms,
			1000 * (cpu_s($musterd) - $before[1]) / @posts;
	}
	printf "\n%-40s %12s\n", 'a post of 4 KB: SPF, DKIM, DMARC, '
		. scalar(@rules) . ' rules', 'CPU, ms';
	printf "%-40s %12.3f\n", 'gate', median(@gate_ms);
	printf "%-40s %12.3f\n", 'an RSA-2048 signature, at the same time',
		median(@rsa_ms);
	printf "%-40s %12.3f\n", 'gate, with one that takes 0.25',
		median(map { 0.25 * $gate_ms[$_] / $rsa_ms[$_] } 0 .. $#rsa_ms);
	printf "%-40s %12.3f\n", 'musterd, all of it', median(@musterd_ms);
}

# CPU of a signature, by OpenSSL's own measure
sub rsa_ms () {
	my ($s) = qx(openssl speed -seconds 1 rsa2048 2>/dev/null)
		=~ /^rsa 2048 bits ([0-9.]+)s/m or die "openssl speed\n";
	return 1000 * $s;
}

my $number = 0;

sub signed ($box, $tool, $pem) {
	my $text = message(from => 'ann@good.example', to => 'dev@lists.test',
		body => "A line of a post, of the usual length, and no more.\n"
			x 70, subject => 'post ' . ++$number);
	$text =~ s/^Message-ID:[^\n]*\n//m;
	$box->put('message', $text);
	my $signed = qx($tool sign $box->{dir}/message $box->{dir}/keys $pem good.example s1);
	return "Message-ID: <$number.BENCH\@good.example>\r\n$signed";
}

no_list if $> == 0;
posts;
