# SPDX-License-Identifier: BSD-2-Clause
# The systemd units: systemd has nothing to say about them, and they leave
# the daemons what they need.
use v5.36;
use Test::More;
use Muster::Box qw(slurp);

my $src = "$ENV{MUSTER_SRC}/conf/systemd";
my %units = map { $_ => slurp("$src/$_.service") } qw(musterd muster-milter);
my $box = Muster::Box->new;

sub says ($unit, $key) {
	return join ' ', $units{$unit} =~ /^\Q$key\E=(.*)$/mg;
}

for my $unit (sort keys %units) {
	# SPF, DKIM and DMARC are the DNS's, whose queries the gate makes;
	# musterd sends copies.
	like(says($unit, 'RestrictAddressFamilies'), qr/\b$_\b/,
		"$unit may use $_") for qw(AF_UNIX AF_INET AF_INET6);
	isnt(says($unit, 'PrivateNetwork'), 'yes', "$unit has the network");
	like(says($unit, 'ExecStart'), qr{^/usr/sbin/$unit -F$},
		"$unit: in the foreground");
	# a musterd that waits in vain for its home exits 75
	like(says($unit, 'Restart'), qr/^(?:always|on-failure)$/,
		"$unit is started again");
	cmp_ok(says($unit, 'LimitNOFILE'), '>=', 1024,
		"$unit: enough descriptors");
}

# What the programs of lists are held by.
like(says('musterd', 'RestrictNamespaces'), qr/\b$_\b/,
	"programs may have namespaces: $_") for qw(user mnt pid net ipc);
like(says('musterd', 'SystemCallFilter'), qr/(?<!\S)$_(?!\S)/,
	"and be held by $_") for qw(@mount seccomp landlock_create_ruleset
	landlock_add_rule landlock_restrict_self);

SKIP: {
	my ($analyze) = grep { -x } map { "$_/systemd-analyze" }
		split /:/, $ENV{PATH};
	skip 'no systemd-analyze', 4 if !$analyze;
	for my $unit (sort keys %units) {
		# What is started need not be installed here.
		my $path = $box->put("$unit.service", $units{$unit}
			=~ s{^ExecStart=\S+}{ExecStart=/bin/true}mr
			=~ s{^Documentation=.*\n}{}mr);
		my $said = qx($analyze verify $path 2>&1);
		is($said =~ s/^.*(?:postfix|sendmail)\.service.*\n//mgr, '',
			"systemd has nothing to say about $unit");
		my ($level) = qx($analyze security --offline=yes $path 2>&1)
			=~ /exposure level for \S+: ([\d.]+)/;
		cmp_ok($level // 10, '<', 3, "$unit: exposure $level");
	}
}

# Those of public-inbox, which the archive's tests start by hand.
for my $path (glob "$ENV{MUSTER_SRC}/conf/public-inbox/*.service") {
	my ($name) = $path =~ m{([^/]+)\.service$};
	my $unit = slurp($path);
	like($unit, qr{^ExecStart=/usr/bin/\Q$name\E\b}m, "$name is started");
	my ($analyze) = grep { -x } map { "$_/systemd-analyze" }
		split /:/, $ENV{PATH};
	next if !$analyze;
	my $mine = $box->put("$name.service", $unit
		=~ s{^ExecStart=\S+}{ExecStart=/bin/true}mr
		=~ s{^Documentation=.*\n}{}mr =~ s{^(?:User|Group)=.*\n}{}mgr);
	is(qx($analyze verify $mine 2>&1)
		=~ s/^.*(?:postfix|sendmail)\.service.*\n//mgr, '',
		"systemd has nothing to say about $name");
}
done_testing;
