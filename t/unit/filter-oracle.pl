# SPDX-License-Identifier: BSD-2-Clause
# The same as filter-oracle.py, asked of two parsers in Perl: MIME::Parser and
# Email::MIME. Arguments: the name of one, and the directory. A parser that is
# not there ends with 77.
use strict;
use warnings;

my ($which, $place) = @ARGV;
my %leaves = ('MIME::Parser' => \&mime_parser, 'Email::MIME' => \&email_mime);

# Posts that they have not understood from the start.
my %otherwise = (
	'cpython--msg_36.eml' => 'parts without a header',
	'mime4j--double-semicolon.eml' => '";;"',
	'mime4j--multi-clen.eml' => 'a boundary that is folded',
	'spamassassin--utf16.eml' => 'a boundary with "=" and no quotes',
	'stalwart--019.eml' => 'a header that begins with no field',
);

eval "require $which; 1" or exit 77;

sub slurp
{
	my ($path) = @_;
	open my $file, '<:raw', $path or die "$path: $!\n";
	local $/;
	return <$file>;
}

sub plain
{
	my ($content) = @_;
	$content //= '';
	$content =~ s/\r\n/\n/g;
	$content =~ s/\n+\z//;
	return $content;
}

# Each returns a list of [type, content, encoding], and what is wrong.
sub mime_parser
{
	my ($path) = @_;
	my $parser = MIME::Parser->new;
	my @out;

	$parser->output_to_core(1);
	$parser->tmp_to_core(1);
	$parser->extract_nested_messages(1);
	$parser->max_parts(10000) if $parser->can('max_parts');
	my $post = eval { $parser->parse_data(slurp($path)) };
	return ([], ['no post']) if !$post;
	my @todo = ($post);
	while (my $part = shift @todo) {
		if ($part->parts) {
			unshift @todo, $part->parts;
			next;
		}
		my $body = $part->bodyhandle;
		push @out, [lc $part->mime_type,
			    plain($body ? $body->as_string : ''),
			    lc($part->head->mime_encoding // '')];
	}
	my @wrong = map { s/\d+/N/gr } $parser->results->errors;
	return (\@out, \@wrong);
}

sub email_mime
{
	my ($path) = @_;
	my (@out, @wrong);

	local $SIG{__WARN__} = sub { push @wrong, $_[0] =~ s/ at .*//sr };
	my $post = eval { Email::MIME->new(slurp($path)) };
	return ([], ['no post']) if !$post;
	my @todo = ($post);
	while (my $part = shift @todo) {
		my ($type) = split /;/, $part->content_type // 'text/plain';
		my $encoding = lc($part->header('Content-Transfer-Encoding')
			// '');

		$type = lc($type // 'text/plain');
		if ($part->subparts && $type !~ m{^message/}) {
			unshift @todo, $part->subparts;
			next;
		}
		my $body = eval { $part->body };
		push @out, [$type, plain($body), $encoding];
		# What is in a message is a post of its own.
		if ($type eq 'message/rfc822') {
			my $inner = eval { Email::MIME->new($part->body) };

			pop @out;
			unshift @todo, $inner if $inner;
		}
	}
	return (\@out, \@wrong);
}

opendir my $dir, $place or die "$place: $!\n";
for my $name (sort grep { /\.rules\z/ } readdir $dir) {
	my $base = "$place/" . $name =~ s/\.rules\z//r;
	my ($rule, $post) = split ' ', slurp("$base.rules");

	next if $otherwise{$post};
	my ($old, $old_wrong) = $leaves{$which}->("$base.before");
	my ($new, $new_wrong) = $leaves{$which}->("$base.after");
	my %was = map { $_ => 1 } @$old_wrong;
	my %known = map { ("$_->[0] $_->[1]" => 1) } @$old;

	for my $wrong (grep { !$was{$_} } @$new_wrong) {
		print "$which: $post: $wrong\n";
	}
	for my $leaf (@$new) {
		my ($type, $content, $encoding) = @$leaf;

		next if $known{"$type $content"};
		next if $type eq 'text/plain' &&
			$encoding eq 'quoted-printable';
		print "$which: $post: $type was not there: ",
			substr($content, 0, 60), "\n";
	}
}
