#!/usr/bin/perl
# A next hop given by name, and one that hangs: before the queue filterd waits for neither longer than
# Postfix waits for filterd.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Dns;
use FilterdTest::Mail;
use FilterdTest::Sink;
use FilterdTest::Site;
use Test::More;

my $HANGING = 40; # recipients: with a wait for each it would be Postfix who gave up
my $DOWN = qr/^451 4\.4\.1 /;

my $site = FilterdTest::Site->start(
    attach => [qw(smtpd_proxy_filter)],
    users => [map { "u$_" } 1 .. $HANGING],
    set => { 'deliver.proxy_seconds' => 9 },
);
my ($t, $postfix, $filterd) = @$site{qw(t postfix filterd)};
my $dns = FilterdTest::Dns->start(t => $t, port => 53,
    zones => { 'inside.test' => "hop A 127.77.0.9\nhop A 127.0.0.1\n" });
my $sink = FilterdTest::Sink->start($t, 'smtp', 'sink');
my ($hosts, $resolv) = map { $t->dir . "/etc/$_" } qw(hosts resolv.conf);
my $to = 'u1@example.com';

# A system whose own resolver would wait for minutes.
sub resolves {
    my ($search, $in_hosts) = @_;
    spew($hosts, "127.0.0.1 localhost\n$in_hosts");
    spew($resolv, "nameserver " . $dns->address . "\nsearch $search\noptions timeout:30 attempts:5\n");
}

sub send_one {
    my $c = $postfix->client;
    my $reply = $c->deliver(mail_like(), 'alice@example.net', $to);
    $c->quit;
    return $reply;
}

resolves('inside.test', '');
$filterd->settings('listener smtp.next_hop' => 'smtp:inet:hop:' . $t->port('sink'));
$filterd->down;
my @among = (qw(unshare -m /bin/sh -e -c),
    "mount --bind $hosts /etc/hosts; mount --bind $resolv /etc/resolv.conf; exec \"\$@\"", 'sh');
$filterd->up(@among);

# What check says of next hops.
sub checked {
    my ($status, $out) = $t->try_run(undef, @among, $t->dir . '/bin/filterctl', 'check');
    return join "\n", $out =~ /^(\w+\tnext hop\t.*)/mg;
}

like(send_one(), qr/^250 /, 'a name of the search domain, nobody at one of its addresses');
is($sink->count($to), 1, 'is where it goes');
ok((grep { $_ eq 'hop.inside.test A' } $dns->asked), 'as the name server says');
like(checked(), qr/\Aok\tnext hop\thop is 127\.\d+\.0\.\d\z/, 'filterctl check knows it, too');

ok($sink->alone, 'nobody is connected');
resolves('outside.test', '');
like(send_one(), $DOWN, 'a name that is none: later');
like(checked(), qr/\Abad\tnext hop\thop: Domain name not found: nothing can be delivered there.*\z/, 'filterctl check says so');
$filterd->logs(qr/next hop hop: Domain name not found/, 'and the log says why');

$dns->silent(1);
like(send_one(), $DOWN, 'a name server that says nothing: later, from us and not from Postfix');
$filterd->logs(qr/next hop hop: no name server answers/, 'and the log says why');

my $asked = () = $dns->asked;
resolves('inside.test', "127.0.0.1 hop\n");
like(send_one(), qr/^250 /, 'a name in /etc/hosts goes without');
is($sink->count($to), 2, 'to where it says');
is(scalar(() = $dns->asked), $asked, 'and nobody was asked');

subtest "a next hop that hangs at the first of $HANGING recipients" => sub {
    my @all = map { "u$_\@example.com" } 1 .. $HANGING;
    $sink->rules("rcpt $all[0]" => 'hang');
    my $c = FilterdTest::Client->new(smtp => $t->front('smtp'));
    my $before = () = $sink->said;
    like($c->say('MAIL FROM:<alice@example.net>'), qr/^250 /, 'MAIL');
    is(scalar(grep { $c->say("RCPT TO:<$_>") =~ $DOWN } @all), $HANGING, 'none is taken');
    is(scalar(grep { /^RCPT/ } ($sink->said)[$before .. -1 + (() = $sink->said)]), 1, 'one was asked about');
    $c->say('RSET');
    like($c->deliver(mail_like(), 'alice@example.net', @all[1, 2]), qr/^250 /, 'another message goes at once');
    $c->quit;
    is($sink->count($_), 1, "to $_") for @all[1, 2];
};

subtest 'one whose reply has no end' => sub {
    my ($before, @workers) = ($sink->count($to), $filterd->processes('worker'));
    $sink->rules("rcpt $to" => 'flood');
    my $c = FilterdTest::Client->new(smtp => $t->front('smtp'));
    $c->say('MAIL FROM:<alice@example.net>');
    like($c->say("RCPT TO:<$to>"), $DOWN, 'later');
    $sink->rules;
    $c->say('RSET');
    like($c->deliver(mail_like(), 'alice@example.net', $to), qr/^250 /, 'another message goes at once');
    $c->quit;
    is($sink->count($to), $before + 1, 'once');
    is_deeply([$filterd->processes('worker')], \@workers, 'no worker ended for it');
};

subtest 'one that is slow gets the time of one message for all of them' => sub {
    my @all = map { "u$_\@example.com" } 1 .. $HANGING;
    $sink->rules(map { ("rcpt $_" => 'slow 250 2.1.5 Ok') } @all);
    my $c = FilterdTest::Client->new(smtp => $t->front('smtp'));
    $c->say('MAIL FROM:<alice@example.net>');
    my @replies = map { $c->say("RCPT TO:<$_>") } @all;
    my $taken = grep { /^250 / } @replies;
    cmp_ok($taken, '<=', 4, 'four at most are taken'); # two seconds each
    is(scalar(grep { $_ =~ $DOWN } @replies), $HANGING - $taken, 'the others come again');
    $c->quit;
};

done_testing;
