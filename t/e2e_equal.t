#!/usr/bin/perl
# Equal messages that come over many sessions at once are as many messages, before the queue and behind it; so
# they are while some are tried again.
#
# EQUAL_MESSAGES=1000 is the full load.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::Sink;
use FilterdTest::Site;
use POSIX ();
use Test::More;

my $MESSAGES = $ENV{EQUAL_MESSAGES} // 200;
my $SESSIONS = 20;

my $site = FilterdTest::Site->start(attach => [qw(smtpd_proxy_filter)], users => [qw(plain other)]);
my ($t, $postfix, $filterd) = @$site{qw(t postfix filterd)};
my ($user, $other) = map { "$_\@example.com" } qw(plain other);
my %sink = (
    smtp => FilterdTest::Sink->start($t, 'smtp', 'back'), # where the shipped settings send it
    lmtp => FilterdTest::Sink->start($t, 'lmtp', 'sink'),
);
$filterd->settings('listener lmtp.next_hop' => 'lmtp:inet:127.0.0.1:' . $t->port('sink'));
$filterd->down;
$filterd->up;

# Each session sends its share of the message; SEND returns true when one was taken, else it is tried again.
sub all_at_once {
    my ($send) = @_;
    my @pids = map {
        my $session = $_;
        $t->spawn_code(sub {
            for (my $n = $session; $n < $MESSAGES; $n += $SESSIONS) {
                1 while !$send->($n);
            }
            POSIX::_exit(0);
        });
    } 0 .. $SESSIONS - 1;
    waitpid $_, 0 for @pids;
    $_->settled for values %sink;
}

my $client; # of one session
sub by_smtp {
    my ($message, @to) = @_;
    $client ||= $postfix->client;
    my $reply = $client->deliver($message, 'alice@example.net', @to);
    $client = undef if $reply !~ /^[245]/ || $reply =~ /^421/; # Postfix hangs up on who has many errors
    return $reply =~ /^250 /;
}

subtest 'before the queue' => sub {
    my $message = mail_like();
    all_at_once(sub { by_smtp($message, $user) });
    is($sink{smtp}->count($user), $MESSAGES, 'each is there');
};

subtest 'behind it' => sub {
    my $message = mail_like();
    all_at_once(sub {
        my ($n) = @_;
        $client ||= $site->lmtp;
        $client->say("XFORWARD NAME=[UNAVAILABLE] IDENT=4Zx$n");
        return ($client->say('MAIL FROM:<alice@example.net>') =~ /^250/ && $client->say("RCPT TO:<$user>") =~ /^250/
            && ($client->data($message, 1))[0] =~ /^250 /);
    });
    is($sink{lmtp}->count($user), $MESSAGES, 'each is there');
};

# A message for two, one of whom is busy at first: who has it gets none of its retries, and all of the others.
subtest 'some are tried again' => sub {
    my $message = mail_like();
    $sink{smtp}->clear;
    my $begun = () = grep { /^DATA/ } $sink{smtp}->said;
    $sink{smtp}->rules("data $other" => '451 4.2.1 Busy');
    my $calm = $t->spawn_code(sub {
        poll(sub { $begun + 3 * $SESSIONS <= grep { /^DATA/ } $sink{smtp}->said });
        $sink{smtp}->rules;
        POSIX::_exit(0);
    });
    all_at_once(sub { by_smtp($message, $user, $other) });
    waitpid $calm, 0;
    is($sink{smtp}->count($user), $MESSAGES, 'each is there once');
    is($sink{smtp}->count($other), $MESSAGES, 'and for whom was busy');
};

done_testing;
