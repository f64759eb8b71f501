#!/usr/bin/perl
# gpg with the library that filterd preloads into it. It lives for a bounded time, and nobody looks into it. Whichever of its allocations fails, gpg either reports
# an error or its output can be opened. Without the library gpg reports success for messages that nobody can
# open.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Faults;
use FilterdTest::Keys;
use POSIX qw(ENOMEM);
use Test::More;

my $t = FilterdTest->new;
my $faults = FilterdTest::Faults->new($t);
my ($build, $text) = (FilterdTest::build(), "0123456789\n" x 300);
my ($shim) = map { /^LD_PRELOAD=(.*)/ ? $1 : () } @{ $faults->env };
my @env = grep { !/^LD_PRELOAD=/ } @{ $faults->env };

# Its exit status, and what it wrote, with the n-th allocation failing.
sub seal {
    my ($file, $preload, $n) = @_;
    $faults->order(roles => ['gpg'], kinds => ['malloc'], nth => $n, action => 'fail', error => ENOMEM);
    my ($status, $out) = $t->try_run($text, '/usr/bin/env', "LD_PRELOAD=$preload", @env, 'gpg', '--homedir', $t->dir . '/empty',
        qw(--batch --quiet --no-options --no-keyring --no-autostart --trust-model always --compress-algo none --armor
        --recipient-file), $file, '--encrypt');
    my $fired = $faults->fired;
    $faults->clear;
    return ($fired, $status, $out);
}

mkdir $t->dir . '/empty', 0700;
my $key = FilterdTest::Keys->new($t, 'rsa@example.com', 'rsa');
my $file = $t->dir . '/rsa.pgp';
spew($file, $key->public);
my ($n, $went_well, @bad) = (0, 0);
while (1) {
    my ($fired, $status, $out) = seal($file, "$build/gpg_malloc.so:$shim", ++$n);
    last if !$fired || $n > 5000;
    next if $status;
    $went_well++;
    push @bad, $n if ($key->open_sealed($out) // '') ne $text;
}
cmp_ok($n, '>', 100, $n - 1 . " allocations, each failed once; it went well $went_well times");
is("@bad", '', 'and what it made then opens');

# What is left of the timer of a program that starts with the library.
sub seconds_left {
    my ($set) = @_;
    return $t->run('perl', '-e', 'alarm shift; exec "/usr/bin/env", @ARGV', $set, "LD_PRELOAD=$build/gpg_malloc.so",
        'perl', '-e', 'print alarm 0');
}
my $left = seconds_left(0);
ok($left > 0 && $left <= 120, "whoever started it, it ends in time: $left s");
$left = seconds_left(100);
ok($left > 0 && $left <= 100, "a timer it has is kept: $left s");
# Whom /proc says a process with the library belongs to: root, if others of its user may not look into it.
$t->run('/bin/cp', "$build/gpg_malloc.so", $t->dir . '/bin');
my @as_filterd = ('setpriv', "--reuid=$FilterdTest::FILTERD_USER", '--clear-groups', '/usr/bin/env');
my @owner = ('perl', '-e', 'print +(stat "/proc/self/mem")[4]');
is($t->run(@as_filterd, @owner), getpwnam $FilterdTest::FILTERD_USER, 'a program can be looked into by others of its user');
is($t->run(@as_filterd, 'LD_PRELOAD=' . $t->dir . '/bin/gpg_malloc.so', @owner), 0, 'with the library it cannot');
done_testing;
