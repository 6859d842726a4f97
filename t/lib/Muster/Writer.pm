# SPDX-License-Identifier: BSD-2-Clause
package Muster::Writer;

# People who write to the command addresses of a Muster::Gate with a sink, and
# what they are sent.

use v5.36;
use Exporter 'import';
use MIME::Base64 ();
use Muster::Box ();
use Muster::Gate;
use Muster::Mail qw(body field message);
use Muster::Spoil qw(spoil);

our @EXPORT_OK = qw(text token ZONE INSIDE OUTSIDE);

# Whoever writes from INSIDE is verified at good.example, nobody is at others.
use constant { INSIDE => '192.0.2.7', OUTSIDE => '198.51.100.9',
	ZONE => <<'END' };
good.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.good.example TXT "v=DMARC1; p=reject"
loose.example TXT "v=spf1 ?all"
_dmarc.loose.example TXT "v=DMARC1; p=none"
END

sub new ($class, %settings) {
	my $clock = delete $settings{clock};
	my $site = Muster::Gate->new(sink => 1, zone => ZONE, %settings);
	my $self = bless { site => $site, read => {} }, $class;
	if ($clock) {
		spoil($site);
		$self->at_day(0);
	}
	return $self;
}

sub site ($self) { return $self->{site} }

# ask(from => A, to => A, client => IP, sender => A, body =>, subject =>,
# more =>) - what the gate said
sub ask ($self, %is) {
	my $to = delete $is{to} // 'dev-request@lists.test';
	my $client = delete $is{client} // INSIDE;
	my $sender = delete $is{sender} // $is{from};
	return $self->{site}->post_from($client, $sender, [$to],
		message(subject => '', body => "\n", %is, to => $to));
}

# The same by the LMTP door: its last reply
sub ask_lmtp ($self, %is) {
	my $to = delete $is{to} // 'dev-request@lists.test';
	my $sender = delete $is{sender} // $is{from};
	my $door = $self->{site}->lmtp;
	my $said = $door->post(from => $sender, to => [$to],
		message => message(subject => '', body => "\n", %is,
			to => $to));
	$door->quit;
	return Muster::SMTP::outcome($said);
}

# at_day(N) - musterd starts again, as many days from now. Of a site with a
# clock: new(clock => 1).
sub at_day ($self, $days) {
	my $site = $self->{site};
	Muster::Box::spew($site->box->path('clock'), $days * 86400);
	$site->box->stop('musterd');
	$site->start_musterd;
	return;
}

# Letters to that address which letters() has not given before, when nothing
# is under way any more.
sub letters ($self, $addr) {
	$self->{site}->await_idle;
	my @all = $self->{site}->sink->sent_to($addr);
	my @new = splice @all, $self->{read}{$addr} // 0;
	$self->{read}{$addr} += @new;
	return @new;
}

sub count ($self, $addr) {
	$self->{site}->await_idle;
	return scalar $self->{site}->sink->sent_to($addr);
}

# All that the store knows of members, held mail and tokens, by which one
# sees that nothing has changed.
sub roster ($self) {
	return join '', sort grep { /"type": ?"(?:member|held)"/ }
		split /^/, $self->{site}->muster('dump');
}

# The text of a letter
sub text ($mail) {
	my $body = body($mail->{data});
	$body = MIME::Base64::decode($body)
		if (field($mail->{data}, 'Content-Transfer-Encoding') // '')
		eq 'base64';
	return $body;
}

# The address to confirm with in it
sub token ($mail) {
	return (text($mail) =~ /([\w-]+-confirm\+[a-z2-7]{24}\@[\w.]+)/)[0];
}

1;
