# SPDX-License-Identifier: BSD-2-Clause
# What machines send, real and rebuilt: nothing of it reaches a list, and
# nothing of it gets an automatic answer; what people send is not taken for it.
use v5.36;
use Test::More;
use Muster::Box qw(slurp);
use Muster::Gate;

my $corpus = "$ENV{MUSTER_SRC}/../shared/corpus/autoreply";
-e "$corpus/index.tsv" or plan skip_all => 'there is no corpus';

my $site = Muster::Gate->new(sink => 1);
my $list = 'dev@lists.test';
$site->make_list($list, ['policy=open', '--owner', 'owner@far.test'],
	'member@far.test');

# As it would come: the envelope sender that is known, or the MTA's note of
# it, with LF made CRLF and without an mbox's line.
sub bytes ($file) {
	my $bytes = slurp("$corpus/$file") =~ s/\AFrom [^\n]*\n//r;
	return $bytes =~ s/\r?\n/\r\n/gr;
}

sub sender ($envelope, $bytes) {
	return $envelope eq '<>' ? '' : $envelope if $envelope ne '-';
	return $1 =~ s/\A<|>\z//gr if $bytes =~ /^Return-Path:\s*(\S+)\r$/mi;
	return 'unknown@far.test';
}

# A list's own mail that comes back has a mark of it.
my %wanted = (drop => qr/^5\d\d /, bounce => qr/^5\d\d /,
	# of a command somebody whom nobody knows is told what to do instead
	hold => qr/^discard$|^550 5\.7\.1 This was not sent .* to leave, /,
	deliver => qr/^discard$/,
	policy => qr/^(?:discard|5\d\d .*)$/);
my ($rows, %taken) = (0);
for my $row (split /\n/, slurp("$corpus/index.tsv")) {
	my ($file, $kind, $expect, $envelope) = split /\t/, $row;
	next if $file eq 'file';
	my $bytes = bytes($file);
	# Lists of others: here it must be ours that it has been through.
	$bytes =~ s/^(List-Id:)[^\r]*/$1 <dev.lists.test>/mi
		if $kind eq 'loop';
	my $is = $site->post_from('192.0.2.7', sender($envelope, $bytes),
		[$list], $bytes);
	like($is, $wanted{$expect}, "$file ($kind): $expect");
	$taken{$expect}++ if $is eq 'discard';
	$rows++;
}
cmp_ok($rows, '>', 50, 'a whole corpus');

# The marks of a loop, and what only looks like one.
for my $case (['X-Loop: DEV@lists.test', qr/^554 5\.4\.6 Mail loop/],
	['X-BeenThere: dev@lists.test', qr/^554 5\.4\.6 Mail loop/],
	['Mailing-List: contact dev-help@lists.test; run by x',
		qr/^discard$/],
	['Mailing-List: list dev@lists.test', qr/^554 5\.4\.6/],
	['List-Id: "Dev" <Dev.lists.test>', qr/^554 5\.4\.6/],
	['List-Id: <more-dev.lists.test>', qr/^discard$/],
	['X-Loop: mydev@lists.test', qr/^discard$/],
	['X-Loop: dev@lists.test.example', qr/^discard$/],
	['X-Loop: x.dev@lists.test, dev@lists.test.', qr/^554 5\.4\.6/]) {
	my ($field, $wanted) = @$case;
	my $id = $rows++;
	like($site->post_from('192.0.2.7', 'ann@far.test', [$list],
		"From: ann\@far.test\r\nSubject: hello $id\r\n"
		. "Message-ID: <$id\@far.test>\r\n$field\r\n\r\nhi $id\r\n"),
		$wanted, "a loop? $field");
	$taken{deliver}++ if $wanted =~ /discard/;
}
my $held = @{ $site->json('held', 'ls', $list) };
is($held, $taken{hold}, 'commands that came to the list are held');
$site->await_idle;
my @sent = $site->sink->sent_to('member@far.test');
cmp_ok(scalar @sent, '<=', ($taken{deliver} // 0) + ($taken{policy} // 0),
	'what was to go nowhere has not gone to the list');
cmp_ok(scalar @sent, '>=', $taken{deliver}, 'and what people wrote has');
my @others = grep { $_->{to} ne 'member@far.test'
	&& $_->{to} ne 'owner@far.test' } $site->sink->messages;
is(scalar @others, 0, 'nobody outside got an answer');
diag(join ' ', map { $_->{to} } @others) if @others;

done_testing;
