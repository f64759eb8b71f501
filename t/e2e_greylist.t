#!/usr/bin/perl
# Greylisting before the queue of a real Postfix: a doubtful client gets 451 for the whole message and
# passes when it comes again; nobody gets two copies; a client that gives no reason never waits.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Dns;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my $t = FilterdTest->new; # for the name server, which must be there first
my $dns = FilterdTest::Dns->start(
    t => $t,
    zones => {
        'good.example' => qq(\@ TXT "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 ip4:203.0.113.64/26 -all"\n)
            . qq(_dmarc TXT "v=DMARC1; p=none"\n),
        'bare.example' => qq(\@ TXT "nothing about mail"\n),
    },
    lists => { 'bl.test' => ['198.51.100.66', '203.0.113.66'] },
);
my $lists = $t->dir . '/lists.conf';
spew($lists, "[bl.test]\nasks = ip4\n127.0.0.2 = listed 1 listed\n", 0644);
# Behind XCLIENT Postfix forwards the client we name, as it would a real one's address.
my $site = FilterdTest::Site->start(
    attach => [qw(smtpd_proxy_filter reinject)],
    users => ['bob', 'carol'],
    keys => { dave => 'curve' },
    main => <<'END',
smtpd_authorized_xclient_hosts = 127.0.0.0/8
inet_protocols = all
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
END
    set => {
        'greylist.enabled' => 'yes', 'greylist.wait_seconds' => $FilterdTest::Daemon::GREYLIST_SECONDS,
        'dns.server' => $dns->server, 'dns.timeout_ms' => 3000, 'dnsbl.lists' => $lists,
    },
);
my ($postfix, $filterd, $dovecot) = @$site{qw(postfix filterd dovecot)};
my ($bob, $carol, $dave) = map { "$_\@example.com" } qw(bob carol dave);
my %copies = map { $_ => 0 } $bob, $carol, $dave;

# The reply to a message from that client, "" from this host itself.
sub attempt {
    my ($address, $message, $from, @to) = @_;
    my $c = $postfix->client;
    if ($address ne '') {
        $c->say("XCLIENT ADDR=$address NAME=client.sender.example HELO=helo.sender.example");
        $c->say('EHLO helo.sender.example');
    }
    my $reply = $c->deliver($message, $from, @to);
    $c->quit;
    return $reply;
}

# Since the last look these have one more copy, and nobody else has.
sub delivered {
    my ($name, @to) = @_;
    $copies{$_}++ for @to;
    $dovecot->wait_mails($copies{$_}, $_) for @to;
    is_deeply({ map { $_ => scalar(() = $dovecot->mails($_)) } keys %copies }, \%copies, $name);
}

my $later = qr/^451 4\.7\.1 Greylisted/;

