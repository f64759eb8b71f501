#!/usr/bin/perl
# Two legs as shipped, with Postfix's and filterd's real groups and a chrooted smtpd: who may connect to which socket, that
# each end learns the client's address, and what filterctl check says where a folder or a group is not as it must be.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Daemon;
use FilterdTest::Dovecot;
use FilterdTest::Keys;
use FilterdTest::Mail;
use FilterdTest::OwnHost;
use FilterdTest::Postfix;
use POSIX ();
use Test::More;

FilterdTest::OwnHost::enter(); # its loopback device has ::1, whatever the host has

my $t = FilterdTest->new;
my ($dir, $to, $user) = ($t->dir, 'curve@example.com', $FilterdTest::FILTERD_USER);
my @fronts = qw(smtp lmtp queue milter policy);
my $folder = $t->front('smtp') =~ s{/[^/]*$}{}r;
my $filterd = FilterdTest::Daemon->start($t, idle => 1, snippets => [qw(content_filter milter policy_service)], set => {
    'filterd.domains' => 'example.com', 'dns.timeout_ms' => 1000, 'spf.enabled' => 'no',
    'greylist.wait_seconds' => $FilterdTest::Daemon::GREYLIST_SECONDS });
my $dovecot = FilterdTest::Dovecot->start($t, users => [$to], more => "service lmtp {\n  unix_listener $dir/dovecot.lmtp {\n"
    . "    mode = 0660\n    group = ${\ scalar getgrgid((getpwnam $user)[3])}\n  }\n}\n");
my $key = FilterdTest::Keys->new($t, $to, 'curve');
$filterd->import_key($key);

# What tools/systemd/filterd.sysusers says, seen by filterd and filterctl alone.
my @as_postdrop = ('unshare', '-m', 'sh', '-c', "mount --bind $dir/group /etc/group && exec \"\$@\"", 'sh');
spew("$dir/group", slurp('/etc/group') =~ s/^(postdrop:.*:)(.*)$/$1 . join ',', grep { length } $2, $user/mre);
$filterd->up(@as_postdrop);
my $postfix = FilterdTest::Postfix->start($t, groups => 1, chroot => 1, snippets => [qw(smtpd_proxy_filter reinject virtual_transport policy_service)],
    main => "smtpd_authorized_xclient_hosts = 127.0.0.0/8\n"
        . "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n");

# What check says of the sockets and of Postfix; of all but the name server, which is none here.
sub check {
    my (@under) = @_;
    my (undef, $out) = $t->try_run(undef, @under, "$dir/bin/filterctl", 'check', '--postfix', "$postfix->{dir}/etc");
    return join '', grep { !/^\w+\t(?:dns|state|clamd)/ || /^bad\t(?!dns)/ } $out =~ /^(.*\n)/mg;
}

# Exit status of a connect by this user: 0, or errno.
sub connect_as {
    my ($who, $path, @under) = @_;
    my ($status) = $t->try_run(undef, @under, 'setpriv', "--reuid=$who", '--regid=' . (getpwnam $who)[3], '--init-groups', 'perl',
        '-MIO::Socket::UNIX', '-e', 'exit(IO::Socket::UNIX->new(Peer => shift) ? 0 : $!+0)', $path);
    return $status;
}

sub rights {
    my ($path) = @_;
    my @st = lstat $path or return 'not there';
    return sprintf '%04o %s %s', $st[2] & 07777, scalar getpwuid $st[4], scalar getgrgid $st[5];
}

subtest 'a message' => sub {
    my $sent = mail_like();
    my $stranger = $postfix->client;
    $stranger->say('XCLIENT ADDR=203.0.113.9');
    $stranger->say('EHLO host.example.net');
    like($stranger->deliver($sent, 'alice@example.net', $to), qr/^450 4\.2\.0 .*Greylisted/, 'the chrooted smtpd asks the policy service');
    $stranger->quit;
    $filterd->greylisted_have_waited;
    my $c = $postfix->client;
    $c->say('XCLIENT ADDR=203.0.113.9 NAME=host.example.net HELO=host.example.net');
    $c->say('EHLO host.example.net');
    like($c->deliver($sent, 'alice@example.net', $to), qr/^250/, 'is taken');
    $c->quit;
    is_sealed_for(($dovecot->wait_mails(1, $to))[0], $sent, $key);
    $filterd->logs(qr/^filterd: qid=- from=<alice\@example\.net> to=<\Q$to\E> client=203\.0\.113\.9 .*sealed=yes/m, 'in front filterd knows its client');
    ok($postfix->logged(qr{reinject/smtpd\S* \w+: client=localhost\[127\.0\.0\.1\], orig_client=host\.example\.net\[203\.0\.113\.9\]}, 1), 'Postfix, where it comes back');
    $filterd->logs(qr/^filterd: qid=\w{5,} from=<alice\@example\.net> to=<\Q$to\E> client=203\.0\.113\.9 /m, 'and filterd behind');
};

