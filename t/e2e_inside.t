#!/usr/bin/perl
# What a captured process could do: from inside a live worker every descriptor, every path it can name and every
# way to signal another; the site key in each process's memory; a worker that scribbles on shared memory.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::OldKernel;
use FilterdTest::Site;
use Errno qw(EPERM);
use IO::Socket::UNIX;
use Test::More;

my $inside = FilterdTest::build() . '/t/inside.so';
my $asan = join ':', $ENV{ASAN_OPTIONS} // (), 'verify_asan_link_order=0';
my $site = FilterdTest::Site->start(keys => { rsa => 'rsa' }, users => ['plain'],
    env => ["LD_PRELOAD=$inside", "ASAN_OPTIONS=$asan"]);
my ($t, $filterd) = @$site{qw(t filterd)};
my $dir = $t->dir;
$filterd->down;
$filterd->settings('listener inside.protocol' => 'lmtp', 'listener inside.address' => "unix:$dir/run/inside.sock",
    'listener inside.next_hop' => "maildir:$dir/mail/%d/%n", 'listener milter.protocol' => 'milter',
    'listener milter.address' => "unix:$dir/run/milter.sock");
mkdir "$dir/mail";
$filterd->up;

# A worker's answer to what it shall try.
sub inside {
    my ($what) = @_;
    my $s = IO::Socket::UNIX->new(Peer => "$dir/run/inside.sock") or die "inside.sock: $!";
    print $s "$what\n";
    my @lines = <$s>;
    chomp @lines;
    is(pop @lines, 'end', "$what: all was tried");
    return @lines;
}

sub goes {
    my ($name) = @_;
    for my $to ('rsa@example.com', 'plain@example.com') {
        my ($reply) = $site->lmtp->deliver(mail_like(), 'alice@example.net', $to);
        like($reply, qr/^250 /, "$name: mail for $to is taken");
    }
}

