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
	hold => qr/^discard$/, deliver => qr/^discard$/,
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
