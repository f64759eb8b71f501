package FilterdTest::Figures;

# What a list of judged messages is worth, as the TREC spam track measured it. A list holds in the
# order of the run { path, spam (0|1), class (spam|ham|unsure), score (higher is spammier) }.
# Unsure spam was not caught: it counts as missed. A tie of scores counts half.

use strict;
use warnings;
use List::Util qw(sum0 min);

# The list from the lowest score up, cut where a resampling may do so: [ham, spam] as numbers in
# the list. Neighbours of one class are one block, equal scores of both classes are one as well.
sub blocks {
    my ($list) = @_;
    my @score = map { $_->{score} } @$list;
    my @sorted = sort { $score[$a] <=> $score[$b] } 0 .. $#score;
    my @blocks;
    for (my $i = 0; $i < @sorted;) {
        my $score = $score[ $sorted[$i] ];
        my @tied = ([], []);
        push @{ $tied[ $list->[ $sorted[$i] ]{spam} ] }, $sorted[ $i++ ]
            while $i < @sorted && $score[ $sorted[$i] ] == $score;
        my $last = $blocks[-1];
        my ($none) = grep { !@{ $tied[$_] } } 0, 1;
        if ($last && defined $none && !@{ $last->[$none] }) {
            push @{ $last->[ 1 - $none ] }, @{ $tied[ 1 - $none ] };
        } else {
            push @blocks, \@tied;
        }
    }
    return \@blocks;
}

# Area above the ROC curve in percent: the share of pairs of a ham and a spam in the wrong order.
# Each message counts as often as the weights say; undef where one class has none.
sub roca_of {
    my ($blocks, $weights) = @_;
    my ($ham_all, $spam_below, $wrong) = (0, 0, 0);
    for my $block (@$blocks) {
        my ($ham, $spam) = map { sum0(@$weights[@$_]) } @$block;
        $wrong += $ham * ($spam_below + $spam / 2);
        $ham_all += $ham;
        $spam_below += $spam;
    }
    return $ham_all && $spam_below ? 100 * $wrong / ($ham_all * $spam_below) : undef;
}

sub roca {
    my ($list) = @_;
    return roca_of(blocks($list), [(1) x @$list]);
}

# The least sm% of a line that loses no more than that share of the ham.
sub sm_at_hm {
    my ($list, $hm_percent) = @_;
    my %all = (0 => 0, 1 => 0);
    $all{ $_->{spam} }++ for @$list;
    return undef if !$all{1} || !$all{0};
    my ($lost, $caught, $best) = (0, 0, 0);
    for my $block (reverse @{ blocks($list) }) {
        $lost += @{ $block->[0] };
        $caught += @{ $block->[1] };
        last if $lost > $all{0} * $hm_percent / 100 + 1e-9;
        $best = $caught;
    }
    return 100 * (1 - $best / $all{1});
}

sub logit { my ($p) = @_; return log($p / (1 - $p)) }

# The logistic mean of two shares, in percent. Where one is nothing, or all, half a message stands
# for it, and the figure is only a bound.
sub lam {
    my ($lost, $ham, $missed, $spam) = @_;
    return (undef, 0) if !$ham || !$spam;
    my @share = map { my ($n, $of) = @$_; ($n == 0 ? 0.5 : $n == $of ? $n - 0.5 : $n) / $of }
        [$lost, $ham], [$missed, $spam];
    my $odds = exp((logit($share[0]) + logit($share[1])) / 2);
    return (100 * $odds / (1 + $odds), $lost == 0 || $missed == 0);
}

sub counts {
    my ($list) = @_;
    my %n = map { $_ => 0 } qw(messages ham spam lost missed unsure unsure_spam);
    for my $m (@$list) {
        $n{messages}++;
        $n{ $m->{spam} ? 'spam' : 'ham' }++;
        $n{unsure}++ if $m->{class} eq 'unsure';
        $n{unsure_spam}++ if $m->{class} eq 'unsure' && $m->{spam};
        $n{lost}++ if !$m->{spam} && $m->{class} eq 'spam';
        $n{missed}++ if $m->{spam} && $m->{class} ne 'spam';
    }
    return \%n;
}

