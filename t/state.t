#!/usr/bin/perl
# The state is made by "filterctl init" alone. While state_dir holds none, or another's, as a store does that is not
# mounted, mail waits: nobody takes an empty folder for a state in which nobody has a key.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Keys;
use Test::More;

my $user = 'ann@example.com';
my $t = FilterdTest->new;
my $dir = $t->dir;
my ($uid, $gid) = (getpwnam $FilterdTest::FILTERD_USER)[2, 3];
mkdir "$dir/box";
chown $uid, $gid, "$dir/box";
my $filterd = FilterdTest::Daemon->start($t, idle => 1, stateless => 1, set => {
    'deliver.next_hop' => "maildir:$dir/box/%n",
    'filterd.domains' => 'example.com',
    'listener lmtp.next_hop' => "maildir:$dir/box/%n",
});
my $key = FilterdTest::Keys->new($t, $user, 'curve');
my $mail = "From: friend\@example.net\r\nSubject: secret plan\r\n\r\nhello\r\n";

sub deliver {
    my ($to) = @_;
    my ($reply) = eval {
        FilterdTest::Client->new('lmtp', $t->front('lmtp'))->deliver($mail, 'friend@example.net', $to // $user);
    };
    return $reply // ''; # nobody listens while filterd starts anew
}

# What lies in the mailbox, and takes it away.
sub boxed {
    my @files = glob "$dir/box/*/{new,cur}/*";
    my @mails = map { slurp($_) } @files;
    unlink @files;
    return @mails;
}

sub is_sealed {
    my ($what) = @_;
    my @mails = boxed();
    is(scalar @mails, 1, "$what: it came");
    like($mails[0] // '', qr/BEGIN PGP MESSAGE/, 'sealed');
}

sub line_like {
    my ($text, $who, $wanted) = @_;
    like($text, qr/\A\Q$who\E: [^\n]*$wanted[^\n]*\n\z/, 'in one line');
}

# No program does anything: the daemon, filterd-pipe and filterctl end with 75, and say why.
sub all_wait {
    my ($what, $wanted) = @_;
    my $conf = slurp($filterd->{conf});
    subtest $what => sub {
        my ($status, $out, $err) = $t->try_run(undef, 'timeout', $FilterdTest::PATIENCE, "$dir/bin/filterd");
        is($status, 75, 'filterd');
        like($err, qr/^filterd: [^\n]*$wanted[^\n]*\n\z/m, 'says why');
        unlike($err, qr/^filterd: started/m, 'and never listened');
        ($status, $out, $err) = $t->try_run($mail, "$dir/bin/filterd-pipe", '-o', '-', $user);
        is($status, 75, 'filterd-pipe');
        line_like($err, 'filterd-pipe', $wanted);
        is($out, '', 'gives out nothing');
        for my $command ([qw(key list)], [qw(user set), $user, 'encrypt=no'], [qw(alias add x@example.com), $user], ['stats']) {
            ($status, $out, $err) = $filterd->try_ctl(undef, @$command);
            is($status, 75, "filterctl @$command");
            line_like($err, 'filterctl', $wanted);
        }
    };
}

sub init_refused {
    my ($what, $wanted) = @_;
    my ($status, $out, $err) = $filterd->try_ctl(undef, 'init');
    is($status, 75, "init: $what");
    line_like($err, 'filterctl', $wanted);
}

sub files { return sort map { s{^\Q$_[0]\E/}{}r } glob "$_[0]/{*,.[!.]*}" }

subtest 'before there is one' => sub {
    all_wait('an empty folder', "\Q$dir/state: there is no state in it\E");
    is_deeply([files("$dir/state")], [], 'nothing was made in it');
    ok(!-e "$dir/etc/$_", "nor $_") for qw(site.key state.id);
    rmdir "$dir/state";
    all_wait('no folder', "\Q$dir/state: is not there\E");
    ok(!-e "$dir/state", 'it was not made');
};

subtest 'init' => sub {
    like($filterd->ctl('init'), qr{\A\Q$dir/state: the state is made; $dir/etc/state.id\E names it\n\z}, 'made');
    for ([state => 0750], ['state/users.db' => 0640], ['etc/site.key' => 0400], ['etc/site.key.d' => 0700]) {
        my ($name, $mode) = @$_;
        my ($is, $owner) = (stat "$dir/$name")[2, 4];
        is(sprintf('%o %d', ($is // 0) & 07777, $owner // -1), sprintf('%o %d', $mode, $uid), "$name is the daemon's");
    }
    is((stat "$dir/etc/state.id")[2] & 07777, 0644, 'whom the id may be read by');
    my $id = slurp("$dir/etc/state.id");
    my $secret = slurp("$dir/etc/site.key");
    like($filterd->ctl('init'), qr/the state is there already/, 'again: nothing to do');
    like(($filterd->try_ctl(undef, 'check'))[1], qr/^ok\tstate\t/m, 'filterctl check finds it well');
    is(slurp("$dir/etc/state.id"), $id, 'the same id');
    is(slurp("$dir/etc/site.key"), $secret, 'the same key');
    $filterd->import_key($key);
    $filterd->up;
    like(deliver(), qr/^250/, 'it works');
    is_sealed('with it');
    is($filterd->down, 0, 'down');
};

subtest 'another key' => sub {
    rename "$dir/etc/site.key", "$dir/etc/kept";
    all_wait('no key', "\Q$dir/etc/site.key: No such file\E");
    ok(!-e "$dir/etc/site.key", 'none was made');
    spew("$dir/etc/site.key", '0123456789abcdef' x 4 . "\n", 0644);
    all_wait("another's key", "\Q$dir/etc/site.key: not the site key that the state in $dir/state was made with\E");
    rename "$dir/etc/kept", "$dir/etc/site.key";
};

subtest 'an id that is lost' => sub {
    rename "$dir/etc/state.id", "$dir/etc/kept";
    all_wait('no id', "\Q$dir/etc/state.id: is not there\E");
    like($filterd->ctl('init'), qr/the state is named again/, 'init writes it');
    is(slurp("$dir/etc/state.id"), slurp("$dir/etc/kept"), 'the same');
    unlink "$dir/etc/kept";
};

# ---- the store is a FUSE file system that is mounted by hand ----

spew("$dir/password", "x\n");
$t->at_end(sub { system('umount', '-l', "$dir/state") while `mountpoint "$dir/state"` =~ /is a mountpoint/ });

my $has_fuse = -e '/dev/fuse';

# Without FUSE a folder stands in, bound to the mountpoint.
sub make_store {
    my ($name) = @_;
    mkdir "$dir/$name";
    $t->run(qw(gocryptfs -init -q -scryptn 10 -passfile), "$dir/password", "$dir/$name") if $has_fuse;
}

sub mount_store {
    my ($name, @options) = @_;
    return $t->run(qw(mount --bind), "$dir/$name", "$dir/state") if !$has_fuse;
    $t->run(qw(gocryptfs -q -passfile), "$dir/password", @options, "$dir/$name", "$dir/state");
}

# A daemon without its state looks for it once a second.
sub unmount {
    my ($how) = (@_, '');
    poll(sub { system("umount $how $dir/state 2>/dev/null") == 0 }) or die "$dir/state is held by somebody\n";
}

$has_fuse &&= eval { make_store('crypt'); mount_store('crypt', '-allow_other', '-nonempty'); unmount(); 1 };
if (!$has_fuse) {
    diag("no FUSE here, bound folders stand in for it: $@");
    $t->run('/bin/rm', '-rf', "$dir/crypt");
    make_store('crypt');
}

# The state moves into the store; its mountpoint is empty.
sub move_into_store {
    rename "$dir/state", "$dir/before";
    mkdir "$dir/state";
    mount_store('crypt', '-allow_other');
    $t->run('/bin/cp', '-a', glob("$dir/before/*"), "$dir/state");
    chown $uid, $gid, "$dir/state";
    unmount();
    $t->run('/bin/rm', '-r', "$dir/before");
}

# As the unit does: again and again while it ends with 75.
sub up_again_and_again {
    spew("$dir/unit", <<"END", 0755);
#!/bin/sh
trap 'kill \$pid; wait \$pid; exit' TERM
while :; do
    $dir/bin/filterd &
    pid=\$!
    wait \$pid
    [ \$? = 75 ] || exit 1
    sleep 0.3
done
END
    return $t->spawn($t->log_file('filterd'), "$dir/unit");
}

make_store('crypt2');
move_into_store();
subtest 'a store that is not mounted' => sub {
    all_wait('an empty mountpoint', "\Q$dir/state: the state that $dir/etc/state.id names is not in it: mount it\E");
    init_refused('it does not make another', 'mount it');
    like(($filterd->try_ctl(undef, 'check'))[1], qr{^bad\tstate\t\Q$dir/state: the state that\E}m, 'filterctl check says so, too');
    is_deeply([files("$dir/state")], [], 'nothing was made in it');
    unlink "$dir/etc/state.id";
    init_refused('nor without an id, where a key was in use', 'mount it');
    mount_store('crypt', '-allow_other');
    $filterd->ctl('init');
    unmount();
};
subtest 'a store that only root may read' => sub {
    mount_store('crypt');
    my @before = (stat "$dir/state")[2, 4, 5];
    if (!$has_fuse) { # which refuses all but who mounted it
        chown 0, 0, "$dir/state";
        chmod 0700, "$dir/state";
    }
    my ($status, $out, $err) = $t->try_run(undef, "$dir/bin/filterd");
    is($status, 75, 'filterd');
    like($err, qr{^filterd: warning: \Q$dir/state: uid $uid cannot read it: \E}m, 'says why');
    if (!$has_fuse) {
        chown @before[1, 2], "$dir/state";
        chmod $before[0] & 07777, "$dir/state";
    }
    unmount();
};
subtest "another's store" => sub {
    mount_store('crypt2', '-allow_other');
    spew("$dir/state/users.db", '');
    all_wait('of an older version', 'not the state that');
    rename "$dir/etc/state.id", "$dir/etc/kept";
    unlink "$dir/state/users.db";
    rename "$dir/etc/site.key.d", "$dir/etc/kept.d";
    $filterd->ctl('init'); # for another site with the same key
    rename "$dir/etc/kept.d", "$dir/etc/site.key.d";
    rename "$dir/etc/kept", "$dir/etc/state.id";
    all_wait('a foreign state', "\Q$dir/state: a foreign state\E");
    unmount();
};
subtest 'mounted when filterd runs' => sub {
    my $unit = up_again_and_again();
    cmp_ok($filterd->logged(qr/is not in it: mount it/, 2), '>=', 2, 'it is tried again and again');
    mount_store('crypt', '-allow_other');
    ok(poll(sub { FilterdTest::Client::listens($t->front('lmtp')) }), 'it comes up when the store is there');
    like(deliver(), qr/^250/, 'and takes mail');
    is_sealed('mounted');

    unmount('-l');
    for my $to ($user, 'keyless@example.com') {
        like(deliver($to), qr/^451/, "unmounted: mail for $to waits");
    }
    is_deeply([boxed()], [], 'and nothing came');
    $filterd->logs(qr{\Q$dir/state: the state is not there any more: mail is put off\E}, 'the log says so');
    $filterd->logs(qr/keeper: .* the state is not there any more/, 'the keeper ended');
    is_deeply([files("$dir/state")], [], 'nothing was made in the mountpoint');
    my ($status, $out, $err) = $filterd->try_ctl(undef, qw(key list));
    is($status, 75, 'nor by filterctl');
    ok(!$has_fuse || poll(sub { `ps -eo args` !~ m{gocryptfs .*\Q$dir/crypt\E } }), 'nobody holds on to what was unmounted');

    mount_store('crypt2', '-allow_other');
    like(deliver(), qr/^451/, "another's: mail waits");
    unmount();
    is_deeply([boxed()], [], 'and nothing came');

    mount_store('crypt', '-allow_other');
    ok(poll(sub { deliver() =~ /^250/ }), 'mounted again: it takes mail again');
    is_sealed('mounted again');

    mount_store('crypt2', '-allow_other', '-nonempty');
    for my $to ($user, 'keyless@example.com') {
        like(deliver($to), qr/^451/, "mounted over: mail for $to waits");
    }
    is_deeply([boxed()], [], 'and nothing came');
    unmount();
    ok(poll(sub { deliver() =~ /^250/ }), 'and comes when that is gone');
    is_sealed('as before');
    FilterdTest::end_process($unit);
    unmount();
};
mount_store('crypt', '-allow_other');

subtest 'a key folder that is lost' => sub {
    $filterd->up;
    like(deliver(), qr/^250/, 'it is there');
    is_sealed('still');
    rename "$dir/state/keys", "$dir/state/away" or die $!;
    like(deliver(), qr/^4/, 'mail waits');
    is_deeply([boxed()], [], 'nothing came');
    $filterd->logs(qr/user=<\Q$user\E> key=- cannot be used: users.db notes a key, and its folder is gone/, 'the log names it');
    my ($status, $out, $err) = $filterd->try_ctl(undef, qw(key check));
    is($status, 2, 'key check');
    is($out, "$user: noted in users.db, but the key folder is gone\n", 'names it');
    like($filterd->ctl(qw(key list)), qr/^\Q$user\E +- .* noted in users\.db, but the key folder is gone$/m, 'key list, too');
    like($filterd->ctl('key', 'show', $user), qr/^state: +noted in users\.db/m, 'and key show');
    mkdir "$dir/state/keys", 0000;
    chown $uid, $gid, "$dir/state/keys";
    like(deliver(), qr/^4/, 'a folder that cannot be read: mail waits');
    rmdir "$dir/state/keys";
    rename "$dir/state/away", "$dir/state/keys";
    like(deliver(), qr/^250/, 'there again');
    is_sealed('as before');
    $t->run('/bin/rm', '-r', "$dir/state/keys/$user");
    like(deliver(), qr/^4/, 'lost for ever: mail waits');
    like($filterd->ctl('key', 'remove', $user), qr/all keys removed/, 'until the operator takes the note away');
    is(($filterd->try_ctl(undef, 'key', 'remove', $user))[0], 67, 'which is gone then');
    like(deliver(), qr/^250/, 'so that the user has no key');
    unlike((boxed())[0], qr/BEGIN PGP/, 'in the clear, as was said');
    $filterd->import_key($key);
    like(deliver(), qr/^250/, 'a key again');
    is_sealed('with it');
    spew("$dir/none.asc", 'this is no key');
    isnt(($filterd->try_ctl(undef, qw(key import bob@example.com), "$dir/none.asc"))[0], 0, 'a key that is refused');
    is(($filterd->try_ctl(undef, qw(key show bob@example.com)))[0], 67, 'is not noted');
    is($filterd->down, 0, 'down');
};

subtest 'of an older version' => sub {
    unlink "$dir/etc/state.id", "$dir/state/state.id";
    $t->run('/usr/bin/sqlite3', "$dir/state/users.db", 'DROP TABLE key; PRAGMA user_version = 1');
    $filterd->up;
    my $line = qr{^filterd: \Q$dir/state: adopted the state of an older version; $dir/etc/state.id\E names it}m;
    is($filterd->logged($line, 1), 1, 'adopted, with a line');
    like(deliver(), qr/^250/, 'it works on');
    is_sealed('as before');
    rename "$dir/state/keys", "$dir/state/away";
    like(deliver(), qr/^4/, 'its keys are noted');
    rename "$dir/state/away", "$dir/state/keys";
    is($filterd->down, 0, 'down');
    is($t->run('/usr/bin/sqlite3', "$dir/state/users.db", 'SELECT user FROM key'), "$user\n", 'by the upgrade');
    $filterd->up;
    is($filterd->down, 0, 'down');
    is($filterd->logged($line, 1), 1, 'once');
};

done_testing;
