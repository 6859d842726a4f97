# SPDX-License-Identifier: BSD-2-Clause
package Muster::Tally;

# What became of each copy, by counting: what senders were told, what the
# relay took, what it refused, and when musterd was killed.
#
# A copy may come twice only where nobody can know: the relay had taken it and
# the client never got the answer, or musterd was killed between the answer
# and the record of it; of the latter there are at most [outbound] in-flight
# for a kill.

use v5.36;

# new(posts => file of Muster::Poster, relays => [files of Muster::Rogue],
# members => { list => [addresses] }, kills => [[begin, end]...], in_flight =>
# N, was_refused => sub ($id, $rcpt), ignore => sub ($rcpt): of no concern)
sub new ($class, %opt) {
	my $self = bless { %opt, problems => [] }, $class;
	$self->_read_posts;
	$self->_read_relay;
	$self->_count;
	return $self;
}

sub problems ($self) { return @{ $self->{problems} } }

sub _problem ($self, $what) { push @{ $self->{problems} }, $what }

sub _lines ($path, $each) {
	open my $in, '<:raw', $path or return;
	while (my $line = <$in>) {
		chomp $line;
		$each->(split / /, $line);
	}
}

sub _read_posts ($self) {
	my (%fate, %count);
	_lines($self->{posts}, sub ($time, $id, $list, $word) {
		$count{$word}++;
		$fate{$id}{$list} = $word;
	});
	$self->{fate} = \%fate;
	$self->{count} = \%count;
}

sub _read_relay ($self) {
	my (%took, %told, %refused, %faults);
	my $each = sub ($what, $time, $conn, $txn, @rest) {
		if ($what eq 'took') {
			my ($id, $rcpt) = @rest;
			push @{ $took{"$id $rcpt"} }, { time => $time,
				conn => $conn, key => "$conn $txn" };
		} elsif ($what eq 'told') {
			$told{"$conn $txn"} = $time;
		} elsif ($what eq 'refused') {
			$refused{$rest[0]}++;
		} elsif ($what eq 'fault') {
			$faults{"$rest[0] $rest[1]"}++;
		} elsif ($what eq 'wrong') {
			$self->_problem("the client at the relay: $conn "
				. "$txn @rest");
		}
	};
	_lines($_, $each) for @{ $self->{relays} };
	@$self{qw(took told refused faults)} = (\%took, \%told, \%refused,
		\%faults);
	$self->{count}{faults} += $_ for values %faults;
}

# The pairs "ID RCPT" that must have got a copy; two lists may share members,
# and each sends its own.
sub _expected ($self) {
	my %expected;
	for my $id (keys %{ $self->{fate} }) {
		my $lists = $self->{fate}{$id};
		for my $list (grep { $lists->{$_} eq 'taken' } keys %$lists) {
			$expected{"$id $_"}++
				for @{ $self->{members}{$list} };
		}
	}
	return \%expected;
}

sub _count ($self) {
	my $expected = $self->_expected;
	my $count = $self->{count};
	$count->{$_} //= 0 for qw(taken refused abandoned faults copies
		missing given_up stray unanswered withheld
		killed unexplained);
	for my $pair (keys %$expected) {
		$count->{copies}++;
		my $took = delete $self->{took}{$pair};
		$took ? $self->_repeats($pair, $took)
			: $self->_missing($pair);
	}
	for my $pair (sort keys %{ $self->{took} }) {
		my ($id, $rcpt) = split / /, $pair;
		next if $id eq '-' || $self->{ignore}->($rcpt);
		$count->{stray}++;
		$self->_problem("a copy that nobody was promised: $pair");
	}
	$self->_bounds;
}

# Refused for good: the relay said so, and so does the store.
sub _missing ($self, $pair) {
	my ($id, $rcpt) = split / /, $pair;
	if ($self->{refused}{$rcpt} && $self->{was_refused}->($id, $rcpt)) {
		$self->{refused}{$rcpt}--;
		$self->{count}{given_up}++;
		return;
	}
	$self->{count}{missing}++;
	$self->_problem("no copy: $pair");
}

sub _repeats ($self, $pair, $took) {
	my @took = sort { $a->{time} <=> $b->{time} } @$took;
	$self->{count}{unanswered} += grep { !$self->{told}{ $_->{key} } }
		@took;
	for my $i (0 .. $#took - 1) {
		$self->_repeat($pair, $took[$i], $took[$i + 1]);
	}
}

sub _repeat ($self, $pair, $first, $second) {
	my $told = $self->{told}{ $first->{key} };
	# With two relays, the one that was given up on may wake and take what
	# had been sent to it first.
	if (!defined $told || !$self->{told}{ $second->{key} }) {
		$self->{count}{withheld}++;
		return;
	}
	my ($kill) = grep { $_->[1] > $first->{time} &&
		$_->[0] < $second->{time} } @{ $self->{kills} };
	if (defined $kill) {
		$self->{count}{killed}++;
		$self->{by_kill}{ $kill->[0] }++;
		return;
	}
	$self->{count}{unexplained}++;
	$self->_problem("again, although answered: $pair, taken at "
		. "$first->{time} ($first->{key}), 250 sent at $told, again "
		. "at $second->{time} ($second->{key})");
}

sub _bounds ($self) {
	my $by = $self->{by_kill} // {};
	$self->{count}{most_a_kill} = 0;
	for my $kill (sort keys %$by) {
		$self->{count}{most_a_kill} = $by->{$kill}
			if $by->{$kill} > $self->{count}{most_a_kill};
		next if $by->{$kill} <= $self->{in_flight};
		$self->_problem("the kill at $kill made $by->{$kill} "
			. "repeats; the bound is $self->{in_flight}");
	}
}

1;
