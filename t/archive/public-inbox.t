# SPDX-License-Identifier: BSD-2-Clause
# conf/public-inbox: a list's archive by web, search, Atom, NNTP and IMAP, from
# the real public-inbox; and a private one by none of them.
use v5.36;
use HTTP::Tiny;
use IO::Socket::IP;
use Test::More;
use Muster::Archive qw(archive_dir post_to);
use Muster::Box qw(await slurp spew);
use Muster::Gate;

for my $program (map { "public-inbox-$_" } qw(init watch httpd nntpd imapd)) {
	plan(skip_all => "no $program") if !grep { -x "$_/$program" }
		split /:/, $ENV{PATH};
}

my $site = Muster::Gate->new(sink => 1);
my $box = $site->box;
my $open = $box->dir('open');
my $conf = "$ENV{MUSTER_SRC}/conf/public-inbox";

# Another user than the one that owns the archives, where we may be one.
my $user = $> == 0 ? 'nobody' : scalar getpwuid $>;
my (undef, undef, $uid, $gid) = getpwnam $user;
my $home = $box->dir('public-inbox');
chown $uid, $gid, $home if $> == 0;
my %env = (HOME => $home, PI_DIR => $home, PI_CONFIG => "$home/config");

sub as_user ($code) {
	return sub {
		if ($> == 0) {
			$) = "$gid $gid";
			$( = $gid;
			($<, $>) = ($uid, $uid);
			die "not $user\n" if $> != $uid;
		}
		chdir $home;
		return $code->();
	};
}

sub start ($name, @words) {
	$box->start($name, as_user(sub { exec $name, @words }), env => \%env);
}

my %port = map { $_ => $box->port } qw(httpd nntpd imapd);
my $url = "http://127.0.0.1:$port{httpd}";
my @keys = ('policy=open', 'archive=maildir', 'description=All of it',
	"archive-dir=$open/%{list-domain}/%{list-name}",
	"archive-url=$url/%{list-name}/%{message-id}/");
$site->list('dev@lists.test', @keys, 'archive-private=no');
$site->list('secret@lists.test', @keys);
$site->list('home@lists.test', 'policy=open', 'archive=maildir');
$site->list('mbox@lists.test', 'policy=open', 'archive=mbox');

# --- the set-up ------------------------------------------------------------

sub add_list ($list) {
	local %ENV = (%ENV, PI_HOME => $home, PI_USER => $user,
		MUSTER => "$site->{build}/muster -c $site->{conf}");
	my $said = qx("$conf/add-list" $list $url 2>&1);
	return { status => $? >> 8, said => $said };
}

my $is = add_list('dev@lists.test');
is($is->{status}, 0, 'add-list') or diag $is->{said};
like($is->{said}, qr/test\.lists\.dev; restart/, 'it names the newsgroup');
for my $case (['secret@lists.test', qr/is private/],
	['home@lists.test', qr/is private/],
	['mbox@lists.test', qr/has no Maildir \(archive = mbox\)/],
	['nobody@lists.test', qr/there is no list/]) {
	my ($list, $says) = @$case;
	$is = add_list($list);
	is($is->{status}, 1, "add-list $list: refused");
	like($is->{said}, $says, 'and why');
}
unlike(slurp("$home/config"), qr/secret/, 'nothing of the private list is there');

post_to($site, 'dev@lists.test', 'old@far.test', subject => 'Before');
post_to($site, 'secret@lists.test', 'secret@far.test', subject => 'Secret',
	body => "walrus\r\n");
$site->await_idle;
start('public-inbox-watch');
start("public-inbox-$_", '-W0', '-l', "127.0.0.1:$port{$_}")
	for sort keys %port;

