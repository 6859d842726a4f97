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

# Sealing. What the suite wants is read out of Authentication-Results with
# the sealer's name, as a filter would find it there; we have it as evidence.
sub results_of ($message, $id) {
	my $header = $message =~ s/\r?\n\r?\n.*//sr =~ s/\r?\n(?=[ \t])//gr;
	my @all = $header =~ /^Authentication-Results:\s*\Q$id\E;\s*(.*?)\s*$/gm;
	return join '; ', $id, @all;
}

sub tags_of ($text) {
	my %tags = map { s/\s+//gr =~ /^(\w+)=(.*)$/s ? ($1, $2) : () }
		split /;/, $text // '';
	return \%tags;
}

sub items_of ($text) {
	return [ sort map { s/\s+/ /gr =~ s/^ | $//gr } split /;/, $text // '' ];
}

# What was put in front, by name
sub added ($message, $sealed) {
	my $count = () = $message =~ /^ARC-(?:Seal|M|A)/gm;
	my $header = $sealed =~ s/\r?\n\r?\n.*//sr =~ s/\r?\n(?=[ \t])//gr;
	my @fields = $header =~ /^(ARC-\S+:[^\r\n]*)/gm;
	splice @fields, @fields - $count if $count;
	return map { /^ARC-([^:]+): ?(.*)$/ } @fields;
}

my $seals = 0;
for my $scenario (yaml("$suite/arc-draft-sign-tests.yml")) {
	my $keys = keys_of($scenario->{'txt-records'});
	my $pem = put('pem', $scenario->{privatekey});
	chmod 0600, $pem or die "$pem: $!\n";
	for my $name (sort keys %{ $scenario->{tests} }) {
		my $test = $scenario->{tests}{$name};
		my $message = $test->{message};
		utf8::encode($message);
		my $results = results_of($message, $test->{'srv-id'});
		my $path = put('message', $message);
		my $who = "$pem $scenario->{domain} $scenario->{sel}";
		my $sealed = `$tool seal $path $keys $who '$results' $test->{t}`;
		my %set = added($message, $sealed);
		my $what = "$name: $test->{description}";

		$seals++;
		if (($test->{AS} // '') !~ /\S/) {
			is(join(' ', keys %set), '', "$what: no seal");
			next;
		}
		is_deeply(items_of($set{'Authentication-Results'}),
			items_of($test->{AAR}), "$what: AAR");
		my ($ams, $wanted) = (tags_of($set{'Message-Signature'}),
			tags_of($test->{AMS}));
		my %covered = map { lc, 1 } split /:/, delete $ams->{h} // '';
		ok(!(grep { !$covered{lc()} } split /:/, delete $wanted->{h}),
			"$what: AMS covers what it must");
		delete $_->{b} for $ams, $wanted;
		is_deeply($ams, $wanted, "$what: AMS");
		my ($seal, $theirs) = (tags_of($set{Seal}),
			tags_of($test->{AS}));
		delete $_->{b} for $seal, $theirs;
		is_deeply($seal, $theirs, "$what: AS");
		my $after = put('sealed', $sealed);
		like(`$tool verify $after $keys`, $theirs->{cv} eq 'fail'
			? qr/^arc fail a sealer/ : qr/^arc pass/,
			"$what: the chain it makes");
		is(`$tool seal $after $keys $pem x.example y 'z; none'`,
			$sealed, "$what: a seal of fail is the last")
			if $theirs->{cv} eq 'fail';
	}
}
cmp_ok($seals, '>=', 9, 'all of that was there');
done_testing;
