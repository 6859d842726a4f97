# SPDX-License-Identifier: BSD-2-Clause
# What we sign and seal others verify, and the other way round: dkimpy and
# Mail::DKIM, which share no code with us.
use v5.36;
use File::Temp ();
use Test::More;

eval { require Mail::DKIM::Verifier; require Mail::DKIM::ARC::Verifier;
	require Mail::DKIM::ARC::Signer; 1 } or
	plan skip_all => 'libmail-dkim-perl is missing';
system('/usr/bin/python3', '-c', 'import dkim') == 0 or
	plan skip_all => 'python3-dkim is missing';

my $dir = File::Temp->newdir;
my $tool = "$ENV{MUSTER_BUILD}/t/auth/sig-tool";
my $oracle = "/usr/bin/python3 $ENV{MUSTER_SRC}/t/auth/sign-oracle.py";
my %record;
my $count = 0;

sub put ($text) {
	my $path = "$dir/m" . ++$count;

	open my $out, '>:raw', $path or die "$path: $!\n";
	print {$out} $text;
	close $out or die "$path: $!\n";
	return $path;
}

sub run ($command) {
	my $text = qx($command);

	die "$command: status $?\n" if $?;
	return $text;
}

# Keys of each kind, each a selector of its own.
my %kinds = ('rsa1024' => '-algorithm RSA -pkeyopt rsa_keygen_bits:1024',
	'rsa2048' => '-algorithm RSA -pkeyopt rsa_keygen_bits:2048',
	'rsa4096' => '-algorithm RSA -pkeyopt rsa_keygen_bits:4096',
	'ed25519' => '-algorithm ED25519');
for my $kind (sort keys %kinds) {
	system("openssl genpkey $kinds{$kind} -out $dir/$kind.pem 2>/dev/null");
	chmod 0600, "$dir/$kind.pem";
	my $text = run("$tool record $dir/$kind.pem lists.example $kind");
	chomp $text;
	$record{"$kind._domainkey.lists.example"} = $text;
}
my $keys = put(join '', map { "$_\t$record{$_}\n" } sort keys %record);

# Mail::DKIM asks here instead of the DNS.
{
	no warnings qw(redefine once);
	require Mail::DKIM::PublicKey;
	*Mail::DKIM::DNS::query = sub ($name, $type) {
		my $text = $record{$name} or return;

		return bless { text => $text }, 'Record';
	};
	sub Record::type ($self) { return 'TXT' }
	sub Record::char_str_list ($self) { return $self->{text} }
	sub Record::txtdata ($self) { return $self->{text} }
}

sub perl_verify ($class, $text) {
	my $verifier = $class->new;

	$verifier->PRINT($text);
	$verifier->CLOSE;
	return $verifier->result;
}

my %posts = (
	'plain text' => "Hey gang,\r\nThis is a test.\r\n",
	'blanks and empty lines' => "a  b \t\r\n\r\n  c\r\n\r\n\r\n",
	'an empty body' => '',
	'no last line end' => 'one line',
	'8-bit' => "Gr\xfc\xdfe\r\n.dot\r\n",
);
my $head = "From: Ann <ann\@author.example>\r\nTo: dev\@lists.example\r\n"
	. "Subject: a  folded\r\n\t subject\r\nDate: Thu, 1 Jan 2026 00:00:00 "
	. "+0000\r\nMessage-ID: <1\@author.example>\r\nReferences: <1\@x>\r\n"
	. " <2\@y>\r\nList-Id: Dev <dev.lists.example>\r\nX-Odd:none\r\n"
	. "Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\r\n";

