package FilterdTest::Cpu;

# Processor time, user and system, in microseconds.

use strict;
use warnings;
use POSIX ();

# times() counts in hundredths of a second, too coarse for one message; perl has no getrusage.
my %GETRUSAGE = (x86_64 => 98, aarch64 => 165);
my $call = $GETRUSAGE{ (POSIX::uname())[4] };

sub usage {
    my ($who, $user, $system) = @_;
    my $room = "\0" x 144;
    if ($call && syscall($call, $who, $room) == 0) {
        my @t = unpack 'q4', $room;
        return ($t[0] + $t[2]) * 1e6 + $t[1] + $t[3];
    }
    return 1e6 * ($user + $system);
}

sub of_self     { return usage(0,  (times)[0, 1]) }
sub of_children { return usage(-1, (times)[2, 3]) }

1;
