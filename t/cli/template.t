# SPDX-License-Identifier: BSD-2-Clause
# The texts of letters: shown, checked, set, inherited.
use strict;
use warnings;
use utf8;
use Encode qw(encode);
use Test::More;
use Muster::Cli;

my $cli = Muster::Cli->new;
my $list = 'dev@lists.example.org';
$cli->ok('list', 'create', $list, 'description=The developers');

# what there is
my %names = map { /^(\S+)\t(.*)$/ ? ($1 => $2) : () }
	split /\n/, $cli->ok('template', 'ls');
cmp_ok(scalar keys %names, '>', 30, 'ls: all of them');
is($names{$_}, 'de en es fr', "ls: languages of $_") for sort keys %names;
is($cli->ok('template', 'ls', $list), $cli->ok('template', 'ls'),
	'a list has no others');
my $json = $cli->json('template', 'ls', $list);
is_deeply([map { $_->{name} } @$json], [sort keys %names], 'ls --json');
is_deeply($json->[0]{languages},
	{ map { $_ => 'shipped' } qw(de en es fr) }, 'ls --json: from where');

# each in one language; t/unit/test-template looks at all
my @languages = qw(de en es fr);
for my $name (sort keys %names) {
	my $language = $languages[0];
	push @languages, shift @languages;
	my $fields = $cli->json('template', 'fields', $name);
	my $text = $cli->ok('template', 'show', $name,
		'--language', $language);
	is($text, Muster::Cli::slurp("$Muster::Cli::SRC/conf/templates/"
		. "$language/$name"), "show $name in $language: as shipped");
	is($cli->ok('template', 'check', $cli->put($name, $text)),
		$cli->dir . "/$name: OK\n", "check $name");
	my $preview = $cli->ok('template', 'show', $name, $list, '--preview',
		'--language', $language);
	unlike($preview, qr/%\{/, "$name in $language, filled in");
	like($preview, qr/\Q$_->{example}\E/, "$name: $_->{field}")
		for grep { $_->{must} && $_->{type} eq 'address' } @$fields;
}

# show
my $shown = $cli->ok('template', 'show', 'join-confirm', $list, '--preview');
like($shown, qr/\ASubject: .+\n\n/, 'preview: a subject');
like($shown, qr/\(The\s+developers\)/, "preview: the list's description");
like($shown, qr/^  dev-confirm\+\S+\@lists\.example\.org$/m,
	'preview: an address');
$cli->ok('list', 'set', $list, 'language=fr');
like($cli->ok('template', 'show', 'join-confirm', $list), qr/Bonjour/,
	'show: in the language of the list');
like($cli->ok('template', 'show', 'join-confirm', $list, '--language',
	'de_AT'), qr/Guten Tag/, 'show: a language made less exact');
like($cli->ok('template', 'show', 'join-confirm', $list, '--language', 'it'),
	qr/Hello/, 'show: where there is none, in English');
$json = $cli->json('template', 'show', 'held-waiting', $list);
is($json->{language} . ' ' . $json->{from}, 'fr shipped', 'show --json');

# check: a file has the name of its template, or --name says it
my $good = $cli->put('x', "Subject: hi\n\n%{confirm.address}\n");
is($cli->ok('template', 'check', $good), "$good: OK\n",
	'check: any field, where nobody says which template it is');
is($cli->ok('template', 'check', '--name', 'invite', $good), "$good: OK\n",
	'check --name');
for (
	['no-field', '--name', 'join-welcome', $good,
		qr/:3:1: unknown field "confirm\.address"/],
	['must', '--name', 'invite', $cli->put('y', "Subject: a\n\nb\n"),
		qr/: %\{confirm\.address\} is missing/],
	['unclosed', $cli->put('invite', "Subject: a\n\nb %{by\n"),
		qr{/invite:3:3: }],
	['no subject', $cli->put('held-waiting', "b\n"),
		qr{/held-waiting:1:1: }],
	['no such template', '--name', 'invit', $good, qr/mean "invite"/],
	['no such file', $cli->dir . '/none', qr/none/],
	['bytes', $cli->put('bytes', "Subject: \xff\n\nx"), qr/UTF-8/],
	['long', $cli->put('long', 'x' x 40000), qr/more than 32000 bytes/],
) {
	my ($what, @args) = @$_;
	my $want = pop @args;
	my ($status, $out, $err) = $cli->raw('template', 'check', @args);
	is($status . $out, '1', "check, $what: status 1");
	like($err, $want, "check, $what: why");
	is($err =~ tr/\n//, 1, "check, $what: in one line");
}

# set and unset
sub subject {
	my ($scope, @more) = @_;
	my ($line) = $cli->ok('template', 'show', 'held-waiting', $scope,
		@more) =~ /^Subject: (.*)/;
	return $line;
}
my $text = encode('UTF-8', "Subject: %{subject} fällt auf\r\n\r\nHallo!\r\n");
is($cli->ok({ stdin => $text }, 'template', 'set', 'site', 'held-waiting',
	'--language', 'de'), "site: held-waiting (de): set\n", 'set, stdin');
is($cli->ok('template', 'set', '@lists.example.org', 'held-waiting',
	$cli->put('t', "Subject: domain\n\nx\n"), '--language', 'de'),
	"\@lists.example.org: held-waiting (de): set\n", 'set, a file');
is(subject('site', '--language', 'de'),
	encode('UTF-8', '%{subject} fällt auf'), "the site's");
is(subject($list, '--language', 'de'), 'domain', "the domain's");
$cli->ok({ stdin => "Subject: liste\n\nx\n" }, 'template', 'set', $list,
	'held-waiting', '-');
is(subject($list), 'liste', "the list's, in its language");
is($cli->json('template', 'show', 'held-waiting', $list)->{from}, $list,
	'show --json: from');
like($cli->ok('template', 'ls', $list), qr/^held-waiting\tde
	\ \(\@lists\.example\.org\)\ en\ es\ fr\ \(dev\@lists\.example\.org\)$
	/mx, 'ls: who has set it');
$cli->ok({ stdin => "Subject: ciao\n\nx\n" }, 'template', 'set', 'site',
	'held-waiting', '--language', 'it');
like($cli->ok('template', 'ls'),
	qr/^held-waiting\tde \(site\) en es fr it \(site\)$/m,
	'ls: another language');
like($cli->ok('template', 'show', 'held-waiting', 'site', '--preview',
	'--language', 'de'), qr/\ASubject: Minutes of Monday f/, 'preview');

# they are kept, and stand in nobody's way
my $dump = $cli->ok('dump');
my $copy = Muster::Cli->new;
$copy->ok({ stdin => $dump }, 'load');
is($copy->ok('dump'), $dump, 'dump and load keep them');
is($copy->json('list', 'show', $list)->{language}, 'fr', 'and other keys');
unlike($cli->ok('list', 'show', $list), qr/template/, 'list show has none');

for (
	[qr/:3:1: unknown field/, { stdin => "Subject: a\n\n%{nothing}\n" },
		'template', 'set', $list, 'held-waiting'],
	[qr/no language/, { stdin => "Subject: a\n\nb\n" }, 'template',
		'set', $list, 'held-waiting', '--language', '../de'],
	[qr/there is no template/, { stdin => '' }, 'template', 'set', $list,
		'frobnicate'],
	[qr/there is no list/, { stdin => '' }, 'template', 'set',
		'no@lists.example.org', 'invite'],
	[qr/no list domain/, { stdin => '' }, 'template', 'set',
		'@example.net', 'invite'],
	[qr/has no template invite of its own/, {}, 'template', 'unset',
		$list, 'invite'],
	[qr/template=|unknown key/, {}, 'list', 'set', $list,
		'template/invite/de=x'],
	[qr/language, such as de/, {}, 'list', 'set', $list, 'language=x'],
) {
	my ($want, @args) = @$_;
	my ($status, $out, $err) = $cli->run(@args);
	my $name = join ' ', grep { !ref } @args;
	is($status, 1, "$name: status 1");
	like($err, $want, "$name: why");
}
is($cli->ok('dump'), $dump, 'nothing has changed');

# what a dump, or another version, may have left
my $broken = Muster::Cli->new;
$broken->ok({ stdin => $dump =~ s/Subject: liste/Subjekt: liste/r }, 'load');
my (undef, $out) = $broken->run('check');
like($out, qr/^error: template held-waiting \(fr\) of dev\@\S+ is not used: /m,
	'check names a text that cannot be read');
like($broken->ok('template', 'show', 'held-waiting', $list), qr/Bonjour/,
	'which does not hold');

$cli->ok('template', 'unset', $list, 'held-waiting');
like(subject($list), qr/^Votre message/, 'unset: the shipped one holds');

# the same through musterd
$cli->start;
is($cli->ok({ stdin => "Subject: neu\n\nx\n" }, 'template', 'set', $list,
	'held-waiting'), "$list: held-waiting (fr): set\n",
	'set, by musterd, from stdin');
is(subject($list), 'neu', 'show, by musterd');
$cli->put('wrong', "Subject: a\n\n%{x\n");
my (undef, undef, $err) = $cli->run('template', 'set', $list, 'held-waiting',
	'wrong');
like($err, qr/\Awrong:3:1: /, 'a mistake, by musterd');
$cli->stop;

done_testing;
