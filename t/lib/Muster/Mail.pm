# SPDX-License-Identifier: BSD-2-Clause
package Muster::Mail;

# Messages: making them, and taking apart what arrived. CRLF throughout.

use v5.36;
use Exporter 'import';

our @EXPORT_OK = qw(message report body header fields field);

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

# report(to => A, about => A, status => '5.1.1', says => '550 5.1.1 no such
# user') - a delivery status notification (RFC 3464) that a copy has failed
sub report (%is) {
	return message(from => 'MAILER-DAEMON@remote.test', to => $is{to},
		subject => 'Undelivered', more => "MIME-Version: 1.0\n"
		. "Auto-Submitted: auto-replied\nContent-Type: "
		. "multipart/report; report-type=delivery-status; "
		. "boundary=\"b\"\n", body => <<"END");
--b
Content-Type: text/plain

Sorry.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.remote.test

Final-Recipient: rfc822; $is{about}
Action: failed
Status: $is{status}
Diagnostic-Code: smtp; $is{says}

--b
Content-Type: text/rfc822-headers

Subject: a post

--b--
END
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
