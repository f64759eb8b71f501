#!/usr/bin/perl
# The classifier's benchmark: its figures checked on lists made by hand, and a run over a small set with the
# peers that are installed here.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use JSON::PP ();
use List::Util qw(shuffle);
use Test::More;
use lib abs_path(dirname(__FILE__)) . '/lib';
use FilterdTest;
use FilterdTest::Figures;

my $dir = File::Temp::tempdir('filterd-bench-XXXXXX', DIR => '/tmp', CLEANUP => 1);

# spam: scores of spam, ham: those of ham; over 0 is called spam.
sub list {
    my (%scores) = @_;
    my @list;
    for my $class (qw(ham spam)) {
        push @list, { path => "$class" . @list, spam => $class eq 'spam' ? 1 : 0, score => $_,
            class => $_ > 0 ? 'spam' : 'ham' } for @{ $scores{$class} };
    }
    return \@list;
}

sub near { my ($got, $want, $what) = @_; cmp_ok(abs($got - $want), '<', 1e-9, $what) or diag("$got, not $want") }

# Of twelve pairs three are in the wrong order and one is a tie.
my $known = list(ham => [1, 2, 3, 4], spam => [2.5, 3, 5]);
near(FilterdTest::Figures::roca($known), 100 * 3.5 / 12, 'area above the ROC curve');
near(FilterdTest::Figures::roca([reverse @$known]), 100 * 3.5 / 12, 'whatever the order of the list');
near(FilterdTest::Figures::roca(list(ham => [1, 1], spam => [1, 1, 1])), 50, 'where all scores are the same');
is(FilterdTest::Figures::roca(list(ham => [1, 2])), undef, 'there is none without spam');

my @times = (2, 0, 1, 3, 1, 2, 0);
my @repeated = map { ($known->[$_]) x $times[$_] } 0 .. $#times;
near(FilterdTest::Figures::roca_of(FilterdTest::Figures::blocks($known), \@times), FilterdTest::Figures::roca(\@repeated),
    'weights are as good as copies');

near(FilterdTest::Figures::sm_at_hm(list(ham => [1 .. 2000], spam => [1997.5, 1998.5, 1999.5, 3000]), 0.1), 25,
    'missed where two of 2000 may be lost');
near(FilterdTest::Figures::sm_at_hm(list(ham => [1 .. 1997, (1999) x 3], spam => [1999, 1999, 3000, 3000]), 0.1), 50,
    'a tie is on one side of the line');

my ($lam, $bound) = FilterdTest::Figures::lam(1, 100, 10, 100);
my $odds = sqrt(1 / 99 * 10 / 90);
near($lam, 100 * $odds / (1 + $odds), 'logistic mean');
ok(!$bound, 'which is no bound');
ok((FilterdTest::Figures::lam(0, 100, 10, 100))[1], 'but one where nothing was lost');

my $n = FilterdTest::Figures::of([map { { path => "$_", spam => /^s/ ? 1 : 0, class => /u/ ? 'unsure' : /x/ ? 'ham' : 'spam', score => 1 } }
    qw(s1 s2 su1 sx1 h1 hu1 hx1 hx2 hx3 hx4)]);
is_deeply([@$n{qw(messages spam ham missed lost unsure errors500)}], [10, 4, 6, 2, 1, 2, 3], 'unsure spam is missed, unsure ham not lost');

# Two orders of the same messages; noise of the size given on the scores.
srand 1;
my @truth = map { { path => $_, spam => $_ % 3 ? 0 : 1 } } 1 .. 600;
sub orders {
    my ($noise) = @_;
    return [map { [map { { %$_, class => 'ham', score => $_->{spam} + $noise * (rand() - rand()) } } shuffle @truth] } 1, 2];
}
my ($good, $as_good, $bad) = (orders(0.7), orders(0.7), orders(1.5));
my $same = FilterdTest::Figures::compared($good, $good, 200);
is_deeply([@$same{qw(difference low high beyond_chance)}], [0, 0, 0, 0], 'a filter does not differ from itself');
$same = FilterdTest::Figures::compared($good, [map { [shuffle @$_] } @$good], 200);
is_deeply([@$same{qw(difference low high)}], [0, 0, 0], 'also where its messages come in another order');
my $better = FilterdTest::Figures::compared($good, $bad, 200);
ok($better->{beyond_chance} && $better->{high} < 0, 'one that is clearly better is so beyond chance');
ok(FilterdTest::Figures::compared($bad, $good, 200)->{low} > 0, 'and the other is worse');
ok(!FilterdTest::Figures::compared($good, $as_good, 200)->{beyond_chance}, 'one that is as good is not');
cmp_ok($better->{low}, '<', $better->{difference}, 'the interval has the difference in it');

