#!/usr/bin/perl
# The connection to the next hop is kept for the next session: used where it is as good as a new one, given
# up where it is not, and not kept for long.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Mail;
use FilterdTest::Sink;
use Test::More;

my $t = FilterdTest->new;
my $sink = FilterdTest::Sink->start($t, 'smtp', 'sink');
my $lmtp = FilterdTest::Sink->start($t, 'lmtp', 'lmtp_sink');
my $filterd = FilterdTest::Daemon->start($t, snippets => ['smtpd_proxy_filter'], set => {
    'filterd.workers' => 1, # each session is the same worker's
    'listener smtp.next_hop' => 'smtp:inet:127.0.0.1:' . $t->port('sink'),
});
my $to = 'plain@example.com';

# The reply to a message in a session of its own, said to be of that client.
sub send_one {
    my ($client) = @_;
    my $c = FilterdTest::Client->new(smtp => $t->front('smtp'));
    $c->say("XFORWARD NAME=$client ADDR=192.0.2.1") if $client;
    my $reply = $c->deliver(mail_like(), 'alice@example.net', $to);
    $c->quit;
    return $reply;
}

# What the next hop heard, and on how many new connections, while CODE ran.
sub heard {
    my ($code) = @_;
    my @before = $sink->said;
    my $greeted = $sink->greeted;
    $code->();
    my @said = $sink->said;
    return ($sink->greeted - $greeted, @said[@before .. $#said]);
}

subtest 'one session after the other finds it open' => sub {
    my ($new, @said);
    for (1 .. 20) { # on a busy machine the next may come too late
        $sink->clear;
        ($new, @said) = heard(sub { like(send_one("c$_.example.net"), qr/^250 /, "session $_") for 1 .. 3 });
        ok($sink->alone, 'when nobody comes it is given back');
        last if $new == 1;
    }
    is($new, 1, 'one connection for three');
    is($sink->count($to), 3, 'three messages');
    is_deeply([map { /XFORWARD NAME=(\S+)/ } @said], [map { "c$_.example.net" } 1 .. 3], 'each with its own client');
    is(scalar(grep { /^MAIL/ } @said), 3, 'MAIL is said once for each');
};

subtest 'a client that is not named has not the name of the one before' => sub {
    my ($new, @said) = heard(sub { like(send_one($_), qr/^250 /, $_ || 'nobody') for 'c4.example.net', '' });
    is($new, 2, 'a connection of its own');
    is(scalar(grep { /^XFORWARD NAME=c4/ } @said), 1, 'named once');
    ok($sink->alone, 'none is left open');
};

subtest 'what is refused is not kept' => sub {
    $sink->rules("data $to" => '451 4.3.0 Later');
    my ($new) = heard(sub { like(send_one('c.example.net'), qr/^451 4\.3\.0 Later/, 'after its data') for 1, 2 });
    is($new, 2, 'each time anew');
    $sink->rules("rcpt $to" => '450 4.2.1 Later');
    ($new) = heard(sub { like(send_one('c.example.net'), qr/^(?:450 4\.2\.1|503)/, 'or before it') for 1, 2 });
    is($new, 2, 'each time anew');
    ok($sink->alone, 'none is left open');
};

for my $how (['again close' => 1], ['again mail' => '421 4.7.0 Too much'],
    ['again mail' => '452 4.3.1 Too much'], ['again rcpt' => '452 4.5.3 Too much'],
    ['again data' => '554 5.7.1 Too much']) {
    subtest "a next hop that wants one message for each connection: @$how" => sub {
        $sink->rules(@$how);
        my $before = $sink->count($to);
        my ($new) = heard(sub { like(send_one('c.example.net'), qr/^250 /, 'taken') for 1 .. 3 });
        is($new, 3, 'gets it so');
        is($sink->count($to), $before + 3, 'each once');
    };
}

subtest 'a next hop that takes one client and refuses the next' => sub {
    $sink->rules('again xforward' => '501 5.5.4 Bad ADDR syntax');
    my $before = $sink->count($to);
    my ($new) = heard(sub { like(send_one("c$_.example.net"), qr/^250 /, 'taken') for 1 .. 3 });
    is($new, 3, 'does not take its mail for the first one\'s');
    is($sink->count($to), $before + 3, 'each once');
};

subtest 'a reply that comes before the message is none to it' => sub {
    $sink->rules('early data' => '250 2.0.0 Taken');
    my $before = $sink->count($to);
    like(send_one('c.example.net'), qr/^451 4\.4\.1/, 'nothing is lost');
    is($sink->count($to), $before, 'nothing was taken');
};

subtest 'a client that is slow does not hold it' => sub {
    $sink->rules;
    like(send_one('c.example.net'), qr/^250 /, 'kept');
    my $greeted = $sink->greeted;
    my $c = FilterdTest::Client->new(smtp => $t->front('smtp'));
    $c->say('MAIL FROM:<alice@example.net>');
    ok($sink->alone, 'given back while he thinks');
    like($c->say("RCPT TO:<$to>"), qr/^250 /, 'and had anew when he has thought');
    $c->quit;
    is($sink->greeted, $greeted + 1, 'a new one');
};

subtest 'a reload ends it' => sub {
    like(send_one('c.example.net'), qr/^250 /, 'kept');
    $filterd->settings('listener smtp.next_hop' => 'lmtp:inet:127.0.0.1:' . $t->port('lmtp_sink'));
    $filterd->reload;
    ok($sink->alone, 'gone');
};

subtest 'nor does a client whose recipients nobody asks about' => sub {
    ok(poll(sub { send_one('c.example.net') =~ /^250 / && $lmtp->count($to) }), 'kept');
    my $before = $lmtp->count($to);
    my $c = FilterdTest::Client->new(smtp => $t->front('smtp'));
    $c->say($_) for 'MAIL FROM:<alice@example.net>', "RCPT TO:<$to>";
    ok($lmtp->alone, 'given back before its message comes');
    like(($c->data(mail_like(), 1))[0], qr/^250 /, 'and had anew for that');
    $c->quit;
    is($lmtp->count($to), $before + 1, 'it was taken');
};

is($filterd->down, 0, 'it ends');
done_testing;
