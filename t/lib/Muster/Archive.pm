# SPDX-License-Identifier: BSD-2-Clause
package Muster::Archive;

# The archive of a list of a Muster::Gate, read by nothing of ours.

use v5.36;
use Exporter 'import';
use Muster::Box qw(slurp);

our @EXPORT_OK = qw(archive_dir maildir mbox archived_ids post_to);

sub archive_dir ($site, $list) {
	my ($local, $domain) = split /\@/, $list;
	return "$site->{home}/archive/$domain/$local";
}

# The messages of a Maildir.
sub maildir ($dir) {
	return map { slurp($_) } sort glob("$dir/new/* $dir/cur/*");
}

# Those of an mbox, as mboxrd has them: an empty line, and then "From ".
sub mbox ($file) {
	return () if !-e $file;
	my @messages = split /^From \S+ \w{3} \w{3} [ \d]\d [\d:]{8} \d{4}\n/m,
		slurp($file);
	die "$file: something in front of the first\n"
		if @messages && shift @messages ne '';
	for (@messages) {
		s/\n\z// or die "$file: no empty line\n";
		s/^>(>*From )/$1/mg;
	}
	return @messages;
}

# Message-ID => how often it is there
sub archived_ids (@messages) {
	my %ids;
	for my $message (@messages) {
		my ($id) = $message =~ /^Message-ID: (<.*>)$/mi
			or die "no Message-ID in: $message\n";
		$ids{$id}++;
	}
	return \%ids;
}

# A post by LMTP; what was said of it.
sub post_to ($site, $list, $id, %opt) {
	my $client = $site->lmtp;
	my $is = $client->post(from => 'ann@far.test', to => [$list],
		message => "From: Ann <ann\@far.test>\r\nTo: $list\r\n"
		. 'Subject: ' . ($opt{subject} // "post $id") . "\r\n"
		. "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n"
		. "Message-ID: <$id>\r\n" . ($opt{fields} // '')
		. "\r\n" . ($opt{body} // "From $id\r\n"));
	my $said = Muster::SMTP::outcome($is);
	$client->quit;
	return $said;
}

1;
