package FilterdTest::Evaluation;

# One run of "filterctl evaluate" over an order file: what it said of each message, and its sums.

use strict;
use warnings;
use FilterdTest;
use FilterdTest::Cpu;
use POSIX ();

# with: options; returns { list, sums, cpu_us (the whole process, per message) }.
sub run {
    my ($filterctl, $order, @with) = @_;
    my ($before, $log) = (FilterdTest::Cpu::of_children(), "$order.$$.log");
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        open STDERR, '>', $log;
        exec { $filterctl } $filterctl, 'evaluate', @with, $order or POSIX::_exit(127);
    }
    my $run = { list => [], sums => {} };
    while (<$out>) {
        if (/^(.+) judge=(spam|ham) class=(\w+) score=(\S+)$/) {
            push @{ $run->{list} }, { path => $1, spam => $2 eq 'spam' ? 1 : 0, class => $3, score => 0 + $4 };
        } elsif (/^(\S+(?: bytes)?) ([-\d.]+)$/) {
            $run->{sums}{$1} = 0 + $2;
        }
    }
    close $out;
    die "filterctl evaluate @with: exit " . ($? >> 8) . ' ' . slurp($log) . "\n" if $?;
    unlink $log;
    $run->{cpu_us} = (FilterdTest::Cpu::of_children() - $before) / (@{ $run->{list} } || 1);
    return $run;
}

# With its own timing where this build has that.
sub timed {
    my ($filterctl, $order) = @_;
    return eval { run($filterctl, $order, '--timing') } || run($filterctl, $order);
}

# Processor time to judge and to train a message, from the sums; undef without timing.
sub costs {
    my ($sums) = @_;
    my @judge = map { $sums->{"us/$_"} } qw(parse tokens rules features score);
    return (undef, undef) if grep { !defined } @judge;
    my $judge = 0;
    $judge += $_ for @judge;
    return ($judge, $sums->{'us/train'});
}

1;
