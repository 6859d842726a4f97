#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# judge.pl DIR - what t/pending/make-forms has written, read by MIME-tools and
# by Email::MIME: neither finds a fault that was not there before, and both
# see as many parts as each other where they did so before. A line for each
# form that is not so.
use v5.36;
use Email::MIME ();
use MIME::Parser ();

sub slurp ($path) {
	open my $in, '<:raw', $path or die "$path: $!\n";
	local $/;
	return scalar <$in> // '';
}

# Their decoders warn of what they cannot decode.
local $SIG{__WARN__} = sub { };

sub by_mime_tools ($text) {
	my $parser = MIME::Parser->new;
	$parser->output_to_core(1);
	$parser->tmp_to_core(1);
	$parser->decode_headers(0);
	my $entity = eval { $parser->parse_data($text) };
	return (1000, 0) if !$entity;
	my @faults = ($parser->results->errors, $parser->results->warnings);
	return (scalar @faults, _leaves($entity));
}

sub _leaves ($entity) {
	my @parts = $entity->parts or return 1;
	my $count = 0;
	$count += _leaves($_) for @parts;
	return $count;
}

sub by_email_mime ($text) {
	my ($faults, $count) = (0, 0);
	local $SIG{__WARN__} = sub { $faults++ };
	eval {
		Email::MIME->new($text)->walk_parts(sub ($part) {
			return if $part->subparts;
			$count++;
			my $body = $part->body;
		});
		1;
	} or $faults = 1000;
	return ($faults, $count);
}

my ($dir) = @ARGV;
for my $path (sort glob "$dir/*.base $dir/*.copy") {
	my ($was, $now) = (slurp($path =~ s/\.\w+$/.was/r), slurp($path));
	for (['MIME-tools', \&by_mime_tools], ['Email::MIME', \&by_email_mime]) {
		my ($name, $ask) = @$_;
		my ($old, $new) = (($ask->($was))[0], ($ask->($now))[0]);
		say "$path: $name finds $new faults, where $old were" if $new > $old;
	}
}
