# SPDX-License-Identifier: BSD-2-Clause
package Muster::Mail;

# Messages: making them, and taking apart what arrived. CRLF throughout.

use v5.36;
use Exporter 'import';

our @EXPORT_OK = qw(message body header fields field);

my $number = 0;

# message(from => A, to => A, id => <..>, subject =>, body =>, more =>
# "Field: value\n...") - its bytes
sub message (%is) {
	my $id = $is{id} // '<' . $$ . '.' . ++$number . '@client.test>';
	my $text = join "\n",
		"From: $is{from}",
		'To: ' . ($is{to} // 'dev@lists.example.org'),
		'Subject: ' . ($is{subject} // 'a post'),
		'Date: Mon, 01 Jun 2026 12:00:00 +0000',
		"Message-ID: $id", '';
	$text .= $is{more} // '';
	$text .= "\n" . ($is{body} // "Hello.\n");
	$text =~ s/\r?\n/\r\n/g;
	return $text;
}

sub _cut ($data) {
	my $at = index $data, "\r\n\r\n";
	return ($data, '') if $at < 0;
	return (substr($data, 0, $at + 2), substr($data, $at + 4));
}

sub header ($data) { return (_cut($data))[0] }
sub body ($data) { return (_cut($data))[1] }

# [name, value as it stands]...
sub fields ($data) {
	return map { /^([^:]+):[ \t]*(.*?)\r\n\z/s ? [$1, $2] : () }
		header($data) =~ /^(\S.*?\r\n(?:[ \t].*?\r\n)*)/mg;
}

# The values of all fields of that name, unfolded; the first in scalar
# context.
sub field ($data, $name) {
	my @values = map { $_->[1] =~ s/\r\n(?=[ \t])//gr }
		grep { lc $_->[0] eq lc $name } fields($data);
	return wantarray ? @values : $values[0];
}

1;
