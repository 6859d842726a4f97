# SPDX-License-Identifier: BSD-2-Clause
# The archive's disk is full, or is not mounted: copies leave, and posts wait
# until there is room for them.
use v5.36;
use Test::More;
use Muster::Archive qw(maildir mbox archived_ids post_to);
use Muster::Box qw(await slurp);
use Muster::Gate;
use Muster::Spoil qw(in_namespace);

in_namespace();
my $site = Muster::Gate->new(sink => 1);
my $disk = $site->box->dir('disk');

sub mount_disk () {
	system('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', $disk) == 0
		or plan(skip_all => 'no tmpfs can be mounted');
	mkdir "$disk/$_" for 'maildir', 'mbox';
}

sub jobs () {
	return grep { $_->{stage} eq 'archive' } @{ $site->json('queue', 'ls') };
}

sub retry () { $site->muster('queue', 'retry', map { $_->{id} } jobs()) }

mount_disk();
my %list = map { $_ => "$_\@lists.test" } 'maildir', 'mbox';
$site->list($list{$_}, 'policy=open', "archive=$_", "archive-dir=$disk/$_")
	for keys %list;
for my $format (sort keys %list) {
	like(post_to($site, $list{$format}, "1\@$format"), qr/^250/,
		"$format: a post is taken");
}
$site->await_idle;
system("head -c 2M /dev/zero >$disk/filler 2>/dev/null");

for my $format (sort keys %list) {
	like(post_to($site, $list{$format}, "2\@$format",
		body => 'x' x 900 . "\r\n" . "y\r\n" x 3000), qr/^250/,
		"$format, full: a post is taken");
	await('its copy', sub { $site->sink->with_id("<2\@$format>") });
	pass("$format, full: its copy leaves");
}
await('both to wait', sub {
	(grep { ($_->{reason} // '') =~ /No space/ } jobs()) == 2 });
like($site->log_of('musterd'), qr/job\.failed [^\n]*stage=archive [^\n]*No
	\ space[^\n]*todo="[^\n]*mounted,\ has\ space/x, 'the log says what to do');
is_deeply([map { $_->{attempts} } jobs()], [0, 0],
	'it does not count as an attempt');

unlink "$disk/filler";
retry();
$site->await_idle;
for my $format (sort keys %list) {
	my @messages = $format eq 'mbox' ? mbox("$disk/mbox/mbox") :
		maildir("$disk/maildir");
	is_deeply(archived_ids(@messages),
		{ "<1\@$format>" => 1, "<2\@$format>" => 1 },
		"$format, room again: each post is there once");
}

# What is not mounted is not made anew on the disk below.
system("cp -a $disk $disk.copy && umount $disk") == 0 or die "umount\n";
post_to($site, $list{$_}, "3\@$_") for keys %list;
await('both to wait', sub {
	(grep { ($_->{reason} // '') =~ /No such file/ } jobs()) == 2 });
is_deeply([glob("$disk/*")], [], 'not mounted: nothing is made there');
mount_disk();
system("cp -a $disk.copy/. $disk") == 0 or die "cp\n";
retry();
$site->await_idle;
is(maildir("$disk/maildir"), 3, 'mounted again: the Maildir has all');
is(mbox("$disk/mbox/mbox"), 3, 'mounted again: the mbox has all');
is(-e "$disk/mbox/mbox.torn", undef, 'nothing was moved out of the way');
$site->box->stop('musterd');
system('umount', $disk);
done_testing;
