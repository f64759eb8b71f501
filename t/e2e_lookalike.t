#!/usr/bin/perl
# Before the queue anybody can send a mail like the genuine one, with a fellow recipient who refuses it, so that
# it looks like an attempt that failed: the genuine one arrives all the same. A provider that tries again from
# another network is known by its SPF or its signature.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Dns;
use FilterdTest::Mail;
use FilterdTest::Signer;
use FilterdTest::Sink;
use FilterdTest::Site;
use Test::More;

# The provider's networks, a stranger's, and one that is listed.
my ($HOME, $ELSEWHERE, $STRANGER, $LISTED) = qw(192.0.2.7 198.51.100.7 203.0.113.7 203.0.113.66);

my $site = FilterdTest::Site->start(attach => [qw(smtpd_proxy_filter)], users => [qw(plain fellow)]);
my ($t, $filterd) = @$site{qw(t filterd)};
my %selector = ('both.example' => 'k1', 'signed.example' => 'k2'); # which names the key's file, too
my %signer = map { ($_ => FilterdTest::Signer->new($t, domain => $_)) } keys %selector;
$signer{$_}->key($selector{$_}, 'rsa:2048') for keys %selector;
my $spf = qq(\@ TXT "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 -all"\n);
my $dns = FilterdTest::Dns->start(
    zones => {
        'both.example' => $spf . $signer{'both.example'}->zone,
        'spf.example' => $spf,
        'signed.example' => qq(\@ TXT "no SPF"\n) . $signer{'signed.example'}->zone,
        'bare.example' => qq(\@ TXT "nothing"\n),
    },
    lists => { 'bl.example' => [$LISTED] },
);
my $lists = $t->dir . '/etc/lists.conf';
spew($lists, "[bl.example]\nasks=ip4\n127.0.0.2=listed 9 bad\n", 0644);
my $sink = FilterdTest::Sink->start($t, 'smtp', 'back'); # where the shipped settings send it
my $socket = $t->front('smtp');
$filterd->settings('dns.server' => $dns->server, 'dns.timeout_ms' => 5000, 'dnsbl.lists' => $lists);
$filterd->down;
$filterd->up;
my ($user, $fellow) = map { "$_\@example.com" } qw(plain fellow);

# A mail of the domain: signed if it signs.
sub mail_of {
    my ($domain) = @_;
    my $mail = mail_like(from => "A <a\@$domain>");
    return $signer{$domain} ? $signer{$domain}->sign($mail, $selector{$domain}) : $mail;
}

sub unsigned { return $_[0] =~ s/^DKIM-Signature:.*\r\n(?:[ \t].*\r\n)*//mr }

# As Postfix hands a client's mail on. How it ended, and how many copies the user got.
sub offer {
    my ($address, $domain, $mail, @to) = @_;
    my $before = $sink->count($user);
    my $c = FilterdTest::Client->new(smtp => $socket);
    $c->say("XFORWARD ADDR=$address NAME=[UNAVAILABLE] HELO=mx.$domain");
    my $code = substr $c->deliver($mail, "a\@$domain", @to ? @to : ($user, $fellow)), 0, 3;
    $c->quit;
    $sink->settled;
    return "$code " . ($sink->count($user) - $before);
}

# The same, and the fellow recipient refuses it.
sub refused {
    $sink->rules("data $fellow" => '550 5.7.1 I do not want this');
    my $ended = offer(@_);
    $sink->rules;
    return $ended;
}

for my $domain (qw(both.example spf.example signed.example bare.example)) {
    subtest "a look-alike of a mail from $domain" => sub {
        my $mail = mail_of($domain);
        is(refused($STRANGER, $domain, unsigned($mail)), '451 1', 'a stranger sends it');
        is(offer($HOME, $domain, $mail), '250 1', 'the genuine one arrives');
        is(refused($STRANGER, $domain, unsigned($mail)), '550 0', 'only the stranger is taken to try again');
        is(offer($HOME, $domain, $mail, $user), '250 1', 'the genuine one once more, to the user alone');
    };
}

subtest 'a look-alike with the genuine signature from a listed place' => sub {
    for my $domain (qw(both.example signed.example)) {
        my $mail = mail_of($domain);
        is(refused($LISTED, $domain, $mail), '451 1', 'it is spam there');
        is(offer($HOME, $domain, $mail), '250 1', "$domain: the genuine one arrives");
    }
};

subtest 'the domain itself, by SPF and signature' => sub {
    my $mail = mail_of('both.example');
    is(refused($HOME, 'both.example', $mail), '451 1', 'the fellow refuses it');
    is(offer($HOME, 'both.example', $mail), '250 0', 'tried again');
};

subtest 'a provider that tries again from another network' => sub {
    my %copies = ('both.example' => 0, 'spf.example' => 0, 'signed.example' => 0, 'bare.example' => 1);
    for my $domain (sort keys %copies) {
        my $mail = mail_of($domain);
        is(refused($HOME, $domain, $mail), '451 1', "$domain: tried");
        is(offer($ELSEWHERE, $domain, $mail), "250 $copies{$domain}", "$domain: tried again");
    }
    my $mail = mail_of('both.example');
    is(refused($HOME, 'both.example', $mail), '451 1', 'signed at first');
    is(offer($ELSEWHERE, 'both.example', unsigned($mail)), '250 0', 'by SPF later');
};

subtest 'one of two refuses it for good' => sub {
    my $mail = mail_of('bare.example');
    $sink->rules("data $fellow" => '550 5.7.1 I do not want this');
    is(offer($HOME, 'bare.example', $mail), '451 1', 'the first time');
    is(join(', ', map { offer('192.0.2.' . $_, 'bare.example', $mail) } 1 .. 20), join(', ', ('550 0') x 20),
        'twenty more times');
    $sink->rules;
};

$filterd->logs(qr/from=<a\@$_> .* dkim=pass /, "$_ signs") for sort keys %signer;
done_testing;
