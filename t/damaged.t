#!/usr/bin/perl
# users.db with overwritten pages in its middle: lists and exports say that they are incomplete, and mail
# whose recipients cannot be looked up is deferred, neither delivered nor refused.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Keys;
use Test::More;

my $t = FilterdTest->new;
my $dir = $t->dir;
my $db = "$dir/state/users.db";
my $filterd = FilterdTest::Daemon->start($t, idle => 1, set => {
    'deliver.next_hop' => "maildir:$dir/box/%n",
    'filterd.domains' => 'example.com',
    'listener in.protocol' => 'lmtp',
    'listener in.address' => "unix:$dir/run/in.sock",
});

mkdir "$dir/box";
chown((getpwnam $FilterdTest::FILTERD_USER)[2, 3], "$dir/box");

# 5,000 aliases, and 2,000 users who want no encryption.
$filterd->import_key(FilterdTest::Keys->new($t, 'ann@example.com', 'curve'));
$filterd->ctl(qw(alias add first@example.com ann@example.com));
$t->run('/usr/bin/sqlite3', $db, <<'END');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
    INSERT INTO alias SELECT 'alias' || i || '@example.com', 'ann@example.com' FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO setting SELECT 'user' || i || '@example.com', 'encrypt', 'no' FROM n;
END
mkdir "$dir/postfix";
spew("$dir/postfix/master.cf", "pickup unix n - n 60 1 pickup\n");
spew("$dir/postfix/main.cf", "compatibility_level = 3.6\nvirtual_alias_maps = texthash:$dir/virtual\nalias_maps =\n");
spew("$dir/virtual", "new\@example.com ann\@example.com\n");

my $right = slurp($db);
my ($user) = grep { !grep { !is_leaf($_) } pages_of($_) } map { "user$_\@example.com" } 1500 .. 1600;
$filterd->import_key(FilterdTest::Keys->new($t, $user, 'curve'));
$filterd->ctl(qw(train ham), $user, "$FindBin::Bin/fuzz/seeds/message/demo.eml");

my @listings = (
    [qw(alias list)], [qw(--json alias list)], [qw(user list)], [qw(--json user list)],
    [qw(user show), $user], [qw(user export), $user],
    [qw(stats)], [qw(stats), $user],
    [qw(alias import --postfix --dry-run -C), "$dir/postfix"],
);
is(scalar(() = $filterd->ctl(qw(alias list)) =~ /\n/g), 5001, 'all aliases');
$filterd->ctl(@$_) for @listings;

# The pages that tell of it, by their number.
sub pages_of {
    my ($text) = @_;
    return grep { index(substr($right, $_ * 4096, 4096), $text) >= 0 } 1 .. length($right) / 4096 - 1;
}

# Leaves of the trees: what stands further up is on the way to others, too.
sub is_leaf { return substr($right, $_[0] * 4096, 1) =~ /[\x0a\x0d]/ }

sub damage {
    my $bad = $right;
    substr($bad, $_ * 4096, 4096) = 'Z' x 4096 for map { pages_of($_) } @_;
    overwrite($bad);
}

# In place: whoever has it open goes on with it.
sub overwrite {
    my ($bytes) = @_;
    open my $out, '+<', $db or die "$db: $!\n";
    print $out $bytes;
    close $out or die "$db: $!\n";
}

my ($alias) = grep { !grep { !is_leaf($_) } pages_of($_) } map { "alias$_\@example.com" } 2500 .. 2600;
my @of = ($alias, $user);
sub none_is_all {
    my ($what) = @_;
    for my $command (@listings) {
        my ($status, $out, $err) = $filterd->try_ctl(undef, @$command);
        my $name = "$what: @$command";
        ok($status == 65 || $status == 74, "$name ends with a code") or diag($status);
        like($err, qr/^filterctl: [^\n]*users\.db: [^\n]*malformed[^\n]*\n/m, 'and a line that names the file');
        unlike($out, qr/imported|would import/, 'nothing is done by halves');
    }
}

cmp_ok(scalar pages_of($alias), '>=', 2, 'in the middle of a large file');
damage(@of);
none_is_all('without a daemon');
overwrite($right);
$filterd->ctl(@$_) for @listings;

sub rcpt {
    my ($to) = @_;
    my $c = FilterdTest::Client->new('lmtp', "$dir/run/in.sock");
    $c->say('MAIL FROM:<friend@example.net>');
    my $reply = $c->say("RCPT TO:<$to>");
    $c->quit;
    return $reply;
}

sub deliver {
    my ($to) = @_;
    my $c = FilterdTest::Client->new('lmtp', "$dir/run/in.sock");
    return $c->deliver("From: friend\@example.net\r\nSubject: hello\r\n\r\nhello\r\n", 'friend@example.net', $to);
}

$filterd->up;
# Others than those that are damaged: a worker may still have what it read.
like(deliver('alias4999@example.com'), qr/^2/, 'an alias while all is well');
like(deliver('user1999@example.com'), qr/^2/, 'a user, too');
damage(@of);
none_is_all('with a daemon');
like(rcpt($alias), qr/^4/, 'an alias that cannot be read: later, and not in the clear');
like(deliver($user), qr/^4/, 'a user whose settings cannot be read');
like(deliver('first@example.com'), qr/^2/, 'who can be read is served');
ok(poll(sub { $filterd->log_text =~ /aliases and settings of users cannot be read: [^\n]*users\.db/ }), 'the log says why');
overwrite($right);
like(deliver($alias), qr/^2/, 'and again');
my @boxes = map { [glob "$dir/box/$_/{new,cur}/*"] } 'ann', (map { s/@.*//r } $alias, $user), 'user1999';
is_deeply([map { scalar @$_ } @boxes], [3, 0, 0, 1], 'each came once, to whom it was for');
unlike(slurp($_), qr/^hello/m, 'sealed') for @{ $boxes[0] };
is($filterd->down, 0, 'down');

done_testing;
