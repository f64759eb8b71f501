#!/usr/bin/perl
# The build: the user's flags reach every object, a change rebuilds what depends on it and nothing else,
# install and uninstall agree, and all programs print their version. Most of it asks make -n, on a copy of
# the tree with two files for each room; programs are run from the real build.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Find;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;

my $root = abs_path(dirname(__FILE__) . '/..');
my $build = $ENV{BUILD} || 'build';
$build = "$root/$build" if $build !~ m{^/};
my $dir = tempdir('filterd-build-XXXXXX', TMPDIR => 1, CLEANUP => 1);
# What the make that runs this test was told is nothing to those it runs.
delete @ENV{qw(MAKEFLAGS MAKEOVERRIDES MFLAGS CPPFLAGS CFLAGS LDFLAGS CC V WERROR SAN BUILD DESTDIR PREFIX SYSCONFDIR)};

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    return scalar <$in>;
}

sub spew {
    my ($file, $text) = @_;
    make_path(dirname($file));
    open my $out, '>', $file or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
}

# Exit status and all that was said.
sub run {
    my (@command) = @_;
    my $pid = open my $out, '-|';
    defined $pid or die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        open STDIN, '<', '/dev/null';
        exec { $command[0] } @command or exit 127;
    }
    my $text = join '', <$out>;
    close $out;
    return ($? >> 8, $text);
}

# make in the real tree, which writes nothing there: only with -n, or -o all.
sub make { return run('make', '-C', $root, '--no-print-directory', @_) }

# A small house with our Makefile: each room has a source and a header, each program its main file.
my $house = "$dir/house";

sub small { return run('make', '-C', $house, '--no-print-directory', "PKG_CONFIG=$house/pkg-config", @_) }

