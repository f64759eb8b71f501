#!/usr/bin/perl
# action=quarantine: spam goes to that address, sealed to its key; mail for a user with a key never lies
# there in plaintext.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

# Thresholds of 0: every message is spam.
my %spam = ('classifier.spam_threshold' => 0, 'classifier.unsure_threshold' => 0, 'spam.action' => 'quarantine');
my $site = FilterdTest::Site->start(
    attach => ['virtual_transport'],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => ['plain'],
    set => { %spam, 'spam.quarantine' => 'curve@example.com' },
);
my ($filterd, $dovecot) = @$site{qw(filterd dovecot)};
my ($rsa, $curve) = @{ $site->{keys} }{qw(rsa curve)};

my $sent = mail_like();
like($site->lmtp->deliver($sent, 'alice@example.net', 'rsa@example.com'), qr/^250/, 'taken');
my ($held) = $dovecot->wait_mails(1, 'curve@example.com');
is_sealed_for($held, $sent, $curve, $rsa);
is(scalar $dovecot->mails('rsa@example.com'), 0, 'the recipient has none');

$filterd->settings('spam.quarantine' => 'plain@example.com');
$filterd->reload;
my $warned = qr/quarantine <plain\@example\.com> has no key/;
ok(poll(sub {
    $site->lmtp->deliver($sent, 'alice@example.net', 'rsa@example.com');
    $filterd->log_text =~ $warned;
}), 'a quarantine without a key is complained of');
my ($kept) = $dovecot->wait_mails(1, 'rsa@example.com');
is_sealed_for($kept, $sent, $rsa, $curve);
is(scalar $dovecot->mails('plain@example.com'), 0, 'nothing in the clear');

done_testing;
