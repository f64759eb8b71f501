#!/usr/bin/perl
# filterctl user and train, with a running keeper and without: training, export and import of a user,
# removal.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Daemon;
use FilterdTest::Keys;
use Test::More;

my $user = 'ann@example.com';
my $t = FilterdTest->new;
my $dir = $t->dir;

sub mail { return "From: x\@a.example\nSubject: $_[0]\n\n$_[1]\n" }

mkdir "$dir/$_" for qw(ham md md/cur md/new md/tmp);
spew("$dir/ham/$_", mail("minutes $_", "Here are the minutes of our meeting, part $_.")) for 1 .. 9;
spew("$dir/md/cur/$_:2,S", mail("pills $_", "Buy cheap pills now, number $_ only today!")) for 1 .. 5;
spew("$dir/md/dovecot.index", 'no mail');
spew("$dir/mbox", join '', map { "From x Mon Jan  1 00:00:00 2024\n" . mail("pills $_", "Buy cheap pills $_") . "\n" } 6 .. 9);
spew("$dir/probe", mail('your pills', 'Buy cheap pills now'));

my $filterd = FilterdTest::Daemon->start($t, idle => 1, set => { 'deliver.next_hop' => "maildir:$dir/box" });
sub class { return ($filterd->ctl('classify', '-u', $_[0] // $user, "$dir/probe") =~ /^(\w+)/)[0] }
sub refused {
    my ($what, $wanted, @command) = @_;
    my ($status, $out, $err) = $filterd->try_ctl(undef, @command);
    isnt($status, 0, $what);
    like($err, qr/\Afilterctl: [^\n]*$wanted[^\n]*\n\z/, 'said in one line');
}

sub users {
    subtest 'training' => sub {
        like($filterd->ctl(qw(train ham), $user, "$dir/ham"),
            qr{\A9 messages learnt in [\d.]+ s \(\d+/s\), 100\.0% of them judged right before\n\z}, 'a folder');
        like($filterd->ctl(qw(--json train spam), $user, "$dir/md", "$dir/mbox"),
            qr/\A\{"learnt":9,"seconds":[\d.]+,"per_second":\d+,"right":0\.\d+,"from_records":0,"encrypted":0,"packed":0,"no_mail":0\}\n\z/, 'a Maildir and an mbox');
        is(class(), 'Spam', 'learnt');
        my ($status, $out, $err) = $filterd->try_ctl(undef, qw(train spam), $user, "$dir/nowhere");
        is($status, 66, 'what is not there');
        is($out, "no messages learnt\n", 'nothing');
    };
    subtest 'out and in' => sub {
        $filterd->ctl(qw(user set), $user, 'encrypt=no');
        $filterd->ctl(qw(alias add info@example.com), $user);
        like($filterd->ctl(qw(user export), $user, "$dir/ann"), qr/records and keys stay/, 'out');
        is((stat "$dir/ann")[2] & 07777, 0600, 'for its owner only');
        is($filterd->ctl(qw(user export), $user), slurp("$dir/ann"), 'the same on standard output');
        unlike(slurp("$dir/ann"), qr/pills|minutes/, 'nothing to read in it');
        mkdir $_ for "$dir/state/keys", "$dir/state/keys/$user";
        like($filterd->ctl(qw(user remove), $user), qr/\Aremoved; the keys stay.*\n\z/, 'removed');
        rmdir "$dir/state/keys/$user";
        isnt(class(), 'Spam', 'what was learnt is gone');
        is($filterd->ctl(qw(user show), $user), '', 'and the settings');
        is($filterd->ctl(qw(alias list)), '', 'and memberships');
        refused('an export of nobody', 'nothing is known', qw(user export), $user);
        is($filterd->ctl(qw(user import), $user, "$dir/ann"),
            "9 spam and 9 ham learnt, 1 settings, 1 aliases\n", 'in again');
        is(class(), 'Spam', 'as it was');
        is($filterd->ctl(qw(alias list)), "info\@example.com\t$user\n", 'an alias');
    };
    subtest 'what does not come in' => sub {
        my $file = slurp("$dir/ann");
        substr($file, 5000, 1) ^= "\1";
        spew("$dir/damaged", $file);
        $filterd->ctl(qw(train ham), $user, "$dir/ham/1");
        refused('a damaged file', 'damaged', qw(user import), $user, "$dir/damaged");
        refused('no export', 'no export', qw(user import), $user, "$dir/probe");
        refused('another user', 'another user', qw(user import bob@example.com), "$dir/ann");
        like($filterd->ctl('stats', $user), qr/^\Q$user\E +settle +9 +10 +0 +never /m, 'nothing has changed');
    };
    subtest 'figures' => sub {
        $filterd->ctl(qw(train ham bob@example.com), "$dir/ham");
        my $all = $filterd->ctl('stats');
        like($all, qr/^user +mode .*\n\Q$user\E .*\nbob\@example.com +settle +0 +9 /, 'a table');
        like($all, qr/^2 users, last correction: never\n\z/m, 'and all together');
        like($filterd->ctl(qw(--json stats bob@example.com)),
            qr/\A\{"user":"bob\@example.com","mode":"settle","spam":0,"ham":9,.*"silent":false\}\n\z/, 'JSON of one');
        like($filterd->ctl(qw(--json stats)), qr/\A\{"users":\[.*\],"count":2,.*\}\n\z/s, 'JSON of all');
        like($filterd->ctl(qw(stats new@example.com)), qr/^new\@example.com +settle +0 +0 /m, 'somebody new');
        $filterd->ctl(qw(user remove bob@example.com));
    };
    $filterd->ctl(qw(user remove), $user);
    $filterd->ctl(qw(alias remove info@example.com));
}

subtest 'without a daemon' => \&users;
subtest 'a shared base' => sub {
    $filterd->ctl(qw(train --site ham), "$dir/ham");
    $filterd->ctl(qw(train --site spam), "$dir/md", "$dir/mbox");
    is(class('new@example.com'), 'Spam', 'who is new starts from it');
};
unlink glob "$dir/state/users/*site*";
subtest 'a bar on a terminal' => sub {
    my $said = $t->run('/usr/bin/script', '-qec', "$dir/bin/filterctl train ham $user $dir/ham", '/dev/null');
    like($said, qr/\A\r\[#*\.*\] +\d+%  \d+ messages.*\r\e\[K9 messages learnt/s, 'it comes and goes');
    $filterd->ctl(qw(user remove), $user);
};
$filterd->up;
subtest 'through the keeper' => \&users;

subtest 'another site' => sub {
    $filterd->ctl(qw(train spam), $user, "$dir/md");
    $filterd->ctl(qw(user export), $user, "$dir/ann");
    is($filterd->down, 0, 'down');
    $t->run('/bin/rm', '-r', "$dir/state", "$dir/etc/state.id", glob("$dir/etc/site.key*"));
    like($filterd->ctl('init'), qr/\A\S+: the state is made; \S+ names it\n\z/, 'made');
    refused('an export of another site', 'site with another key', qw(user import), $user, "$dir/ann");
};

subtest 'a key for an address that Postfix finds under another' => sub {
    my ($sharp, $folded) = ("gr\xc3\xbc\xc3\x9fe\@example.com", "gr\xc3\xbcsse\@example.com");
    my $key = FilterdTest::Keys->new($t, 'gruesse@example.com', 'curve');
    spew("$dir/key.asc", $key->public);
    $filterd->ctl(qw(key import --force), $sharp, "$dir/key.asc");
    like($filterd->ctl(qw(alias list)), qr/^\Q$folded\E\s+\Q$sharp\E$/m, 'is known under both');
    $filterd->ctl(qw(key import --force), 'strasse@example.com', "$dir/key.asc");
    $filterd->ctl(qw(key import --force), "stra\xc3\x9fe\@example.com", "$dir/key.asc");
    unlike($filterd->ctl(qw(alias list)), qr/^strasse/m, 'unless the other is somebody');
};

done_testing;
