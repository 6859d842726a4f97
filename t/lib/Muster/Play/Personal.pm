# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Personal;

# What a copy has of its own, and who signs it: footers and one-click
# unsubscription through a real MTA. dkimpy, Mail::DKIM and libopendkim are
# the judges; of ed25519 Mail::DKIM knows nothing, and of that in ARC neither
# does dkimpy.

use v5.36;
use utf8;
use MIME::Base64 qw(encode_base64);
use MIME::QuotedPrint qw(decode_qp);
use Muster::Box qw(await);
use Muster::Mail qw(message field);
use Muster::Play;
use Test::More;

my $domain = 'lists.example.org';
my @members = ('ann@client.test', 'zoe@remote.test',
	'o\'neil+x=y@remote.test');
my $url = 'https://lists.example.org/leave?t=%{token}&l=dev';
my $footer = "-- \n.%{list}: %{member}\n%{unsubscribe}\n%{member}";
my %algorithm = (rsa => 'RSA', ed => 'ED25519');

my %list = (
	body => ['rsa', "unsubscribe-url=$url", "footer=$footer"],
	edbody => ['ed', "unsubscribe-url=$url", "footer=$footer"],
	fields => ['rsa', "unsubscribe-url=$url", 'footer=Bis bald, Grüße'],
	edfields => ['ed', "unsubscribe-url=$url"],
	shared => ['rsa', "footer=%{list}\n%{unsubscribe}"],
	edshared => ['ed'],
	unsigned => [undef, "unsubscribe-url=$url", "footer=$footer"],
	plain => [undef],
);

my %post = (
	'text' => {},
	'8 bit' => { more => "MIME-Version: 1.0\nContent-Type: text/plain; "
		. "charset=utf-8\nContent-Transfer-Encoding: 8bit\n",
		body => "Gr\xc3\xbc\xc3\x9fe\n.dot\n" },
	'encoded' => { more => "MIME-Version: 1.0\nContent-Type: text/plain; "
		. "charset=iso-8859-1\nContent-Transfer-Encoding: "
		. "quoted-printable\n", body => "Gr=FC=DFe=\n\n" },
	'latin-1' => { more => "MIME-Version: 1.0\nContent-Type: text/plain; "
		. "charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n",
		body => "Gr\xfc\xdfe\n" },
	'base64' => { more => "MIME-Version: 1.0\nContent-Type: text/plain; "
		. "charset=koi8-r\nContent-Transfer-Encoding: base64\n",
		body => encode_base64("\xf0\xd2\xc9\xd7\xc5\xd4\n") },
	'parts' => { more => "MIME-Version: 1.0\nContent-Type: "
		. "multipart/mixed; boundary=b\n",
		body => "--b\n\nhi\n--b\nContent-Type: image/png\n"
		. "Content-Transfer-Encoding: base64\n\nAAAA\n--b--\n" },
);

# Of a lone text what it said is there still, in UTF-8, if in other bytes.
my %said = ('encoded' => "Gr\xc3\xbc\xc3\x9fe",
	'latin-1' => "Gr\xc3\xbc\xc3\x9fe", '8 bit' => "Gr\xc3\xbc\xc3\x9fe",
	'base64' => "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82");

sub run ($class, $scene) {
	eval { require Mail::DKIM::Verifier;
		require Mail::DKIM::ARC::Verifier; 1 } and
		system('/usr/bin/python3', '-c', 'import dkim') == 0 or
		return fail('libmail-dkim-perl and python3-dkim are there');
	my $judge = _judge($scene->box);
	for my $name (sort keys %list) {
		my ($key, @keys) = @{ $list{$name} };
		utf8::encode($_) for @keys;
		push @keys, 'sign-key=' . $scene->box->path("$key.pem"),
			"sign-selector=$key" if $key;
		$scene->site->make_list("$name\@$domain",
			['policy=members', @keys], @members);
		my @posts = $name =~ /body$/ ? sort keys %post : 'text';
		_one($scene, $judge, $name, $_) for @posts;
	}
	_forged($scene);
	_key_is_gone($scene, "edbody\@$domain");
}

# --- keys and judges -------------------------------------------------------

sub _tool (@words) {
	my $line = join ' ', "$ENV{MUSTER_BUILD}/t/auth/sig-tool", @words;
	my $text = qx($line);
	die "$line: status $?\n" if $?;
	return $text;
}

