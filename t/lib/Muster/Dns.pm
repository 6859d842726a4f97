# SPDX-License-Identifier: BSD-2-Clause
package Muster::Dns;

# A DNS server on loopback, for the daemons under test. Its zone is text, as
# t/lib/dns.h describes it: records, and names that are silent, broken or slow.

use v5.36;
use Muster::Box qw(await slurp);

# new($box, zone text) - or any number of texts
sub new ($class, $box, @zone) {
	my $self = bless { box => $box, name => 'dnsd', port => $box->port,
		zone_file => $box->path('dns.zone'),
		query_log => $box->path('dns.queries') }, $class;
	Muster::Box::spew($self->{zone_file}, join "\n", @zone);
	$self->start;
	return $self;
}

sub start ($self) {
	my $before = () = $self->_says(qr/^port /m);
	$self->{box}->start($self->{name}, ["$ENV{MUSTER_BUILD}/t/lib/dnsd",
		$self->{port}, $self->{zone_file}, $self->{query_log}]);
	$self->_await_line('to start', qr/^port \d+\n/m, $before);
}

sub stop ($self) { $self->{box}->stop($self->{name}) }

sub port ($self) { return $self->{port} }

# settings(dns keys...) - for settings of Muster::Site
sub settings ($self, %more) {
	return (dns => { servers => "127.0.0.1\@$self->{port}", %more });
}

# zone(texts) - in place of the one before. What the daemons have asked
# already they know for as long as $TTL says.
sub zone ($self, @zone) {
	my $regex = qr/^(?:reloaded|refused .*)\n/m;
	my $before = () = $self->_says($regex);
	Muster::Box::spew($self->{zone_file}, join "\n", @zone);
	kill 'HUP', $self->{box}->pid($self->{name});
	$self->_await_line('to reload', $regex, $before);
	my ($last) = reverse $self->_says($regex);
	die "dnsd: $last" if $last =~ /^refused/;
}

# queries(name, type) - how many came, of any type if none is given
sub queries ($self, $name, $type = '\S+') {
	my $wanted = quotemeta lc $name;
	my $count = () = slurp($self->{query_log})
		=~ /^$wanted $type (?:udp|tcp)$/mg;
	return $count;
}

sub await_queries ($self, $name, $count = 1, $type = '\S+') {
	await("$count queries for $name",
		sub { $self->queries($name, $type) >= $count });
}

# --- what the program says -------------------------------------------------

sub _says ($self, $regex) {
	return slurp($self->{box}->path("$self->{name}.log")) =~ /$regex/g;
}

sub _await_line ($self, $what, $regex, $before) {
	await("dnsd $what", sub {
		die "dnsd has ended:\n" . $self->{box}->log_end($self->{name})
			if !$self->{box}->runs($self->{name});
		my $now = () = $self->_says($regex);
		return $now > $before;
	});
}

1;
