#!/usr/bin/perl
# Stores from before they had versions, and of a later filterd: the daemon upgrades the first when it
# starts, leaves the others as they are, and says so.

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
my @stores = map { "$dir/state/$_" } 'users.db', "users/$user.db", 'greylist.db', 'retries.db', 'spent.db';
mkdir "$dir/box";
chown((getpwnam $FilterdTest::FILTERD_USER)[2, 3], "$dir/box");
my $filterd = FilterdTest::Daemon->start($t, idle => 1, set => {
    'deliver.next_hop' => "maildir:$dir/box/%n",
    'filterd.domains' => 'example.com',
    'greylist.enabled' => 'yes',
    'listener in.protocol' => 'lmtp',
    'listener in.address' => "unix:$dir/run/in.sock",
});

# The version that each store has now, by the header that says so.
my %version;
@version{@stores} = map { slurp("$FilterdTest::ROOT/$_") =~ /^#define \w+_VERSION (\d+)$/m ? $1 : die $_ }
    qw(base/config/users.h classifier/model.h filterd/keeper/greylist.h filterd/keeper/delivered.h filterd/keeper/spent.h);

sub sql { return $t->run('/usr/bin/sqlite3', @_) =~ s/\n\z//r }
sub version { return sql($_[0], 'PRAGMA user_version') }

sub deliver {
    my ($to) = @_;
    my $c = FilterdTest::Client->new('lmtp', "$dir/run/in.sock");
    return $c->deliver("From: friend\@example.net\r\nSubject: hello\r\n\r\nhello\r\n", 'friend@example.net', $to);
}

sub boxed { return scalar(() = glob "$dir/box/ann/{new,cur}/*") }

$filterd->import_key(FilterdTest::Keys->new($t, $user, 'curve'));
$filterd->up;
$filterd->ctl(qw(alias add team@example.com), $user);
$filterd->ctl(qw(user set), $user, 'spam_threshold=0.8');
$filterd->ctl(qw(train ham), $user, "$FindBin::Bin/fuzz/seeds/message/demo.eml");
like(deliver('team@example.com'), qr/^2/, 'delivered');
my %before = map { $_ => $filterd->ctl(split / /) } 'alias list', 'user list', 'stats';
is($filterd->down, 0, 'down');

subtest 'of before there were versions' => sub {
    sql($_, 'PRAGMA user_version = 0') for @stores;
    sql($stores[2], "INSERT INTO triplet VALUES (1, 2, 3, 4000000000)");
    my $soon = time + 86400;
    sql($stores[3], 'DROP TABLE delivered; CREATE TABLE copy(digest BLOB PRIMARY KEY, forget INTEGER NOT NULL) WITHOUT ROWID;'
        . "INSERT INTO copy VALUES (x'00112233445566778899aabbccddeeff', $soon)");
    is($filterd->ctl(split / /), $before{$_}, "$_ reads it as it is") for sort keys %before;
    is(version($_), 0, "and does not change it: $_") for @stores;
    $filterd->up;
    like(deliver('team@example.com'), qr/^2/, 'mail comes');
    $filterd->ctl(qw(alias list)); # the keeper has written what it was told
    is($filterd->ctl(split / /), $before{$_}, "$_ says the same") for grep { !/stats/ } sort keys %before;
    $filterd->ctl(qw(train ham), $user, "$FindBin::Bin/fuzz/seeds/message/demo.eml");
    is($filterd->down, 0, 'down');
    is(version($_), $version{$_}, "upgraded: $_") for @stores;
    is(sql($stores[2], 'SELECT count(*) FROM triplet WHERE id = 1'), 1, 'nothing is lost of greylisting');
    is(sql($stores[3], "SELECT group_concat(name) FROM sqlite_master WHERE type = 'table'"), 'delivered',
        'copies of which nobody knows where they came from are not kept');
};

# Each of them comes out of it byte for byte as it went in.
sub later {
    my ($store, $test) = @_;
    sql($store, 'PRAGMA user_version = 7');
    my $was = slurp($store);
    $filterd->up;
    $test->();
    is($filterd->down, 0, 'down');
    ok(slurp($store) eq $was, 'it is as it was');
    sql($store, "PRAGMA user_version = $version{$store}");
}

sub said {
    my ($store) = @_;
    my $text = qr/\Q$store\E: a later filterd made it \(version 7, known here are those up to $version{$store}\)/;
    ok(poll(sub { $filterd->log_text =~ $text }), 'the log names it');
}

sub refused {
    my ($store, @command) = @_;
    my ($status, $out, $err) = $filterd->try_ctl(undef, @command);
    isnt($status, 0, "@command fails");
    is($out, '', 'and shows nothing');
    like($err, qr/\Afilterctl: \Q$store\E: a later filterd made it[^\n]*\n\z/, 'in one line');
}

subtest 'users of a later filterd' => sub {
    later($stores[0], sub {
        my $boxed = boxed();
        like(deliver('team@example.com'), qr/^4/, 'mail waits');
        like(deliver($user), qr/^4/, 'also to who has a key');
        is(boxed(), $boxed, 'nothing came');
        refused($stores[0], @$_) for [qw(alias list)], [qw(user list)], [qw(user show), $user];
        said($stores[0]);
    });
    like(slurp($t->log_file('filterd')), qr/mail goes on without signatures/, 'the keeper said it, too');
};

subtest 'a model of a later filterd' => sub {
    later($stores[1], sub {
        like(deliver('team@example.com'), qr/^2/, 'mail comes');
        ok(poll(sub { $filterd->log_text =~ /model cannot be read, judged as unsure/ }), 'unsure, and not as if new');
        refused($stores[1], 'stats');
    });
};

subtest 'greylisting, retries and proofs of a later filterd' => sub {
    for my $store (@stores[2, 3, 4]) {
        later($store, sub {
            like(deliver('team@example.com'), qr/^2/, 'mail comes');
            said($store);
        });
    }
};

$filterd->up;
like(deliver('team@example.com'), qr/^2/, 'all is well again');
is($filterd->ctl(qw(alias list)), $before{'alias list'}, 'with all that there was');
is($filterd->down, 0, 'down');

done_testing;
