package FilterdTest::Group;

# Processor time of whole families of processes, the dead and the short-lived included: each family
# is a control group (version 2), whose cpu.stat the kernel keeps in every kernel that has it. Root.

use strict;
use warnings;
use FilterdTest;

my $base; # our own group in the hierarchy

sub mount_point {
    my ($t) = @_;
    my ($found) = slurp('/proc/mounts') =~ /^\S+ (\S+) cgroup2 rw/m;
    return $found if $found;
    my $dir = $t->dir . '/cgroup';
    mkdir $dir;
    $t->run('/bin/mount', '-t', 'cgroup2', 'none', $dir);
    $t->at_end(sub { system '/bin/umount', $dir });
    return $dir;
}

sub own {
    my ($home) = slurp('/proc/self/cgroup') =~ /^0::(.*)$/m;
    return $home;
}

sub new {
    my ($class, $t, $name) = @_;
    if (!$base) {
        my $root = mount_point($t);
        $base = { root => $root, home => $root . own() };
    }
    my $dir = "$base->{root}/filterd-$$-$name";
    mkdir $dir or die "no control group can be made: $dir: $!\n";
    $t->at_end(sub { poll(sub { rmdir $dir }, 10) });
    return bless { dir => $dir }, $class;
}

sub move_to {
    my ($dir) = @_;
    spew("$dir/cgroup.procs", "$$\n");
}

# Runs CODE with us in the group: whatever it starts belongs to it.
sub run {
    my ($self, $code) = @_;
    move_to($self->{dir});
    my $result = eval { $code->() };
    my $error = $@;
    move_to($base->{home});
    die $error if $error;
    return $result;
}

# Microseconds so far.
sub cpu {
    my ($self) = @_;
    my ($us) = slurp("$self->{dir}/cpu.stat") =~ /^usage_usec (\d+)/m or die "$self->{dir}: no cpu.stat\n";
    return $us;
}

1;
