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
        my @known = (qr{^0 r /dev/null$}, qr{^[12] w pipe:}, qr{^\d+ w pipe:}, qr{^\d+ rw $dir/(?:run|postfix/queue/filterd)/\w+\.sock(?:\.learn|\.milter)?$},
            qr{^\d+ rw socket:\[\d+\]$}, qr{^\d+ rw anon_inode:\[eventpoll\]$}, qr{^\d+ rw inet$}, qr{^\d+ r /dev/null$},
            qr{^\d+ r $dir/state(?:/|$)});
        my @fds = inside('fds');
        cmp_ok(scalar @fds, '>', 6, 'there are some') or diag explain \@fds;
        my @unknown = grep { my $fd = $_; !grep { $fd =~ $_ } @known } @fds;
        is_deeply(\@unknown, [], 'it has none that it does not need');
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

is($filterd->down, 0, 'it ends');
SKIP: {
    skip 'no numbers for this machine in FilterdTest::OldKernel', 4 if !FilterdTest::OldKernel::runs_here();
    $filterd->settings('filterd.sandbox' => 'best');
    $filterd->up(FilterdTest::OldKernel::command('landlock'));
    from_inside('without Landlock');
    is($filterd->down, 0, 'it ends');
}
done_testing;