sub make_house {
    make_path($house);
    spew("$house/$_", slurp("$root/$_")) for qw(Makefile VERSION base/version.c base/version.h);
    spew("$house/pkg-config", "#!/bin/sh\nexit 0\n");
    chmod 0755, "$house/pkg-config";
    for my $room (qw(base rules classifier gpg filterd)) {
        spew("$house/$room/one.h", "int ${room}_one(void);\n");
        spew("$house/$room/one.c", qq{#include "$room/one.h"\nint ${room}_one(void) { return 1; }\n});
    }
    spew("$house/base/deep/one.c", "int base_deep_one(void);\nint base_deep_one(void) { return 1; }\n");
    my $main = qq{#include "base/one.h"\n#include "base/version.h"\n}
        . qq{int main(void) { return base_one() == 1 ? version_print("house") : 1; }\n};
    spew("$house/$_", $main) for qw(filterd/main.c filterd/pipe_main.c tools/retrain/retrain.c tools/filterctl/filterctl.c);
    spew("$house/tools/filterctl/more.c", "int filterctl_more(void);\nint filterctl_more(void) { return 1; }\n");
    spew("$house/gpg/preload/malloc.c", "int preloaded(void);\nint preloaded(void) { return 1; }\n");
    spew("$house/t/faults/shim.c", "int shim(void);\nint shim(void) { return 1; }\n");
    spew("$house/t/lookup/lookup.c", "int main(void) { return 0; }\n");
    spew("$house/t/inside/inside.c", "int inside(void);\nint inside(void) { return 1; }\n");
    spew("$house/t/unit/one_test.c", slurp("$house/tools/retrain/retrain.c"));
}

# Libraries that the house does without.
my @none = ('LIBS=');
sub members { my ($archive) = @_; my (undef, $out) = run('ar', 't', "$house/build/$archive"); return sort split /\n/, $out }
sub compiled { my @files = $_[0] =~ /^  CC   (\S+)/mg; return sort @files }
sub number_of { return scalar @_ }

make_house();

subtest "a user's flags reach every object" => sub {
    my @distribution = ('CPPFLAGS=-Wdate-time -D_FORTIFY_SOURCE=3',
        'CFLAGS=-O2 -g -fstack-clash-protection -fcf-protection', 'LDFLAGS=-Wl,-z,relro -Wl,-z,now -Wl,--as-needed');
    my ($status, $out) = make('-n', "BUILD=$dir/none", @distribution, 'all', 'units');
    is($status, 0, 'make -n');
    my @objects = grep { / -c -o / } split /\n/, $out;
    my @links = grep { / -o \S+ / && !/ -c -o / } split /\n/, $out;
    cmp_ok(scalar @objects, '>', 200, 'many objects');
    for my $what (' -Wdate-time ', ' -D_FORTIFY_SOURCE=3 ', ' -fcf-protection ', ' -fstack-clash-protection ') {
        is_deeply([grep { index($_, $what) < 0 } @objects], [], "with$what" . 'each');
    }
    is_deeply([grep { /_FORTIFY_SOURCE=2/ } @objects], [], 'our own level of _FORTIFY_SOURCE yields');
    is_deeply([grep { !/ -Wl,--as-needed / } @links], [], 'LDFLAGS reach each link');
    for my $one (qw(gpg/preload/malloc.c t/faults/shim.c base/bytes.c filterd/main.c tools/filterctl/filterctl.c)) {
        is(scalar(grep { / \Q$one\E$/ } @objects), 1, "$one is one of them");
    }
    (undef, $out) = make('-n', "BUILD=$dir/none", 'all');
    my @without = grep { / -c -o / && !/ -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 / } split /\n/, $out;
    is_deeply(\@without, [], 'who names no level gets ours');
    (undef, $out) = make('-n', "BUILD=$dir/none", 'CFLAGS=-O0 -g', 'all');
    unlike($out, qr/_FORTIFY_SOURCE=/, 'but not without optimization, of which the compiler would warn');
    (undef, $out) = make('-n', "BUILD=$dir/none", 'SAN=1', 'all', 'units');
    my ($preload) = grep { m{ gpg/preload/malloc\.c$} } split /\n/, $out;
    unlike($preload, qr/-fsanitize/, 'what is preloaded into gpg has no sanitizer');
    like($out, qr/-fsanitize=address,undefined .* base\/bytes\.c$/m, 'the rest has');
    local @ENV{qw(CFLAGS CPPFLAGS)} = ('-O1 -DOF_THE_HOUSE', '-DBEFORE_IT');
    (undef, $out) = make('-n', "BUILD=$dir/none", 'all');
    is_deeply([grep { / -c -o / && !/-DBEFORE_IT -O1 -DOF_THE_HOUSE/ } split /\n/, $out], [], 'from the environment, too');
};

# What the distribution's own tool says, taken at its word.
subtest 'the flags of dpkg-buildflags build without a word' => sub {
    my @asked = ('DEB_BUILD_MAINT_OPTIONS=hardening=+all', 'dpkg-buildflags', '--get');
    my %flags = map { $_ => (run('env', @asked, $_))[1] =~ s/\n//r } qw(CPPFLAGS CFLAGS LDFLAGS);
    like($flags{CFLAGS}, qr/-O2/, 'there is dpkg-buildflags (dpkg-dev)') or return;
    my $tree = "$dir/dpkg";
    run('cp', '-R', $house, $tree);
    # The real sources of what is preloaded, and some of each kind; linked is what is preloaded.
    for my $source (qw(gpg/preload/malloc.c gpg/preload/lifetime.h t/inside/inside.c t/faults/shim.c t/faults/shim_page.h t/faults/shim_real.h t/faults/shim_libraries.c)) {
        spew("$tree/$source", slurp("$root/$source"));
    }
    for my $more ('', ' -D_FORTIFY_SOURCE=3') {
        my $cppflags = $more ? $flags{CPPFLAGS} =~ s/-D_FORTIFY_SOURCE=\d//r . $more : $flags{CPPFLAGS};
        my ($status, $out) = run('make', '-C', $tree, '--no-print-directory', 'LIBS=', 'WERROR=1', "CPPFLAGS=$cppflags",
            "CFLAGS=$flags{CFLAGS} -fcf-protection -fstack-clash-protection", "LDFLAGS=$flags{LDFLAGS}", 'PKGS=gpgme sqlite3',
            'build/gpg_malloc.so', 'build/t/shim.so', 'build/t/inside.so', 'build/obj/base/version.o');
        is($status, 0, "with $cppflags") or diag $out;
        is(join('', grep { !/^  (?:CC|LINK) / } split /^/, $out), '', 'without a word');
    }
};

subtest 'a warning is an error if WERROR=1 says so' => sub {
    spew("$house/base/warns.c", "static int unused;\n");
    my ($status, $out) = small(@none, 'BUILD=build-warns', 'build-warns/obj/base/warns.o');
    is($status, 0, 'else it is a warning');
    like($out, qr/unused/, 'which is shown');
    ($status, $out) = small(@none, 'WERROR=1', 'BUILD=build-warns', 'build-warns/obj/base/warns.o');
    isnt($status, 0, 'an error, though the object was there');
    ($status, $out) = small(@none, 'WERROR=0', 'BUILD=build-warns', 'build-warns/obj/base/warns.o');
    is($status, 0, 'WERROR=0 is none');
    unlink "$house/base/warns.c";
};

subtest 'what is built, and what is built anew' => sub {
    my ($status, $out) = small(@none, 'all', 'units');
    is($status, 0, 'the small house') or return diag $out;
    is_deeply([members('libfilterd.a')], [sort qw(one.o one.o one.o one.o one.o one.o version.o)],
        'the library has the files of all rooms and their folders, also those of one name');
    is((run("$house/build/filterd"))[1], 'house ' . slurp("$root/VERSION"), 'and is good');
    is(join('', grep { !/^  (?:CC  |AR  |LINK) \S+$/ } split /^/, $out), '', 'one short line for each command');
    like($out, qr{^  CC   base/deep/one\.c$}m, 'such as this');
    is((small(@none, '-q', 'all', 'units'))[0], 0, 'then there is nothing to do');
    is((small(@none, 'all', 'units'))[1] =~ s{^make(?:\[\d+\])?: Nothing.*\n}{}mgr, '', 'and nothing is done');

    spew("$house/base/deep/two.c", "int base_deep_two(void);\nint base_deep_two(void) { return 1; }\n");
    isnt((small(@none, '-q', 'all'))[0], 0, 'a new file is seen');
    (undef, $out) = small(@none, 'all');
    is_deeply([compiled($out)], ['base/deep/two.c'], 'and it alone is compiled');
    ok((grep { $_ eq 'two.o' } members('libfilterd.a')), 'into the archive');
    unlink "$house/base/deep/two.c";
    isnt((small(@none, '-q', 'all'))[0], 0, 'a deleted one is missed');
    (undef, $out) = small(@none, 'all');
    is_deeply([compiled($out)], [], 'nothing is compiled for that');
    ok(!(grep { $_ eq 'two.o' } members('libfilterd.a')), 'it has left the archive');
    rename "$house/filterd/one.c", "$house/filterd/other.c" or die "$!\n";
    (undef, $out) = small(@none, 'all');
    is_deeply([grep { !/^(?:one|version)\.o$/ } members('libfilterd.a')], ['other.o'], 'a renamed one has its new name there');
    is((grep { $_ eq 'one.o' } members('libfilterd.a')), 5, 'and has lost the old one');
    unlink "$house/tools/filterctl/more.c";
    (undef, $out) = small(@none, 'all');
    is($out, "  LINK build/filterctl\n", 'a program is linked without a file of its own that went');

    spew("$house/base/new.h", "#define NEW 1\n");
    spew("$house/base/one.c", qq{#include "base/new.h"\n} . slurp("$house/base/one.c"));
    small(@none, 'all');
    spew("$house/base/one.c", slurp("$house/base/one.c") =~ s/^#include "base\/new.h"\n//r);
    unlink "$house/base/new.h";
    ($status, $out) = small(@none, 'all');
    is($status, 0, 'a deleted header is nothing to stumble over') or diag $out;
    is_deeply([compiled($out)], ['base/one.c'], 'only who included it is compiled');
};

subtest 'other flags, another version' => sub {
    small(@none, 'all', 'units');
    my (undef, $all) = small(@none, '-n', '-B', 'all', 'units');
    my $objects = () = $all =~ / -c -o /g;
    my ($status, $out) = small(@none, 'CPPFLAGS=-DOTHER', 'all', 'units');
    is(number_of(compiled($out)), $objects, 'every object is compiled with the new flags');
    is((small(@none, 'CPPFLAGS=-DOTHER', '-q', 'all', 'units'))[0], 0, 'once');
    (undef, $out) = small(@none, 'CPPFLAGS=-DOTHER', q{CFLAGS=-O1 -DTEXT='"a b"'}, 'all', 'units');
    is(number_of(compiled($out)), $objects, 'quotes in flags are none of ours');
    is((small(@none, 'CPPFLAGS=-DOTHER', q{CFLAGS=-O1 -DTEXT='"a b"'}, '-q', 'all', 'units'))[0], 0, 'and are kept');
    (undef, $out) = small(@none, 'CPPFLAGS=-DOTHER', q{CFLAGS=-O1 -DTEXT='"a b"'}, 'LDFLAGS=-Wl,--as-needed', 'all', 'units');
    is_deeply([compiled($out)], [], 'LDFLAGS compile nothing');
    my $links = () = $out =~ /^  LINK /mg;
    is($links, 9, 'and link all');
    small(@none, 'all', 'units');
    spew("$house/VERSION", "1.2.3\n");
    (undef, $out) = small(@none, 'all');
    is_deeply([compiled($out)], ['base/version.c'], 'another version is one object');
    is((run("$house/build/filterctl"))[1], "house 1.2.3\n", 'and it is told');
};

subtest 'quiet, or not' => sub {
    unlink "$house/build/filterctl";
    is((small(@none, '-s', 'all'))[1], '', 'make -s says nothing');
    unlink "$house/build/filterctl";
    my (undef, $out) = small(@none, 'V=1', 'all');
    like($out, qr{^\S+ .* -o build/filterctl .*libfilterd\.a}m, 'V=1 shows the command');
    unlike($out, qr/^  LINK/m, 'instead of the line');
    my (undef, $counted) = small(@none, '-n', '-B', 'V=', 'all');
    my (undef, $built) = small(@none, '-B', 'V=', 'all');
    my ($lines, $said) = (scalar(() = $counted =~ / -c -o /g), scalar(() = $built =~ /^  CC /mg));
    is($said, $lines, 'tools/quickstart sees as many lines as it counted');
    my $quickstart = slurp("$root/tools/quickstart");
    like($quickstart, qr/make -n .* grep -c -e ' -c -o '/, 'with these words');
    like($quickstart, qr{'/\^  CC / \{}, 'and these');
};

sub files_in {
    my ($folder) = @_;
    my @found;
    find({ no_chdir => 1, wanted => sub { push @found, substr $_, length $folder if !-d } }, $folder) if -d $folder;
    return sort @found;
}

# The programs as they are: -o all.
subtest 'install and uninstall' => sub {
    my @where = ("BUILD=$build", 'PREFIX=/opt/mail', 'SYSCONFDIR=/opt/etc', "DESTDIR=$dir/root", '-o', 'all');
    my ($status, $out) = make(@where, 'install');
    is($status, 0, 'install') or diag $out;
    my @all = files_in("$dir/root");
    my %is = map { $_ => 1 } @all;
    for my $file (qw(/opt/mail/sbin/filterd /opt/mail/sbin/filterd-pipe /opt/mail/bin/filterctl /opt/mail/bin/filterd-retrain
        /opt/mail/lib/filterd/gpg_malloc.so /opt/mail/lib/systemd/system/filterd.service /opt/mail/lib/sysusers.d/filterd.conf
        /opt/mail/lib/tmpfiles.d/filterd.conf /opt/etc/filterd/dnsbl.conf /opt/etc/filterd/filterd.conf /opt/etc/filterd/sieve/learn.sieve
        /opt/etc/filterd/anonymize-inbound.pcre)) {
        ok($is{$file}, $file);
    }
    for my $page (glob "$root/man/*.[1-8]") {
        my ($section) = $page =~ /(\d)$/;
        ok($is{"/opt/mail/share/man/man$section/" . basename($page)}, basename($page));
    }
    for my $folder (qw(postfix dovecot)) {
        ok($is{"/opt/mail/share/filterd/$folder/" . basename($_)}, "$folder/" . basename($_)) for glob "$root/tools/$folder/*";
    }
    for my $file (@all) {
        my $program = $file =~ m{/s?bin/|\.so$};
        is(sprintf('%o', (stat "$dir/root$file")[2] & 07777), $program ? '755' : '644', "rights of $file");
        ok(slurp("$dir/root$file") !~ m{/usr/local/}, "$file names no other prefix") if !$program;
    }
    is_deeply([grep { !$out =~ /\Q$_\E$/m } @all], [], 'each file has its line');
    is((make('-s', @where, 'install'))[1], '', 'make -s install says nothing');

    my $settings = "$dir/root/opt/etc/filterd/filterd.conf";
    ($status, $out) = make(@where, 'uninstall');
    is($status, 0, 'uninstall') or diag $out;
    is_deeply([files_in("$dir/root")], [], 'nothing is left of what install put');
    ok(!-e "$dir/root$_", "nor the folder $_") for qw(/opt/mail/share/filterd /opt/mail/lib/filterd /opt/etc/filterd);
    ok(-d "$dir/root/opt/mail/bin", 'a folder of others is left');
    like($out, qr/^Stays: .*state_dir/m, 'what filterd keeps is told of');

    make('-s', @where, 'install');
    spew($settings, slurp($settings) . "# mine\n");
    make('-s', @where, 'install');
    like(slurp($settings), qr/# mine/, 'edited settings outlive the next install');
    my $sieve = "$dir/root/opt/etc/filterd/sieve";
    spew("$sieve/learn.sieve", "# mine\n");
    spew("$_/spam-to-junk.sieve", "# of an older version\n") for $sieve, "$dir/root/opt/mail/share/filterd/shipped/sieve";
    ($status, $out) = make(@where, 'install');
    is(slurp("$sieve/learn.sieve"), "# mine\n", 'an edited script does, too');
    like($out, qr{^  KEPT \Q$sieve\E/learn\.sieve, which was edited; as shipped: \S+/shipped/sieve/learn\.sieve$}m, 'which is said');
    like(slurp("$sieve/spam-to-junk.sieve"), qr/fileinto/, 'one that was as shipped is replaced');
    spew("$sieve/learn.svbin", "compiled\n");
    spew("$dir/root/opt/mail/bin/neighbour", "another's\n");
    ($status, $out) = make(@where, 'uninstall');
    is($status, 0, 'uninstall beside them');
    is_deeply([files_in("$dir/root")], [sort '/opt/etc/filterd/filterd.conf', '/opt/mail/bin/neighbour',
            '/opt/etc/filterd/sieve/learn.svbin', '/opt/etc/filterd/sieve/learn.sieve'], 'they stay, and what others put there');
    for my $stays ($settings, "$sieve/learn.svbin", "$sieve/learn.sieve") {
        like($out, qr/^Stays, .*: \Q$stays\E$/m, 'it says so: ' . basename($stays));
    }
    is((make(@where, 'uninstall'))[0], 0, 'uninstall once more');
};

subtest 'the version and the help of all programs' => sub {
    my ($version) = slurp("$root/VERSION") =~ /^(\d+\.\d+\.\d+)\n\z/;
    ok($version, 'the file VERSION is three numbers');
    for my $program (qw(filterd filterd-pipe filterd-retrain filterctl)) {
        my ($status, $out) = run("$build/$program", '--version');
        is("$status $out", "0 $program $version\n", "$program --version");
        ($status, $out) = run("$build/$program", '--help');
        is($status, 0, "$program --help");
        like($out, qr/\Q$program\E.*--version/s, 'which tells of it');
        my ($page) = glob "$root/man/$program.[18]";
        like(slurp($page), qr/^\.(?:It )?Fl -version\b/m, 'as the manual does');
    }
    # It gets no further than that: there can be no such folder.
    spew("$dir/filterd.conf", "[filterd]\nhostname = mx.example.org\nlog = stderr\nstate_dir = /proc/none\nsite_key = /proc/none/key\n"
            . "[control]\naddress = unix:$dir/control\n[listener one]\nprotocol = lmtp\naddress = unix:$dir/lmtp\n"
            . "[deliver]\nnext_hop = maildir:$dir/mail\n");
    my (undef, $log) = run("$build/filterd", '-c', "$dir/filterd.conf");
    is((split /\n/, $log)[0], "filterd: starting: version $version, settings $dir/filterd.conf", "the log's first line");
    like(slurp("$root/NEWS"), qr/\A.*?^filterd \Q$version\E \(\d{4}-\d\d-\d\d\)$/ms, 'NEWS begins with it');
};

subtest 'make help' => sub {
    my ($status, $out) = make('help');
    is($status, 0, 'is there');
    my $makefile = slurp("$root/Makefile") =~ s/\\\n//gr;
    my ($phony) = $makefile =~ /^\.PHONY: (.*)$/m;
    like($out, qr/^  \Q$_\E\s/m, $_) for grep { $_ ne 'FORCE' } split ' ', $phony;
    like($out, qr/^  .*\b$_\b/m, $_) for qw(CC CPPFLAGS CFLAGS LDFLAGS BUILD PREFIX DESTDIR SAN WERROR V JOBS), $makefile =~ /^(\w+) \?=/mg;
    unlike($out, qr/^#/m, 'no comment signs');
};

# .ci/run with others in place of what it runs.
subtest 'the CI sums up' => sub {
    my $ci = "$dir/ci";
    spew("$ci/.ci/run", slurp("$root/.ci/run"));
    spew("$ci/tools/deps", "DEPS_CI=none\ndeps_install() { return \${NO_DEPS:-0}; }\n");
    my $sums = sub {
        my ($host, $suite, $quickstart, $package) = @_;
        $package //= "echo '2 passed, 0 failed'";
        spew("$ci/tools/check", "#!/bin/sh\nif [ \"\$1\" = --package ]; then\n$package\nexit\nfi\n$host\n");
        spew("$ci/t/in_debian", "#!/bin/sh\n[ \"\$1\" = trixie ] || exit 99\ncase \$2\\ \$3 in 'tools/check --suite') $suite ;; 'tools/quickstart ') $quickstart ;; *) exit 98 ;; esac\n");
        chmod 0755, "$ci/.ci/run", "$ci/tools/check", "$ci/t/in_debian";
        my ($status, $out) = run("$ci/.ci/run");
        return join ': ', $status, (split /\n/, $out)[-1];
    };
    is($sums->("echo '10 passed, 0 failed'", "echo '5 passed, 0 failed'", ':'), '0: 18 passed, 0 failed', 'all well');
    is($sums->("echo '9 passed, 1 failed'; exit 1", "echo '5 passed, 0 failed'", ':'), '1: 17 passed, 1 failed', 'one test failed here');
    is($sums->("echo '10 passed, 0 failed'", "echo '3 passed, 2 failed'; exit 1", ':'), '1: 16 passed, 2 failed', 'two failed there');
    is($sums->("echo '10 passed, 0 failed'", 'exit 69', 'exit 1'), '1: 12 passed, 2 failed', 'no second Debian');
    is($sums->("echo '10 passed, 0 failed'; exit 1", "echo '5 passed, 0 failed'", ':'), '1: 18 passed, 1 failed', 'it ended badly after all');
    is($sums->('kill -9 $$', "echo '5 passed, 0 failed'", ':'), '1: 8 passed, 1 failed', 'killed');
    is($sums->(':', "echo '5 passed, 0 failed'", ':'), '1: 8 passed, 1 failed', 'it ended well, but without a sum');
    is($sums->("echo '10 passed, 0 failed'", "echo '5 passed, 0 failed'", ':', "echo '1 passed, 1 failed'; exit 1"), '1: 17 passed, 1 failed', 'the package failed');
    local $ENV{NO_DEPS} = 1;
    is($sums->("echo '10 passed, 0 failed'", ':', ':'), '1: 12 passed, 2 failed', 'no debootstrap');
};

# tools/check with a Makefile in place of the real one.
subtest 'tools/check --suite' => sub {
    my $tree = "$dir/check";
    spew("$tree/tools/check", slurp("$root/tools/check"));
    chmod 0755, "$tree/tools/check";
    spew("$tree/tools/deps", "DEPS_BUILD=\nDEPS_TEST=\ndeps_install() { :; }\n");
    my $makefile = "all units lint:\n\t\@echo made \$\@ WERROR=\$(WERROR) SAN=\$(SAN)\n"
        . "check:\n\t\@echo 'Files=3, Tests=7, 1 wallclock secs'\n";
    spew("$tree/Makefile", $makefile);
    my ($status, $out) = run("$tree/tools/check", '--suite');
    is($status . ': ' . (split /\n/, $out)[-1], '0: 9 passed, 0 failed', 'build, lint and the tests are all it counts');
    is_deeply([sort $out =~ /^made (.*)$/mg], [map { "$_ WERROR=1 SAN=" } qw(all lint units)], 'a warning is an error, in what two jobs make in any order');
    spew("$tree/Makefile", $makefile =~ s/ lint:/:/r . "lint:\n\t\@false\n");
    ($status, $out) = run("$tree/tools/check", '--suite');
    is($status . ': ' . (split /\n/, $out)[-1], '1: 8 passed, 1 failed', 'lint complains');
    is((run("$tree/tools/check", '--other'))[0], 64, 'an unknown word');
};

done_testing();