sub _judge ($box) {
	my ($keys, %record) = '';
	for my $name (sort keys %algorithm) {
		my $pem = $box->path("$name.pem");
		system("openssl genpkey -algorithm $algorithm{$name} "
			. "-out $pem 2>/dev/null") == 0
			or die "openssl genpkey\n";
		chmod 0600, $pem;
		chomp(my $text = _tool('record', $pem, $domain, $name));
		$record{"$name._domainkey.$domain"} = $text;
		$keys .= "$name._domainkey.$domain\t$text\n";
	}
	$box->put('keys', $keys);
	_answer_perl(\%record);
	return { box => $box, keys => $box->path('keys') };
}

# Mail::DKIM asks here instead of the DNS.
sub _answer_perl ($record) {
	no warnings qw(redefine once);
	require Mail::DKIM::PublicKey;
	*Mail::DKIM::DNS::query = sub ($name, $type) {
		my $text = $record->{$name} or return;
		return bless { text => $text }, 'Muster::Play::Record';
	};
}

sub Muster::Play::Record::type ($self) { return 'TXT' }
sub Muster::Play::Record::char_str_list ($self) { return $self->{text} }
sub Muster::Play::Record::txtdata ($self) { return $self->{text} }

sub _perl ($class, $text) {
	my $verifier = $class->new;
	$verifier->PRINT($text);
	$verifier->CLOSE;
	return $verifier->result;
}

sub _python ($judge, $text) {
	my $path = $judge->{box}->path('copy');
	Muster::Box::spew($path, $text);
	my $oracle = "$ENV{MUSTER_SRC}/t/auth/sign-oracle.py";
	return scalar qx(/usr/bin/python3 $oracle verify $path $judge->{keys});
}

sub _library ($judge, $text) {
	my $path = $judge->{box}->path('copy');
	Muster::Box::spew($path, $text);
	return _tool('verify', $path, $judge->{keys});
}

# --- a post ----------------------------------------------------------------

sub _one ($scene, $judge, $name, $what) {
	my $message = message(from => 'ann@client.test',
		to => "$name\@$domain", %{ $post{$what} });
	my $id = field($message, 'Message-ID');

	is_taken($scene->post(from => 'ann@client.test',
		to => ["$name\@$domain"], message => $message,
		params => ' BODY=8BITMIME'), "$name, $what: taken");
	my @copies = $scene->sink->await_copies($id, scalar @members);
	is_deeply([sort map { $_->{to} } @copies], [sort @members],
		"$name, $what: each gets a copy");
	_signed($judge, "$name, $what", $list{$name}[0], $_) for @copies;
	_own($name, $what, @copies);
}

sub _signed ($judge, $what, $key, $copy) {
	my @fields = field($copy->{data}, 'DKIM-Signature');
	is(scalar @fields, $key ? 1 : 0, "$what: signatures as there are keys");
	return if !$key;
	my ($names) = $fields[0] =~ s/\s//gr =~ /;h=([^;]*)/;
	like(":$names:", qr/:From:From:.*:List-Unsubscribe:/,
		"$what: From is signed once more, and how to leave");
	like(":$names:", qr/:List-Unsubscribe-Post:/, "$what: and the post");
	my $seen = _python($judge, $copy->{data});
	like($seen, qr/^dkim pass$/m, "$what: dkimpy takes the signature")
		or diag $copy->{data};
	my $again = _library($judge, $copy->{data});
	like($again, qr/^dkim pass/m, "$what: libopendkim does");
	like($again, qr/^arc pass/m, "$what: the seal is good");
	return if $key ne 'rsa';
	is(_perl('Mail::DKIM::Verifier', $copy->{data}), 'pass',
		"$what: Mail::DKIM does");
	like($seen, qr/^arc pass/m, "$what: dkimpy takes the seal");
	is(_perl('Mail::DKIM::ARC::Verifier', $copy->{data}), 'pass',
		"$what: Mail::DKIM takes the seal");
}

sub _without_trace ($copy) {
	return $copy->{data} =~ s/^Received:.*\r\n(?:[ \t].*\r\n)*//mgr;
}

