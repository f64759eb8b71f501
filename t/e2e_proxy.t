#!/usr/bin/perl
# filterd as smtpd_proxy_filter: before the queue, refusing while the client waits.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my $site = FilterdTest::Site->start(
    attach => [qw(smtpd_proxy_filter reinject)],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => ['plain'],
    set => { 'filterd.message_size_limit' => 100_000 },
);
my ($postfix, $dovecot) = @$site{qw(postfix dovecot)};
my ($rsa, $curve) = @{ $site->{keys} }{qw(rsa curve)};
my @everyone = map { "$_\@example.com" } qw(rsa curve plain);

my $sent = mail_like();
like($postfix->send($sent, 'alice@example.net', @everyone), qr/^250 2\./, 'taken');
my ($for_rsa, $for_curve, $plain) = map { ($dovecot->wait_mails(1, $_))[0] } @everyone;
is_sealed_for($for_rsa, $sent, $rsa, $curve);
is_sealed_for($for_curve, $sent, $curve, $rsa);
is(header($plain, 'X-Filterd-Encrypted'), 'no', 'without a key: passed, and said so');
ok(content_of($plain) eq content_of($sent), 'as it was sent');
is(scalar $dovecot->mails($_), 1, "one copy for $_") for @everyone;

my $big = mail_like(text => join("\n", ('0123456789' x 7) x 1500));
my $c = $postfix->client;
like($c->deliver($big, 'alice@example.net', $everyone[0]), qr/^552 5\.3\.4 /, 'too big: refused after DATA');
$c->say('RSET');
like($c->deliver($sent, '', $everyone[0]), qr/^250 /, 'the same session goes on, the null sender passes');
ok(my $bounce = ($dovecot->wait_mails(2, $everyone[0]))[1], 'it arrives');
is_sealed_for($bounce, $sent, $rsa, $curve);
is(scalar $dovecot->mails($everyone[0]), 2, 'and the big one never did');

done_testing;
