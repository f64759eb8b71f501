package FilterdTest::Comparison;

# All figures of a run of the classifier's benchmark in one structure; tables and JSON only show it.

use strict;
use warnings;
use FilterdTest::Evaluation;
use FilterdTest::Figures;
use List::Util qw(sum0);

my $BINS = 15;

# orders: { name, bytes }; peers: classes; jobs: { order, result or died } with peer and regime, or
# with what (immediate, or the form of late feedback) where they are filterd's.
sub of {
    my ($orders, $peers, $jobs, $resamples) = @_;
    $_->{figures} = FilterdTest::Figures::of($_->{result}{list}) for grep { $_->{result} } @$jobs;
    my @ours = grep { !$_->{peer} } @$jobs;
    my @peers = map { peer($_, $jobs) } @$peers;
    my @ran = grep { $_->{jobs} } @peers;
    my $all = { resamples => $resamples, orders => [map { order($_, \@ours, \@ran, $resamples) } @$orders] };
    my @lists = map { $_->{result}{list} } grep { $_->{what} eq 'immediate' } @ours;
    for my $peer (@ran) {
        my @theirs = map { $_->{result}{list} } grep { $_->{regime} eq $peer->{regime} } @{ $peer->{jobs} };
        my $c = FilterdTest::Figures::compared(\@lists, \@theirs, $resamples);
        push @{ $all->{compared} }, { name => $peer->{name}, %{ $c // {} } };
    }
    delete $_->{jobs} for @peers;
    return { %$all, peers => \@peers };
}

# What a peer is and how it did with each regime; that which does best over all orders is the one
# that is compared.
sub peer {
    my ($peer, $jobs) = @_;
    my @mine = grep { $_->{peer} && $_->{peer} eq $peer } @$jobs;
    my ($why) = ($peer->missing, map { $_->{died} // () } @mine);
    return { name => $peer->name, missing => $why } if defined $why;
    my %roca;
    push @{ $roca{ $_->{regime} } }, $_->{figures}{roca} for @mine;
    my %mean = map { $_ => sum0(map { $_ // 100 } @{ $roca{$_} }) } keys %roca;
    my ($best) = sort { $mean{$a} <=> $mean{$b} || $a cmp $b } keys %mean;
    return { name => $peer->name, version => $peer->version, about => $peer->about, regime => $best,
        roca => \%roca, jobs => \@mine };
}

sub order {
    my ($order, $ours, $ran, $resamples) = @_;
    my @mine = grep { $_->{order} == $order } @$ours;
    my ($now) = grep { $_->{what} eq 'immediate' } @mine;
    return {
        name => $order->{name}, bytes => $order->{bytes},
        rows => [our_row($now), map { peer_row($_, $order) } @$ran],
        delayed => { map { $_->{what} => $_->{figures} } grep { $_ != $now } @mine },
        calibration => FilterdTest::Figures::calibration($now->{result}{list}, $resamples, $BINS),
    };
}

sub our_row {
    my ($job) = @_;
    my ($figures, $sums) = ($job->{figures}, $job->{result}{sums});
    my ($judge, $train) = FilterdTest::Evaluation::costs($sums);
    # The same area from the same scores, counted twice by different programs.
    my $said = $sums->{'1-ROCA%'};
    warn "filterctl says 1-ROCA% $said, its scores make $figures->{roca}\n"
        if defined $said && defined $figures->{roca} && abs($said - $figures->{roca}) > 0.0001;
    return { name => 'filterd', %$figures, us_judge => $judge, us_learn => $train,
        us_process => $job->{result}{cpu_us}, bytes => $sums->{'store bytes'},
        unsure_share => $sums->{'unsure%'} // $figures->{unsure_share} };
}

sub peer_row {
    my ($peer, $order) = @_;
    my %by_regime = map { $_->{regime} => $_ } grep { $_->{order} == $order } @{ $peer->{jobs} };
    my $job = $by_regime{ $peer->{regime} };
    return { name => $peer->{name}, regime => $peer->{regime}, %{ $job->{figures} },
        (map { $_ => $job->{result}{$_} } qw(us_judge us_learn us_all learnt bytes)),
        (map { $_ => $by_regime{every}{result}{$_} } qw(us_judge_bulk us_learn_bulk bulk_died)) };
}

1;
