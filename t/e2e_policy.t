#!/usr/bin/perl
# filterd as check_policy_service of a real Postfix: new clients are asked to come again, known ones pass;
# with lists and SPF only doubtful clients are asked to.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Dns;
use FilterdTest::Mail;
use FilterdTest::Site;
use Socket qw(SHUT_WR);
use Test::More;

my $t = FilterdTest->new; # for the name server, which must be there first
my $dns = FilterdTest::Dns->start(
    t => $t,
    zones => {
        'good.example' => qq(\@ TXT "v=spf1 ip4:192.0.2.0/24 -all"\n),
        'bare.example' => qq(\@ TXT "nothing about mail"\n),
    },
    lists => { 'bl.test' => ['198.51.100.66'] },
);
my $wait = $FilterdTest::Daemon::GREYLIST_SECONDS;
my $site = FilterdTest::Site->start(
    attach => [qw(virtual_transport policy_service)],
    users => ['bob', 'carol'],
    main => <<'END',
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
END
    set => {
        'greylist.wait_seconds' => $wait,
        'spf.enabled' => 'no',
        'filterd.domains' => 'example.com',
    },
);
my ($postfix, $filterd) = @$site{qw(postfix filterd)};
my ($bob, $carol) = map { "$_\@example.com" } qw(bob carol);

# The reply to a mail from that client: to RCPT when it is refused there.
sub attempt {
    my ($address, $from, @to) = @_;
    my $c = $postfix->client;
    $c->say("XCLIENT ADDR=$address NAME=client.sender.example HELO=helo.sender.example");
    $c->say('EHLO helo.sender.example');
    my $reply = $c->deliver(mail_like(), $from, @to);
    $c->quit;
    return $reply;
}

my $later = qr/^450 4\.2\.0 <\S+>: Recipient address rejected: Greylisted, come back in \d+ s$/;

subtest 'everyone who is new' => sub {
    like(attempt('192.0.2.1', 'alice@sender.example', $bob), $later, 'first: 450, and when to come');
    like(attempt('192.0.2.1', 'alice@sender.example', $bob), $later, 'at once again: 450');
    $filterd->greylisted_have_waited;
    like(attempt('192.0.2.9', 'alice@sender.example', $bob), qr/^250 /, 'later, from the same network: taken');
    like(attempt('192.0.2.1', 'alice@sender.example', $bob), qr/^250 /, 'known: taken at once');
    like(attempt('192.0.2.1', 'alice@sender.example', $carol), $later, 'another recipient is another triplet');
    like(attempt('192.0.3.1', 'alice@sender.example', $bob), $later, 'another network, too');
    is(scalar $site->{dovecot}->wait_mails(2, $bob), 2, 'two arrived');
    $filterd->logs(qr/^filterd: policy client=192\.0\.2\.1 helo=helo\.sender\.example from=<alice\@sender\.example> to=<\Q$bob\E> greylisted for $wait s: everyone is$/m,
        'the log says who was asked');
};

subtest 'a restart' => sub {
    is(attempt('192.0.4.1', 'alice@sender.example', $bob) =~ $later, 1, 'one waits');
    is($filterd->down, 0, 'filterd ends');
    $filterd->greylisted_have_waited;
    $filterd->up;
    like(attempt('192.0.2.1', 'alice@sender.example', $bob), qr/^250 /, 'who was known is known');
    like(attempt('192.0.4.1', 'alice@sender.example', $bob), qr/^250 /, 'who was waiting has waited');
    my $store = slurp($site->{t}->dir . '/state/greylist.db');
    unlike($store, qr/sender\.example|bob\@|192\.0/, 'no address stands in the store');
};

# Requests on one connection, and the answers.
sub talk {
    my ($text) = @_;
    my $s = FilterdTest::Client::dial($site->{t}->front('policy'));
    print $s $text;
    $s->flush;
    shutdown $s, SHUT_WR;
    local $/;
    return <$s> // '';
}

sub request {
    my (%with) = @_;
    my %all = (request => 'smtpd_access_policy', protocol_state => 'RCPT', client_address => '192.0.9.1',
        client_name => 'unknown', helo_name => 'x', sender => 'a@b.example', recipient => $bob, %with);
    return join('', map { "$_=$all{$_}\n" } sort keys %all) . "\n";
}

