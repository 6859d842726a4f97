# SPDX-License-Identifier: BSD-2-Clause
package Muster::Gate;

# A site in a box of its own, with no MTA: tests speak the milter protocol or
# LMTP themselves. Without a sink copies go nowhere, so each accepted post
# stays in the queue, where it can be looked at.

use v5.36;
use parent 'Muster::Site';
use JSON::PP ();
use MIME::Base64 ();
use Muster::Box qw(await slurp);
use Muster::Milter;
use Muster::SMTP;
use Muster::Sink;

# new(section => { key => value }, ...) - musterd and the gate are started.
# zone => text of the DNS, files => { name in the box => text },
# sink => 1 or [words of EHLO]: copies go to one, see sink()
sub new ($class, %settings) {
	my $box = Muster::Box->new;
	my $zone = delete $settings{zone};
	my $offer = delete $settings{sink};
	my $sink = $offer ? Muster::Sink->new($box, ref $offer ?
		(offer => $offer) : ()) : undef;
	my $files = delete $settings{files} // {};
	$box->put($_, $files->{$_}) for keys %$files;
	for my $section (values %settings) {
		s/BOX/$box->dir/ge for values %$section;
	}
	$settings{muster} = { domains => 'lists.test',
		'shared-domains' => 'd.test', hostname => 'lists.test',
		%{ $settings{muster} // {} } };
	my $self = $class->SUPER::new($box, relay => $sink ? $sink->port : $box->port,
		zone => $zone, settings => \%settings);
	$self->{sink} = $sink;
	$self->start;
	return $self;
}

sub sink ($self) { return $self->{sink} }

sub box ($self) { return $self->{box} }
sub log_of ($self, $name) { return $self->{box}->log_of($name) }
sub gate_pid ($self) { return $self->{box}->pid('muster-milter') }

# A list with one subscriber, so that its posts wait for delivery.
sub list ($self, $addr, @keys) {
	$self->make_list($addr, ['--owner', 'owner@far.test', @keys],
		'member@far.test');
}

# A session with the gate, greeted.
sub session ($self, %opt) {
	my $session = Muster::Milter->new($self->milter_path, %opt);
	$session->connect('client.test', '192.0.2.7');
	$session->helo('client.test');
	return $session;
}

# One transaction of a client at that address; the verdict in a word, or the
# text of a refusal.
sub post_from ($self, $addr, $sender, $rcpts, $bytes, $macros = undef) {
	my $session = Muster::Milter->new($self->milter_path);
	$session->connect('client.test', $addr);
	$session->helo('client.test');
	my $is = Muster::Milter::verdict($session->send("<$sender>",
		[map { "<$_>" } @$rcpts], $bytes, $macros));
	$session->quit;
	return $is;
}

sub lmtp ($self) {
	return Muster::SMTP->new(path => $self->lmtp_path, lmtp => 1,
		hello => 'mx.test');
}

# All posts that are kept, oldest first: the dump's records, with {bytes}
sub posts ($self) {
	my (%posts, %pieces);
	for my $line (split /\n/, $self->muster('dump')) {
		my $record = JSON::PP::decode_json($line);
		my $type = $record->{type} // '';
		$posts{ $record->{id} } = $record if $type eq 'post';
		$pieces{ $record->{post} }[$record->{number}] =
			MIME::Base64::decode($record->{data})
			if $type eq 'piece' && $record->{part} eq 'bytes';
	}
	$posts{$_}{bytes} = join '', @{ $pieces{$_} // [] } for keys %posts;
	my @posts = sort { $a->{received_s} <=> $b->{received_s} }
		values %posts;
	return @posts;
}

# Processes that this one has started.
sub children ($self, $name) {
	my $pid = $self->{box}->pid($name);
	return split ' ', slurp("/proc/$pid/task/$pid/children");
}

sub await_log ($self, $name, $regex) {
	return await("$name to log $regex",
		sub { $self->log_of($name) =~ $regex });
}

1;
