# SPDX-License-Identifier: BSD-2-Clause
package Muster::Scene;

# What every play needs: a box, a far side, a private MTA with muster
# attached, and lists.

use v5.36;
use Muster::Box qw(await);
use Muster::Mail ();
use Muster::Postfix;
use Muster::SMTP;
use Muster::Sendmail;
use Muster::Sink;
use Muster::Site;

# new('Postfix' | 'Sendmail', settings => {}, keep => 1)
sub new ($class, $mta, %opt) {
	my $box = $opt{box} // Muster::Box->new(keep => $opt{keep});
	my $sink = Muster::Sink->new($box);
	my $relay = $box->port;
	my $site = Muster::Site->new($box, relay => $relay,
		zone => $opt{zone}, settings => $opt{settings});
	my $self = bless { box => $box, sink => $sink, site => $site },
		$class;
	$self->{mta} = "Muster::$mta"->new($box, relay => $relay,
		milter => $site->milter_path, lmtp => $site->lmtp_path,
		sink => $sink->port);
	$site->start if !$opt{idle};
	$self->{mta}->await_ready;
	return $self;
}

sub box ($self) { return $self->{box} }
sub sink ($self) { return $self->{sink} }
sub site ($self) { return $self->{site} }
sub mta ($self) { return $self->{mta} }

# From an address that the MTA does not know as its own network; 127.0.0.1
# may also relay.
sub client ($self, %opt) {
	return Muster::SMTP->new(port => $self->{mta}->port,
		from => '127.0.0.2', %opt);
}

# One transaction in a session of its own, as Muster::SMTP::post returns it.
sub post ($self, %post) {
	my $client = $self->client(from => delete $post{client}
		// '127.0.0.2');
	my $is = $client->post(%post);
	$client->quit;
	return $is;
}

# Everything that was accepted has gone where it goes.
sub await_idle ($self) {
	my ($site, $mta) = ($self->{site}, $self->{mta});
	eval { await('muster and the MTA to have nothing left', sub {
		$site->is_idle && $mta->is_idle && $site->is_idle }); 1 }
		or die $@, 'muster: ', $site->run('queue', 'ls')->{out},
			"\nthe MTA: ", $mta->queue, "\n";
}

1;
