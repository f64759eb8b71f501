#!/usr/bin/perl
# The two SPF processes of the running daemon, asked by many workers: that there are always two, and that
# mail flows on when one or both are killed.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Dns;
use FilterdTest::Mail;
use POSIX ();
use Socket qw(SOL_SOCKET SO_TYPE SOCK_SEQPACKET);
use Test::More;

my $SESSIONS = 24;
my $t = FilterdTest->new;
my $dns = FilterdTest::Dns->start(t => $t, mute => 'never.example', zones => {
    'good.example' => qq(* TXT "v=spf1 ip4:192.0.2.0/24 -all"\n), 'bad.example' => qq(* TXT "v=spf1 a:mail.bad.example -all"\n) });
my $mail = $t->dir . '/mail';
mkdir $mail;
chown +(getpwnam $FilterdTest::FILTERD_USER)[2, 3], $mail;
my $filterd = FilterdTest::Daemon->start($t, set => {
    'filterd.workers' => $SESSIONS + 4, 'listener lmtp.next_hop' => "maildir:$mail/%d/%n",
    'dns.server' => $dns->server, 'dns.timeout_ms' => 60000, # on a busy machine
    'dmarc.enabled' => 'no', 'dkim.enabled' => 'no' });
$filterd->ctl(qw(user set user@example.com spam_action=tag));

# All below the daemon, and not the dead.
sub spf_processes {
    my (%parent, %name);
    for (split /\n/, $t->run('/bin/ps', '-eo', 'pid=,ppid=,stat=,comm=')) {
        my ($pid, $parent, $stat, $name) = split;
        ($parent{$pid}, $name{$pid}) = ($parent, $name) if $stat !~ /^Z/;
    }
    my $ours = sub {
        my $pid = shift;
        $pid = $parent{$pid} while $pid && $pid != $filterd->{pid};
        return $pid;
    };
    return sort { $a <=> $b } grep { $name{$_} eq 'filterd-spf' && $ours->($_) } keys %name;
}

# Both, when there are two, and none of those; else none.
sub two_but {
    my %old = map { $_ => 1 } @_;
    my @now;
    return poll(sub { @now = spf_processes(); @now == 2 && !grep { $old{$_} } @now }) ? @now : ();
}

my $number = 0;

