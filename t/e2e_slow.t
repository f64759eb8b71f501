#!/usr/bin/perl
# Slow senders and idle connections hold workers, and ordinary mail still passes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::Site;
use IO::Select;
use Socket qw(MSG_DONTWAIT MSG_PEEK);
use Test::More;
use Time::HiRes qw(sleep);

my $SENDERS = 50;
my $WORKERS = 4;
my $MAKING_ROOM = '421 4.3.2';

my $site = FilterdTest::Site->start(
    attach => [qw(smtpd_proxy_filter reinject)],
    keys => { user => 'curve' },
    main => "smtpd_client_connection_count_limit = 0\n",
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my $to = 'user@example.com';
my $delivered = 0;

# Keeps sending, a byte on each connection every half second, until it is told to end.
sub dribble {
    my (@clients) = @_;
    return $t->spawn_code(sub {
        while (1) {
            for my $c (@clients) {
                send $c->{socket}, 'x', MSG_DONTWAIT;
            }
            sleep 0.5;
        }
    });
}

# Of these connections, those on which the other side has said or ended nothing.
sub hanging {
    my (@clients) = @_;
    my $select = IO::Select->new(map { $_->{socket} } @clients);
    my @ready = $select->can_read(0);
    return @clients - @ready;
}

# How many connections to this socket lie there and were not accepted.
sub waiting {
    my ($path) = @_;
    my $out = $t->run('ss', '-xlH', 'src', $path);
    return $out =~ /LISTEN\s+(\d+)/ && $1;
}

sub in_data {
    my ($c) = @_;
    $c->say($_) for 'MAIL FROM:<slow@example.net>', "RCPT TO:<$to>";
    my $reply = $c->say('DATA');
    $c->put("From: slow\@example.net\r\nSubject: slow\r\n\r\n") if $reply =~ /^354/;
    return $reply;
}

# One message through Postfix, which gives filterd 100 s, and into the mailbox.
sub is_served {
    my ($name) = @_;
    my $reply = $postfix->client->deliver(mail_like(), 'alice@example.net', $to);
    like($reply, qr/^250 /, "$name: taken");
    $delivered++;
    is(scalar $dovecot->wait_mails($delivered, $to), $delivered, "$name: delivered");
}

subtest "$SENDERS slow senders through Postfix, default workers" => sub {
    my @data = map { $postfix->client } 1 .. $SENDERS;
    is(scalar(grep { in_data($_) =~ /^354/ } @data), $SENDERS, 'all are inside DATA');
    my @command = map { $postfix->client } 1 .. 10;
    $_->put('MAIL FROM:<') for @command;
    my $pid = dribble(@data, @command);
    is_served('beside them');
    is(hanging(@data), $SENDERS, 'while all of them still hang in DATA');
    is(hanging(@command), 10, 'and in a command');
    FilterdTest::end_process($pid);
    close $_->{socket} for @data, @command;
};

$filterd->settings('filterd.workers' => $WORKERS);
$filterd->down;
$filterd->up;

subtest 'what the number of workers is for' => sub {
    my @data = map { $postfix->client } 1 .. $WORKERS;
    is(scalar(grep { in_data($_) =~ /^354/ } @data), $WORKERS, 'all workers are inside DATA');
    my $pid = dribble(@data);
    my $c = $postfix->client;
    $c->say('MAIL FROM:<alice@example.net>');
    $c->put("RCPT TO:<$to>\r\n");
    ok(poll(sub { waiting($t->front('smtp')) }), 'who comes now waits to be taken in');
    ok(!IO::Select->new($c->{socket})->can_read(0), 'without an answer');
    is(hanging(@data), $WORKERS, 'as nobody else ends');
    FilterdTest::end_process($pid);
    close $_->{socket} for @data;
    like($c->reply, qr/^250 /, 'until they go');
    $c->quit;
    is_served('then');
};

# Straight to filterd's own listener, more than it has workers: they hold all of them in turn.
sub crowd {
    my ($name, $last_words, @lines) = @_;
    subtest "connections that idle $name" => sub {
        my @clients = map {
            bless { socket => FilterdTest::Client::dial($t->front('smtp')), kind => 'smtp' }, 'FilterdTest::Client'
        } 1 .. $WORKERS + 2;
        $_->put(join '', @lines) for @clients;
        is_served('beside them');
        my @ended = grep { said($_) =~ /^\Q$last_words\E /m } @clients;
        ok(@ended > 0, 'some had to go, and were told');
        cmp_ok(scalar @ended, '<', scalar @clients, 'not all') if $last_words eq $MAKING_ROOM;
        close $_->{socket} for @clients;
    };
}

# What came so far.
sub said {
    my ($c) = @_;
    recv $c->{socket}, my $text, 65536, MSG_DONTWAIT;
    return ($text // '') =~ s/\r//gr;
}

my @hello = "EHLO slow.example.net\r\n";
crowd('after the greeting', $MAKING_ROOM);
crowd('between messages', $MAKING_ROOM, @hello);
crowd('in a transaction', $MAKING_ROOM, @hello, "MAIL FROM:<slow\@example.net>\r\n", "RCPT TO:<$to>\r\n");
crowd('in half a command', '421 4.4.2', @hello, 'MAIL FROM:<slow');

done_testing;