sub _own ($name, $what, @copies) {
	my %different = map { _without_trace($_) => 1 } @copies;
	my ($how, %token) = $name =~ /body|fields|unsigned/;

	is(scalar keys %different, $how ? @members : 1,
		"$name, $what: copies differ where they must");
	for my $copy ($how ? @copies : ()) {
		my ($leave) = field($copy->{data}, 'List-Unsubscribe');
		my ($token) = $leave =~ m{^<https://lists\.example\.org/leave\?
			t=([a-z2-7]{24})&l=dev>,\s+
			<mailto:\Q$name\E-leave\+\1\@lists\.example\.org>$}x;
		ok(defined $token, "$name, $what: a token to leave with")
			or diag $leave;
		$token{$token // ''} = 1;
		is(scalar field($copy->{data}, 'List-Unsubscribe-Post'),
			'List-Unsubscribe=One-Click', 'in one step');
		next if $name =~ /fields/;
		my $addr = quotemeta $copy->{to};
		like(_text($copy), qr/^\.\Q$name\E\@\Q$domain\E:\ $addr\r?\n
			https:\S+t=$token&l=dev\r?\n$addr\r?\n/mx,
			"$name, $what: the footer names its reader");
		_in_lines($name, $what, $copy) if $said{$what};
	}
	is(scalar keys %token, scalar @members,
		"$name, $what: and no two are the same") if $how;
	_shared($what, @copies) if $name eq 'shared';
}

sub _text ($copy) {
	my ($header, $body) = split /\r\n\r\n/, $copy->{data}, 2;
	return $header =~ /^Content-Transfer-Encoding: quoted-printable/mi
		? decode_qp($body) : $body;
}

sub _in_lines ($name, $what, $copy) {
	like(scalar field($copy->{data}, 'Content-Type'),
		qr{^text/plain; charset="?utf-8}i, "$name, $what: one text");
	like(_text($copy), qr/^\Q$said{$what}\E\r?$/m,
		"$name, $what: and what its author wrote");
	unlike($copy->{data} =~ s/.*?\r\n\r\n//sr, qr/^.{77,}\r$/m,
		"$name, $what: in lines that are not too long")
		if $what =~ /encoded|base64/;
}

sub _shared ($what, $copy, @) {
	like($copy->{data}, qr/^shared\@lists\.example\.org\r\n
		mailto:shared-leave\@lists\.example\.org\r\n/mx,
		"shared, $what: a footer that is the same for all");
	is(scalar field($copy->{data}, 'List-Unsubscribe-Post'), undef,
		"shared, $what: no step that there is not");
}

# What an author can write is none of our marks.
sub _forged ($scene) {
	my $text = 'The templates have %{member} and %{list} in them, the '
		. "posts\n%{member.aaaaaaaaaaaaaaaa} or "
		. "%{leave.aaaaaaaaaaaaaaaa},\nwhich I cannot write.\n";
	my $message = message(from => 'ann@client.test',
		to => "body\@$domain", body => $text);

	is_taken($scene->post(from => 'ann@client.test',
		to => ["body\@$domain"], message => $message), 'marks taken');
	my ($copy) = $scene->sink->await_copies(field($message, 'Message-ID'),
		scalar @members);
	$text =~ s/\n/\r\n/g;
	like($copy->{data}, qr/^\Q$text\E/m, 'an author cannot write marks');
}

# Between the list's work on a post and the copies' way out: then nobody can
# complete what was begun, and it does not go out half.
sub _key_is_gone ($scene, $list) {
	my $message = message(from => 'ann@client.test', to => $list);
	my $id = field($message, 'Message-ID');

	$scene->site->muster('list', 'set', $list, 'outgoing=paused');
	is_taken($scene->post(from => 'ann@client.test', to => [$list],
		message => $message), 'a post for a paused list');
	await('the list to have worked on it', sub {
		$scene->site->muster('trace', $id) =~ /sealed \(ARC\)/ });
	$scene->site->muster('list', 'set', $list, 'sign-key=',
		'outgoing=on');
	my ($copy) = $scene->sink->await_copies($id, scalar @members);
	unlike($copy->{data}, qr/^(?:ARC-|DKIM-)/m,
		'without the key no part of a seal goes out');
	like($copy->{data}, qr/^List-Unsubscribe: <https:/m,
		'and all else does');
}

1;
