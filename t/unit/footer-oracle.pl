# SPDX-License-Identifier: BSD-2-Clause

# Reads each message BEFORE and AFTER texts were added, as two other parsers
# do: MIME::Parser and Email::MIME. Arguments as of footer-oracle.py. Prints a
# line for each pair whose parts are not those that there were, with the texts
# around them or in the only one.

use v5.36;
use Encode qw(decode find_encoding);

sub slurp ($path) {
	open my $file, '<:raw', $path or die "$path: $!\n";
	local $/;
	return scalar <$file>;
}

sub lines ($content) {
	return ($content // '') =~ s/\r\n?/\n/gr =~ s/\n+\z//r =~ s/\A\n+//r;
}

# --- the parsers: leaves as [type, charset, decoded content] ----------------

sub tools_leaves ($entity) {
	return map { tools_leaves($_) } $entity->parts if $entity->parts;
	my $body = $entity->bodyhandle;
	return [lc $entity->mime_type,
		scalar $entity->head->mime_attr('content-type.charset'),
		lines($body ? $body->as_string : '')];
}

sub by_tools ($bytes) {
	my $parser = MIME::Parser->new;
	$parser->output_to_core(1);
	$parser->tmp_to_core(1);
	$parser->extract_nested_messages(0);
	return [tools_leaves($parser->parse_data($bytes))];
}

sub email_leaves ($part) {
	my @parts = $part->subparts;
	return map { email_leaves($_) } @parts if @parts;
	my $type = eval { Email::MIME::ContentType::parse_content_type(
		$part->content_type // 'text/plain') } // {};
	return [lc(($type->{type} // 'text') . '/' .
		($type->{subtype} // 'plain')),
		$type->{attributes}{charset}, lines($part->body)];
}

sub by_email ($bytes) {
	return [email_leaves(Email::MIME->new($bytes))];
}

my %parser = ('MIME::Parser' => \&by_tools, 'Email::MIME' => \&by_email);

# --- what is compared -------------------------------------------------------

sub letters ($leaf) {
	my $charset = find_encoding($leaf->[1] // 'us-ascii');
	return $charset ? $charset->decode($leaf->[2] . '') : $leaf->[2];
}

sub stuffed ($text) {
	return $text =~ s/^(?=[ >]|From )/ /mgr;
}

sub in_lines ($old, $new, $above, $below) {
	return '' if @$old != 1 || @$new != 1;
	my ($was, $now) = map { letters($_->[0]) =~ s/\A\n+|\n+\z//gr }
		$old, $new;
	for my $text ([$above, $below], [stuffed($above), stuffed($below)]) {
		my ($head, $foot) = map { decode('UTF-8', lines($_)) } @$text;
		return 1 if $now =~ /\A\Q$head\E\n*\Q$was\E\n*\Q$foot\E\z/;
	}
	return '';
}

sub is_text ($leaf, $text) {
	return $leaf->[0] eq 'text/plain' && lc($leaf->[1] // '') eq 'utf-8' &&
		$leaf->[2] eq lines($text);
}

# Email::MIME takes some preambles for a part.
sub in_parts ($old, $new, $above, $below) {
	my @new = @$new;
	return '' if @new < 2 || !is_text(pop @new, $below);
	if ($above ne '') {
		my ($at) = grep { is_text($new[$_], $above) } 0 .. 1;
		return '' if !defined $at;
		splice @new, $at, 1;
	}
	return '' if @new != @$old;
	return !grep { $new[$_][0] ne $old->[$_][0] ||
		$new[$_][2] ne $old->[$_][2] } 0 .. $#new;
}

# Where the header ends, and so what the content is, is open.
sub is_unread ($bytes) {
	my ($header) = split /\r\n\r\n/, $bytes, 2;
	return 1 if $header =~ /\A[ \t]/;
	return grep { !/^[!-9;-~]+[ \t]*:/ && !/^[ \t]+\S/ }
		split /\r\n/, $header;
}

sub compare ($old, $new, $above, $below) {
	return 1 if in_lines($old, $new, $above, $below) ||
		in_parts($old, $new, $above, $below);
	return $above ne '' && compare($old, $new, '', $above . $below);
}

for my $module (sort keys %parser) {
	next if eval "require $module; 1";
	say STDERR "# no $module: not compared";
	delete $parser{$module};
}
local $SIG{__WARN__} = sub { };
my ($above, $below, @pairs) = @ARGV;
($above, $below) = (slurp($above), slurp($below));
my $failed = 0;
while (my ($before, $after) = splice @pairs, 0, 2) {
	next if is_unread(slurp($before));
	for my $name (sort keys %parser) {
		my ($old, $new) = map { $parser{$name}->(slurp($_)) }
			$before, $after;
		next if compare($old, $new, $above, $below);
		say "$after: $name: something else than the texts is new";
		$failed++;
	}
}
exit($failed > 0);
