# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Dkim;

# A signature of the author's that was good stays good: dkimpy signs what
# goes in and verifies what comes out. Where the list breaks it, and the author's
# domain asks to refuse what it has not signed, From and the signature are the
# list's.

use v5.36;
use IPC::Open2 ();
use Muster::Box qw(slurp);
use Muster::Mail qw(message field);
use Muster::Play;
use Test::More;

my $list = 'dev@lists.example.org';
my $changed = 'changed@lists.example.org';

my $script = <<'END';
import sys, dkim
word, key, record = sys.argv[1:4]
text = sys.stdin.buffer.read()
if word == 'verify':
    txt = open(record, 'rb').read()
    dns = lambda name, timeout=5: txt
    good = dkim.verify(text, dnsfunc=dns)
    sealed = dkim.arc_verify(text, dnsfunc=dns)[0] == dkim.CV_Pass
    print('good' if good else 'bad', 'sealed' if sealed else '')
else:
    fields = [f.encode() for f in sys.argv[4].split(':')]
    canon = tuple(c.encode() for c in sys.argv[5].split('/'))
    sys.stdout.buffer.write(dkim.sign(text, b'sel', sys.argv[6].encode(),
        open(key, 'rb').read(), canonicalize=canon, include_headers=fields))
END

sub run ($class, $scene) {
	system('/usr/bin/python3', '-c', 'import dkim') == 0 or
		return fail('python3-dkim is installed');
	_make_key($scene->box);
	$scene->site->make_list($list, ['policy=members'], 'ann@client.test',
		'zoe@remote.test');
	my %message = (
		'plain text' => {},
		'folded and odd fields' => {
			more => "X-Odd:no blank\nX-Fold: a\n\t b\n   c\n"
				. "References: <1\@x>\n <2\@x>\n" },
		'8-bit body, trailing blanks' => {
			body => "Gr\xfc\xdfe  \n\n.\n..dots\n \n\n" },
		'its own Sender and Precedence, signed' => {
			more => "Sender: ann\@client.test\n"
				. "Precedence: bulk\n" },
		'MIME' => { more => "MIME-Version: 1.0\nContent-Type: "
			. "multipart/mixed; boundary=\"x\"\n",
			body => "--x\n\nhi\n--x\nContent-Type: "
			. "application/octet-stream\n\n\x01\x02\xff\n--x--\n" },
		'MIME that is not closed' => { more => "MIME-Version: 1.0\n"
			. "Content-Type: multipart/mixed; boundary=\"x\"\n",
			body => "--x\n\nhi\n" },
		'addresses without domain' => { more => "Cc: ann, bob\n" },
	);
	# sendmail writes the domain to them, as it does to all mail.
	delete $message{'addresses without domain'}
		if $scene->mta->name eq 'sendmail';
	for my $what (sort keys %message) {
		_one($scene, $what, $_, $message{$what})
			for qw(relaxed/relaxed simple/simple);
	}
	_strict($scene);
}

sub _make_key ($box) {
	my $key = $box->path('key');
	system("openssl genrsa -traditional 2048 >$key 2>/dev/null") == 0
		or die "openssl genrsa\n";
	my $public = qx(openssl rsa -in $key -pubout 2>/dev/null);
	$public =~ s/-----.*?-----|\s//g;
	$box->put('record', "v=DKIM1; k=rsa; p=$public");
	chmod 0600, $key;
}

sub _python ($box, $input, @args) {
	my $pid = IPC::Open2::open2(my $out, my $in, '/usr/bin/python3', '-c',
		$script, $args[0], $box->path('key'), $box->path('record'),
		@args[1 .. $#args]);
	binmode $_ for $out, $in;
	print {$in} $input;
	close $in;
	local $/;
	my $answer = <$out>;
	waitpid $pid, 0;
	return $answer;
}

sub _one ($scene, $what, $canon, $is) {
	my $message = message(from => 'ann@client.test', %$is);
	my $fields = join ':', qw(from to subject date message-id),
		map { lc $_->[0] } grep { $_->[0] =~ /^(X-|Sender|Prec|MIME|Con|Ref|Cc)/ }
		Muster::Mail::fields($message);
	$message = _python($scene->box, $message, 'sign', $fields, $canon,
		'client.test') . $message;
	my $id = field($message, 'Message-ID');
	is_taken($scene->post(from => 'ann@client.test', to => [$list],
		message => $message, params => ' BODY=8BITMIME'),
		"$what, $canon: taken");
	my ($copy) = $scene->sink->await_copies($id, 2);
	like(_python($scene->box, $copy->{data}, 'verify'), qr/^good/,
		"$what, $canon: the signature holds in the copy")
		or diag($message, "\n---\n", $copy->{data});
}

# An author whose domain publishes p=reject; no name below "test" is ever asked
# for, so his is another.
sub _strict ($scene) {
	my $author = 'Ann <ann@client.example>';
	my $record = slurp($scene->box->path('record'));

	$scene->site->dns->zone(
		'_dmarc.client.example TXT "v=DMARC1; p=reject"',
		"sel._domainkey.client.example TXT \"$record\"");
	$scene->site->muster('list', 'set', $list, 'policy=open');
	$scene->site->make_list($changed, ['policy=open', 'footer=the end',
		'sign-key=' . $scene->box->path('key'), 'sign-selector=sel'],
		'zoe@remote.test');
	for ([$list, $author, qr/^good/],
		[$changed, "Ann via changed <$changed>", qr/^good sealed/]) {
		my ($to, $from, $seen) = @$_;
		my $message = message(from => $author, to => $to);

		$message = _python($scene->box, $message, 'sign',
			'from:to:subject:date:message-id', 'relaxed/relaxed',
			'client.example') . $message;
		is_taken($scene->post(from => 'ann@client.example',
			to => [$to], message => $message), "p=reject, $to");
		my ($copy) = $scene->sink->await_copies(field($message,
			'Message-ID'), 1);
		is(field($copy->{data}, 'From'), $from, 'From');
		like(_python($scene->box, $copy->{data}, 'verify'), $seen,
			'and the signature of that domain is good');
	}
}

1;