sub from_inside {
    my ($name) = @_;
    subtest "$name: every descriptor" => sub {
        # What it is, and how many of it at most. The pipes are those of the log and the master, and those of prove.
        my @known = ([3, qr{^r /dev/null$}], [8, qr{^w pipe:}], [1, qr{^r $dir/state$}], [8, qr{^r $dir/state/(?:users/[^/]+|users)\.db$}],
            [1, qr{^rw $dir/postfix/queue/filterd/lmtp\.sock$}], [1, qr{^rw $dir/postfix/queue/filterd/smtp\.sock$}],
            [1, qr{^rw $dir/run/inside\.sock$}], [1, qr{^rw $dir/run/control\.sock\.learn$}],
            [1, qr{^rw $dir/run/control\.sock\.milter$}], [1, qr{^rw anon_inode:\[eventpoll\]$}], [4, qr{^rw inet$}],
            [1, qr{^rw socket 1 of -$}], # the delivery agent
            [1, qr{^rw socket 5 of -$}], # the door of the SPF processes
            [1, qr{^rw socket 1 of $dir/run/control\.sock\.worker$}], [1, qr{^rw socket 1 of $dir/dovecot\.lmtp$}]);
        my @fds = inside('fds');
        cmp_ok(scalar @fds, '>', 6, 'there are some') or diag explain \@fds;
        my @unknown;
        for my $fd (map { s/^\d+ //r } @fds) {
            my ($known) = grep { $fd =~ $_->[1] } @known;
            push @unknown, $fd if !$known || $known->[0]-- <= 0;
        }
        is_deeply(\@unknown, [], 'it has none that it does not need') or diag explain \@fds;
        is_deeply([grep { m{control\.sock$} } @fds], [], 'above all not the one on which the keeper listens');
    };
    subtest "$name: every signal" => sub {
        my %errno = map { split } inside('signals');
        is(delete $errno{itself}, 0, 'it can signal itself');
        cmp_ok(scalar keys %errno, '>=', 19, 'there are as many ways to signal another');
        is_deeply([grep { $errno{$_} != EPERM } sort keys %errno], [], 'all are refused') or diag explain \%errno;
    };
    goes($name);
}

sub every_path {
    my @lines = inside('paths');
    my ($attempts) = map { /^attempts (\d+)/ } @lines;
    my ($processes) = map { /^processes (\d+)/ } @lines;
    cmp_ok($attempts, '>', 100, "$attempts were tried");
    cmp_ok($processes, '>', 4, "in $processes processes of ours, too");
    ok((grep { $_ eq "tried $dir/state/users.db" } @lines), 'users.db is one that its own permissions would let it write');
    is_deeply([grep { /^allowed/ && $_ ne 'allowed write /dev/null' } @lines], [], 'it can change and spy on nothing');
}

# How often the process's memory holds these bytes.
sub held_by {
    my ($pid, $bytes) = @_;
    my $n = 0;
    open my $mem, '<:raw', "/proc/$pid/mem" or return 0;
    for (split /\n/, slurp("/proc/$pid/maps")) {
        my ($from, $to, $rights) = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/ or next;
        next if $rights !~ /r/ || /\[v/;
        no warnings 'portable';
        my ($at, $end) = (hex $from, hex $to);
        next if $end - $at > 1 << 32; # a sanitizer's
        sysseek $mem, $at, 0 or next;
        my $left = $end - $at;
        my $data = '';
        while ($left > 0) {
            my $got = sysread $mem, $data, $left < 1 << 20 ? $left : 1 << 20, length $data;
            last if !$got;
            $left -= $got;
        }
        $n++ while $data =~ /\Q$bytes\E/g;
    }
    return $n;
}

# name => pids of the daemon's processes, grandchildren too.
sub daemon_processes {
    my (%parent, %name, %pids);
    for (split /\n/, $t->run('/bin/ps', '-eo', 'pid=,ppid=,comm=')) {
        my ($pid, $parent, $name) = split;
        ($parent{$pid}, $name{$pid}) = ($parent, $name =~ s/\.bin$//r);
    }
    for my $pid (keys %name) {
        my $ancestor = $pid;
        $ancestor = $parent{$ancestor} while $ancestor && $ancestor != $filterd->{pid};
        push @{ $pids{ $name{$pid} } }, $pid if $ancestor;
    }
    return %pids;
}

sub site_key {
    my ($when) = @_;
    my $key = pack 'H*', slurp("$dir/etc/site.key") =~ s/\s//gr;
    my (%pids, @wrong);
    my @expected = qw(filterd filterd-agent filterd-keeper filterd-milter filterd-spf filterd-worker);
    poll(sub { %pids = daemon_processes(); "@expected" eq join ' ', sort keys %pids });
    is_deeply([sort keys %pids], \@expected, "$when: there are all kinds of processes");
    my %needs = map { $_ => 1 } qw(filterd filterd-keeper filterd-worker);
    for my $name (sort keys %pids) {
        my @holders = grep { held_by($_, $key) } @{ $pids{$name} };
        ok($needs{$name} ? @holders : !@holders, "$when: $name " . ($needs{$name} ? 'has the site key' : 'has not'));
    }
}

subtest 'the site key' => sub {
    goes('before');
    site_key('at the start');
    my ($old) = $filterd->processes('worker');
    $filterd->reload;
    ok(poll(sub { !grep { $_ == $old } $filterd->processes('worker') }), 'reloaded');
    goes('reloaded');
    site_key('after a reload');
};

from_inside('as it is');
SKIP: {
    skip 'no Landlock in this kernel: what a worker can write is not tried', 1 if !FilterdTest::OldKernel::has_landlock();
    subtest 'every path' => \&every_path;
}

# Of locks a worker gets what SQLite's readers need, and that one not for long.
sub every_lock {
    my ($name) = @_;
    for my $file (grep { -f } glob "$dir/state/lock $dir/state/*.db $dir/state/users/*.db $dir/state/keys/* $dir/state/keys/*/*") {
        my %errno = map { split } inside("locks $file");
        is(delete $errno{open}, 0, "$name: $file can be read");
        is_deeply([grep { $errno{$_} != EPERM } sort keys %errno], [], 'no lock that nobody can trace, and no lease') or diag explain \%errno;
        cmp_ok(scalar keys %errno, '>=', 8, 'there are as many ways');
    }
}

# Whatever it locks, or its children do, what the operator wants is written.
sub held_for_ever {
    my ($children) = @_;
    my $who = $children ? "$children processes that a worker has started" : 'a worker';
    my $key = $site->{keys}{rsa};
    my @deeds = (['users.db', 'a setting' => qw(user set), 'plain@example.com', 'mode=toe'],
        ['users.db', 'a key goes' => qw(key remove), $key->{address}],
        ['users/plain@example.com.db', 'a model' => qw(train spam plain@example.com), "$dir/letter"]);
    for (@deeds) {
        my ($db, $what, @command) = @$_;
        my @held = inside("hold $children $dir/state/$db");
        is_deeply(\@held, [('hold 0') x ($children || 1)], "$who: locks $db");
        my ($status, $out, $err) = $filterd->try_ctl(undef, @command);
        is($status, 0, "$what is written all the same") or diag $out . $err;
    }
    $filterd->import_key($key);
    # The master may be ending workers with all that they have started: who is with one of them comes again.
    for my $to ('rsa@example.com', 'plain@example.com') {
        ok(poll(sub { ($site->lmtp->deliver(mail_like(), 'alice@example.net', $to))[0] =~ /^250 / }), "$who: then mail for $to goes");
    }
}

subtest 'every lock' => sub { every_lock('as it is') };
subtest 'a lock that is held for ever' => sub {
    spew("$dir/letter", mail_like());
    held_for_ever($_) for 0, 3;
    ok($filterd->logs(qr/worker \d+ kept the keeper from writing: ended$/m), 'the log says so');
    ok($filterd->logs(qr/process \d+, which a worker has started, kept the keeper from writing: ended/), 'in both cases');
};

subtest 'a worker scribbles on what it shares' => sub {
    for my $byte (255, 0, 127, 1) {
        my ($n) = map { /^shared (\d+)/ } inside("scribble $byte");
        cmp_ok($n, '>', 0, 'there is such memory');
        for my $to ('rsa@example.com', 'plain@example.com') {
            ok(poll(sub { $site->lmtp->deliver(mail_like(), 'alice@example.net', $to) =~ /^250 / }), "then mail for $to goes");
        }
    }
    ok(kill(0, $filterd->{pid}), 'the master lives');
};

# Mail users that leave their requests half sent: most wait for a worker, and the mail does not.
sub half_requests {
    my $path = "$dir/run/control.sock.learn";
    my @clients = map { IO::Socket::UNIX->new(Peer => $path) // die "$path: $!" } 1 .. 200;
    syswrite $_, "\0\0\0\x40half" for @clients;
    my $most = 0;
    for (1 .. 20) {
        goes("with 200 half requests, round $_");
        my $served = grep { my $left = pack 'i', 0; ioctl $_, 0x5411, $left; !unpack 'i', $left } @clients; # SIOCOUTQ
        $most = $served if $served > $most;
    }
    cmp_ok($most, '>', 0, "some are read: $most of 8 workers at most");
    cmp_ok($most, '<=', 5, 'not by all workers'); # two, and as many as were idle when these came
}

is($filterd->down, 0, 'it ends');
$filterd->settings('filterd.workers' => 8);
$filterd->up;
subtest 'half requests at the learning socket' => \&half_requests;
is($filterd->down, 0, 'it ends');
SKIP: {
    skip 'no numbers for this machine in FilterdTest::OldKernel', 6 if !FilterdTest::OldKernel::runs_here();
    $filterd->settings('filterd.sandbox' => 'best');
    $filterd->up(FilterdTest::OldKernel::command('landlock'));
    from_inside('without Landlock');
    subtest 'without Landlock: every lock' => sub { every_lock('without Landlock') };
    is($filterd->down, 0, 'it ends');
}
done_testing;
