#!/usr/bin/perl
# What a worker that was taken over may ask of the running keeper (t/unit/inside_test.c asks, with filterd's uid
# and in a worker's sandbox), and what others can do to it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Daemon;
use FilterdTest::OldKernel;
use FilterdTest::Mail;
use FilterdTest::Site;
use IO::Socket::UNIX;
use POSIX ();
use Test::More;

my $alice = 'alice@example.com';
my $site = FilterdTest::Site->start(keys => { alice => 'rsa' }, set => { 'control.mode' => '0666' });
my ($t, $filterd) = @$site{qw(t filterd)};
my $control = $t->dir . '/run/control.sock';
my $landlock = FilterdTest::OldKernel::has_landlock();
my $NOPERM = 77;

my @as_filterd = ('setpriv', "--reuid=$FilterdTest::FILTERD_USER", '--clear-groups');

subtest 'every verb, at both doors of the daemon' => sub {
    my $probe = $t->dir . '/bin/inside_test';
    $t->run('/bin/cp', FilterdTest::build() . '/t/inside_test', $probe);
    my ($status, $out, $err) = $t->try_run(undef, @as_filterd, $probe, $control, $t->dir . '/state');
    is($status, 0, "none is heard that is not a worker's, and nothing a worker can open proves more") or diag $err;
    is($filterd->ctl(qw(user list)), '', 'no setting was made');
    is($filterd->ctl(qw(alias list)), '', 'no alias');
};

sub as_filterd { return $t->try_run(undef, @as_filterd, $t->dir . '/bin/filterctl', @_) }

subtest "filterctl with filterd's uid" => sub {
    chmod 0755, $t->dir . '/etc';
    my ($status, $out, $err) = as_filterd(qw(user set), $alice, 'mode=toe');
    if ($landlock) {
        is($status, 0, 'may what an administrator may, as it can write the lock') or diag $err;
        like($filterd->ctl(qw(user show), $alice), qr/\tmode\ttoe$/m, 'done');
    } else {
        is($status, $NOPERM, 'without Landlock root alone may');
    }
};

# ---- what others may do to the keeper ----

sub become {
    my ($uid, $gid) = (getpwnam $_[0])[2, 3];
    $) = "$gid $gid";
    $( = $gid;
    ($<, $>) = ($uid, $uid);
}

# Runs CODE in a child with that user's uid; true if it returned something true.
sub as_user {
    my ($user, $code) = @_;
    my $pid = fork // die $!;
    if (!$pid) {
        become($user);
        POSIX::_exit($code->() ? 0 : 1);
    }
    waitpid $pid, 0;
    return $? == 0;
}

# A connection on which half a frame has been sent; undef if nobody takes it.
sub half_frame {
    my $s = IO::Socket::UNIX->new(Peer => $control) or return;
    $s->blocking(0);
    syswrite $s, pack('N', 1000) . 'x';
    return $s;
}

sub answers {
    my ($name) = @_;
    my ($status, $out, $err) = $filterd->try_ctl(undef, qw(user set), $alice, 'mode=toe');
    is($status, 0, $name) or diag $err;
}

subtest 'half frames' => sub {
    pipe my $ready, my $say;
    my $pid = $t->spawn_code(sub {
        become($FilterdTest::MAIL_USER);
        my @clients = map { half_frame() } 1 .. 300;
        syswrite $say, 'x';
        sleep 600;
    });
    sysread $ready, my $byte, 1;
    answers('the keeper answers beside them');
    my $lmtp = $site->lmtp;
    like(($lmtp->deliver(mail_like(), 'someone@example.net', $alice))[0], qr/^250/, 'and mail goes on');
    $lmtp->quit;
    my ($mail) = $site->{dovecot}->wait_mails(1, $alice);
    ok(header($mail, 'X-Filterd-Signature'), 'with a signature: the worker had its answer');
};

subtest 'a flood of strangers' => sub {
    ok(as_user('daemon', sub {
        for (1 .. 500) {
            my $s = IO::Socket::UNIX->new(Peer => $control) or next;
            syswrite $s, 'x';
        }
        1;
    }), 'a stranger connects 500 times');
    answers('the keeper answers');
    my @lines = $filterd->log_text =~ /^.*control socket: a peer without rights.*$/mg;
    cmp_ok(scalar @lines, '>=', 1, 'it is in the log');
    cmp_ok(scalar @lines, '<=', 2, 'and no line for each');
};

subtest 'a flood of nonsense by the mail user' => sub {
    my $before = () = $filterd->log_text =~ /\n/g;
    ok(as_user($FilterdTest::MAIL_USER, sub {
        for (1 .. 500) {
            my $s = IO::Socket::UNIX->new(Peer => $control) or next;
            syswrite $s, pack('N', 8) . 'nonsense';
        }
        1;
    }), 'it connects 500 times');
    answers('the keeper answers');
    my $after = () = $filterd->log_text =~ /\n/g;
    cmp_ok($after - $before, '<', 50, 'the log has not grown');
};

done_testing;
