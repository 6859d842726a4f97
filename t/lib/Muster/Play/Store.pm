# SPDX-License-Identifier: BSD-2-Clause
package Muster::Play::Store;

# After traffic of all kinds: Berkeley DB finds nothing wrong, and dump,
# load, dump is the identity.

use v5.36;
use Muster::Box qw(slurp);
use Muster::Mail qw(message);
use Muster::Play;
use Muster::Site;
use Test::More;

my $list = 'dev@lists.example.org';

sub run ($class, $scene) {
	_traffic($scene);
	my $site = $scene->site;
	my $running = $site->muster('dump');
	is($scene->box->stop('musterd'), 0, 'musterd ends');
	my $stopped = $site->muster('dump');
	ok($running eq $stopped, 'a dump is the same with and without musterd');
	like($stopped, qr/zo\xc3\xab/, 'with what was put in');
	_verify($site->{home}, 'the home');
	_load($scene, $stopped);
	_backup($scene);
}

sub _traffic ($scene) {
	my $site = $scene->site;
	$site->make_list($list, ['--owner', 'boss@remote.test', 'policy=open',
		"description=Gr\xc3\xbc\xc3\x9fe"],
		"Zo\xc3\xab <zo\xc3\xab\@remote.test>", '"a b"@remote.test',
		'gone@remote.test',
		map { "reader$_\@remote.test" } 1 .. 30);
	$site->make_list('news@example.org', ['policy=members-strict'],
		['ann@client.test', 'delivery=off', 'own-posts=no']);
	$scene->sink->rules(['rcpt', '^gone@', '550 5.1.1 no such user']);
	for my $round (1 .. 5) {
		$scene->post(from => 'ann@client.test',
			to => [$list, 'nolist@lists.example.org'],
			message => message(from => 'ann@client.test'));
	}
	$scene->post(from => 'stranger@client.test', to => ['news@example.org'],
		message => message(from => 'stranger@client.test'));
	$scene->await_idle;
}

sub _verify ($home, $what) {
	my @files = glob "$home/env/data/*";
	ok(@files > 0, "$what has databases");
	my $said = qx(db5.3_verify -o @files 2>&1);
	is($?, 0, "$what: db5.3_verify finds nothing wrong") or diag($said);
}

sub _load ($scene, $dump) {
	my $box = $scene->box;
	my $other = Muster::Site->new(Muster::Box->new, relay => 1);
	$other->{build} = $scene->site->{build};
	$other->muster({ in => $dump }, 'load');
	my $again = $other->muster('dump');
	ok($again eq $dump, 'dump | load | dump is the identity');
	_verify($other->{home}, 'a home that was loaded');
	my $bad = $dump =~ s/\n[^\n]*\n\z/\n{"broken\n/r;
	my $is = $other->run({ in => $bad }, 'load');
	isnt($is->{status}, 0, 'a broken dump is refused');
	ok($other->muster('dump') eq $dump, 'and changes nothing');
}

sub _backup ($scene) {
	my $site = $scene->site;
	$site->start_musterd;
	my $dir = $scene->box->path('backup');
	$site->muster('backup', $dir);
	my $copy = Muster::Site->new(Muster::Box->new, relay => 1);
	system('cp', '-a', "$dir/.", $copy->{home});
	ok($copy->muster('dump') eq $site->muster('dump'),
		'a backup is a home with the same content');
}

1;
