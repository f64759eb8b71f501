package FilterdTest::Tables;

# Prints the figures that FilterdTest::Comparison has gathered.

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
        my @cells = map { sprintf $_ ? '%*s' : '%-*s', $width[$_], $row->[$_] } 0 .. $#$row;
        print join('  ', @cells) =~ s/ +\z//r, "\n";
    }
}

my @RIGHT = qw(1-ROCA% hm% sm% lam% sm%@hm.1);
my @EARLY = qw(500:1-ROCA% errors);

sub right {
    my ($f) = @_;
    return (number('%.4f', $f->{roca}), number('%.2f', $f->{hm}), number('%.2f', $f->{sm}),
        ($f->{lam_is_bound} ? '<' : '') . number('%.2f', $f->{lam}), number('%.2f', $f->{sm_at_hm}));
}

sub early {
    my ($f) = @_;
    return (number('%.3f', $f->{roca500}), number('%d', $f->{errors500}));
}

sub us { return map { number('%.0f', $_) } @_ }

sub order {
    my ($order) = @_;
    my $rows = $order->{rows};
    printf "\n== %s: %d messages, %d spam, %d ham, %.1f MB; feedback immediate\n", $order->{name},
        @{ $rows->[0] }{qw(messages spam ham)}, $order->{bytes} / 1e6;
    table([ 'filter', @RIGHT, 'unsure%', @EARLY, qw(us/judge us/learn bytes) ],
        map { [ $_->{name}, right($_), number('%.1f', $_->{unsure_share} || undef), early($_),
            us(@$_{qw(us_judge us_learn)}), number('%d', $_->{bytes}) ] } @$rows);
    my $c = $order->{calibration};
    printf "filterd's calibration: expected error %.4f (95 %% interval %.4f to %.4f), %d bins of equal mass\n",
        @$c{qw(ece low high bins)} if $c && defined $c->{low};
}

# By mode, then from all errors corrected down.
sub by_course {
    my ($mode, $corrected) = $_[0] =~ /^(\w+) (\d+)/;
    return sprintf '%s %03d', $mode, 100 - $corrected;
}

sub delayed {
    my ($order, $delay) = @_;
    my $delayed = $order->{delayed};
    printf "\n-- %s, filterd with --feedback delayed:%d\n", $order->{name}, $delay;
    table([ 'mode, corrected', @RIGHT, @EARLY ],
        map { [ "$_ %", right($delayed->{$_}), early($delayed->{$_}) ] }
        sort { by_course($a) cmp by_course($b) } keys %$delayed);
}

# What it costs when starting programs is left out.
sub bulk {
    my ($order) = @_;
    my ($ours, @peers) = @{ $order->{rows} };
    printf "\n-- %s, all messages in one process; us of processor time a message\n", $order->{name};
    # SpamAssassin's is one process anyway.
    table([qw(filter judge learn)], [ 'filterd', us(@$ours{qw(us_judge us_learn)}) ],
        map { [ $_->{name}, us($_->{name} eq 'spamassassin' ? @$_{qw(us_judge us_learn)}
            : @$_{qw(us_judge_bulk us_learn_bulk)}) ] } @peers);
    print "$_->{name}: $_->{bulk_died}\n" for grep { defined $_->{bulk_died} } @peers;
    printf "filterctl evaluate as a whole, with start, reading and printing: %.0f us a message\n",
        $ours->{us_process};
}

sub verdict {
    my ($c) = @_;
    return 'cannot be told' if !defined $c->{low};
    return $c->{beyond_chance} ? 'beyond chance' : 'may be chance';
}

sub compared {
    my ($all) = @_;
    return if !$all->{compared};
    printf "\n== 1-ROCA%% of filterd less that of the peer, mean of the orders; paired bootstrap,"
        . " %d resamples of the messages\n", $all->{resamples};
    table([ qw(filter filterd peer difference), '95 % interval', '' ],
        map { [ $_->{name}, number('%.4f', $_->{ours}), number('%.4f', $_->{theirs}),
            number('%+.4f', $_->{difference}), number('%+.4f', $_->{low}) . ' to ' . number('%+.4f', $_->{high}),
            verdict($_) ] } @{ $all->{compared} });
}

sub peers {
    my ($all) = @_;
    return if !@{ $all->{peers} };
    print "\n== the peers; each ran with every message learnt, and with errors only: the better of the two counts\n";
    my $orders = join ', ', map { $_->{name} } @{ $all->{orders} };
    for my $p (@{ $all->{peers} }) {
        if (defined $p->{missing}) {
            print "$p->{name}: not run: $p->{missing}\n";
            next;
        }
        print "$p->{name} $p->{version}: learns $p->{regime}; $p->{about}\n";
        my @each = map { "$_ " . join ', ', map { number('%.4f', $_) } @{ $p->{roca}{$_} } } sort keys %{ $p->{roca} };
        print "    1-ROCA% ($orders): ", join('; ', @each), "\n";
    }
}

sub notes {
    my ($all) = @_;
    print "\nhm%: ham called spam. sm%: spam not called spam; unsure is not. lam%: their logistic mean, < where one\n"
        . "is nothing and half a message stands for it. sm%\@hm.1: with the line where at most 0.1 % of ham is lost.\n"
        . "errors: of both kinds in the first 500. us: processor time, user and system; us/learn: per message learnt;\n"
        . "those of filterd are filterctl's own measure. No network, stores in memory.\n";
    printf "Of each process %.0f us are its mere start. Load before and after, with this: %s. %d s in all.\n"
        . "filterd is build %s.\n", @$all{qw(process_us load seconds build)};
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
