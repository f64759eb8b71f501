#!/usr/bin/perl
# What the master does as root, and after: who may connect to its sockets, what it does by name in folders of the
# user it becomes, which folders it may write to for ever.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Keys;
use FilterdTest::OldKernel;
use Test::More;

my $t = FilterdTest->new;
my $dir = $t->dir;
my ($uid, $gid) = (getpwnam $FilterdTest::FILTERD_USER)[2, 3];
my $group = 'postfix';
my ($group_id, $mail_id) = (scalar getgrnam($group), (getpwnam $FilterdTest::MAIL_USER)[3]);
my $filterd = FilterdTest::Daemon->start($t, idle => 1, set => { 'listener lmtp.address' => "unix:$dir/run/lmtp.sock",
    'listener lmtp.group' => $group,
    'control.group' => scalar getgrgid($mail_id), 'control.mode' => '0660' });
mkdir "$dir/roots";
mkdir "$dir/mail";
chown $uid, $gid, "$dir/mail";

# "MODE UID GID" of a socket.
sub rights {
    my ($name) = @_;
    my @st = lstat "$dir/$name" or return 'not there';
    return sprintf '%s%04o %d %d', -S _ ? '' : 'no socket ', $st[2] & 07777, @st[4, 5];
}

# Calls that go by a file's name, which whoever owns its folder can exchange.
sub by_name { return grep { /\b(?:chmod|fchmodat|chown|lchown|fchownat)\(/ && !/AT_EMPTY_PATH/ } @_ }

subtest 'sockets' => sub {
    my $trace = "$dir/trace";
    my $log = $t->log_file('filterd');
    $filterd->settings('listener roots.protocol' => 'lmtp', 'listener roots.address' => "unix:$dir/roots/lmtp.sock",
        'listener open.protocol' => 'lmtp', 'listener open.address' => "unix:$dir/run/open.sock",
        map { ("listener $_.next_hop" => 'lmtp:unix:/none') } qw(roots open));
    $filterd->up('strace', '-D', '-f', '-qq', '-o', $trace, '-e',
        'trace=chmod,fchmodat,chown,lchown,fchown,fchownat,setuid,setresuid');
    is(rights('run/lmtp.sock'), "0660 $uid $group_id", 'a group: 0660');
    is(rights('run/open.sock'), "0666 $uid $gid", 'neither mode nor group: 0666, as its folder decides');
    is(rights('run/control.sock'), "0660 $uid $mail_id", 'control');
    is(rights('run/control.sock.learn'), "0660 $uid $mail_id", 'and that for learning');
    is(rights('roots/lmtp.sock'), "0666 $uid $gid", 'in a folder that is only root\'s it is filterd\'s all the same');
    my @lines = split /\n/, slurp($trace);
    my ($dropped) = grep { $lines[$_] =~ /setuid\($uid\)|setresuid\($uid, $uid, $uid\)/ } 0 .. $#lines;
    ok(defined $dropped, 'root ends');
    is_deeply([grep { !m{"$dir/roots/} } by_name(@lines[0 .. $dropped // 0])], [],
        'as root nothing was given away by its name in a folder that is not root\'s');
    is($filterd->down, 0, 'it ends');
};

subtest 'a link where a folder should be' => sub {
    rename "$dir/etc/site.key.d", "$dir/etc/kept" or die;
    mkdir "$dir/victim", 0700;
    symlink "$dir/victim", "$dir/etc/site.key.d" or die;
    my ($status, $out, $err) = $t->try_run(undef, 'timeout', '60', "$dir/bin/filterd");
    is($status, 75, 'it does not start');
    like($err, qr/site\.key\.d: .*link/, 'and says why');
    is((stat "$dir/victim")[4], 0, 'what the link leads to is not given away');
    unlink "$dir/etc/site.key.d";
    rename "$dir/etc/kept", "$dir/etc/site.key.d";
    rename "$dir/state", "$dir/elsewhere" or die;
    symlink "$dir/elsewhere", "$dir/state" or die;
    $filterd->up;
    pass('a link in a folder of root\'s is followed');
    is($filterd->down, 0, 'it ends');
    unlink "$dir/state";
    rename "$dir/elsewhere", "$dir/state";
};

subtest 'settings' => sub {
    my %wrong = (
        'a mode that is none' => ["[listener a]\nprotocol = lmtp\naddress = unix:/a\nnext_hop = maildir:/m\nmode = 0777\n", qr/0600 or 0660 or 0666/],
        'a mode of an inet address' => ["[listener a]\nprotocol = lmtp\naddress = inet:127.0.0.1:1\nnext_hop = maildir:/m\nmode = 0660\n", qr/only the file of a unix socket/],
        'no such group' => ["[listener a]\nprotocol = lmtp\naddress = unix:/a\nnext_hop = maildir:/m\ngroup = no-such-group\n", qr/\[listener a\] group: no group no-such-group/],
    );
    for my $name (sort keys %wrong) {
        my $conf = "$dir/wrong.conf";
        spew($conf, slurp($filterd->{conf}) . "\n$wrong{$name}[0]");
        my ($status, $out, $err) = $t->try_run(undef, "$dir/bin/filterd.bin", '-c', $conf, '-t');
        is($status, 78, "$name: EX_CONFIG");
        like($err, $wrong{$name}[1], "$name: said in a line");
    }
};

subtest 'reload' => sub {
    $filterd->up;
    $filterd->settings('listener lmtp.mode' => '0600', 'listener more.protocol' => 'lmtp',
        'listener more.address' => "unix:$dir/run/more.sock", 'listener more.next_hop' => 'lmtp:unix:/none');
    $filterd->reload;
    ok(poll(sub { FilterdTest::Client::listens("$dir/run/more.sock") }), 'one more in the folder of the others');
    is(rights('run/lmtp.sock') =~ /^(\d+)/ && $1, '0600', 'a socket that is kept gets its new mode');
    my @before = $filterd->processes('worker');
    mkdir "$dir/other";
    chown $uid, $gid, "$dir/other";
    my %more = ('a socket in' => ['listener more.address' => "unix:$dir/other/more.sock"],
        'a maildir in' => ['listener more.next_hop' => "maildir:$dir/other/%d/%n"]);
    for my $name (sort keys %more) {
        my $n = $filterd->logged(qr{\Q$dir\E/other/?: .* wants a restart}, 0);
        $filterd->settings(@{ $more{$name} });
        $filterd->reload;
        is($filterd->logged(qr{\Q$dir\E/other/?: .* wants a restart}, $n + 1), $n + 1, "$name another folder: said to want a restart");
        $filterd->settings('listener more.address' => "unix:$dir/run/more.sock", 'listener more.next_hop' => 'lmtp:unix:/none');
    }
    ok(FilterdTest::Client::listens("$dir/run/more.sock"), 'the settings stay as they were');
    is($filterd->down, 0, 'it ends');
};

subtest 'another folder in place of state_dir' => sub {
    $filterd->up;
    my $keeper = poll(sub { ($filterd->processes('keeper'))[0] }) or return fail('no keeper');
    my $mounted = 1;
    $t->at_end(sub { $t->try_run(undef, 'umount', '-l', "$dir/state") if $mounted });
    $t->run(qw(mount -t tmpfs -o), "mode=0755,uid=$uid,gid=$gid", 'tmpfs', "$dir/state");
    kill 'KILL', $keeper;
    $filterd->logs(qr{\Q$dir\E/state: the state is not there any more: mail is put off}, 'it says so');
    is(scalar(() = glob "$dir/state/*"), 0, 'and writes nothing into the other');
    $t->run('umount', "$dir/state");
    $mounted = 0;
    is($filterd->ended, 75 << 8, 'it ends once the first is back, to be started again');
    $filterd->up;
    ok(poll(sub { $filterd->processes('keeper') }), 'there it is again');
    is($filterd->down, 0, 'it ends');
};

# filterctl runs as root, too, in folders of that user's.
subtest 'a file of root\'s in place of one of filterd\'s' => sub {
    my $to = 'curve@example.com';
    my $key = FilterdTest::Keys->new($t, $to, 'curve');
    $filterd->import_key($key);
    my $lock = "$dir/state/keys/.lock";
    spew("$dir/roots/victim", "root's\n", 0600);
    unlink $lock;
    link "$dir/roots/victim", $lock or die "link: $!";
    my ($status, $out, $err) = $filterd->try_ctl(undef, qw(key import), $to, "$dir/key.asc");
    isnt($status, 0, 'key import refuses');
    like($err, qr/keys\/\.lock: /, 'and names it');
    my @st = stat "$dir/roots/victim";
    is(sprintf('%04o %d', $st[2] & 07777, $st[4]), '0600 0', 'it is not given away');
    unlink $lock;
    $filterd->import_key($key);
};

done_testing;
