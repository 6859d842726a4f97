# SPDX-License-Identifier: BSD-2-Clause
# Policies: presets and texts, from the command line and from files.
use strict;
use warnings;
use Test::More;
use Muster::Cli;

my $cli = Muster::Cli->new;
my $list = 'dev@lists.example.org';
$cli->ok('list', 'create', $list, 'policy=members-strict');

my $shown = $cli->ok('policy', 'show', $list);
like($shown, qr/sender\.member/, 'the rules of a preset');
like($shown, qr/dev-join\@lists\.example\.org/, 'what strangers are told');
my $json = $cli->json('policy', 'show', $list);
is($json->{policy}, 'members-strict', 'show --json: the preset');
is($json->{text}, $shown, 'show --json: the text');

# presets
my @presets = split /\n/, $cli->ok('policy', 'presets');
is_deeply([sort @presets],
	[sort qw(open members members-strict moderated announce)],
	'the presets');
for my $preset (@presets) {
	is($cli->ok('list', 'set', $list, "policy=$preset"),
		"$list: changed\n", "$preset can be set");
	my $text = $cli->ok('policy', 'show', $list);
	my $file = $cli->put('preset', $text);
	like($cli->ok('policy', 'check', $file), qr/: OK\n\z/,
		"what is shown of $preset can be read");
	isnt($cli->ok('policy', 'presets', $preset), '', "$preset is printed");
}
my ($status, $out, $err) = $cli->raw('policy', 'presets', 'opn');
is($status, 1, 'no such preset');

# a text
my $text = <<'POLICY';
# bug reports come from machines
reject "Too large for this list"
	when size > 400k
hold	"for a moderator" when not author.member
accept
POLICY
my $good = $cli->put('good', $text);
my $bad = $cli->put('bad', $text =~ s/^hold/hodl/mr);
is($cli->ok('policy', 'check', $good), "$good: OK\n", 'check');
is($cli->ok({ stdin => $text }, 'policy', 'check', '-'), "stdin: OK\n",
	'check of stdin');
($status, $out, $err) = $cli->raw('policy', 'check', $bad);
is($status . $out, '1', 'check without settings: a mistake, status 1');
like($err, qr/\A\Q$bad\E:4:1: [^\n]+\n\z/, 'FILE:LINE:COLUMN: sentence');
($status, undef, $err) = $cli->raw('policy', 'check', $cli->dir . '/none');
is($status, 1, 'no such file');
like($err, qr/none/, 'it is named');

is($cli->ok('policy', 'set', $list, $good), "$list: changed\n", 'set');
is($cli->json('list', 'show', $list)->{policy}, $text =~ s/\n\z//r,
	'the text is kept as it was written');
my $lines = $cli->ok('list', 'show', $list);
my $indented = join "\n", map { "\t" . tr/\t/ /r } split /\n/, $text;
like($lines, qr/^policy =  \(list\)\n\Q$indented\E\n(?=\S)/m,
	'list show: its lines below the key');
like($cli->ok('policy', 'show', $list), qr/for a moderator/, 'show');
($status, undef, $err) = $cli->run('policy', 'set', $list, $bad);
is($status, 1, 'set: a mistake');
like($err, qr/\A\Q$bad\E:4:1: /, 'set: where');
is($cli->json('list', 'show', $list)->{policy}, $text =~ s/\n\z//r,
	'set: nothing was changed');
$cli->ok({ stdin => "announce\n" }, 'policy', 'set', '@lists.example.org',
	'-');
is($cli->json('list', 'show', '@lists.example.org')->{policy}, 'announce',
	'a preset for a domain, from stdin');
$cli->ok({ stdin => $text =~ s/\n/\r\n/gr }, 'policy', 'set', 'site', '-');
is($cli->json('list', 'show', 'site')->{policy}, $text =~ s/\n\z//r,
	'for the site, with CRLF');
my ($other) = map { "$_\@example.com" } 'all';
$cli->ok('list', 'create', $other);
like($cli->ok('policy', 'show', $other), qr/for a moderator/,
	'and inherited');

$cli->ok('list', 'set', $list, "policy=$text");
is($cli->json('list', 'show', $list)->{policy}, $text =~ s/\n\z//r,
	'list set takes a text too');
my $dump = $cli->ok('dump');
my $copy = Muster::Cli->new;
$copy->ok({ stdin => $dump }, 'load');
is($copy->ok('dump'), $dump, 'dump and load keep it');

# what is refused changes nothing
for (
	[['list', 'set', $list, "policy=hodl\naccept"], qr/policy:1:1: /],
	[['list', 'set', $list, 'policy=acept'], qr/members-strict.*text/],
	[['list', 'create', 'x@lists.example.org', 'policy=hold when'],
		qr/policy:1:/],
	[['list', 'set', $list, 'banned=@x.example, 192.0.2.0/99'],
		qr{banned=192\.0\.2\.0/99: }],
	[['list', 'set', $list, 'author-rate=20'], qr{such as 20/1d}],
	[['list', 'set', $list, 'sign-key=key.pem'], qr/absolute/],
	[['policy', 'set', 'no@lists.example.org', $good], qr/there is no/],
	[['policy', 'set', $list, $cli->put('nul', "accept\0")], qr/UTF-8/],
	[['policy', 'set', $list, $cli->put('latin', "hold \"\xe4\"\naccept")],
		qr/UTF-8/],
	[['policy', 'set', $list, $cli->put('long', 'accept' . ' ' x 40000)],
		qr/more than 32000/],
	[['policy', 'set', $list, $cli->put('empty', '')], qr/./],
) {
	my ($args, $want) = @$_;
	($status, undef, $err) = $cli->run(@$args);
	my $name = substr("@$args", 0, 60) =~ s/[^ -~]/?/gr;
	is($status, 1, "$name: status 1");
	like($err, $want, "$name: why");
	is($err =~ tr/\n//, 1, "$name: in one line");
}
is($cli->ok('dump'), $dump, 'nothing has changed');

# keys that become rules
$cli->ok('list', 'set', $list, 'closed=yes');
isnt($cli->ok('policy', 'show', $list), $shown, 'a closed list');

# bans hold together
$cli->ok('list', 'set', 'site', 'banned=@spam.example');
$cli->ok('list', 'set', $list, "banned=a\@x.example\n192.0.2.0/24");
my $conf = $cli->json('list', 'show', $list);
is($conf->{banned}, '@spam.example, a@x.example, 192.0.2.0/24',
	'bans of the site and the list');
is($conf->{from}{banned}, 'site, list', 'from both');
like($cli->ok('list', 'show', $list),
	qr{^banned = \@spam\.example, .*0/24  \(site, list\)$}m, 'as text');

# a policy that another version, or a dump, has left
my $broken = $dump =~ s/hold(?=\\t\\"for)/hodl/gr;
isnt($broken, $dump, 'a dump with a mistake in a policy');
my $third = Muster::Cli->new;
$third->ok({ stdin => $broken }, 'load');
(undef, $out) = $third->run('check');
like($out, qr/^error: list \S+: policy:\d+:\d+: /m,
	'check names a policy that cannot be read');

# the same through musterd
$cli->start;
is($cli->ok('policy', 'set', $list, 'good'), "$list: changed\n",
	'set, by musterd');
is($cli->ok({ stdin => $text }, 'policy', 'set', $list, '-'),
	"$list: changed\n", 'from stdin');
($status, undef, $err) = $cli->run('policy', 'set', $list, 'bad');
like($err, qr/\Abad:4:1: /, 'a mistake, by musterd');
$cli->stop;

done_testing;
