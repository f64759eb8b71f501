package FilterdTest::Tables;

# Prints what the benchmark of the classifier has gathered.

use strict;
use warnings;

# A figure, or a dash where there is none.
sub number {
    my ($format, $value) = @_;
    return defined $value ? sprintf $format, $value : '-';
}

# Columns as wide as their widest cell; the first to the left, the others to the right.
sub table {
    my (@rows) = @_;
    my @width;
    for my $row (@rows) {
        for my $i (0 .. $#$row) {
            $width[$i] = length $row->[$i] if length $row->[$i] > ($width[$i] // 0);
        }
    }
    for my $row (@rows) {
        print join('  ', map { sprintf $_ ? '%*s' : '%-*s', $_ ? ($width[$_], $row->[$_]) : ($width[0], $row->[0]) } 0 .. $#$row), "\n";
    }
}

sub order {
    my ($order) = @_;
    my ($ours) = @{ $order->{rows} };
    printf "\n== %s: %d messages, %d spam, %d ham, %.1f MB; feedback immediate\n", $order->{name},
        @$ours{qw(messages spam ham)}, $order->{bytes} / 1e6;
    table([qw(filter 1-ROCA% hm% sm% lam% sm%@hm.1 unsure% 500:1-ROCA% errors us/judge us/learn bytes)],
        map { [ $_->{name}, number('%.4f', $_->{roca}), number('%.2f', $_->{hm}), number('%.2f', $_->{sm}),
            ($_->{lam_is_bound} ? '<' : '') . number('%.2f', $_->{lam}), number('%.2f', $_->{sm_at_hm}),
            number('%.1f', $_->{unsure_share} || undef), number('%.3f', $_->{roca500}), number('%d', $_->{errors500}),
            number('%.0f', $_->{us_judge}), number('%.0f', $_->{us_learn}), number('%d', $_->{bytes}) ] } @{ $order->{rows} });
    my $c = $order->{calibration};
    printf "filterd's calibration: expected error %.4f (95 %% interval %.4f to %.4f), %d bins of equal mass\n",
        @$c{qw(ece low high bins)} if $c && defined $c->{low};
}

sub delayed {
    my ($order, $delay) = @_;
    printf "\n-- %s, filterd with --feedback delayed:%d\n", $order->{name}, $delay;
    table([ 'mode, corrected', qw(1-ROCA% hm% sm% lam% sm%@hm.1 500:1-ROCA% errors) ],
        map { my $f = $order->{delayed}{$_}; [ "$_ %", number('%.4f', $f->{roca}), number('%.2f', $f->{hm}), number('%.2f', $f->{sm}),
            ($f->{lam_is_bound} ? '<' : '') . number('%.2f', $f->{lam}), number('%.2f', $f->{sm_at_hm}),
            number('%.3f', $f->{roca500}), number('%d', $f->{errors500}) ] }
        sort { by_course($a) cmp by_course($b) } keys %{ $order->{delayed} });
}

# By mode, then from all errors corrected down.
sub by_course {
    my ($mode, $corrected) = $_[0] =~ /^(\w+) (\d+)/;
    return sprintf '%s %03d', $mode, 100 - $corrected;
}

sub compared {
    my ($all) = @_;
    return if !@{ $all->{compared} };
    printf "\n== 1-ROCA%% of filterd less that of the peer, mean of the orders; paired bootstrap, %d resamples of the messages\n", $all->{resamples};
    table([ 'filter', 'filterd', 'peer', 'difference', '95 % interval', '' ],
        map { [ $_->{name}, number('%.4f', $_->{ours}), number('%.4f', $_->{theirs}), number('%+.4f', $_->{difference}),
            number('%+.4f', $_->{low}) . ' to ' . number('%+.4f', $_->{high}),
            !defined $_->{low} ? 'cannot be told' : $_->{beyond_chance} ? 'beyond chance' : 'may be chance' ] } @{ $all->{compared} });
}

# What it costs when starting programs is left out: each has all messages in one process.
sub bulk {
    my ($order) = @_;
    my @rows = grep { defined $_->{us_judge_bulk} } @{ $order->{rows} };
    my ($ours) = @{ $order->{rows} };
    my ($in_one) = grep { $_->{name} eq 'spamassassin' } @{ $order->{rows} };
    printf "\n-- %s, all messages in one process; us of processor time a message\n", $order->{name};
    table([qw(filter judge learn)],
        [ 'filterd', number('%.0f', $ours->{us_judge}), number('%.0f', $ours->{us_learn}) ],
        (map { [ $_->{name}, number('%.0f', $_->{us_judge_bulk}), number('%.0f', $_->{us_learn_bulk}) ] } @rows),
        ($in_one ? [ 'spamassassin', number('%.0f', $in_one->{us_judge}), number('%.0f', $in_one->{us_learn}) ] : ()));
    print "$_->{name}: $_->{bulk_died}\n" for grep { defined $_->{bulk_died} } @{ $order->{rows} };
    printf "filterctl evaluate as a whole, with start, reading and printing: %.0f us a message\n", $ours->{us_process};
}

sub peers {
    my ($all) = @_;
    print "\n== the peers; each was run with every message learnt, and with errors only; compared is what it does better with\n";
    my $orders = join ', ', map { $_->{name} } @{ $all->{orders} };
    for my $p (@{ $all->{peers} }) {
        if (defined $p->{missing}) {
            print "$p->{name}: not run: $p->{missing}\n";
            next;
        }
        print "$p->{name} $p->{version}: learns $p->{regime}; $p->{about}\n";
        print '    1-ROCA% (', $orders, '): ', join('; ', map {
            "$_ " . join ', ', map { number('%.4f', $_) } @{ $p->{roca}{$_} } } sort keys %{ $p->{roca} }), "\n";
    }
}

sub notes {
    my ($all) = @_;
    printf "\nhm%%: ham called spam; sm%%: spam not called spam, unsure is not; lam%%: their logistic mean, < where one is\n"
        . "nothing and half a message stands for it; sm%%\@hm.1: with the line where at most 0.1 %% of ham is lost; errors:\n"
        . "both kinds in the first 500. us: processor time, user and system; of each process %.0f us are its mere start.\n"
        . "us/learn is per message that was learnt; us of filterd are filterctl's own measure. No network, stores in memory.\n"
        . "filterd is build %s; all took %d s; load before and after, of this as well: %s.\n",
        @$all{qw(process_us build seconds load)};
}

sub show {
    my ($all) = @_;
    for my $order (@{ $all->{orders} }) {
        order($order);
        delayed($order, $all->{delay});
        bulk($order);
    }
    compared($all);
    peers($all);
    notes($all);
}

1;
