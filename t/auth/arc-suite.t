# SPDX-License-Identifier: BSD-2-Clause
# The ARC suite (RFC 8617) that validators are measured by.
use v5.36;
use File::Temp ();
use JSON::PP ();
use Test::More;

my $suite = "$ENV{MUSTER_SRC}/../shared/suites/arc";
plan skip_all => 'the ARC suite is not here' unless -d $suite;
my $dir = File::Temp->newdir;
my $tool = "$ENV{MUSTER_BUILD}/t/auth/sig-tool";

sub put ($name, $text) {
	open my $out, '>:raw', "$dir/$name" or die "$dir/$name: $!\n";
	print {$out} $text;
	close $out or die "$dir/$name: $!\n";
	return "$dir/$name";
}

sub yaml ($file) {
	my $script = 'import sys, yaml, json; print(json.dumps(list('
		. 'yaml.safe_load_all(open(sys.argv[1], encoding="utf-8")))))';
	open my $in, '-|', '/usr/bin/python3', '-c', $script, $file
		or die "python3: $!\n";
	local $/;
	my $text = <$in>;
	close $in or die "python3-yaml is missing\n";
	return @{ JSON::PP->new->utf8->decode($text) };
}

sub keys_of ($records) {
	my $text = '';
	for my $name (sort keys %{ $records // {} }) {
		my $value = $records->{$name} =~ s/\s+/ /gr;
		$value =~ s/(p=[^;]*)/$1 =~ s,[ ],,gr/e;
		$text .= "$name\t$value\n";
	}
	return put('keys', $text);
}

my $cases = 0;
for my $scenario (yaml("$suite/arc-draft-validation-tests.yml")) {
	my $keys = keys_of($scenario->{'txt-records'});
	for my $name (sort keys %{ $scenario->{tests} }) {
		my $test = $scenario->{tests}{$name};
		my $message = $test->{message};
		utf8::encode($message);
		my $said = `$tool verify @{[put('message', $message)]} $keys`;
		my ($result) = $said =~ /^arc (\w+)/;
		my $want = lc($test->{cv} || 'none');

		$cases++;
		is($result, $want, "$name: $test->{description}")
			or diag($said);
	}
}
cmp_ok($cases, '>=', 87, 'all of it was there');
done_testing;
