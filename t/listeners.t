#!/usr/bin/perl
# A listener whose address cannot be bound: the others are served, the log and filterctl check name it, and
# it is served once the address can be bound.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Mail;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::More;

my $t = FilterdTest->new;
my ($dir, $to) = ($t->dir, 'plain@example.com');
$ENV{MAIL_CONFIG} = "$dir/none"; # whatever Postfix this host has
mkdir "$dir/mail";
chown((getpwnam $FilterdTest::FILTERD_USER)[2, 3], "$dir/mail");
my %smtp = ('listener smtp.protocol' => 'smtp', 'listener smtp.address' => 'inet:127.0.0.1:' . $t->port('smtp'));
my %milter = ('listener milter.protocol' => 'milter', 'listener milter.address' => 'inet:127.0.0.1:' . $t->port('milter'));
my $filterd = FilterdTest::Daemon->start($t, idle => 1, set => {
    map({ ("listener $_.next_hop" => "maildir:$dir/mail/%d/%n") } qw(lmtp smtp)), 'spf.enabled' => 'no', %smtp, %milter });
$filterd->ctl(qw(user set), $to, 'spam_action=tag');

# What stands in front of a command: a network in which there is one address, and not 127.0.0.1.
# (Without any the kernel would let everything be bound.)
sub in_a_net_of_its_own {
    my $pid = $t->spawn("$dir/net.log", qw(unshare -n sleep infinity));
    poll(sub { (readlink("/proc/$pid/ns/net") // '') ne readlink '/proc/self/ns/net' }) or die "no network namespace\n";
    my @in = ('nsenter', '-t', $pid, '-n');
    $t->run(@in, 'ip', @$_) for [qw(link set lo up)], [qw(addr flush dev lo)], [qw(addr add 192.0.2.1/32 dev lo)];
    return @in;
}

# It serves, as far as the log tells: listeners it has, and those it wants.
sub started { return $filterd->log_text =~ /.*^filterd: started: (\d+ of \d+) listeners/ms ? $1 : '' }

sub start {
    my (@under) = @_;
    spew($t->log_file('filterd'), '');
    $filterd->{pid} = $t->spawn($t->log_file('filterd'), @under, "$dir/bin/filterd");
    poll(sub { started() || waitpid($filterd->{pid}, POSIX::WNOHANG()) });
}

# Runs it where it cannot be expected to stay: exit status and what it said.
sub refuses {
    my ($name, $says, @under) = @_;
    my ($status, $out, $err) = $t->try_run(undef, 'timeout', '60', @under, "$dir/bin/filterd");
    is($status, 75, "$name: exit 75");
    like($err, $says, "$name: and says why");
}

sub served {
    my ($name) = @_;
    my $c = FilterdTest::Client->new(lmtp => $t->front('lmtp'));
    like($c->deliver(mail_like(), 'alice@example.net', $to), qr/^250 /, "$name: served by another");
    $c->quit;
}

# The lines of check about listeners.
sub checked {
    my (@under) = @_;
    my (undef, $out) = $t->try_run(undef, @under, "$dir/bin/filterctl", 'check');
    return join "\n", $out =~ /^(\w+\tlisteners?\b.*)/mg;
}

# What check says of who may connect: its level, and the text.
sub open_to { return ($filterd->try_ctl(undef, 'check'))[1] =~ /^(\w+\tsockets\t.*)/mg }

my $missing = qr/^filterd: warning: \[listener \w+\]: cannot listen on /m;
sub missed {
    my ($listener) = @_;
    return qr/^filterd: warning: \[listener $listener\]: cannot listen on inet:\S+: .*: not served until it can be had$/m;
}

subtest 'a host without 127.0.0.1' => sub {
    my @under = in_a_net_of_its_own();
    start(@under);
    is(started(), '1 of 3', 'it starts, with one of three') or BAIL_OUT("no start");
    $filterd->logs(missed($_), "a line about $_") for qw(smtp milter);
    served('the socket in a folder');
    my $checked = checked(@under);
    like($checked, qr/^bad\tlistener $_\tinet:127\.0\.0\.1:\d+ takes no connections \(.+\)/m, "check names $_") for qw(smtp milter);
    unlike($checked, qr/lmtp|^ok/m, 'and nothing else');
    $t->run(@under, qw(ip addr add 127.0.0.1/8 dev lo));
    $filterd->logs(qr/^filterd: \[listener $_\]: is served now$/m, "once there is one, $_ is served") for qw(smtp milter);
    is(checked(@under), "ok\tlisteners\tall 3 take connections", 'check finds them all');
    my @told = $filterd->log_text =~ /$missing/g;
    is(@told, 2, 'each was said once');
    is($filterd->down, 0, 'it ends');
    like(checked(@under), qr/^warning\tlisteners\tnot looked at: no daemon on unix:\S+ \(.+\)\z/, 'then check says that it did not look');
};

subtest 'no IPv6' => sub {
    my @under = in_a_net_of_its_own();
    $t->run(@under, qw(ip addr add 127.0.0.1/8 dev lo));
    $filterd->settings('listener smtp.address' => 'inet:[::1]:' . $t->port('smtp'));
    start(@under);
    is(started(), '2 of 3', 'it starts');
    $filterd->logs(missed('smtp'), 'and says what it lacks');
    served('the other');
    is($filterd->down, 0, 'it ends');
    $filterd->settings(%smtp);
};

subtest 'a port in use, a folder that is missing' => sub {
    my $other = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $t->port('smtp'), Listen => 1, ReuseAddr => 1) or die $!;
    $filterd->settings('listener milter.address' => "unix:$dir/run/later/milter.sock");
    start();
    is(started(), '1 of 3', 'it starts');
    $filterd->logs(missed('smtp'), 'the port is named');
    $filterd->logs(qr{^filterd: warning: \[listener milter\]: cannot listen on unix:$dir/run/later/milter\.sock: No such file}m, 'the folder, too');
    served('the other');
    close $other;
    mkdir "$dir/run/later";
    chown((getpwnam $FilterdTest::FILTERD_USER)[2, 3], "$dir/run/later");
    $filterd->logs(qr/^filterd: \[listener $_\]: is served now$/m, "$_: then it is served") for qw(smtp milter);
    ok(FilterdTest::Client::listens($_), 'indeed') for $t->port('smtp'), "$dir/run/later/milter.sock";
};

subtest 'a reload' => sub {
    my $other = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $t->port('other'), Listen => 1, ReuseAddr => 1) or die $!;
    $filterd->settings('listener smtp.address' => 'inet:127.0.0.1:' . $t->port('other'), 'filterd.message_size_limit' => 123456);
    spew($t->log_file('filterd'), '');
    $filterd->reload;
    $filterd->logs(qr/^filterd: settings read anew$/m, 'is done, though a port is in use');
    $filterd->logs(missed('smtp'), 'which is said');
    served('the other');
    ok(poll(sub { !FilterdTest::Client::listens($t->port('smtp')) }), 'what it had before is gone');
    my $conf = slurp($filterd->{conf});
    spew($filterd->{conf}, $conf =~ s/^\[listener (?:lmtp|milter)\]\n(?:(?!\[).*\n)*//mgr);
    $filterd->reload;
    $filterd->logs(qr/^filterd: warning: no listener can be had\nfilterd: warning: settings stay as they were$/m, 'one that leaves none is not');
    served('what there was');
    spew($filterd->{conf}, $conf);
    close $other;
    $filterd->logs(qr/^filterd: \[listener smtp\]: is served now$/m, 'the port is free');
};

subtest 'a second daemon at the same place' => sub {
    refuses('it', qr{^filterd: warning: cannot listen on unix:$dir/run/control\.sock: Address already in use$}m);
    served('the first');
    is($filterd->down, 0, 'it ends');
    ok(!-e $t->front('lmtp'), 'its socket is gone');
};

subtest 'none is left' => sub {
    my @under = in_a_net_of_its_own();
    my $conf = slurp($filterd->{conf});
    my $without = $conf =~ s/^\[listener lmtp\]\n(?:(?!\[).*\n)*//mr;
    spew($filterd->{conf}, $without =~ s/^address = unix:\S*milter.*$/address = inet:127.0.0.1:${\ $t->port('milter')}/mr);
    refuses('no address', qr/$missing.*^filterd: warning: no listener can be had$/ms, @under);
    spew($filterd->{conf}, $conf =~ s{^address = unix:\S*control\.sock$}{address = unix:$dir/nowhere/control.sock}mr);
    refuses('no control socket', qr{^filterd: warning: cannot listen on unix:$dir/nowhere/control\.sock: No such file}m);
    spew($filterd->{conf}, $conf);
};

subtest 'a file that is no socket' => sub {
    spew($t->front('lmtp'), 'kept');
    start();
    $filterd->logs(qr{^filterd: warning: \[listener lmtp\]: cannot listen on unix:\S+/lmtp\.sock: Address already in use}m, 'is in the way');
    is($filterd->down, 0, 'it ends');
    is(slurp($t->front('lmtp')), 'kept', 'and stays');
};

subtest 'a socket of somebody else' => sub {
    unlink $t->front('lmtp');
    my $theirs = IO::Socket::UNIX->new(Local => $t->front('lmtp'), Listen => 100) or die "$!\n";
    start();
    $filterd->logs(qr{^filterd: warning: \[listener lmtp\]: cannot listen on unix:\S+/lmtp\.sock: Address already in use}m, 'is in the way');
    is($filterd->down, 0, 'it ends');
    ok(IO::Socket::UNIX->new(Peer => $t->front('lmtp')), 'and who listened there is still found');
};

subtest 'who may connect' => sub {
    $filterd->settings(%smtp, %milter, 'listener lmtp.group' => 'postfix', 'listener lmtp.next_hop' => 'lmtp:inet:127.0.0.1:9');
    my @said = open_to();
    is(@said, 2, 'two warnings') or diag explain \@said;
    like($said[0], qr/^warning\t.*open to every user of this host: \[listener smtp\] \(inet:\S+\), \[listener milter\] \(inet:[^,]+\);/,
        'TCP is open to every user, a unix socket with a group is not');
    like($said[1], qr/^warning\t.*past filterd: next_hop of \[listener lmtp\] \(inet:127\.0\.0\.1:9\);/, 'and so is a next hop');
    $filterd->settings('listener smtp.address' => "unix:$dir/run/smtp.sock", 'listener smtp.mode' => '0660',
        'listener milter.address' => "unix:$dir/closed/milter.sock", 'listener lmtp.next_hop' => "lmtp:unix:$dir/run/hop.sock");
    my $hop = IO::Socket::UNIX->new(Local => "$dir/run/hop.sock", Listen => 1) or die "$!\n";
    mkdir "$dir/closed";
    my ($uid, $gid) = (getpwnam $FilterdTest::FILTERD_USER)[2, 3];
    chown $uid, $gid, "$dir/closed", "$dir/run/hop.sock";
    chmod 0660, "$dir/run/hop.sock";
    like((open_to())[0], qr/^warning\t.*: \[listener milter\] \(unix:/, 'one with mode 0666 is');
    chmod 0750, "$dir/closed";
    is_deeply([open_to()], ["ok\tsockets\tnot open to every user of this host"], 'unless its folder is closed to them');
};

done_testing;
