# SPDX-License-Identifier: BSD-2-Clause
# Feedback reports (RFC 5965) come to one address of the site, by either door,
# with the copy that is complained of in them.
use v5.36;
use Test::More;
use Muster::Box qw(await slurp);
use Muster::Gate;

my $corpus = "$ENV{MUSTER_SRC}/../shared/corpus/bounces/eml";
my $tool = "$ENV{MUSTER_BUILD}/t/auth/sig-tool";
my $keys = Muster::Box->new;
my $pem = $keys->path('isp.pem');

system("openssl genpkey -algorithm ED25519 -out $pem 2>/dev/null") == 0
	or die "openssl genpkey\n";
chmod 0600, $pem;
chomp(my $record = qx($tool record $pem isp.test s1));
$keys->put('keys', "s1._domainkey.isp.test\t$record\n");

my $site = Muster::Gate->new(sink => 1,
	muster => { feedback => 'fbl@lists.test' }, zone => <<"END");
isp.test TXT "v=spf1 ip4:192.0.2.0/24 -all"
other.test TXT "v=spf1 ip4:192.0.2.0/24 -all"
broken.test SERVFAIL
s1._domainkey.isp.test TXT "$record"
END
my @people = map { "$_\@isp.test" } qw(ann bob cy dan eve fay gus hal);
$site->make_list("$_\@lists.test", ['--owner', 'owner@far.test',
	'policy=open', 'unsubscribe-url=https://x.test/u?t=%{token}'],
	@people) for qw(dev ops);
$site->muster('list', 'set', 'ops@lists.test', 'complaint=off');

# A post to both; then each member's copy of each.
sub post ($id) {
	is($site->post_from('192.0.2.7', 'a@far.test', ['dev@lists.test',
		'ops@lists.test'], "From: a\@far.test\r\nSubject: x\r\n"
		. "Message-ID: <$id\@far.test>\r\n\r\nhello\r\n"),
		'discard', "a post, $id");
	my %copy;
	for my $sent ($site->sink->await_copies("<$id\@far.test>", 2 * @people)) {
		my ($list) = $sent->{from} =~ /^(\w+)-bounces/ or die;
		$copy{"$list $sent->{to}"} = $sent;
	}
	return \%copy;
}
