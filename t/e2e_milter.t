#!/usr/bin/perl
# filterd as a milter of a real Postfix: one body for all recipients.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my $site = FilterdTest::Site->start(
    attach => ['milter'],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => [qw(plain other)],
);
my ($postfix, $dovecot, $filterd) = @$site{qw(postfix dovecot filterd)};
my ($rsa, $curve) = @{ $site->{keys} }{qw(rsa curve)};
my @everyone = map { "$_\@example.com" } qw(rsa curve plain other);

subtest 'one recipient with a key' => sub {
    my $sent = mail_like();
    $postfix->send($sent, 'alice@example.net', 'rsa@example.com');
    my ($mail) = $dovecot->wait_mails(1, 'rsa@example.com');
    is_sealed_for($mail, $sent, $rsa, $curve);
};
done_testing;