subtest 'a listed client' => sub {
    my @first = ('198.51.100.66', mail_like(), 'a@bare.example', $bob, $dave);
    like(attempt(@first), $later, 'first: later, for the whole message');
    like(attempt(@first), $later, 'at once again: later');
    delivered('nobody has a copy');
    $filterd->greylisted_have_waited;
    like(attempt(@first), qr/^250 /, 'after the wait: taken');
    delivered('one copy for each', $bob, $dave);
    like(attempt('198.51.100.66', mail_like(), 'a@bare.example', $bob), qr/^250 /, 'known: taken at once');
    delivered('and delivered', $bob);
    is($filterd->logged(qr/client=198\.51\.100\.66 .*dsn=4\.7\.1/, 4), 4, 'a line for each recipient each time');
    $filterd->logs( qr/to=<\Q$bob\E> .* dnsbl=bl\.test=127\.0\.0\.2 spf=none .*reply="451 Greylisted/, 'says why');
};

subtest 'a known recipient with one who is new' => sub {
    my @both = ('198.51.100.66', mail_like(), 'a@bare.example', $bob, $carol);
    like(attempt(@both), $later, 'both wait');
    delivered('nobody has a copy');
    $filterd->greylisted_have_waited;
    like(attempt(@both), qr/^250 /, 'then: taken');
    delivered('one copy for each', $bob, $carol);
};

subtest 'SPF' => sub {
    like(attempt('192.0.2.7', mail_like(), 'new@good.example', $bob), qr/^250 /, 'pass: taken at once');
    delivered('and delivered', $bob);
    like(attempt('203.0.113.7', mail_like(), 'new@good.example', $bob), $later, 'fail: later');
    like(attempt('203.0.113.7', mail_like(), 'x@bare.example', $bob), qr/^250 /, 'none: taken at once');
    delivered('only that', $bob);
};

subtest 'a restart, and a proved domain' => sub {
    my @waiting = ('198.51.100.66', mail_like(), 'r@bare.example', $bob);
    my $message = mail_like(); # of somebody else: SPF alone proves
    like(attempt(@waiting), $later, 'one waits');
    like(attempt('198.51.100.66', $message, 'n@good.example', $carol), $later, 'and one whose domain SPF proves');
    is($filterd->down, 0, 'filterd ends');
    $filterd->greylisted_have_waited;
    $filterd->up;
    like(attempt(@waiting), qr/^250 /, 'the one has waited');
    like(attempt('203.0.113.66', $message, 'n@good.example', $carol), qr/^250 /,
        'the other too: its domain stands for the network it came from');
    like(attempt('198.51.100.66', mail_like(), 'a@bare.example', $carol), qr/^250 /, 'who was known is known');
    $copies{$carol}++;
    delivered('one copy of each', $bob, $carol);
};

subtest 'who never waits' => sub {
    my $gtube = mail_like(text => 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X');
    like(attempt('', $gtube, 'new@bare.example', $bob), qr/^250 /, 'a trusted network, whatever it sends');
    delivered('delivered', $bob);
    $filterd->ctl(qw(user set), $carol, 'allow=good.example');
    like(attempt('198.51.100.66', mail_like(from => 'M <m@good.example>'), 'm@good.example', $carol), qr/^250 /,
        'who is allowed and proved');
    delivered('delivered', $carol);
    $dns->silent(1);
    like(attempt('198.51.100.99', mail_like(), 's@silent.example', $bob), qr/^250 /,
        'whose reasons nobody can tell: the name server is silent');
    $dns->silent(0);
    delivered('delivered', $bob);
};

subtest 'IPv6' => sub {
    my $gtube = mail_like(text => 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X');
    like(attempt('IPv6:::1', $gtube, 'six@bare.example', $bob), qr/^250 /, '::1 is this host');
    delivered('delivered', $bob);
    my @waiting = (mail_like(), 'six@good.example', $bob);
    like(attempt('IPv6:2001:db8:0:1::5', @waiting), $later, 'one whom SPF fails: later');
    $filterd->greylisted_have_waited;
    like(attempt('IPv6:2001:db8:0:2::5', @waiting), $later, 'another network: later');
    like(attempt('IPv6:2001:db8:0:1::6', @waiting), qr/^250 /, 'another address of the same /64 has waited');
    delivered('once', $bob);
    $filterd->logs(qr/ client=2001:db8:0:1::6 /, 'the log has the address alone');
    $postfix->logs(qr/orig_client=client\.sender\.example\[2001:db8:0:1::6\]/, 'Postfix hears it in its own form again');
};

subtest 'the verdict' => sub {
    $filterd->settings('classifier.unsure_threshold' => 0.3); # who knows nothing yet is unsure
    $filterd->reload;
    ok(poll(sub { $filterd->log_text =~ /settings read anew/ }), 'settings read anew');
    my @unsure = ('192.0.2.8', mail_like(), 'v@good.example', $bob);
    like(attempt(@unsure), $later, 'unsure: later, though SPF passes');
    $filterd->greylisted_have_waited;
    like(attempt(@unsure), qr/^250 /, 'then: taken');
    delivered('once', $bob);
};

unlike(slurp($site->{t}->dir . '/state/greylist.db'), qr/bare\.example|\bbob\b|198\.51/, 'no address stands in the store');

done_testing;