for my $what (sort keys %posts) {
	my $text = "$head\r\n$posts{$what}";
	for my $kind (sort keys %kinds) {
		next if $kind ne 'rsa2048' && $what ne 'plain text';
		my $who = "$dir/$kind.pem lists.example $kind";
		my $plain = put($text);
		my $signed = run("$tool sign $plain $keys $who");

		like(run("$oracle verify " . put($signed) . " $keys"),
			qr/^dkim pass$/m, "$what, $kind: dkimpy takes our DKIM");
		like(run("$tool verify " . put($signed) . " $keys"),
			$kind =~ /1024|2048|4096|ed/ ? qr/^dkim pass/m : qr/./,
			"$what, $kind: libopendkim takes our DKIM");
		is(perl_verify('Mail::DKIM::Verifier', $signed), 'pass',
			"$what, $kind: Mail::DKIM takes our DKIM")
			if $kind ne 'ed25519';
		my $longest = (sort { $b <=> $a } map { length }
			split /\r\n/, $signed =~ s/\r\n\r\n.*//sr)[0];
		cmp_ok($longest, '<=', 78, "$what, $kind: lines keep to 78");

		for my $canon (qw(relaxed/relaxed simple/simple relaxed/simple
			simple/relaxed)) {
			my $theirs = run("$oracle sign $plain $keys $who "
				. $canon);
			like(run("$tool verify " . put($theirs) . " $keys"),
				qr/^dkim pass lists\.example/m,
				"$what, $kind: we take dkimpy's $canon");
		}
		my $sealed = run("$tool seal $plain $keys $who "
			. "'mx.example; spf=pass; dmarc=pass "
			. "header.from=author.example'");
		# Neither of them knows ed25519 in ARC.
		next if $kind eq 'ed25519';
		like(run("$oracle verify " . put($sealed) . " $keys"),
			qr/^arc pass/m, "$what, $kind: dkimpy takes our seal");
		is(perl_verify('Mail::DKIM::ARC::Verifier', $sealed), 'pass',
			"$what, $kind: Mail::DKIM takes our seal");
		like(run("$tool verify " . put($sealed) . " $keys"),
			qr/^arc pass/m, "$what, $kind: and so do we");
	}
}

# Chains: ours and theirs in turn.
my $who = "$dir/rsa2048.pem lists.example rsa2048";
my %seal = (
	us => sub ($text) { run("$tool seal " . put($text) . " $keys $who "
		. "'mx.example; dmarc=pass header.from=author.example'") },
	dkimpy => sub ($text) {
		run("$oracle seal " . put($text) . " $keys $who") },
	perl => sub ($text) {
		my $signer = Mail::DKIM::ARC::Signer->new(
			Algorithm => 'rsa-sha256', Chain => 'ar',
			Domain => 'lists.example', SrvId => 'mx.example',
			Selector => 'rsa2048', KeyFile => "$dir/rsa2048.pem");
		$signer->PRINT("Authentication-Results: mx.example; arc="
			. (perl_verify('Mail::DKIM::ARC::Verifier', $text))
			. "\r\n$text");
		$signer->CLOSE;
		return join('', map { s/\s+\z//r . "\r\n" }
			$signer->as_strings) . $text;
	},
);
for my $chain (['us'], [qw(us us)], ['dkimpy'], [qw(dkimpy us)],
	[qw(us dkimpy)], ['perl'], [qw(perl us)], [qw(us perl)],
	[qw(perl dkimpy us)], [qw(us perl dkimpy us)]) {
	my $text = "$head\r\nhello\r\n";

	$text = $seal{$_}->($text) for @$chain;
	my $name = join ', ', @$chain;
	like(run("$tool verify " . put($text) . " $keys"), qr/^arc pass/m,
		"$name: we validate it");
	like(run("$oracle verify " . put($text) . " $keys"), qr/^arc pass/m,
		"$name: dkimpy does");
	is(perl_verify('Mail::DKIM::ARC::Verifier', $text), 'pass',
		"$name: Mail::DKIM does");
	for my $change (['body', sub { $_[0] =~ s/hello/hallo/r }],
		['subject', sub { $_[0] =~ s/Subject: a/Subject: b/r }],
		['seal', sub { $_[0] =~ s/(cv=\w+.*?b=\w)(\w)/
			$1 . ($2 eq 'A' ? 'B' : 'A')/ser }],
		['results', sub { $_[0] =~ s/(ARC-Auth.*?mx\.example)/$1x/sr }],
		['order', sub { $_[0] =~ s/i=1;/i=2;/r }]) {
		my $broken = put($change->[1]->($text));

		like(run("$tool verify $broken $keys"), qr/^arc fail/m,
			"$name: another $change->[0] breaks it");
	}
}

# The form of a set, beside a signature that is good.
for my $case (['as it should be', 'as', '', '', 'pass'],
	['no t=', 'ams', '; t=12345', '', 'pass'],
	['t= empty', 'ams', 't=12345', 't=', 'fail'],
	['t= empty', 'as', 't=12345', 't=', 'fail'],
	['t= a word', 'ams', 't=12345', 't=abc', 'fail'],
	['t= a word', 'as', 't=12345', 't=abc', 'fail'],
	['t= negative', 'as', 't=12345', 't=-5', 'fail'],
	['x= a word', 'ams', 't=12345', 'x=soon', 'fail'],
	['x= past', 'ams', 't=12345', 't=12345; x=12346', 'fail'],
	['x= before t=', 'ams', 't=12345', 't=5000000000; x=4999999999',
		'fail'],
	['x= to come', 'ams', 't=12345', 't=12345; x=5000000000', 'pass'],
	['a= in capitals', 'ams', 'rsa-sha256', 'RSA-SHA256', 'fail'],
	['a= in capitals', 'as', 'rsa-sha256', 'RSA-SHA256', 'fail'],
	['cv= in capitals', 'as', 'cv=none', 'cv=NONE', 'fail'],
	['c= in capitals', 'ams', 'relaxed/relaxed', 'Relaxed/Relaxed', 'fail'],
	['q= as usual', 'ams', 't=12345', 'q=dns/txt', 'pass'],
	['q= another', 'ams', 't=12345', 'q=pigeon', 'fail'],
	['a tag of ours to come', 'as', 't=12345', 'zz=1; t=12345', 'pass'],
	['a tag twice', 'as', 't=12345', 't=12345; t=12345', 'fail'],
	['h= in a seal', 'as', 't=12345', 't=12345; h=from', 'fail'],
	['h= names seals', 'ams', 'h=from', 'h=ARC-Seal : from', 'fail'],
	['l=', 'ams', 't=12345', 'l=2', 'fail'],
	['i= with blanks and folds', 'ams', 'i=1;', 'i = 1\\n\\t;', 'pass'],
	['i= behind a comment', 'aar', 'i=1', '(a; b) i=1 (c)', 'pass'],
	['i= not first', 'aar', 'i=1; mx.example', 'mx.example; i=1', 'fail'],
	['i= with more', 'aar', 'i=1', 'i=1x', 'fail'],
	['a comment without end', 'aar', 'i=1', '(i=1', 'fail'],
	['folded b=', 'b', '', ' \\n\\t', 'pass'],
	['too much padding', 'b', '', '====', 'fail'],
	['more behind b=', 'b', '', 'AAAA', 'fail'],
	['a foreign letter in b=', 'b', '', '!', 'fail']) {
	my ($what, $field, $from, $to, $is) = @$case;
	my $odd = put(run("/usr/bin/python3 $ENV{MUSTER_SRC}/t/auth/arc-odd.py"
		. " $who $field '$from' '$to'"));

	like(run("$tool verify $odd $keys"), qr/^arc $is/m,
		"form: $what ($field)");
}

# A broken chain is sealed as broken, once.
my $broken = $seal{us}->("$head\r\nhello\r\n") =~ s/hello/hallo/r;
my $again = $seal{us}->($broken);
like($again, qr/ARC-Seal: i=2;[^:]*cv=fail/, 'a broken chain gets cv=fail');
like(run("$tool verify " . put($again) . " $keys"), qr/^arc fail/m,
	'and stays broken');
is($seal{us}->($again), $again, 'and no other seal comes on top of it');

# Keys that cannot be had now are no verdict.
my $signed = run("$tool sign " . put("$head\r\nhello\r\n") . " $keys $who");
my $silent = put("rsa2048._domainkey.lists.example\n");
like(run("$tool verify " . put($signed) . " $silent"),
	qr/^dkim temperror/m, 'DKIM: a DNS that fails is temperror');
like(run("$tool verify " . put($seal{us}->("$head\r\nhello\r\n"))
	. " $silent"), qr/^arc temperror/m,
	'ARC: a DNS that fails is temperror');
like(run("$tool verify " . put($signed) . " " . put("x\ty\n")),
	qr/^dkim permerror/m, 'DKIM: no key is permerror');

# What verifies, and does not count.
my $tail = run("$oracle sign " . put("$head\r\nhello\r\n")
	. " $keys $who relaxed/relaxed l");
like(run("$tool verify " . put($tail) . " $keys"), qr/^dkim pass/m,
	'l= over the whole body');
like(run("$tool verify " . put($tail . "more\r\n") . " $keys"),
	qr/^dkim policy .*l=/m, 'l= that leaves a part unsigned');
like(run("$tool verify " . put("From: eve\@author.example\r\n$signed")
	. " $keys"), qr/^dkim permerror/m, 'a second From');
my $many = "$head\r\nhello\r\n";
$many = run("$tool sign " . put($many) . " $keys $who") for 1 .. 12;
is(scalar(() = run("$tool verify " . put($many) . " $keys") =~ /^dkim /mg),
	8, 'of twelve signatures eight are looked at');

# A key that others may read.
chmod 0644, "$dir/rsa2048.pem";
isnt(system("$tool record $dir/rsa2048.pem lists.example x "
	. '>/dev/null 2>&1'), 0, 'a key that others can read is refused');
done_testing;
