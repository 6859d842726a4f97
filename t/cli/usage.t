# SPDX-License-Identifier: BSD-2-Clause
# What a wrong command line gets, and --help. No settings file is there: usage
# is checked before anything is looked for.
use strict;
use warnings;
use Test::More;
use Muster::Cli;

my $cli = Muster::Cli->new;
unlink $cli->{conf} or die;

my @wrong = (
	[[], qr/what\? There are list, member/],
	[['lst'], qr/did you mean "list"\?/],
	[['frobnicate'], qr/unknown command "frobnicate"; there are list,/],
	[['post', 'ls'], qr/unknown command "post"/],
	[['list'], qr/list what\? There are create, ls,/],
	[['list', 'creat'], qr/did you mean "create"\?/],
	[['policy', 'prove'], qr/unknown verb of "policy"/],
	[['--frob', 'list'], qr/unknown option --frob/],
	[['list', 'ls', '--frob'], qr/Unknown option --frob/],
	[['list', 'ls', 'more'], qr/unexpected argument "more"/],
	[['list', 'create'], qr/an argument is missing/],
	[['list', 'create', 'a@b', 'policy'], qr/"policy" is not KEY=VALUE/],
	[['list', 'create', 'a@b', '=open'], qr/"=open" is not KEY=VALUE/],
	[['list', 'create', 'a@b', '--owner'], qr/Missing argument/],
	[['list', 'set', 'a@b'], qr/KEY=VALUE or --unset KEY is missing/],
	[['list', 'ls', '--dry-run'], qr/Unknown option/],
	[['member', 'add', 'a@b'], qr/--file FILE or - are missing/],
	[['member', 'add', 'a@b', 'c@d', '--file', 'x'], qr/either/],
	[['member', 'add', 'a@b', 'c@d', '-'], qr/either/],
	[['member', 'set', 'a@b', 'c@d'], qr/an argument is missing/],
	[['member', 'show', 'a@b', 'c@d', 'e@f'], qr/unexpected/],
	[['policy', 'set', 'a@b'], qr/missing/],
	[['policy', 'check'], qr/missing/],
	[['policy', 'presets', 'a', 'b'], qr/unexpected/],
	[['policy', 'show', 'a@b', '--from', 'c@d'], qr/Unknown option/],
	[['queue', 'retry'], qr/missing/],
	[['trace'], qr/missing/],
	[['trace', 'a', 'b'], qr/unexpected/],
	[['backup'], qr/missing/],
	[['load', 'a', 'b'], qr/unexpected/],
	[['list', "l\xffs"], qr/argument 2 is not UTF-8/],
	[["li\e[31mst"], qr/"li\\x1b\[31mst"/],
);
for (@wrong) {
	my ($args, $want) = @$_;
	my ($status, $out, $err) = $cli->raw(@$args);
	my $name = "muster @$args" =~ s/[^ -~]/?/gr;
	is($status, 2, "$name: status 2");
	is($out, '', "$name: nothing on stdout");
	like($err, $want, "$name: says what is wrong");
	is($err =~ tr/\n//, 1, "$name: in one line");
	like($err, qr/\((?:usage: muster |see muster )/, "$name: what to do");
}

my ($status, $help, $err) = $cli->raw('--help');
is("$status$err", '0', '--help succeeds');
my @verbs = $help =~ /^  muster ([a-z]+(?: [a-z]+)?)\s/mg;
cmp_ok(scalar @verbs, '>', 20, 'it lists the verbs');
for my $verb (@verbs) {
	my ($s, $out, $e) = $cli->raw(split(' ', $verb), '--help');
	is($s . $e, '0', "$verb --help succeeds");
	like($out, qr/^Usage: muster \Q$verb\E\b.*^Options:/ms,
		"$verb --help has usage and options");
	is(($cli->raw('--help', split ' ', $verb))[1], $out,
		"--help $verb is the same");
}
for my $noun (qw(list member queue policy completion)) {
	my ($s, $out, $e) = $cli->raw($noun, '--help');
	is($s . $e, '0', "$noun --help succeeds");
	like($out, qr/muster \Q$noun\E [a-z]+ /, "$noun --help lists verbs");
}
like(($cli->raw('--version'))[1], qr/^muster \d\S*\n\z/, '--version');
is(($cli->raw('list', 'ls', '--version'))[1],
	($cli->raw('--version'))[1], 'list ls --version');

# the settings file
($status, undef, $err) = $cli->run('list', 'ls');
is($status, 1, 'no settings file: status 1');
like($err, qr/muster\.conf.*-c FILE/, 'no settings file: names it');
$cli->put('muster.conf', "[muster]\ndomain = x.org\n");
($status, undef, $err) = $cli->run('list', 'ls');
is($status, 1, 'a wrong settings file: status 1');
like($err, qr/line 2: unknown key "domain"; did you mean "domains"/,
	'a wrong settings file: names the line');

# -c stands anywhere
$cli->write_conf($cli->dir . '/home', $cli->dir . '/run');
my $conf = $cli->{conf};
for my $args (['-c', $conf, 'list', 'ls'], ['list', '-c', $conf, 'ls'],
	['list', 'ls', '-c', $conf], ["--config=$conf", 'list', 'ls'],
	["-c$conf", 'list', 'ls'], ['--json', '-c', $conf, 'list', 'ls']) {
	my ($s, $out, $e) = $cli->raw(@$args);
	is($s . $e, '0', join(' ', map { s/\Q$conf\E/F/r } @$args));
}

done_testing;
