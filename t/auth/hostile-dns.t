# SPDX-License-Identifier: BSD-2-Clause
# A DNS that lies, is silent, broken or enormous never makes an author
# verified, never takes "no answer" for "no record", and never hurts the gate.
use v5.36;
use Test::More;
use Muster::Gate;
use Muster::Mail qw(message);

# The DMARC record of each of these domains is behind something odd. ann of
# each is a member.
my %odd = (
	silent => 'SILENT', servfail => 'SERVFAIL', refused => 'REFUSED',
	garbage => 'GARBAGE', lie => 'LIE', 'cut' => 'TRUNCATE-SILENT',
);
my $zone = '';
for my $odd (sort keys %odd) {
	$zone .= "$odd.example TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
		. "_dmarc.$odd.example $odd{$odd}\n";
}
my $long = join ' ', map { "\"$_\"" } 'v=spf1 ', ('ip4:198.51.100.1 ') x 900,
	'ip4:192.0.2.7 -all';
my $many = join '', map { "many.example TXT \"x$_ " . 'y' x 200 . "\"\n" }
	1 .. 200;
my $chain = join '', map { "c$_.example TXT \"v=spf1 include:c"
	. ($_ + 1) . ".example ~all\"\n" } 1 .. 30;
my $mx = join '', map { "mx.example MX $_ h$_.mx.example\n"
	. "h$_.mx.example A 198.51.100.$_\n" } 1 .. 40;
my $site = Muster::Gate->new(zone => <<"END", dns => { timeout => 2 });
$zone
_dmarc.large.example TXT "v=DMARC1; p=reject"
large.example TXT $long
_dmarc.huge.example TXT "v=DMARC1; p=reject"
huge.example HUGE 64000
_dmarc.many.example TXT "v=DMARC1; p=reject"
many.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
$many
_dmarc.trunc.example TXT "v=DMARC1; p=reject"
trunc.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
trunc.example TRUNCATE
_dmarc.two.example TXT "v=DMARC1; p=reject"
two.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
two.example TXT "v=spf1 -all"
_dmarc.loop.example TXT "v=DMARC1; p=reject"
loop.example TXT "v=spf1 include:loop.example ip4:192.0.2.0/24 -all"
_dmarc.c1.example TXT "v=DMARC1; p=reject"
$chain
_dmarc.mx.example TXT "v=DMARC1; p=reject"
mx.example TXT "v=spf1 mx -all"
$mx
_dmarc.exp.example TXT "v=DMARC1; p=reject"
exp.example TXT "v=spf1 -all exp=e.exp.example"
e.exp.example TXT "%{d99999999999}%{s}%{%{v}%{h}%{c}%{r}%{t}%"
_dmarc.cname.example CNAME _dmarc.cname2.example
_dmarc.cname2.example CNAME _dmarc.cname.example
cname.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.good.example TXT "v=DMARC1; p=reject"
good.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
END

my @domains = map { "$_.example" } sort(keys %odd), qw(large huge many trunc
	two loop c1 mx exp cname good);
$site->make_list('dev@lists.test', ['policy=members'],
	map { "ann\@$_" } @domains);

sub post ($domain, $addr = '192.0.2.7') {
	return $site->post_from($addr, "ann\@$domain", ['dev@lists.test'],
		message(from => "ann\@$domain", to => 'dev@lists.test'));
}

# Where SPF passes for the author's very domain no record could deny it.
my $outside = '198.51.100.9';
like(post("$_.example", $outside), qr/^451 4\.7\./, "$odd{$_}: come again")
	for sort keys %odd;
is(post("$_.example"), 'discard', "$odd{$_}: the SPF record was enough")
	for sort keys %odd;
like(post('cname.example', $outside), qr/^451 4\.7\./,
	'aliases in a circle');
is(post('trunc.example'), 'discard', 'cut over UDP, whole over TCP');
is(post('many.example'), 'discard', 'among 200 other records');
like(post('two.example'), qr/^550 5\.7\.1 /,
	'two SPF records are an error, not a choice');
like(post('large.example'), qr/^(?:550 5\.7\.1 |discard)/,
	'a record of 16 KB is decided');
like(post('huge.example'), qr/^(?:550 5\.7\.1 |451 )/, 'one of 64 KB too');
like(post('loop.example'), qr/^550 5\.7\.1 /, 'an include of itself');
like(post('c1.example'), qr/^550 5\.7\.1 /, 'includes without end');
like(post('mx.example'), qr/^550 5\.7\.1 /, 'too many mail hosts');
like(post('exp.example'), qr/^550 5\.7\.1 /,
	'an explanation that crashes the library');
is(post('good.example'), 'discard', 'and ordinary mail goes on');

# The answer of a lie is not what was asked: others are not poisoned.
is(post('good.example'), 'discard', 'nothing was poisoned');
is(scalar($site->children('muster-milter')), 2, 'no worker was lost');
unlike($site->log_of('muster-milter'), qr/worker\.(?:died|crashed|lost)/,
	'nor replaced');

done_testing;
