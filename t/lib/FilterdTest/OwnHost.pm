package FilterdTest::OwnHost;

# A test on a network and with mounts of its own: nobody else is there, so that servers have their usual ports, and
# strangers have addresses of the world, which are all on the loopback device.

use strict;
use warnings;

# Called first of all: begins the test anew there. addresses: what the host has beside 127.0.0.0/8.
sub enter {
    my (@addresses) = @_;
    return if $> != 0; # FilterdTest->new says it
    if (!delete $ENV{FILTERD_OWN_HOST}) {
        $ENV{FILTERD_OWN_HOST} = 1;
        exec qw(unshare --net --mount --), $^X, $0, @ARGV or die "unshare: $!\n";
    }
    # A host may have IPv6 switched off for its own devices.
    for my $file (glob '/proc/sys/net/ipv6/conf/{all,default,lo}/disable_ipv6') {
        open(my $switch, '>', $file) or next;
        print $switch "0\n";
        close $switch;
    }
    for my $command (['link', 'set', 'lo', 'up'], map { ['addr', 'add', "$_/32", 'dev', 'lo'] } @addresses) {
        system('ip', @$command) == 0 or die "ip @$command\n";
    }
}

1;
