#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Authors' signatures on their way through lists, with dkimpy on both sides: a
# list that changes nothing that is signed leaves them valid, and with
# author-signature=remove-broken one is there if and only if it verifies.
use v5.36;
use File::Temp ();
use Test::More;

my $corpus = "$ENV{MUSTER_SRC}/../shared/corpus/mail/eml";
plan skip_all => 'there are no corpora beside this tree' if !-d $corpus;
my $tool = "$ENV{MUSTER_SRC}/t/pending/signatures.py";
my $dir = File::Temp::tempdir('muster-t.XXXXXX', DIR => '/tmp', CLEANUP => 1);

system('openssl', 'genpkey', '-quiet', '-algorithm', 'RSA', '-out',
	"$dir/pkcs8.pem") == 0 or die "openssl genpkey has failed\n";
system('openssl', 'rsa', '-in', "$dir/pkcs8.pem", '-traditional', '-out',
	"$dir/rsa.pem") == 0 or die "openssl rsa has failed\n";
my $record = "v=DKIM1; k=rsa; p="
	. qx(openssl pkey -in $dir/pkcs8.pem -pubout) =~ s/-----.*?-----|\s//gr;

sub lines (@command) {
	open my $said, '-|', @command or die "$command[0]: $!\n";
	my @lines = <$said>;
	close $said;
	push @lines, "@command: status $?\n" if $? != 0;
	return @lines;
}

mkdir "$dir/signed" or die "$dir/signed: $!\n";
my @signed = lines('/usr/bin/python3', $tool, 'sign', "$dir/signed",
	"$dir/rsa.pem", sort glob "$corpus/*.eml");
cmp_ok(scalar @signed, '>', 100, 'there are messages with a signature');

sub try_list ($kind, @settings) {
	my $out = File::Temp::tempdir('forms.XXXXXX', DIR => $dir, CLEANUP => 1);
	my $name = join(', ', @settings) =~ s/\n/ /gr;
	open my $in, '|-', "$ENV{MUSTER_BUILD}/t/pending/make-forms", $out,
		'author-signature=remove-broken', @settings
		or die "make-forms: $!\n";
	print {$in} @signed;
	close $in;
	is($?, 0, "forms for a list with $name");
	is_deeply([lines('/usr/bin/python3', $tool, 'judge', $out, $record,
			$kind)], [], 'as dkimpy sees them');
}

try_list('all', 'subject-prefix=');
try_list('right', 'subject-prefix=[dev]');
try_list('right', 'reply-to=list', 'header-rules=remove X-*; remove Cc');
try_list('right', "footer=--\n%{list}");
try_list('right', 'subject-prefix=[dev %{number}]', 'footer=%{member}');
done_testing();
