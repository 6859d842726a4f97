# SPDX-License-Identifier: BSD-2-Clause
# Messages with recipients of ours and of others.
use v5.36;
use Test::More;
use Muster::Gate;

my $site = Muster::Gate->new;
$site->list('open@lists.test', 'policy=open');
$site->list('second@lists.test', 'policy=open');
$site->list('members@lists.test', 'policy=members');
my $session = $site->session;
my $number = 0;

# The verdict, and the recipients that were deleted.
sub ends ($message, @paths) {
	my $reply = $session->send('<a@far.test>', \@paths, $message);
	return (Muster::Milter::verdict($reply), $session->{deleted});
}

sub post () {
	$number++;
	return "From: a\@far.test\r\nSubject: $number\r\n\r\nhello\r\n";
}

my ($verdict, $deleted) = ends(post(), '<x@far.test>', '<open@lists.test>',
	'<y@far.test>');
is($verdict, 'accept', 'the MTA keeps it for the others');
is_deeply($deleted, ['<open@lists.test>'], 'ours is deleted');

my @same = ('<open@lists.test>', '<OPEN@lists.test>', '<open+x@lists.test>',
	'<open@lists.test>');
($verdict, $deleted) = ends(post(), @same, '<x@far.test>');
is($verdict, 'accept', 'several forms of one recipient');
is_deeply($deleted, \@same, 'each is deleted as it came');

($verdict, $deleted) = ends(post(), @same);
is($verdict, 'discard', 'none but ours');
is_deeply($deleted, [], 'nothing to delete');

($verdict, $deleted) = ends(post(), '<members@lists.test>', '<x@far.test>');
is($verdict, 'accept', 'refused by the list, the others get it');
is_deeply($deleted, ['<members@lists.test>'], 'the list does not');

($verdict, $deleted) = ends(post(), '<members@lists.test>',
	'<open@lists.test>');
is($verdict, 'discard', 'one list takes it, one does not');

($verdict, $deleted) = ends(post(), '<nobody@lists.test>',
	'<open@lists.test>', '<x@far.test>');
is($verdict, 'accept', 'refused at RCPT, taken, foreign');
is_deeply($deleted, ['<open@lists.test>'],
	'what was refused at RCPT is not deleted');

($verdict, $deleted) = ends(post(), '<open@lists.test>',
	'<second@lists.test>');
is($verdict, 'discard', 'two lists');
is(scalar($site->posts), 6, 'each is kept once');

# Policies see all of the envelope.
$site->list('alone@lists.test', 'policy=open');
$site->muster({ in => 'reject "not with %{recipient}" when recipients > 1 '
	. 'and not (recipient in ("@far.test") and recipient in '
	. '("alone@lists.test")) accept' },
	'policy', 'set', 'alone@lists.test', '-');
for my $case (['taken', '<alone@lists.test>'],
	['taken', '<alone@lists.test>', '<x@FAR.test>'],
	['refused', '<alone@lists.test>', '<x@elsewhere.test>'],
	['refused', '<x@elsewhere.test>', '<Alone@Lists.Test>']) {
	my ($wanted, @to) = @$case;
	my $before = () = $site->posts;

	ends(post(), @to);
	my $after = () = $site->posts;
	is($after > $before ? 'taken' : 'refused', $wanted,
		"recipients @to");
}

# When it cannot be committed nothing is taken from the MTA.
$session->mail('<a@far.test>');
$session->rcpt('<open@lists.test>');
$session->rcpt('<x@far.test>');
$session->data;
$session->content(post());
$site->box->stop('musterd');
my $reply = $session->end;
like(Muster::Milter::verdict($reply), qr/^451 4\.3\.0 /,
	'451 for the whole message');
is_deeply($session->{deleted}, [], 'and nothing is deleted');
done_testing;
