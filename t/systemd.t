#!/usr/bin/perl
# The systemd unit that make install brings: it is well-formed and confines the service, and filterd works
# within it, as far as that can be tried without systemd as process 1.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use File::Path qw(make_path);
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::OldKernel;
use FilterdTest::Postfix;
use FilterdTest::Site;
use Test::More;

my $site = FilterdTest::Site->start(keys => { rsa => 'rsa' });
my ($t, $filterd) = @$site{qw(t filterd)};
my $dir = $t->dir;
my $prefix = "$dir/usr";
# As it was built, whatever flags that had.
$t->run('/usr/bin/make', '-s', '-C', $FilterdTest::ROOT, '-o', 'all', 'install', 'BUILD=' . FilterdTest::build(),
    "PREFIX=$prefix", "SYSCONFDIR=$dir/sysconf");
my $file = "$prefix/lib/systemd/system/filterd.service";
my $unit = slurp($file);

sub said { return map { split } $unit =~ /^$_[0]=(.*)$/mg }

subtest 'the unit' => sub {
    like($unit, qr{^ExecStart=\Q$prefix\E/sbin/filterd$}m, 'starts what was installed');
    like($unit, qr/^Restart=on-failure$/m, 'starts again what ended with 75');
    like($unit, qr/^StartLimitIntervalSec=0$/m, 'however often');
    my ($final) = $unit =~ /^RestartPreventExitStatus=(.*)$/m;
    is($final, 78, 'but not with wrong settings');
    unlike($unit, qr/^ExecStartPre=/m, 'which only ExecStart= is asked for');
    unlike($unit, qr{/usr/local/}, 'nothing of another prefix');
    like($unit, qr/^MemorySwapMax=0$/m, 'never swaps');
    is_deeply([sort(said('RestrictAddressFamilies'))], [qw(AF_INET AF_INET6 AF_NETLINK AF_UNIX)], 'postmap can run in it');
    my ($status, $out, $err) = $t->try_run(undef, qw(systemd-analyze verify --man=no), $file);
    is($status, 0, 'systemd-analyze verify');
    is(join('', grep { /filterd/ } "$out$err" =~ /^(.*\n)/mg), '', 'without a word');
    ($status, $out) = $t->try_run(undef, qw(systemd-analyze security --offline=true --no-pager), $file);
    my ($exposure) = $out =~ /Overall exposure level for filterd\.service: ([\d.]+)/ or diag $out;
    cmp_ok($exposure, '<=', 1.5, 'systemd-analyze security: the exposure');
};

# Tried on a root of their own, with the groups that Postfix's package makes. There filterd's user has a uid of its own.
subtest 'its user, groups and folders' => sub {
    my $root = "$dir/root";
    make_path("$root/etc", map { "$root$prefix/lib/$_" } qw(sysusers.d tmpfiles.d));
    spew("$root/etc/passwd", "root:x:0:0::/root:/bin/sh\npostfix:x:106:106::/var/spool/postfix:/bin/false\n");
    spew("$root/etc/group", "root:x:0:\npostfix:x:106:\npostdrop:x:107:\n");
    my ($users, $folders) = map { "$prefix/lib/$_.d/filterd.conf" } qw(sysusers tmpfiles);
    $t->run('systemd-sysusers', "--root=$root", $users);
    my ($uid) = slurp("$root/etc/passwd") =~ /^filterd:x:(\d+):/m;
    ok($uid, 'its user');
    like(slurp("$root/etc/group"), qr/^postdrop:x:107:filterd$/m, 'is in the group that may hand mail back to Postfix');
    $t->run('systemd-tmpfiles', "--root=$root", '--create', $folders);
    my $folder = "$root/var/spool/postfix/filterd";
    my @st = stat $folder;
    is_deeply([sprintf('%o', $st[2] & 07777), @st[4, 5]], ['2710', $uid, 106], 'the folder of its sockets');
    is((stat "$root/var/spool/postfix")[4], 0, 'in one of root\'s');
    like($unit, qr{^ReadWritePaths=-/var/spool/postfix/filterd$}m, 'which the unit may write to');
};

