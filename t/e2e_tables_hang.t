#!/usr/bin/perl
# Compiled tables and MariaDB as the daemon reads them in its sandbox, and what becomes of mail while a table server
# hangs, MariaDB or PostgreSQL: who was known goes on, nobody else waits with whoever waits for it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Keys;
use FilterdTest::Mail;
use FilterdTest::MariaDb;
use FilterdTest::PostgreSql;
use FilterdTest::Sink;
use IO::Select;
use Test::More;

my $t = FilterdTest->new;
my $etc = $t->dir . '/etc';
my %server = (mysql => FilterdTest::MariaDb->start($t), pgsql => FilterdTest::PostgreSql->start($t));
for my $type (keys %server) {
    $server{$type}->database(mail => "CREATE TABLE users (email VARCHAR(200) PRIMARY KEY);\n"
        . "CREATE TABLE aliases (address VARCHAR(200), destination VARCHAR(200));\n"
        . "INSERT INTO users VALUES ('kim\@example.com')" . join('', map { ", ('u$_\@example.com')" } 1 .. 99) . ";\n"
        . "INSERT INTO aliases VALUES ('sales\@example.com', 'kim\@example.com');\n", postfix => 'secret-4711');
}

sub map_file {
    my ($type, $name, $query) = @_;
    my $file = "$etc/$type-$name.cf";
    spew($file, "hosts = 127.0.0.1:$server{$type}{port}\nuser = postfix\npassword = secret-4711\ndbname = mail\nquery = $query\n", 0640);
    chown 0, (getpwnam $FilterdTest::FILTERD_USER)[3], $file;
    return "$type:$file";
}

# The first of each leads to kim, and so do the others.
my @COMPILED = qw(hash btree cdb lmdb);
mkdir "$etc/maps";
for my $type (@COMPILED) {
    spew("$etc/maps/$type", join '', map { "$type$_\@example.com kim\@example.com\n" } 1 .. 99);
    $t->run('postmap', "$type:$etc/maps/$type");
}

sub maps_with {
    my ($type) = @_;
    return ('users.aliases' => join(' ', (map { "$_:$etc/maps/$_" } @COMPILED),
            'proxy:' . map_file($type, 'aliases', "SELECT destination FROM aliases WHERE address = '%s'")),
        'users.mailboxes' => 'proxy:' . map_file($type, 'mailboxes', "SELECT email FROM users WHERE email = '%s'"));
}

my $sink = FilterdTest::Sink->start($t, 'smtp', 'back');
my $filterd = FilterdTest::Daemon->start($t, snippets => ['smtpd_proxy_filter'], set => { maps_with('mysql'),
    'filterd.domains' => 'example.com', 'encrypt.unknown_recipient' => 'reject', map { ("$_.enabled" => 'no') } qw(spf dkim dmarc) });
my $kim = FilterdTest::Keys->new($t, 'kim@example.com', 'curve');
$filterd->import_key($kim);

sub client {
    my $client = FilterdTest::Client->new(smtp => $t->front('smtp'));
    $client->say('MAIL FROM:<x@outside.test>');
    return $client;
}

sub rcpt {
    my ($to) = @_;
    my $client = client();
    my $reply = $client->say("RCPT TO:<$to>");
    $client->quit;
    return $reply;
}

subtest 'compiled tables and MariaDB' => sub {
    for my $to ((map { $_ . '1' } @COMPILED), 'sales', 'kim') {
        my $client = FilterdTest::Client->new(smtp => $t->front('smtp'));
        my $sent = mail_like(id => "to-$to");
        like($client->deliver($sent, 'x@outside.test', "$to\@example.com"), qr/^250/, "$to: taken");
        $client->quit;
        ok(poll(sub { $sink->count("$to\@example.com") }), 'and handed on') or next;
        is_sealed_for(($sink->taken("$to\@example.com"))[0], $sent, $kim);
    }
    spew("$etc/maps/hash", "newer\@example.com kim\@example.com\n" . slurp("$etc/maps/hash"));
    $t->run('postmap', "hash:$etc/maps/hash");
    ok(poll(sub { rcpt('newer@example.com') =~ /^250/ }), 'a table that is compiled anew is read anew');
    like(rcpt('nobody@example.com'), qr/^550/, 'whom no table has is unknown');
};

# All processes of a server. A thread that is told to stop answers what it is at before it does: that is waited for.
sub signal_all {
    my ($signal, $server) = @_;
    my (undef, $children) = $t->try_run(undef, 'ps', '-o', 'pid=', '--ppid', $server->{pid});
    my @pids = ($server->{pid}, split ' ', $children);
    kill $signal, @pids;
    return if $signal ne 'STOP';
    poll(sub { !grep { slurp($_) !~ /^State:\s+T/m } map { glob "/proc/$_/task/*/status" } @pids }) or die "a server that does not stop\n";
}

my $fresh = 0;

sub nobody_has_asked { return 'u' . ++$fresh . '@example.com' }

# Somebody waits for the server; are others answered before? Who waits has to: after a failure it is not asked at once.
sub others_go_on {
    my ($others, $table) = @_;
    my $waits = client();
    $waits->put('RCPT TO:<' . nobody_has_asked() . ">\r\n");
    my @replies = map { rcpt($_) } 'sales@example.com', $table . ++$fresh . '@example.com';
    my $late = !IO::Select->new($waits->{socket})->can_read(0);
    push @$others, @replies;
    my $reply = $waits->reply;
    push @$others, "who waited: $reply" if $reply !~ /^451/;
    $waits->quit;
    return $late;
}

# Its process begins with an empty cache: whom it knows has to be asked of this one, not of the one before it.
sub ask_instead {
    my ($type) = @_;
    my @before = $filterd->processes('tables');
    $filterd->settings(maps_with($type));
    $filterd->reload;
    ok(poll(sub {
        my @now = $filterd->processes('tables');
        @now == 1 && !grep { $now[0] == $_ } @before;
    }), "$type is asked");
}

for my $type (qw(mysql pgsql)) {
    subtest "$type hangs" => sub {
        $fresh = 0;
        ask_instead($type) if $type ne 'mysql'; # that one is asked from the start
        ok(poll(sub { rcpt('sales@example.com') =~ /^250/ && rcpt('kim@example.com') =~ /^250/ }), 'two are known');
        signal_all(STOP => $server{$type});
        my @others;
        ok(poll(sub { others_go_on(\@others, 'hash') }, 60), 'while one waits for the server, others are answered');
        is(scalar(grep { !/^250/ } @others), 0, 'all of them: known ones, and those in other tables') or diag(join "\n", @others);
        like(rcpt('no-such@example.com'), qr/^451/, 'whom only the server knows has to wait');
        signal_all(CONT => $server{$type});
        my $new = nobody_has_asked();
        ok(poll(sub { rcpt($new) =~ /^250/ }), 'the server goes on, and so does all');
        ok(poll(sub { rcpt('no-such@example.com') =~ /^550/ }), 'unknown is unknown again');
        unlike($filterd->log_text, qr/secret-4711/, 'no log line names the password');
    };
}

done_testing;
