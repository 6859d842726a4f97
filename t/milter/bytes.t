# SPDX-License-Identifier: BSD-2-Clause
# The bytes that are stored are the bytes that were sent, below a Received.
use v5.36;
use Test::More;
use Muster::Gate;

my $site = Muster::Gate->new;
$site->list('dev@lists.test', 'policy=open', 'max-size=0');
my $old_mta = 0x1fffff & ~0x100000;	# without SMFIP_HDR_LEADSPC

sub send_post ($message, %opt) {
	my $session = $site->session(%opt);
	my $reply = $session->send('<a@far.test>', ['<dev@lists.test>'],
		$message, { i => 'QID' });
	$session->quit;
	return Muster::Milter::verdict($reply);
}

my $received = qr/\AReceived:\ from\ client\.test
	\ \(client\.test\ \[192\.0\.2\.7\]\)\r\n
	\tby\ lists\.test\ \(muster\)\ with\ ESMTP\ id\ [a-z2-7]{20}\r\n
	\tfor\ <dev\@lists\.test>;\r\n
	\t\w+,\ [^\r\n]*\r\n/x;

my %messages = (
	plain => "Mark: plain\r\nFrom: a\@far.test\r\n\r\nhello\r\n",
	spacing => "Mark: spacing\r\nX-Two:  two blanks \r\nX-None:none\r\n"
		. "X-Tab:\ttab\r\nX-Empty:\r\nX-Blank: \r\n\r\nx\r\n",
	folds => "Mark: folds\r\nSubject: a\r\n b\r\n\tc\r\n  \r\n d\r\n"
		. "\r\nx\r\n",
	'empty body' => "Mark: empty\r\nSubject: x\r\n\r\n",
	'8-bit' => "Mark: 8bit\r\nSubject: \xe4\xf6\r\n\r\n\xff\xfe\r\n",
	'NUL in the body' => "Mark: nul\r\n\r\na\0b\0\0\r\n",
	'bare CR' => "Mark: cr\r\n\r\na\rb\r\r\n",
	'long lines' => "Mark: long\r\nSubject: " . 'x' x 5000 . "\r\n\r\n"
		. 'y' x 100000 . "\r\n",
	'dots' => "Mark: dots\r\n\r\n.\r\n..\r\n.a\r\n",
	'3 MB' => "Mark: big\r\n\r\n" . ('z' x 70 . "\r\n") x 43000,
	'no final line end' => "Mark: noend\r\n\r\nlast",
);
my $old = "Mark: old\r\nSubject: a\r\n b\r\nX-None:none\r\n\r\nx\r\n";

is(send_post($messages{$_}), 'discard', "$_: accepted")
	for sort keys %messages;
is(send_post($old, protocol => $old_mta), 'discard',
	'an MTA that removes blanks: accepted');

my %stored;
for my $post ($site->posts) {
	my ($mark) = $post->{bytes} =~ /^Mark: (\w+)\r$/m;
	$stored{$mark} = $post->{bytes};
}
for my $name (sort keys %messages) {
	my ($mark) = $messages{$name} =~ /\AMark: (\w+)\r$/m;
	my $bytes = $stored{$mark} // '';
	like(substr($bytes, 0, 1000), $received, "$name: Received on top");
	ok($bytes =~ s/$received//r eq $messages{$name}, "$name: as sent")
		or diag(substr $bytes, 0, 300);
}
is($stored{old} =~ s/$received//r, $old =~ s/X-None:/X-None: /r,
	'where blanks were removed they are put back');
done_testing;
