#!/usr/bin/perl
# filterd as virtual_transport: between Postfix and Dovecot's LMTP.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my $site = FilterdTest::Site->start(
    attach => ['virtual_transport'],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => ['plain'],
);
my ($postfix, $dovecot) = @$site{qw(postfix dovecot)};
my ($rsa, $curve) = @{ $site->{keys} }{qw(rsa curve)};
my @everyone = map { "$_\@example.com" } qw(rsa curve plain);

my $sent = mail_like();
$postfix->send($sent, 'alice@example.net', 'rsa+lists@example.com', @everyone[1, 2]);
ok($postfix->drained, 'nothing is left in the queue');
my ($for_rsa, $for_curve, $plain) = map { ($dovecot->wait_mails(1, $_))[0] } @everyone;
is_sealed_for($for_rsa, $sent, $rsa, $curve);
is_sealed_for($for_curve, $sent, $curve, $rsa);
ok(content_of($plain) eq content_of($sent), 'without a key: as it was sent');
is(scalar $dovecot->mails($_), 1, "one copy for $_") for @everyone;
like(header($for_rsa, 'Delivered-To'), qr/^rsa\+lists\@example\.com$/, "the next hop sees the address as it was");
like(header($_, 'X-Filterd-Result'), qr/^(?:Innocent|Unsure)$/, 'a result') for $for_rsa, $plain;
like(header($_, 'X-Filterd-Probability'), qr/^[01]\.\d+$/, 'a probability') for $for_rsa, $plain;
isnt(header($for_rsa, 'X-Filterd-Signature'), header($for_curve, 'X-Filterd-Signature'), 'a signature for each');

# What is sealed already passes a second time as it is.
$postfix->send($for_rsa =~ s/^Delivered-To:.*?\r\n//mrg, 'alice@example.net', $everyone[0]);
my $again = ($dovecot->wait_mails(2, $everyone[0]))[1];
is(header($again, 'X-Filterd-Encrypted'), 'already', 'sealed mail is known as such');
is(body_of($again), body_of($for_rsa), 'and unchanged');

done_testing;
