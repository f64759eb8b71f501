#!/usr/bin/perl
# The sandbox of the running daemon: what the kernel says of each process, which files a worker and its gpg
# open, and what happens on a kernel without Landlock or seccomp.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::OldKernel;
use FilterdTest::Site;
use Test::More;

my $site = FilterdTest::Site->start(keys => { rsa => 'rsa' }, users => ['plain'],
    set => { 'listener smtp.protocol' => 'smtp', 'listener smtp.next_hop' => 'maildir:/tmp/%d/%n' });
my ($t, $filterd) = @$site{qw(t filterd)};
my $sanitized = FilterdTest::build() =~ /-san$/;

# pid => name of the daemon's processes, grandchildren too.
sub processes {
    my (%name, %parent);
    for (split /\n/, $t->run('/bin/ps', '-eo', 'pid=,ppid=,comm=')) {
        my ($pid, $parent, $name) = split;
        ($parent{$pid}, $name{$pid}) = ($parent, $name =~ s/\.bin$//r);
    }
    for my $pid (keys %name) {
        my $ancestor = $pid;
        $ancestor = $parent{$ancestor} while $ancestor && $ancestor != $filterd->{pid};
        delete $name{$pid} if !$ancestor;
    }
    return %name;
}

sub status_of {
    my ($pid) = @_;
    return slurp("/proc/$pid/status") =~ /^(\w+):\s+(.*)$/mg;
}

# Name => soft limit.
sub limits_of {
    my ($pid) = @_;
    return slurp("/proc/$pid/limits") =~ /^(Max [a-z ]+?) {2,}(\S+)/mg;
}

subtest 'what the kernel says' => sub {
    my %name;
    my @expected = qw(filterd filterd-agent filterd-keeper filterd-spf filterd-worker);
    ok(poll(sub {
        %name = processes();
        return "@expected" eq join ' ', sort keys %{ { reverse %name } };
    }), "there are @expected") or diag explain \%name;
    for my $pid (sort { $a <=> $b } keys %name) {
        my ($name, %status, %limit) = $name{$pid};
        %status = status_of($pid);
        %limit = limits_of($pid);
        is($status{NoNewPrivs}, 1, "$name: no new privileges");
        is($status{Seccomp}, 2, "$name: a list of system calls");
        is((stat "/proc/$pid/mem")[4], 0, "$name: not dumpable");
        is($limit{'Max core file size'}, 1, "$name: no core");
        is($status{Uid} =~ /^(\d+)/ && getpwuid $1, $FilterdTest::FILTERD_USER, "$name: not root");
        next if $sanitized || $name !~ /worker|spf/;
        is($limit{'Max file size'}, 0, "$name: no file grows");
        like($limit{'Max address space'}, qr/^\d+$/, "$name: bounded memory");
    }
};

subtest 'what is in force is in the log' => sub {
    my $log;
    ok(poll(sub { ($log = $filterd->log_text) =~ /^filterd: started:/m }), 'the start');
    my @missing = grep { /MISSING/ } split /\n/, $log;
    if (FilterdTest::OldKernel::has_landlock()) {
        is("@missing", '', 'nothing is missing');
    } else {
        my @processes = map { /sandbox: (\w+): .*MISSING: .*Landlock/ ? $1 : () } @missing;
        is("@processes", 'master worker keeper agent spf', 'Landlock is missing, and is said to be');
        is(scalar @missing, 5, 'nothing else');
        diag('no Landlock in this kernel: left out what it forbids');
    }
    like($log, qr/sandbox: $_: /, $_) for qw(master worker keeper agent spf);
    my $files = FilterdTest::OldKernel::has_landlock() ? 'writes no file, ' : '';
    like($log, qr/master: writes below its folders only, /, 'the master\'s') if $files;
    like($log, qr/worker: $files.*file size 0.*memory limit/, 'a worker\'s') if !$sanitized;
    my $limits = $sanitized ? 'CPU' : 'memory limit, CPU';
    my $spf = $files ? 'writes no file, reads no file, ' : '';
    like($log, qr/spf: ${spf}no local sockets, no exec, .*$limits limit per question/, 'SPF\'s');
    like($log, qr/keeper: .*no network, no exec/, 'the keeper\'s');
};

# What a process and those it starts open to write, and the limits they set, while CODE runs.
sub traced {
    my ($pids, $code) = @_;
    my $out = $t->dir . '/trace';
    my $strace = $t->spawn("$out.err", 'strace', '-f', '-qq', '-o', $out,
        '-e', 'trace=open,openat,openat2,creat,setrlimit,prlimit64,execve', map { ('-p', $_) } @$pids);
    poll(sub { !grep { my %s = status_of($_); $s{TracerPid} != $strace } @$pids }) or die slurp("$out.err");
    $code->();
    kill 'INT', $strace;
    waitpid $strace, 0;
    return slurp($out);
}

sub deliver {
    my ($to) = @_;
    my $sent = mail_like();
    my ($reply) = $site->lmtp->deliver($sent, 'alice@example.net', $to);
    like($reply, qr/^250 /, "delivered to $to");
    return $sent;
}

subtest 'a worker and its gpg open nothing to write' => sub {
    my %name = processes();
    my @workers = grep { $name{$_} eq 'filterd-worker' } keys %name;
    my $sent;
    my $trace = traced(\@workers, sub { $sent = deliver('rsa@example.com'); deliver('plain@example.com') });
    is_sealed_for(($site->{dovecot}->wait_mails(1, 'rsa@example.com'))[0], $sent, $site->{keys}{rsa});
    like($trace, qr/execve\("[^"]*gpg/, 'gpg was run');
    my @written = grep { /O_(WRONLY|RDWR|CREAT|TRUNC)/ && !/"\/dev\/null"/ } split /\n/, $trace;
    is("@written", '', 'no file opened to write');
    # With a piped core_pattern 0 is no limit, and 1 is.
    my @core = $trace =~ /RLIMIT_CORE, \{rlim_cur=0.*= (.*)/g;
    ok(@core > 0, 'gpg sets its core limit to 0 and is told that it did');
    is($_, 0, 'told so') for @core;
};

is($filterd->down, 0, 'it ends');

SKIP: {
    skip 'no numbers for this machine in FilterdTest::OldKernel', 6 if !FilterdTest::OldKernel::runs_here();
    my @lacks = FilterdTest::OldKernel::has_landlock() ? qw(landlock seccomp) : 'landlock';
    diag('left out: a kernel that lacks seccomp alone') if @lacks == 1;
    for my $lacks (@lacks) {
        my @under = FilterdTest::OldKernel::command($lacks);
        subtest "required, without $lacks" => sub {
            $filterd->settings('filterd.sandbox' => 'required');
            my ($status, $out, $err) = $t->try_run(undef, @under, $t->dir . '/bin/filterd');
            is($status, 78, 'does not start: EX_CONFIG');
            like($err, qr/worker: .*MISSING: .*\((?i:[^)]*$lacks)/, 'says what is missing and why');
            like($err, qr/sandbox=required, .*not started/, 'and that this is the reason');
            ok(!-e $t->front('lmtp'), 'no socket is left');
        };
        subtest "best, without $lacks" => sub {
            $filterd->settings('filterd.sandbox' => 'best');
            $filterd->up(@under);
            my $says = qr/warning: sandbox: worker: .*MISSING: .*\((?i:[^)]*$lacks)/;
            ok(poll(sub { $filterd->log_text =~ $says }), 'says so');
            my $sent = deliver('rsa@example.com');
            is($filterd->down, 0, 'it ends');
            is_sealed_for(($site->{dovecot}->mails('rsa@example.com'))[-1], $sent, $site->{keys}{rsa});
        };
    }
    $filterd->settings('filterd.sandbox' => 'required');
    my @under = FilterdTest::OldKernel::command('landlock');
    my ($status, $out, $err) = $t->try_run(mail_like(), @under, $t->dir . '/bin/filterd-pipe', 'rsa@example.com');
    is($status, 75, 'filterd-pipe, required, without Landlock: tempfail');
    like($err . slurp($t->log_file('filterd')), qr/sandbox/, 'with a word');
}

done_testing;