subtest 'who may connect' => sub {
    is(rights($folder), "2710 $user postfix", 'the folder');
    for my $at (map { $t->front($_) } @fronts) {
        my ($name) = $at =~ m{([^/]+)$};
        is(rights($at), "0660 $user postfix", $name);
        is(connect_as('postfix', $at), 0, "$name: Postfix may");
        is(connect_as($_, $at), POSIX::EACCES(), "$name: $_ may not") for $FilterdTest::MAIL_USER, 'games';
    }
    chmod 0777, $folder;
    is(connect_as('games', $t->front($_)), POSIX::EACCES(), "$_: nor by the mode of the socket alone") for @fronts;
    chmod 02710, $folder;
    is(connect_as($user, $t->back, @as_postdrop), 0, 'the way back: filterd may, by the group postdrop');
    is(connect_as($_, $t->back), POSIX::EACCES(), "$_ may not") for 'games', $FilterdTest::MAIL_USER, $user;
};

subtest 'who may train' => sub {
    my ($mail, @sockets) = ($FilterdTest::MAIL_USER, map { "$dir/run/control.sock$_" } '', '.learn');
    my %may = ($mail => 0, games => POSIX::EACCES());
    for my $at (@sockets) {
        is(connect_as($_, $at), $may{$_}, "$at: $_") for sort keys %may;
    }
    is((lstat $sockets[0])[5], (getpwnam $user)[3], 'no group of theirs is needed');
    $filterd->settings('control.train_users' => 'games');
    $filterd->reload;
    ok(poll(sub { connect_as('games', $sockets[1]) == 0 }), 'after a reload others');
    is(connect_as($mail, $_), POSIX::EACCES(), "$_: and who may not any more cannot") for @sockets;
    $filterd->settings('control.train_users' => $mail);
    $filterd->reload;
    ok(poll(sub { connect_as($mail, $sockets[1]) == 0 }), 'and again');
};

subtest 'a Postfix with IPv6 alone calls who comes there ::1' => sub {
    $postfix->command('postconf', '-P', 'reinject/unix/inet_protocols=ipv6');
    $postfix->reload;
    my $sent = mail_like();
    my $c = FilterdTest::Client->new(smtp => $t->front('smtp'));
    $c->say('XFORWARD NAME=host.example.net ADDR=IPv6:2001:db8::9');
    like($c->deliver($sent, 'alice@example.net', $to), qr/^250/, 'a message is taken');
    $c->quit;
    is_sealed_for(($dovecot->wait_mails(2, $to))[1], $sent, $key);
    ok($postfix->logged(qr{reinject/smtpd\S* \w+: client=localhost\[::1\], orig_client=host\.example\.net\[2001:db8::9\]}, 1), 'and its client believed');
    $postfix->command('postconf', '-PX', 'reinject/unix/inet_protocols');
    $postfix->reload;
};

subtest 'check' => sub {
    is(check(@as_postdrop), "ok\tlisteners\tall 5 take connections\nok\tsockets\tnot open to every user of this host\n"
            . "ok\tsite key\t$dir/etc/site.key is closed to others\nok\tpostfix\ttwo legs: before the queue, and before the mailbox\n"
            . "ok\troutes\tno mail goes past filterd\n", 'as shipped: no complaint');
    chmod 0666, "$dir/dovecot.lmtp";
    like(check(@as_postdrop), qr{^warning\tsockets\t.*past filterd: next_hop of \[listener lmtp\] \(unix:$dir/dovecot\.lmtp\);}m, 'Dovecot may be open to all');
    chmod 0660, "$dir/dovecot.lmtp";
    my $group = slurp("$dir/group");
    spew("$dir/group", $group =~ s/^postfix:.*\n//mr);
    like(check(@as_postdrop), qr/^bad\tsockets\tthere is no group postfix, which \[listener lmtp\] names: filterd does not start$/m, 'no such group');
    spew("$dir/group", $group);
    chmod 0700, $folder;
    my $mend = "install -d -o $user -g postfix -m 2710 $folder";
    like(check(@as_postdrop), qr/^bad\tsockets\tthe group postfix may not pass \Q$folder: $mend\E$/m, 'a folder that is shut');
    chmod 0, $folder;
    chown 0, 0, $folder;
    my $said = check(@as_postdrop);
    like($said, qr/^bad\tsockets\tfilterd can make no socket in \Q$folder\E \(Permission denied\): \Q$mend\E, and restart filterd$/m, 'or is root\'s');
    is(scalar(() = $said =~ /^bad\tsockets/mg), 1, 'one line for all its sockets');
    $t->run('/bin/sh', '-c', $mend);
    is(rights($folder), "2710 $user postfix", 'the command mends it');
    rename $folder, "$folder.away";
    like(check(@as_postdrop), qr/^bad\tsockets\t\Q$folder\E is not there: \Q$mend\E, and restart filterd$/m, 'or is not there');
    rename "$folder.away", $folder;
};

subtest 'filterd is not in the group' => sub {
    is($filterd->down, 0, 'it ends');
    $filterd->up;
    my $c = $postfix->client;
    like($c->deliver(mail_like(), 'alice@example.net', $to), qr/^451 4\.4\.1 /, 'mail waits');
    $c->quit;
    like(check(), qr/^bad\tsockets\tfilterd may not connect to unix:\S*\/public\/reinject: adduser $user postdrop, and restart filterd$/m, 'check knows why');
    like(check(@as_postdrop), qr/^bad\tsockets\tfilterd may connect to unix:\S*\/public\/reinject, but not as it runs: restart filterd$/m,
        'once it is: that it must be started anew');
};

done_testing;
