#!/usr/bin/perl
# Expired and revoked keys: their users' mail is refused or deferred, never plaintext, and others are
# served.

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
    keys => { good => 'curve', revoked => 'curve', expired => 'rsa' },
    users => ['plain'],
    set => { 'encrypt.bad_key' => 'reject' },
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my ($good, $revoked) = map { $site->{keys}{$_} } qw(good revoked);

# While the keys are good they are used.
my $sent = mail_like();
$postfix->send($sent, 'alice@example.net', map { "$_\@example.com" } qw(revoked expired));
is_sealed_for(($dovecot->wait_mails(1, 'revoked@example.com'))[0], $sent, $revoked, $good);
ok($dovecot->wait_mails(1, 'expired@example.com'), 'the other got theirs');

# One key is replaced by one that ends in seconds, the other is revoked by its owner.
$filterd->ctl(qw(key remove expired@example.com));
my $ended;
for my $seconds (map { 10 * 3 ** $_ } 0 .. 3) { # on a busy machine it may end before it is registered
    my $short = FilterdTest::Keys->new($t, 'expired@example.com', 'curve', "seconds=$seconds");
    $ended = time + $seconds + 1;
    last if eval { $filterd->import_key($short); 1 };
}
$revoked->revoke;
$filterd->import_key($revoked);
poll(sub { time > $ended }, 300);

is(($filterd->try_ctl(undef, qw(key check)))[0], 2, 'key check says that something ended');

sub rcpt {
    my ($address) = @_;
    my $c = $site->lmtp;
    $c->say('MAIL FROM:<alice@example.net>');
    return $c->say("RCPT TO:<$address>");
}

for my $name (qw(expired revoked)) {
    like(rcpt("$name\@example.com"), qr/^550 5\.7\.5 /, "$name: refused at RCPT");
    like(rcpt("$name+more\@example.com"), qr/^550 5\.7\.5 /, "$name: with an extension too");
}
$filterd->ctl(qw(alias add both@example.com), "$_\@example.com") for qw(good expired);
like(rcpt('both@example.com'), qr/^550 5\.7\.5 /, 'an alias whose members cannot all read it');
$filterd->ctl(qw(alias add mixed@example.com), "$_\@example.com") for qw(good plain);
like(rcpt('mixed@example.com'), qr/^550 5\.7\.5 /, 'an alias of users with and without keys');

my @everyone = map { "$_\@example.com" } qw(good expired revoked);
my $second = mail_like();
$postfix->send($second, 'alice@example.net', @everyone);
ok($postfix->drained, 'nothing is left in the queue');
is_sealed_for(($dovecot->wait_mails(1, $everyone[0]))[0], $second, $good);
is(scalar $dovecot->mails($_), 1, "nothing new for $_") for @everyone[1, 2];

$filterd->settings('encrypt.bad_key' => 'defer');
$filterd->reload;
ok(poll(sub { rcpt($everyone[1]) =~ /^450 4\.7\.5 / }), 'bad_key=defer: deferred at RCPT');
like(rcpt($everyone[2]), qr/^450 4\.7\.5 /, 'revoked: deferred at RCPT');
like(rcpt($everyone[0]), qr/^250 /, 'the good one is taken');

unlike($site->all_mail, qr/${\ canary()}/, 'no plaintext in any mailbox');
done_testing;