sub get ($path) {
	my $is = HTTP::Tiny->new(timeout => 30, max_redirect => 0)
		->get("$url$path");
	return { code => $is->{status}, text => $is->{content} // '' };
}

# --- the web ---------------------------------------------------------------

await('what was there before', sub {
	get('/dev/old@far.test/')->{code} == 200 });
pass('what was archived before is there');
my $id = 'odd/one+two%3@far.test';
post_to($site, 'dev@lists.test', $id, subject => "=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
	fields => "MIME-Version: 1.0\r\nContent-Type: text/plain; "
	. "charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n",
	body => "A zebra & a gn\xc3\xbc\r\n");
$site->await_idle;
my ($copy) = $site->sink->with_id("<$id>");
my ($link) = $copy->{data} =~ /^Archived-At: <(.*)>\r$/m;
is($link, "$url/dev/odd%2Fone%2Btwo%253\@far.test/", 'the link in the copy');
my ($path) = $link =~ m{^\Q$url\E(.*)$};
await('the new post', sub { get($path)->{code} == 200 });
like(get($path)->{text}, qr/A zebra &#38; a gn&#252;/, 'the link is the post');
my ($top) = $copy->{data} =~ /^List-Archive: <(.*)>\r$/m;
is($top, "$url/dev/", 'List-Archive');
like(get('/dev/')->{text}, qr/Gr&#252;&#223;e/, 'it leads to what is new');
like(get('/dev/')->{text}, qr/All of it/, 'and says what the list is for');
await('search', sub { get('/dev/?q=zebra')->{text} =~ /Gr&#252;&#223;e/ });
pass('search');
unlike(get('/dev/?q=zebra')->{text}, qr/Before/, 'finds no more');
like(get('/dev/?q=f:far.test')->{text}, qr/Before/, 'search by author');
like(get('/dev/new.atom')->{text}, qr{<entry>.*<title[^>]*>Gr&#252;&#223;e</title>}s,
	'Atom');
like(get('/dev/old@far.test/raw')->{text}, qr/^List-Id: All of it <dev\.lists\.test>/m,
	'the post as it was archived');

# --- NNTP, IMAP ------------------------------------------------------------

sub talk ($port, @lines) {
	my $socket = IO::Socket::IP->new(PeerHost => '127.0.0.1',
		PeerPort => $port) or die "port $port: $!\n";
	$socket->autoflush;
	print $socket "$_\r\n" for @lines;
	local $/;
	return scalar <$socket>;
}

$box->await_answer($port{$_}, "public-inbox-$_") for 'nntpd', 'imapd';
# One command at a time: what it has not said at QUIT it keeps to itself.
my $news = IO::Socket::IP->new(PeerHost => '127.0.0.1',
	PeerPort => $port{nntpd}) or die "nntpd: $!\n";
$news->autoflush;
<$news>;

sub ask_news ($command, $lines = 0) {
	print $news "$command\r\n";
	my $said = <$news>;
	return $said if !$lines || $said !~ /^2/;
	while (defined(my $line = <$news>)) {
		last if $line eq ".\r\n";
		$said .= $line;
	}
	return $said;
}

like(ask_news('GROUP test.lists.dev'), qr/^211 \d 1 2 test\.lists\.dev\r$/m,
	'NNTP: the group');
like(ask_news('ARTICLE <old@far.test>', 1), qr/^Subject: Before\r$/m,
	'NNTP: a post');
like(ask_news("STAT <$id>"), qr/^223 \d+ <\Q$id\E>/m, 'NNTP: the other');
like(ask_news('STAT <secret@far.test>'), qr/^430 /m,
	'NNTP: not the private one');
unlike(ask_news('LIST', 1), qr/secret/i, 'NNTP: nor its list');
my $mail = talk($port{imapd}, 'a LOGIN anonymous x', 'b LIST "" *',
	'c EXAMINE test.lists.dev.0', 'd FETCH 1:* BODY.PEEK[]',
	'e UID SEARCH TEXT zebra', 'f LOGOUT');
like($mail, qr/^\* 2 EXISTS\r$/m, 'IMAP: the mailbox');
like($mail, qr/^Subject: Before\r$/m, 'IMAP: a post');
like($mail, qr/^Message-ID: <\Q$id\E>\r$/m, 'IMAP: the other');
like($mail, qr/^\* SEARCH 2\r$/m, 'IMAP: search');
unlike($mail, qr/secret|walrus/i, 'IMAP: nothing of the private list');

# --- what is private -------------------------------------------------------

is(get('/secret/')->{code}, 404, 'the private list is not on the web');
unlike(get('/')->{text}, qr/secret/, 'nor named there');
my $secret = "$open/lists.test/secret";
my ($file) = glob("$secret/new/*");
like(slurp($file), qr/walrus/, 'it is archived');

sub reads ($name, $file) {
	$box->start($name, as_user(sub {
		open my $in, '<', $file or die "$file: $!\n" }));
	return $box->await_end($name) == 0;
}

SKIP: {
	skip 'only one user', 5 if $> != 0;
	my ($public) = glob("$open/lists.test/dev/new/*");
	ok(reads('public', $public), "$user can read the open archive");
	ok(!reads('private', $file), "$user cannot read the private one");
	ok(!reads('folder', "$secret/.list"), 'nor anything beside it');
	my ($home_file) = archive_dir($site, 'home@lists.test');
	post_to($site, 'home@lists.test', 'home@far.test');
	$site->await_idle;
	ok(!reads('home', glob("$home_file/new/*")),
		'nor one below the home');

	# Somebody watches it by mistake.
	system('git', 'config', '-f', "$home/config",
		'publicinbox.dev.watch', "maildir:$secret");
	chown $uid, $gid, "$home/config";
	$box->stop('public-inbox-watch');
	start('public-inbox-watch');
	$box->await_file($box->path('public-inbox-watch.log'),
		qr/\Q$secret\E.*Permission denied|Permission denied.*\Q$secret\E/);
	is(get('/dev/secret@far.test/')->{code} == 200, '',
		'a public-inbox that watches it gets nothing');
}

# --- a list that is closed to the public -----------------------------------

$site->muster('list', 'set', 'dev@lists.test', 'archive-private=yes');
SKIP: {
	skip 'only one user', 1 if $> != 0;
	ok(!reads('late', (glob("$open/lists.test/dev/new/*"))[0]),
		'a list that is made private is so at once');
}
done_testing;