subtest 'the protocol' => sub {
    my $dunno = "action=DUNNO\n\n";
    my $defer = "action=DEFER_IF_PERMIT 4.2.0 Greylisted, come back in $wait s\n\n";
    is(talk(request()), $defer, 'new');
    is(talk(request(sender => '', instance => '1') . request(recipient => $carol, instance => '1')), $defer . $defer,
        'two on one connection, the null sender');
    is(talk(request(client_address => '127.0.0.1')), $dunno, 'a trusted network');
    is(talk(request(recipient => 'x@elsewhere.example')), $dunno, 'a domain that is not ours');
    is(talk(request(sasl_username => 'bob')), $dunno, 'who has logged in');
    is(talk(request(protocol_state => $_)), $dunno, "in $_") for qw(CONNECT EHLO MAIL DATA END-OF-MESSAGE);
    is(talk(request(request => 'junk')), $dunno, 'another kind of request');
    is(talk(request(sender => 'a' x 3000)), $dunno, 'a sender without end');
    is(talk(request(zzz => 'a' x 100_000, sender => 'z@b.example')), $defer, 'a line without end that nobody needs');
    is(talk("\n"), $dunno, 'nothing at all');
    is(talk("nonsense\n=\n\0\xff\n\n" . request(sender => 'y@b.example')), $dunno . $defer, 'nonsense, then sense');
    like(talk(request(sender => "\xff\xfe\@b.example", client_address => "\xff")), qr/^action=DEFER_IF_PERMIT/, 'not UTF-8');
    talk(request(sender => 'w@b.example', helo_name => "m\xff to=<x\@b.example> result=\"y\""));
    my $told = qr/helo=m\?\?to\?\?x\@b\.example\?\?result\?\?y\? from=<w\@b\.example> to=/;
    ok(poll(sub { $filterd->log_text =~ $told }), 'a greeting looks like no other field of the log');
    is(talk(request() =~ s/\n\n\z/\n/r), '', 'no end of the request: no answer');
    is(talk("x=y\n" x 1001 . "\n"), '', 'lines without end: the connection ends');
    is(talk(request()) =~ /^action=/, 1, 'and it goes on');
};

subtest 'only who is doubtful' => sub {
    my $table = $site->{t}->dir . '/etc/lists.conf';
    spew($table, "[bl.test]\nasks = ip4\n127.0.0.2 = listed 3 listed\n", 0644);
    # Not by a reload: what Postfix asks on a connection it has kept may still meet the old settings.
    $filterd->down;
    $filterd->settings('dns.server' => $dns->server, 'dns.timeout_ms' => 3000, 'spf.enabled' => 'yes', 'dnsbl.lists' => $table);
    $filterd->up;
    like(attempt('203.0.113.1', 'a@bare.example', $bob), qr/^250 /, 'no reason: taken at once');
    like(attempt('192.0.2.7', 'new@good.example', $bob), qr/^250 /, 'SPF pass: taken at once');
    like(attempt('203.0.113.1', 'new@good.example', $bob), $later, 'SPF fail: later');
    like(attempt('198.51.100.66', 'a@bare.example', $bob), $later, 'on a list: later');
    $filterd->logs(qr/client=198\.51\.100\.66 .*: \S*dnsbl:bl\.test\S*,spf:none$/m, 'the log says why');
    $dns->silent(1);
    like(attempt('198.51.100.99', 'b@silent.example', $bob), qr/^250 /, 'the name server is silent: taken');
};

subtest 'a broken keeper' => sub {
    $filterd->settings('spf.enabled' => 'no', 'dnsbl.lists' => $site->{t}->dir . '/etc/lists.conf');
    $filterd->down;
    my $store = $site->{t}->dir . '/state/greylist.db';
    spew($store, 'this is no store');
    my $conf = slurp($filterd->{conf}) =~ s/^lists = .*\n//mr;
    spew($filterd->{conf}, $conf);
    $filterd->up;
    like(talk(request(sender => 'p@b.example')), qr/^action=DEFER_IF_PERMIT /, 'a damaged store is made anew');
    $filterd->logs(qr/greylist\.db: .*made anew/, 'and the log says so');
    $filterd->down;
    unlink $store;
    mkdir $store;
    $filterd->up;
    is(talk(request(sender => 'q@b.example')), "action=DUNNO\n\n", 'no store: nobody is held up');
    $filterd->logs(qr/greylist\.db: .*nobody is asked to come again/, 'and the log says so');
};

done_testing;
