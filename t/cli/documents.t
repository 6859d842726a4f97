# SPDX-License-Identifier: BSD-2-Clause
# The manual pages say what the tables say.
use strict;
use warnings;
use Test::More;
use Muster::Cli;

my $cli = Muster::Cli->new;
my %page = map { $_ => "$Muster::Cli::SRC/$_" }
	qw(core/muster.1 conf/muster.conf.5 core/moderate/muster-policy.5
		core/letter/muster-templates.5
		core/command/muster-commands.7
		core/musterd.8 db/muster-dump.5 milter/muster-milter.8);
my $mandoc = (grep { -x } map { "$_/mandoc" } split /:/, $ENV{PATH})[0];

# plain - the text of a page, with the macros of mdoc(7) taken off
sub plain {
	my ($path) = @_;
	my $text = Muster::Cli::slurp($path);
	$text =~ s/^\.\\".*\n//mg;
	$text =~ s/\\&//g;
	$text =~ s/\\-/-/g;
	$text =~ s/ *\\\n/ /g;
	return $text;
}

SKIP: {
	skip 'no mandoc', scalar keys %page if !$mandoc;
	for my $path (sort values %page) {
		my $said = qx($mandoc -Tlint -Wstyle "$path");
		$said = join '', grep { !/referenced manual not found|missing|outdated/ }
			$said =~ /.*\n/g;
		is($said, '', "mandoc has nothing to say about $path");
	}
}

my $muster = plain($page{'core/muster.1'});
my (undef, $help) = $cli->raw('--help');
my @verbs = $help =~ /^  muster ([a-z]+(?: [a-z]+)?)\s/mg;
cmp_ok(scalar @verbs, '>', 20, 'there are verbs');
for my $verb (@verbs) {
	my ($entry) = $muster =~
		/^\.It Cm \Q$verb\E(?: [^\n]*)?\n(.*?)(?=^\.It Cm |^\.El)/ms;
	ok(defined $entry, "muster(1) has $verb") or next;
	my (undef, $text) = $cli->raw(split(' ', $verb), '--help');
	my ($head) = $muster =~ /^(\.It Cm \Q$verb\E(?: [^\n]*)?)\n/m;
	for my $option ($text =~ /^  (--[a-z-]+)/mg) {
		next if $option =~ /^--(?:version|config|help)$/;
		my $name = $option =~ s/^-//r;
		ok("$head\n$entry" =~ /Fl \Q$name\E\b/,
			"muster(1): $verb has $option");
	}
}
like($muster, qr/^\.It .*Fl \Q$_\E\b/m, "muster(1): the option $_")
	for qw(c -json -help -version);
my @documented = $muster =~ /^\.It Cm ([a-z]+(?: [a-z]+)?)\b/mg;
my %known = map { $_ => 1 } @verbs;
ok($known{$_}, "muster(1): $_ is a verb") for @documented;

for my $key (@{$cli->json('list', 'keys')}) {
	my ($section) = $muster =~ ($key->{of} eq 'list' ?
		qr/^\.Ss Keys of a list\n(.*?)^\.S[sh]/ms :
		qr/^\.Ss Keys of a member\n(.*?)^\.S[sh]/ms);
	my ($head) = ($section // '') =~
		/^(\.It Va \Q$key->{key}\E(?: [^\n]*)?)\n/m;
	ok(defined $head, "muster(1): $key->{of} key $key->{key}") or next;
	like($head, qr/ = \Q$key->{default}\E$/,
		"muster(1): default of $key->{key}")
		if $key->{default} ne '';
}

my $conf = plain($page{'conf/muster.conf.5'});
my %seen;
for my $row (@{$cli->json('settings')}) {
	my ($section) = $conf =~
		/^\.Ss Section \Q$row->{section}\E\n(.*?)(?=^\.S[sh])/ms;
	ok(defined $section, "muster.conf(5) has [$row->{section}]") or next;
	my ($head) = $section =~
		/^(\.It Va \Q$row->{key}\E(?: [^\n]*)?)\n/m;
	ok(defined $head, "muster.conf(5): [$row->{section}] $row->{key}")
		or next;
	$seen{"$row->{section} $row->{key}"} = 1;
	my $default = $row->{default} =~ s{^.*(?=/lib/muster$)}{LOCALSTATEDIR}r
		=~ s{^.*(?=/muster/sets$)}{SYSCONFDIR}r
		=~ s{^.*(?=/muster/muster-sandbox$)}{LIBEXECDIR}r;
	like($head, qr/ = \Q$default\E$/,
		"muster.conf(5): default of $row->{key}")
		if $default ne '';
}
my $section = '';
for (split /\n/, $conf) {
	$section = $1 if /^\.Ss Section (.*)/;
	$section = '' if /^\.Sh /;
	ok($seen{"$section $1"}, "muster.conf(5): [$section] $1 is a key")
		if $section ne '' && /^\.It Va (\S+)/;
}

my $texts = plain($page{'core/letter/muster-templates.5'});
my @common = @{$cli->json('template', 'fields')};
my %common = map { $_->{field} => 1 } @common;
my @templates = split /^/m, $cli->ok('template', 'ls');
for my $template (undef, map { /^(\S+)/ } @templates) {
	my $name = $template // 'FIELDS OF ALL TEMPLATES';
	my ($part) = $texts =~ /^\.S[sh] \Q$name\E\n(.*?)(?=^\.S[sh] )/ms;
	ok(defined $part, "muster-templates(5) has $name") or next;
	my @fields = defined $template ? grep { !$common{$_->{field}} }
		@{$cli->json('template', 'fields', $template)} : @common;
	my %known = map { $_->{field} => 1 } @fields;
	for my $field (@fields) {
		my ($head) = $part =~ /^(\.It Va \Q$field->{field}\E(?: .*)?)$/m;
		ok(defined $head, "muster-templates(5): $name: "
			. $field->{field}) or next;
		is($head =~ /\bmust$/ ? 1 : 0, $field->{must} ? 1 : 0,
			"muster-templates(5): must it be in $name");
	}
	ok($known{$_}, "muster-templates(5): $name: $_ is a field")
		for $part =~ /^\.It Va (\S+)/mg;
}

done_testing;
