# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play;

# A play is a test that is the same for every MTA: Muster::Play::NAME with
# run($scene) and, if need be, scene() for the scene's options. A .t says
# which, and on which MTA.

use v5.36;
use Exporter 'import';
use Muster::Scene;
use Test::More;

our @EXPORT = qw(play is_refused is_taken);

sub play ($name, $mta) {
	my $reason = "Muster::$mta"->missing;
	plan skip_all => $reason if $reason;
	my $class = "Muster::Play::$name";
	eval "require $class; 1" or die $@;
	my $scene = Muster::Scene->new($mta,
		$class->can('scene') ? $class->scene : ());
	eval { $class->run($scene); 1 } or fail("the play goes on: $@");
	_curtain($scene->box);
	done_testing();
}

# Whatever was played, the programs end when told to, and a build with
# sanitizers has nothing to say.
sub _curtain ($box) {
	for my $name (qw(muster-milter musterd)) {
		next if !eval { $box->runs($name) };
		is($box->stop($name), 0, "$name ends well at SIGTERM");
		unlike($box->log_of($name),
			qr/\w+Sanitizer|runtime error:|Assertion|CRITICAL/,
			"$name has kept its promises");
	}
}

# is_refused(reply, 550, '5.7.1', regex of the text, promise). sendmail puts
# "<address>... " in front of a refusal at RCPT.
sub is_refused ($reply, $code, $status, $text, $promise) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$reply =~ s/^(\d\d\d[ -]\S+) <[^>]*>\.\.\. /$1 /mg;
	$reply =~ s/\n\d\d\d[ -]\S+ / /g;
	return like($reply, qr/^$code[ -]\Q$status\E .*$text/, $promise);
}

sub is_taken ($is, $promise) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return like(Muster::SMTP::outcome($is), qr/^250 /, $promise);
}

1;