sub of {
    my ($list) = @_;
    my $n = counts($list);
    my @early = @$list[0 .. min(500, scalar @$list) - 1];
    my $early = counts(\@early);
    my ($lam, $bound) = lam(@$n{qw(lost ham missed spam)});
    return {
        %$n,
        roca => roca($list), lam => $lam, lam_is_bound => $bound ? 1 : 0, sm_at_hm => sm_at_hm($list, 0.1),
        hm => $n->{ham} ? 100 * $n->{lost} / $n->{ham} : undef,
        sm => $n->{spam} ? 100 * $n->{missed} / $n->{spam} : undef,
        unsure_share => @$list ? 100 * $n->{unsure} / @$list : undef,
        roca500 => roca(\@early), errors500 => $early->{lost} + $early->{missed},
        lost500 => $early->{lost}, unsure500 => $early->{unsure_spam},
    };
}

# How often each of N messages is drawn when N are drawn with replacement.
sub draw {
    my ($n) = @_;
    my @weights = (0) x $n;
    $weights[rand $n]++ for 1 .. $n;
    return \@weights;
}

sub interval {
    my @sorted = sort { $a <=> $b } @_;
    return @sorted ? ($sorted[0.025 * @sorted], $sorted[0.975 * @sorted]) : (undef, undef);
}

# 1-ROCA% of each of two filters, mean over the orders, and their difference (ours - theirs) with
# its 95 % interval; the orders are resampled together, message by message. lists: one per order.
sub compared {
    my ($ours, $theirs, $resamples) = @_;
    my %number;
    for my $m (map { @$_ } @$ours, @$theirs) {
        my $next = keys %number;
        $number{ $m->{path} } //= $next;
    }
    my @sides = map { [map { numbered($_, \%number) } @$_] } $ours, $theirs;
    my $of = sub {
        my ($weights) = @_;
        my @mean;
        for my $side (@sides) {
            my @roca = map { roca_of($_, $weights) } @$side;
            return if grep { !defined } @roca;
            push @mean, sum0(@roca) / @roca;
        }
        return @mean;
    };
    my ($mine, $other) = $of->([(1) x keys %number]);
    return if !defined $mine;
    srand 4711; # the same draws for each peer, and on each run
    my @differences;
    for (1 .. $resamples) {
        my @pair = $of->(draw(scalar keys %number)) or next;
        push @differences, $pair[0] - $pair[1];
    }
    my ($low, $high) = interval(@differences);
    return { ours => $mine, theirs => $other, difference => $mine - $other, low => $low, high => $high,
        beyond_chance => defined $low && ($low > 0 || $high < 0) ? 1 : 0 };
}

# A list's blocks in numbers that are the same in each order.
sub numbered {
    my ($list, $number) = @_;
    my @n = map { $number->{ $_->{path} } } @$list;
    return [map { [map { [@n[@$_]] } @$_] } @{ blocks($list) }];
}

# Expected calibration error of 1 / (1 + exp(-score)) in bins of equal mass, with its interval.
sub calibration {
    my ($list, $resamples, $bins) = @_;
    return if !@$list;
    my @sorted = sort { $a->{score} <=> $b->{score} } @$list;
    my @p = map { 1 / (1 + exp(-$_->{score})) } @sorted;
    my @spam = map { $_->{spam} } @sorted;
    my $n = @sorted;
    my $error = sub {
        my ($weights) = @_;
        my @gap = (0) x $bins;
        my $below = 0;
        for my $i (0 .. $n - 1) {
            my $w = $weights->[$i] or next;
            $gap[$bins * ($below + $w / 2) / $n] += $w * ($p[$i] - $spam[$i]);
            $below += $w;
        }
        return sum0(map { abs } @gap) / $n;
    };
    srand 4711;
    my ($low, $high) = interval(map { $error->(draw($n)) } 1 .. $resamples);
    return { ece => $error->([(1) x $n]), low => $low, high => $high, bins => $bins };
}

1;
