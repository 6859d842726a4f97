#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# All messages of the corpora through lists that want this and that: what
# comes out is read by three other parsers, which find nothing wrong that was
# not wrong before, and the signature and the seal by a fourth program. By
# default some lists, and a third of the messages each; with MUSTER_LONG all, and
# all pairs of what a list may want.
use v5.36;
use File::Temp ();
use Muster::Box qw(slurp spew);
use Test::More;

use constant THIRD => 3;

my $corpus = "$ENV{MUSTER_SRC}/../shared/corpus";
plan skip_all => 'there are no corpora beside this tree' if !-d $corpus;
my @messages = sort grep { -f } glob "$corpus/*/eml/*.eml $corpus/*/*.eml";
my $make = "$ENV{MUSTER_BUILD}/t/pending/make-forms";
my $dir = File::Temp::tempdir('muster-t.XXXXXX', DIR => '/tmp', CLEANUP => 1);

# What a list may want: one of each line, the first is nothing. "text": the
# author's parts are all there afterwards.
my @axes = (
	[[], ['subject-prefix=[dev]'], ['subject-prefix=[dev %{number:5}]']],
	[[], ['reply-to=list'], ['reply-to=both', 'reply-to-keep=no']],
	[[], ['header-rules=rename Received to X-Received; keep X-S*; remove X-*;'
		. ' add X-Club: "%{list}"', 'list-headers=minimal']],
	[[], ['anonymous=yes', "description=Talk \x{c3}\x{bc}ber"]],
	[[], ["footer=-- \n%{list}"],
		["footer=Gr\x{c3}\x{bc}\x{c3}\x{9f}e\n%{member}\n%{unsubscribe}"]],
	[[], ["header=[%{list.name}] \x{ce}\x{95}"]],
	[[], ['content-alternative=plain', 'content-html=text',
			'content=replace type application, image'],
		['content=remove size > 2k and not type text']],
	[[], ['unsubscribe-url=https://lists.example.org/leave?t=%{token}']],
	# Nobody has judged whose these are, so of all of them From is changed.
	[[], ['dmarc=munge-from'], ['dmarc=wrap']],
	[[], ["sign-key=$dir/rsa.pem", 'sign-selector=s']],
);

sub key () {
	system('openssl', 'genpkey', '-quiet', '-algorithm', 'RSA', '-out',
		"$dir/rsa.pem") == 0 or die "openssl genpkey has failed\n";
	chmod 0600, "$dir/rsa.pem";
	my $public = qx(openssl pkey -in $dir/rsa.pem -pubout);
	$public =~ s/-----.*?-----|\s//g;
	return "v=DKIM1; k=rsa; p=$public";
}

# Each value of each axis at least once.
sub some () {
	my $most = 0;
	$most = @$_ > $most ? @$_ : $most for @axes;
	return map { my $i = $_; [map { $axes[$_][($i + $_) % @{ $axes[$_] }] }
		0 .. $#axes] } 0 .. $most - 1;
}

sub pairs () {
	my (%seen, @all);
	for my $a (0 .. $#axes) {
		for my $b ($a + 1 .. $#axes) {
			for my $i (0 .. $#{ $axes[$a] }) {
				for my $j (0 .. $#{ $axes[$b] }) {
					my @choice = map { $_->[0] } @axes;
					$choice[$a] = $axes[$a][$i];
					$choice[$b] = $axes[$b][$j];
					my $name = join ' ', map { @$_ } @choice;
					push @all, \@choice if !$seen{$name}++;
				}
			}
		}
	}
	return @all;
}

sub faults (@command) {
	open my $said, '-|', @command or die "$command[0]: $!\n";
	my @lines = <$said>;
	close $said;
	push @lines, "@command: status $?\n" if $? != 0;
	return @lines;
}

my $tried = 0;

sub try_list (@settings) {
	my $name = join(', ', @settings) || 'nothing';
	$name =~ s/\n/ /g;
	my $out = File::Temp::tempdir('forms.XXXXXX', DIR => $dir, CLEANUP => 1);
	# An anonymous list takes parts away, and refuses what is no header.
	my $hides = grep { /^anonymous/ } @settings;
	my $removes = grep { /^content/ } @settings;
	my @checks = $hides || $removes ? () : ('text');
	push @checks, 'via' if !$hides && grep { /^dmarc=/ } @settings;
	# Copies that differ are signed each, by outbound.
	if (grep { /^sign-key/ } @settings and
		!grep { /%\{(?:token|member)\}/ } @settings) {
		push @checks, 'signed';
		system('cp', "$dir/key.txt", "$out/key.txt");
	}
	open my $in, '|-', $make, $out, @settings or die "$make: $!\n";
	my @some = grep { $ENV{MUSTER_LONG} || $_ % THIRD == $tried % THIRD }
		0 .. $#messages;
	$tried++;
	print {$in} map { "$messages[$_]\n" } @some;
	close $in;
	is($?, 0, "a form of each message for a list that wants $name");
	my $forms = grep { /copy$/ } glob "$out/*.copy";
	cmp_ok($forms, '>=', @some * ($hides ? 0.95 : 1), 'none is refused');
	is_deeply([faults('/usr/bin/python3', "$ENV{MUSTER_SRC}/t/pending/judge.py",
			$out, @checks)], [], 'as Python and dkimpy see it');
	is_deeply([faults('perl', "$ENV{MUSTER_SRC}/t/pending/judge.pl",
			$out)], [], 'as MIME-tools and Email::MIME see it');
	File::Path::remove_tree($out);
}

spew("$dir/key.txt", key());
try_list(map { @$_ } @$_) for $ENV{MUSTER_LONG} ? pairs() : some();
done_testing();
