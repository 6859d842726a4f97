# SPDX-License-Identifier: BSD-2-Clause
# The completion script, and what muster tells it.
use strict;
use warnings;
use Test::More;
use Muster::Cli;

my $cli = Muster::Cli->new;
my $script = "$Muster::Cli::SRC/core/muster.bash";
is(($cli->raw('completion', 'bash'))[1], Muster::Cli::slurp($script),
	'muster prints the script that is installed');

sub words {
	my ($status, $out, $err) = $cli->raw('completion', 'words', '--', @_);
	is($status . $err, '0', "words @_");
	return { map { $_ => 1 } split /\n/, $out };
}

my ($status, $help) = $cli->raw('--help');
my %verbs;
push @{$verbs{$1}}, $2 // ()
	while $help =~ /^  muster ([a-z]+)(?: ([a-z]+))?\s/mg;
my $nouns = words();
ok($nouns->{$_}, "completes $_") for sort keys %verbs;
for my $noun (sort keys %verbs) {
	my $known = words($noun);
	for my $verb (@{$verbs{$noun}}) {
		ok($known->{$verb}, "completes $noun $verb");
		my ($s, $text) = $cli->raw($noun, $verb, '--help');
		my $options = words($noun, $verb);
		ok($options->{$_}, "completes $noun $verb $_")
			for $text =~ /^  (?:-\w, )?(--[a-z-]+)/mg;
	}
}
ok(words('list', 'set')->{LIST}, 'a list');
ok(words('list', 'set', 'x@y')->{'policy='}, 'a key');
ok(words('list', 'set', 'x@y', 'policy=open')->{'max-size='}, 'another key');
ok(words('list', 'set', 'x@y', '--unset')->{policy}, 'a key to unset');
ok(words('member', 'set', 'x@y', 'a@b')->{'delivery='}, "a member's key");
ok(words('policy', 'set', 'x@y')->{FILE}, 'a policy');
ok(words('member', 'set', 'x@y', 'a@b')->{'moderated='}, 'a new key');
ok(words('member', 'ls', '--delivery')->{plain}, 'a delivery');
ok(words('member', 'ls', '--off-by')->{bounces}, 'who turned it off');
ok(words('-c')->{FILE}, 'a settings file');
ok(words('-c', 'f', 'list')->{create}, 'a verb behind -c');
ok(words('template', 'show')->{'join-confirm'}, 'a template');
ok(words('template', 'show', 'invite', '--language')->{de}, 'a language');
ok(words('load')->{FILE}, 'a dump');
ok(words('backup')->{DIR}, 'a directory');
ok(!words('list', 'show', 'x@y')->{LIST}, 'no more than it takes');

my $bash = (grep { -x } '/bin/bash', '/usr/bin/bash')[0];
SKIP: {
	skip 'no bash', 9 if !$bash;
	is(system($bash, '-n', $script), 0, 'bash reads it');
	$cli->ok('list', 'create', "$_\@lists.example.org") for qw(dev den);
	$cli->put('some-file', '');

	# what bash would offer behind this line
	my $offer = sub {
		my ($line) = @_;
		open my $in, '-|', $bash, '-c',
			'source "$1"; cd "$3"; PATH=$2:$PATH; COMP_LINE=$4; '
			. 'COMP_POINT=${#COMP_LINE}; _muster; '
			. 'printf "%s\n" "${COMPREPLY[@]}"', 'bash', $script,
			$Muster::Cli::BUILD, $cli->dir, $line or die;
		my @offered = <$in>;
		close $in;
		chomp @offered;
		return join ' ', sort @offered;
	};
	my $c = "-c $cli->{conf}";
	is($offer->('muster qu'), 'queue', 'a noun');
	is($offer->('muster list s'), 'set show', 'verbs');
	is($offer->("muster $c list show d"),
		'den@lists.example.org dev@lists.example.org', 'lists');
	is($offer->("muster $c list show dev\@li"), 'lists.example.org',
		'a list, behind the @ where bash breaks words');
	is($offer->('muster list set dev@x pol'), 'policy=', 'a key');
	is($offer->('muster list create x --o'), '--owner', 'an option');
	is($offer->('muster load some'), 'some-file', 'a file');
	is($offer->('muster frob x'), '', 'nothing for what it does not know');
}

done_testing;
