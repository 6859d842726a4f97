# SPDX-License-Identifier: BSD-2-Clause
# Posts of the archive by mail: whom the list allows, and not too many.
use v5.36;
use Test::More;
use Muster::Archive qw(archive_dir post_to);
use Muster::Box qw(await);
use Muster::Gate;
use Muster::Mail qw(body field message);
use MIME::Base64 ();

my $site = Muster::Gate->new(sink => 1, zone => <<'END');
good.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.good.example TXT "v=DMARC1; p=reject"
END
my $inside = '192.0.2.7';
my ($own, $ann, $eve) = map { "$_\@good.example" } qw(own ann eve);
my @keys = ('policy=open', '--owner', $own, 'archive=maildir',
	'archive-url=https://lists.test/%{list-name}/%{message-id}/');
$site->make_list('dev@lists.test', \@keys, $ann);
$site->make_list('news@lists.test', [@keys, 'archive-private=no'], $ann);
$site->make_list('none@lists.test', ['policy=open', 'archive=mbox'], $ann);

for my $number (1 .. 12) {
	post_to($site, "$_\@lists.test", "$number\@far.test",
		subject => "About $number", body => "body of $number\r\n")
		for 'dev', 'news';
	$site->await_idle;
}

sub ask ($from, $list, $body) {
	my $to = "$list-request\@lists.test";
	return $site->post_from($inside, $from, [$to], message(from => $from,
		to => $to, subject => '', body => $body));
}

my %read;
sub letter ($to, $what) {
	my $all = await($what, sub {
		my @is = grep { field($_->{data}, 'Auto-Submitted') }
			$site->sink->sent_to($to);
		return @is > ($read{$to} // 0) ? \@is : undef });
	return $all->[$read{$to}++]{data};
}

sub text ($data) {
	my $body = body($data);
	return (field($data, 'Content-Transfer-Encoding') // '') eq 'base64' ?
		MIME::Base64::decode($body) : $body;
}

# --- a member --------------------------------------------------------------

is(ask($ann, 'dev', "get archive\n"), 'discard', 'asked for what there is');
my $text = text(letter($ann, 'what there is'));
like($text, qr/12 posts/, 'how many there are');
like($text, qr{On the web: https://lists\.test/dev/}, 'and where');
like($text, qr/^ +12  \d{4}-\d\d-\d\d  Ann: About 12\r$/m, 'the last one');
like($text, qr/^ +1  .*Ann: About 1\r$/m, 'and the first');

ask($ann, 'dev', "get archive 3\n");
my $mail = letter($ann, 'number 3');
is(field($mail, 'Subject') =~ s/\s+/ /gr, 'Post 3 of dev: About 3',
	'one post is the answer');
like(body($mail), qr{^Content-Type:\ message/rfc822\r\n.*
	^Subject:\ About\ 3\r\n.*
	^Archived-At:\ <https://lists\.test/dev/3\@far\.test/>\r\n.*
	^body\ of\ 3\r\n}msx, 'it is enclosed as it was archived');
like(body($mail), qr{^  https://lists\.test/dev/3\@far\.test/\r$}m,
	'with its link');

ask($ann, 'dev', "get archive <5\@far.test> 77 <none\@far.test>\nshow\n");
my @mails = map { letter($ann, 'number 5, and the rest') } 1, 2;
($mail) = grep { field($_, 'Subject') =~ /About 5/ } @mails;
like(body($mail), qr/^body of 5\r$/m, 'by its Message-ID');
($text) = map { text($_) } grep { $_ ne $mail } @mails;
like($text, qr/^Number 5 is on its way to you: About 5\r$/m, 'the answer says so');
like($text, qr/^77: the archive has no such post/m, 'and what there is not');
like($text, qr/^none\@far\.test: the archive has no such/m, 'by either name');

ask($ann, 'dev', "get archive last 2\n");
is_deeply([sort map { field(letter($ann, 'the last two'), 'Subject')
	=~ /(About \d+)/ } 1, 2], ['About 11', 'About 12'], 'the last two');

ask($ann, 'dev', "get archive 1 2\nget archive last 99\n");
my @all = map { letter($ann, 'many') } 1 .. 11;
is(scalar(grep { field($_, 'Subject') =~ /^Post/ } @all), 10,
	'at most 10 by one mail');
($text) = map { text($_) } grep { field($_, 'Subject') !~ /^Post/ } @all;
like($text, qr/^Number 11 is not sent: by one mail you get 10/m,
	'and it is said which are not');

# --- who is none -----------------------------------------------------------

ask($eve, 'dev', "get archive 3\n");
like(text(letter($eve, 'a refusal')), qr/Only members can read the archive/,
	'a private archive: not for strangers');
ask($own, 'dev', "get archive 3\n");
like(field(letter($own, 'number 3'), 'Subject'), qr/About 3/,
	'but for owners');
ask($eve, 'news', "get archive 4\n");
like(field(letter($eve, 'number 4'), 'Subject'), qr/About 4/,
	'an open one: for all who are verified');
is($site->post_from('198.51.100.9', $ann, ['dev-request@lists.test'],
	message(from => $ann, to => 'dev-request@lists.test', subject => '',
		body => "get archive 3\n")) =~ /^550/, 1,
	'a forger gets nothing');
ask($ann, 'none', "get archive\n");
like(text(letter($ann, 'nothing')), qr/no archive/, 'an empty one');

# --- what cannot be read ---------------------------------------------------

my $dir = archive_dir($site, 'dev@lists.test');
rename $dir, "$dir.away" or die;
ask($ann, 'dev', "get archive 3\nshow\n");
$text = text(letter($ann, 'the disk is away'));
like($text, qr/cannot be read at the moment/, 'it is said');
like($text, qr/delivery/, 'and the rest is done');
rename "$dir.away", $dir or die;
$site->muster('member', 'set', 'dev@lists.test', $ann, 'language=de');
ask($ann, 'dev', "get archive 3\n");
$mail = letter($ann, 'in German');
like(field($mail, 'Subject'), qr/^Beitrag 3 von dev/, "in the member's language");

post_to($site, 'dev@lists.test', 'long@far.test',
	body => join '', ('x' x 900 . "\r\n") x 1300);
$site->await_idle;
ask($ann, 'dev', "get archive <long\@far.test>\n");
$mail = letter($ann, 'a long one');
like(body($mail), qr{^Content-Type: text/rfc822-headers}m,
	'of a long post only the header');
cmp_ok(length $mail, '<', 20000, 'which is short');
done_testing;