# A session up to where SPF is asked: each has a domain of its own, every other one's record fails.
sub begin {
    my ($domain) = @_;
    my $n = ++$number;
    my %s = (sender => "s$n\@d$n." . ($domain // ($n % 2 ? 'good.example' : 'bad.example')), expected => $n % 2 ? 'pass' : 'fail',
        c => FilterdTest::Client->new(lmtp => $t->front('lmtp')));
    $s{c}->say($_) for "XFORWARD ADDR=192.0.2." . ($n % 200 + 1) . ' NAME=h.example.net HELO=h.example.net',
        "MAIL FROM:<$s{sender}>", 'RCPT TO:<user@example.com>', 'DATA';
    $s{c}->put(FilterdTest::Client::dot_stuffed(mail_like()) =~ s/\r\n\r\n.*\z/\r\n\r\n/sr);
    return \%s;
}

sub finish { $_->{c}->put("the end\r\n.\r\n") for @_ }

# Replies, and results of SPF that are not as they should be.
sub all_right {
    my ($name, @sessions) = @_;
    my @odd = grep { !/^250 / } map { $_->{c}->reply } @sessions;
    is("@odd", '', "$name: all is delivered");
    my %spf;
    poll(sub {
        %spf = map { /from=<([^>]*)>.* spf=(\S+)/ ? ($1 => $2) : () } split /\n/, $filterd->log_text;
        !grep { !$spf{ $_->{sender} } } @sessions;
    });
    my @wrong = grep { ($spf{ $_->{sender} } // '') ne $_->{expected} } @sessions;
    is(join(' ', map { "$_->{sender}: " . ($spf{ $_->{sender} } // 'nothing') } @wrong), '', "... and judged right");
    $_->{c}->quit for @sessions;
}

# Until the records of all these were asked for, so often.
sub open_at_server {
    my ($times, @sessions) = @_;
    return ok(poll(sub {
        my %asked;
        $asked{$_}++ for $dns->asked;
        !grep { ($asked{ ($_->{sender} =~ s/.*@//r) . ' TXT' } // 0) < $times } @sessions;
    }), 'all questions are open');
}

my @first = two_but();
is(scalar @first, 2, 'two SPF processes');
my @sessions = map { begin() } 1 .. $SESSIONS;
cmp_ok(scalar(my @workers = $filterd->processes('worker')), '>=', $SESSIONS, 'many workers');
is_deeply([spf_processes()], \@first, 'still two');
finish(@sessions);
all_right('many at once', @sessions);

subtest 'domains that never answer' => sub {
    my @silent = map { begin('never.example') } 1 .. 8;
    open_at_server(1, @silent);
    my @others = map { begin() } 1 .. 8;
    finish(@silent, @others);
    all_right('beside them', @others);
    $_->{c} = undef for @silent;
};
# Those who wait for nobody are replaced.
kill 'KILL', $filterd->processes('worker');
@first = two_but();

subtest 'one is killed while all are open' => sub {
    $dns->hushed(1);
    my @open = map { begin() } 1 .. $SESSIONS;
    finish(@open);
    open_at_server(1, @open);
    kill 'KILL', $first[0];
    open_at_server(2, @open);
    $dns->hushed(0);
    all_right('asked again', @open);
    my @now = two_but($first[0]);
    is(scalar(grep { $_ == $first[1] } @now), 1, 'the spare is one of two');
    @first = ($first[1], grep { $_ != $first[1] } @now);
};

subtest 'both are killed while all are open' => sub {
    $dns->hushed(1);
    my @open = map { begin() } 1 .. $SESSIONS;
    finish(@open);
    open_at_server(1, @open);
    kill 'STOP', $filterd->{pid}; # so that no new one comes between
    kill 'KILL', @first[1, 0];
    $dns->hushed(0);
    kill 'CONT', $filterd->{pid};
    all_right('asked again of new ones', @open);
    is(scalar(my @now = two_but(@first)), 2, 'two new ones');
    @first = @now;
};

subtest 'killed again and again' => sub {
    my %seen = (pass => 0);
    for my $round (1 .. 12) {
        my @some = map { begin() } 1 .. 4;
        my ($one) = spf_processes();
        kill 'KILL', $one if $one;
        finish(@some);
        my @odd = grep { !/^250 / } map { $_->{c}->reply } @some;
        is("@odd", '', "round $round: all is delivered");
        $_->{c}->quit for @some;
        push @sessions, @some;
    }
    my @wrong;
    poll(sub {
        my %spf = map { /from=<([^>]*)>.* spf=(\S+)/ ? ($1 => $2) : () } split /\n/, $filterd->log_text;
        @wrong = grep { ($spf{ $_->{sender} } // 'no line') !~ /^(?:$_->{expected}|temperror)$/ } @sessions;
        return !@wrong;
    });
    is(join(' ', map { $_->{sender} } @wrong), '', 'and no result is wrong');
    my $last = begin();
    finish($last);
    all_right('the next one', $last);
    @first = two_but();
};

subtest 'a reload brings new ones' => sub {
    my $open = begin();
    $filterd->settings('dns.timeout_ms' => 59000);
    $filterd->reload;
    $filterd->logs(qr/settings read anew/, 'it was read');
    my $new = begin();
    finish($open, $new);
    all_right('before and after', $open, $new);
    is(scalar(my @now = two_but(@first)), 2, 'two new ones, when the old workers are gone');
    @first = @now;
};

sub sockets {
    my ($pid) = @_;
    return map { (readlink // '') =~ /^socket:(.*)/ ? [m{(\d+)$}, $1] : () } glob "/proc/$pid/fd/*";
}

# What a captured worker could do: its end of the door, by the kernel's number. The door is the one socket for
# packets that all workers share; each may have others of its own, such as its line to an SPF process.
sub shut_door {
    my (@workers) = @_;
    my %of;
    $of{ $_->[1] }++ for map { sockets($_) } @workers;
    my $pidfd = syscall 434, $workers[0] + 0, 0;
    for my $socket (grep { $of{ $_->[1] } == @workers } sockets($workers[0])) {
        my $copy = syscall 438, $pidfd, $socket->[0] + 0, 0;
        return if $copy < 0;
        open my $end, '+<&=', $copy or next;
        next if unpack('i', getsockopt($end, SOL_SOCKET, SO_TYPE) // '') != SOCK_SEQPACKET;
        POSIX::close($pidfd);
        return shutdown $end, 2;
    }
}

SKIP: {
    my @all;
    poll(sub { (@all = $filterd->processes('worker')) > 1 });
    my $idle = $all[0];
    skip 'no worker\'s descriptors can be had here', 5 if !shut_door(@all);
    $filterd->logs(qr/somebody shut the door/, 'a door that was shut is told');
    is(scalar(my @now = two_but(@first)), 2, 'two new ones behind another');
    ok(poll(sub { !grep { $_ == $idle } $filterd->processes('worker') }), 'the workers are replaced');
    my $next = begin();
    finish($next);
    all_right('the next one', $next);
}

is($filterd->down, 0, 'it ends');
is_deeply([spf_processes()], [], 'and they with it');
$filterd->settings('spf.enabled' => 'no');
$filterd->up;
my $without = begin();
finish($without);
like($without->{c}->reply, qr/^250 /, 'without SPF mail flows');
is_deeply([spf_processes()], [], 'and there is no process for it');
is($filterd->down, 0, 'it ends');
done_testing;