my $c = FilterdTest::Figures::calibration(list(spam => [(0) x 60]), 100, 15);
near($c->{ece}, 0.5, 'half sure and always right is half wrong');
cmp_ok(FilterdTest::Figures::calibration(list(spam => [(20) x 30], ham => [(-20) x 30]), 100, 15)->{ece}, '<', 1e-6, 'sure and right is not');

# The set: letters of two kinds, every fourth word common to both.
my @ham = qw(meeting report kernel patch review schedule library compile thanks regards branch merge);
my @spam = qw(winner casino cheap pills offer money click credit prize bonus loan guarantee);
my @both = qw(the and you for with this that have);
mkdir "$dir/data";
my @lines;
for my $i (1 .. 24) {
    my $class = $i % 2 ? 'ham' : 'spam';
    my @words = map { $_ % 4 ? ($class eq 'ham' ? @ham : @spam)[rand 12] : $both[rand 8] } 1 .. 60;
    spew("$dir/data/$i", "From: someone$i\@example.$class\nTo: you\@example.com\nSubject: $words[0] $words[1]\n"
        . "Date: Mon, 2 Jun 2025 10:00:00 +0000\nMessage-ID: <$i\@example.$class>\n\n@words\n");
    push @lines, "$class data/$i\n";
}
spew("$dir/index", join '', @lines);
spew("$dir/index.shuf", join '', shuffle @lines);

sub bench {
    my (@with) = @_;
    local $ENV{BUILD} = FilterdTest::build();
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$dir/out";
        open STDERR, '>', "$dir/err";
        exec { $^X } $^X, "$FilterdTest::ROOT/t/bench/classifier", @with or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return ($? >> 8, slurp("$dir/out"), slurp("$dir/err"));
}

my ($status, $out, $err) = bench('--set', $dir, '--resamples', 50, '--json', "$dir/figures");
is($status, 0, 'the bench runs') or diag($err);
is($err, '', 'and has nothing to complain of');
my $figures = eval { JSON::PP->new->decode(slurp("$dir/figures")) } || {};
for my $peer (qw(bogofilter spamprobe crm114-osbf spamassassin)) {
    my ($at) = grep { $_->{name} eq $peer } @{ $figures->{peers} };
    my $rows = () = $out =~ /^\Q$peer\E +[\d.]+ +[\d.]+ .* \d+ +\d+ +\d+$/mg;
    if (defined $at->{missing}) {
        like($out, qr/^\Q$peer: not run: $at->{missing}\E$/m, "$peer is not here, and the output says so");
    } else {
        is($rows, 2, "$peer has a line for each order");
        like($out, qr/^\Q$peer\E .* (beyond|may be) chance$/m, "$peer is held against filterd");
    }
}
my $ours = () = $out =~ /^filterd +[\d.]+ +[\d.]+ .*\d$/mg;
is($ours, 2, 'filterd has a line for each order');
my $said = `@{[FilterdTest::build()]}/filterctl evaluate $dir/index.shuf`;
my ($roca) = $said =~ /^1-ROCA% ([\d.]+)$/m;
is(sprintf('%.4f', $figures->{orders}[0]{rows}[0]{roca}), $roca, 'with the area that filterctl evaluate says');
is(() = $out =~ /^(?:settle|toe) (?:100|70|30) %/mg, 12, 'and six with late feedback');
like($out, qr/calibration: expected error 0\.\d+ \(95 % interval 0\.\d+ to 0\.\d+\), 15 bins/, 'and its calibration');
is_deeply([map { $_->{rows}[0]{messages} } @{ $figures->{orders} }], [24, 24], 'over all messages');

($status, $out) = bench('--peers', 'none', '--count', 10, '--resamples', 10, "$dir/index");
ok($status == 0 && $out =~ /^== index: 10 messages, 5 spam, 5 ham/m && $out !~ /bogofilter/, 'a single order, some messages, no peers');
($status, $out, $err) = bench('--set', "$dir/nowhere");
ok($status != 0 && $err =~ /nowhere/, 'a set that is not there') or diag($err);
($status, $out, $err) = bench('--peers', 'dspam', '--set', $dir);
ok($status != 0 && $err =~ /no peer dspam \(there are bogofilter,/, 'a peer nobody knows');

done_testing();