# The system calls of SystemCallFilter=, by name.
sub calls {
    my %set;
    my $out = $t->run('systemd-analyze', 'syscall-filter');
    for (split /\n(?=@)/, $out) {
        my ($name, @members) = /^\s*([@\w]\S*)/mg;
        $set{$name} = \@members;
    }
    my $all;
    $all = sub { map { /^@/ ? $all->(@{ $set{$_} }) : $_ } @_ };
    my %may;
    for ($unit =~ /^SystemCallFilter=(.*)$/mg) {
        my ($not, @names) = (s/^~//, split);
        $may{$_} = !$not for $all->(@names);
    }
    return grep { $may{$_} } keys %may;
}

# %number of every call of this machine, as the C compiler has them.
sub numbers {
    my ($status, $out) = $t->try_run("#include <sys/syscall.h>\n", qw(gcc -E -dM -));
    my %raw = $out =~ /^#define __NR_(\w+) (\d+)$/mg;
    return %raw;
}

# A command in the mounts, with the rights and the system calls that the unit leaves.
sub shut_in {
    my %number = numbers();
    my @calls = grep { defined } @number{ calls() };
    cmp_ok(scalar @calls, '>', 200, scalar(@calls) . ' system calls');
    spew("$dir/calls", "@calls");
    my @writable = map { "$dir/$_" } qw(state etc run postfix/queue/filterd);
    spew("$dir/shut_in", <<"END", 0755);
#!/bin/sh
set -e
for d in @writable; do mount --bind \$d \$d; done
mount -o remount,bind,ro /
for m in /tmp /var /usr /etc /home; do ! mountpoint -q \$m || mount -o remount,bind,ro \$m; done
! touch $dir/x 2>/dev/null || exit 1
! touch /etc/filterd.x 2>/dev/null || exit 1
umask @{[said('UMask')]}
exec setpriv --reuid=$FilterdTest::FILTERD_USER --regid=@{[scalar getgrgid((getpwnam $FilterdTest::FILTERD_USER)[3])]} \\
    --groups=@{[scalar getgrnam('postdrop')]} --no-new-privs --inh-caps=-all --bounding-set=-all "\$@"
END
    return ('unshare', '-m', "$dir/shut_in", FilterdTest::OldKernel::command("$dir/calls"));
}

subtest 'filterd in it' => sub {
    is($filterd->down, 0, 'the one before ends');
    unlink glob "$dir/run/*";
    my ($uid, $gid) = (getpwnam $FilterdTest::FILTERD_USER)[2, 3];
    chown $uid, $gid, "$dir/etc/site.key", glob("$dir/state/* $dir/state/*/*");
    unlink "$dir/etc/state.id", "$dir/state/state.id"; # as a version before these left it
    $filterd->up(shut_in());
    $filterd->logs(qr/adopted the state of an older version/, 'adopts the state of an older version');
    my %status = slurp("/proc/$filterd->{pid}/status") =~ /^(\w+):\s+(.*)$/mg;
    is($status{CapBnd}, '0' x 16, 'no capability');
    like($status{Uid}, qr/^$uid\b/, 'never root');
    my $rest = $filterd->log_text;
    if (!FilterdTest::OldKernel::has_landlock()) {
        diag('no Landlock in this kernel: left out that the sandbox is whole with it');
        $rest =~ s/.*MISSING: [^;]*Landlock.*\n//g;
    }
    unlike($rest, qr/MISSING/, 'its own sandbox is whole inside it');
    my $sent = mail_like();
    my ($reply) = $site->lmtp->deliver($sent, 'alice@example.net', 'rsa@example.com');
    like($reply, qr/^250 /, 'takes a message');
    is_sealed_for(($site->{dovecot}->wait_mails(1, 'rsa@example.com'))[0], $sent, $site->{keys}{rsa});
    my @st = stat $t->front('smtp');
    is_deeply([sprintf('%o', $st[2] & 07777), @st[4, 5]], ['660', $uid, scalar getgrnam 'postfix'], 'its sockets are Postfix\'s');
    my $postfix = FilterdTest::Postfix->start($t, groups => 1, chroot => 1,
        snippets => [qw(smtpd_proxy_filter reinject virtual_transport)]);
    $postfix->send($sent = mail_like(), 'alice@example.net', 'rsa@example.com');
    is_sealed_for(($site->{dovecot}->wait_mails(2, 'rsa@example.com'))[1], $sent, $site->{keys}{rsa});
    spew("$dir/spam.eml", mail_like());
    like($filterd->ctl(qw(train spam rsa@example.com), "$dir/spam.eml"), qr/1 message/, 'the keeper learns');
    ok(scalar(glob "$dir/state/users/*"), 'and writes');
    is($filterd->down, 0, 'ends');
};

done_testing;
