#!/usr/bin/perl
# Runs every unit test of the build: one TAP result for each program. Says what a test left out for want of
# root or Landlock.

use strict;
use warnings;
use FindBin;
use Test::More;

my $build = $ENV{BUILD} || 'build';
$build = "$FindBin::Bin/../$build" if $build !~ m{^/};
# Else GLib (before 2.76) keeps small pieces of memory itself, and no sanitizer sees that one was lost.
$ENV{G_SLICE} = 'always-malloc';
my @sources = glob "$FindBin::Bin/unit/*_test.c";
plan tests => 1 + @sources;
ok(@sources > 0, 'there are unit tests');

for my $source (@sources) {
    my ($name) = $source =~ m{([^/]+)\.c$};
    my $output = `cd '$FindBin::Bin/..' && '$build/t/$name' 2>&1`;
    is($?, 0, $name) or diag($output);
    diag("$name $1") while $output =~ /^(left out: .+)/mg;
}
