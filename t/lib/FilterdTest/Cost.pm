package FilterdTest::Cost;

# What the master's children use between two moments: processor time and memory.

use strict;
use warnings;
use FilterdTest;
use POSIX ();

sub new {
    my ($class, $master) = @_;
    return bless { master => $master }, $class;
}

# Makes orphans our children (prctl PR_SET_CHILD_SUBREAPER), so that their processor time can be read: GPGME
# detaches gpg.
sub adopt { syscall 157, 36, 1, 0, 0, 0 }

# Its children and theirs, with what /proc says of them.
sub processes {
    my ($self) = @_;
    my %of;
    for my $file (glob '/proc/[0-9]*/stat') {
        my ($pid, $rest) = slurp($file) =~ /^(\d+) \(.*\) (.*)/s or next;
        my @f = split ' ', $rest; # from field 3 on
        $of{$pid} = { parent => $f[1] };
    }
    my %kin = ($self->{master} => 1);
    for (1 .. 3) {
        $kin{$_} = 1 for grep { $kin{ $of{$_}{parent} } } keys %of;
    }
    delete $kin{ $self->{master} };
    return map { $_ => $of{$_} } keys %kin;
}

# Nanoseconds on a processor, and milliseconds of what was adopted and has ended.
sub used {
    my ($self) = @_;
    my %all = $self->processes;
    my $ns = 0;
    $ns += (split ' ', slurp("/proc/$_/schedstat"))[0] // 0 for keys %all;
    1 while waitpid(-1, POSIX::WNOHANG()) > 0;
    return ($ns, 1000 * ((times)[2] + (times)[3]));
}

sub status_bytes {
    my ($pid, $name) = @_;
    my ($kb) = slurp("/proc/$pid/status") =~ /^$name:\s+(\d+) kB/m;
    return ($kb // 0) * 1024;
}

# Bytes each child has now, by its id.
sub resident {
    my ($self) = @_;
    my %all = $self->processes;
    return map { $_ => status_bytes($_, 'VmRSS') } keys %all;
}

sub start {
    my ($self) = @_;
    my %all = $self->processes;
    for my $pid (keys %all) {
        if (open my $reset, '>', "/proc/$pid/clear_refs") {
            print $reset 5;
            close $reset;
        }
        $self->{rss}{$pid} = status_bytes($pid, 'VmRSS');
    }
    @$self{qw(ns ms)} = $self->used;
}

# Milliseconds of their own, of the programs they ran, and by how many bytes one of them grew at most.
sub stop {
    my ($self) = @_;
    select undef, undef, undef, 0.02; # what is tidied up behind the reply
    my ($ns, $ms) = $self->used;
    my %all = $self->processes;
    my $grown = 0;
    for my $pid (keys %all) {
        my $by = status_bytes($pid, 'VmHWM') - ($self->{rss}{$pid} // 0);
        $grown = $by if exists $self->{rss}{$pid} && $by > $grown;
    }
    return (($ns - $self->{ns}) / 1e6, $ms - $self->{ms}, $grown);
}

1;
