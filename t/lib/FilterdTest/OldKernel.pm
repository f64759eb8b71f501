package FilterdTest::OldKernel;

# A command on a kernel that lacks landlock or seccomp, as far as the command can see: an outer
# seccomp filter answers those calls as such a kernel does.

use strict;
use warnings;
use POSIX ();

# The number of prctl and of seccomp, by machine. Landlock's are the same everywhere.
my %calls = (x86_64 => [157, 317], aarch64 => [167, 277]);
my ($PR_SET_SECCOMP, $PR_SET_NO_NEW_PRIVS) = (22, 38);
my ($ENOSYS, $EINVAL) = (38, 22);
my ($ALLOW, $ERRNO) = (0x7fff0000, 0x00050000);

# True if the kernel we run on has Landlock (landlock_create_ruleset tells its version).
sub has_landlock { return syscall(444, 0, 0, 1) > 0 }

sub runs_here { return exists $calls{ (POSIX::uname())[4] } }

# What stands in front of a command: what lacks is landlock or seccomp, or a file with the numbers of
# all calls there are.
sub command {
    my ($lacks) = @_;
    my ($lib) = __FILE__ =~ m{^(.*)/FilterdTest/} or die;
    return ($^X, "-I$lib", '-MFilterdTest::OldKernel', '-e', 'FilterdTest::OldKernel::become(@ARGV)', $lacks);
}

sub numbers_in {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!\n";
    return map { split } <$in>;
}

# Only these calls are there, EPERM for all others, as systemd's SystemCallFilter= does it.
sub only {
    my (@numbers) = @_;
    my $EPERM = 1;
    return join '', load(0), (map { (skip_unless_equal($_, 1), answer($ALLOW)) } @numbers),
        answer($ERRNO | $EPERM);
}

# struct sock_filter
sub op { return pack 'S C C L', @_ }
sub load { return op(0x20, 0, 0, $_[0]) }
sub answer { return op(0x06, 0, 0, $_[0]) }
sub skip_unless_equal { return op(0x15, 0, $_[1], $_[0]) }

sub program {
    my ($lacks) = @_;
    my ($prctl, $seccomp) = @{ $calls{ (POSIX::uname())[4] } };
    my @number = (load(0));
    return only(numbers_in($lacks)) if -f $lacks;
    return join '', @number, (map { (skip_unless_equal($_, 1), answer($ERRNO | $ENOSYS)) } 444 .. 446),
        answer($ALLOW)
        if $lacks eq 'landlock';
    return join '', @number, skip_unless_equal($seccomp, 1), answer($ERRNO | $ENOSYS),
        skip_unless_equal($prctl, 3), load(16), skip_unless_equal($PR_SET_SECCOMP, 1),
        answer($ERRNO | $EINVAL), answer($ALLOW);
}

sub become {
    my ($lacks, @command) = @_;
    my $prctl = $calls{ (POSIX::uname())[4] }[0];
    my $program = program($lacks);
    my $fprog = pack 'S x![P] P', length($program) / 8, $program;
    syscall($prctl, $PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 or die "no new privileges: $!\n";
    syscall($prctl, $PR_SET_SECCOMP, 2, $fprog) == 0 or die "seccomp: $!\n";
    exec { $command[0] } @command or die "$command[0]: $!\n";
}

1;
