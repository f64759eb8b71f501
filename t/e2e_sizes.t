#!/usr/bin/perl
# A sealed copy is up to 1.4 times as large as its message: what Postfix takes in front arrives, with a key or without;
# and what could not arrive with a key is refused for all alike, at MAIL.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my $LINE = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx' . "\r\n";
my @users = map { "$_\@example.com" } qw(plain rsa);
my ($site, $t, $postfix, $dovecot, $filterd);

sub start {
    my (@attach) = @_;
    $site = FilterdTest::Site->start(attach => \@attach, keys => { rsa => 'curve' }, users => ['plain']);
    ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
}

sub mail_of {
    my ($id, $megabytes) = @_;
    return "From: a\@x.test\r\nTo: somebody\@example.com\r\nSubject: $id\r\nDate: Mon, 30 Nov 2026 05:00:00 +0000\r\n"
        . "Message-ID: <$id\@x.test>\r\nMIME-Version: 1.0\r\nContent-Type: application/pdf\r\n"
        . "Content-Transfer-Encoding: base64\r\n\r\n" . $LINE x int($megabytes * 1e6 / length $LINE);
}

# The replies to MAIL, RCPT and DATA, '' for what was not reached.
sub offer {
    my ($mail, $to, $declared) = @_;
    my $c = $postfix->client;
    my @said = ($c->say('MAIL FROM:<a@x.test>' . ($declared ? " SIZE=$declared" : '')), '', '');
    $said[1] = $c->say("RCPT TO:<$to>") if $said[0] =~ /^2/;
    ($said[2]) = $c->data($mail, 1) if $said[1] =~ /^2/;
    $c->quit;
    return @said;
}

sub arrives {
    my ($name, $megabytes) = @_;
    my $id = $name =~ tr/ .//dr;
    my $mail = mail_of($id, $megabytes);
    for my $to (@users) {
        like((offer($mail, $to, length $mail))[2], qr/^250/, "$name: $megabytes MB to $to are taken");
        my $found;
        ok(poll(sub { ($found) = grep { (header($_, 'Subject') // '') eq $id } $dovecot->mails($to) }), 'and arrive') or next;
        is(header($found, 'X-Filterd-Encrypted'), $to =~ /rsa/ ? 'yes' : 'no', 'sealed if there is a key');
    }
    unlike($postfix->log_text, qr/status=bounced/, 'none bounced');
}

for my $how ([qw(smtpd_proxy_filter reinject virtual_transport)], [qw(content_filter reinject)], ['virtual_transport'], ['milter']) {
    subtest "Postfix's own limit, @$how" => sub {
        start(@$how);
        arrives("@$how $_", $_) for 7, 9.5;
    };
}

subtest 'filterd\'s own limit' => sub {
    start(qw(smtpd_proxy_filter reinject virtual_transport));
    $filterd->settings('filterd.message_size_limit' => 2_000_000);
    $filterd->down;
    $filterd->up;
    is_deeply([map { FilterdTest::Client->new(@$_)->{hello} =~ /SIZE (\d+)/ } [smtp => $t->front('smtp')], [lmtp => $t->front('lmtp')]],
        [2_000_000, 2_800_000], 'behind the queue 1.4 times as much is taken');
    arrives('at the limit', 1.99);
    for my $to (@users) {
        my @said = offer(mail_of('more', 2.1), $to, 2_100_000);
        like($said[1], qr/^552 /, "more is refused before it is sent, to $to");
    }
};

subtest 'a way back with Postfix\'s limit alone' => sub {
    my $back = 'reinject/unix';
    $filterd->settings('filterd.message_size_limit' => 52428800);
    $filterd->down;
    $filterd->up;
    $postfix->command('postconf', '-P', "$back/message_size_limit=4000000", 'sealed-cleanup/unix/message_size_limit=4000000');
    $postfix->reload;
    my (undef, $check) = $filterd->try_ctl(undef, 'check', '--postfix', "$postfix->{dir}/etc");
    is(scalar(() = $check =~ /message_size_limit=4000000 is less than 1\.4 times/g), 2, 'check says it of both');
    arrives('small enough', 2.8);
    for my $to (@users) {
        my $mail = mail_of('toolarge', 3);
        like((offer($mail, $to, length $mail))[1], qr/^552 5\.3\.4/, "too large when sealed: refused at MAIL, to $to");
        like((offer($mail, $to))[2], qr/^552 5\.3\.4/, "not declared: refused at its end, to $to");
    }
    $filterd->logs(qr/from=<a\@x\.test> refused: 30\d+ bytes may be 42\d+ when they are sealed, and the next hop takes 4000000/, 'and logged');
    $filterd->ctl(qw(key remove rsa@example.com));
    my $mail = mail_of('nokey', 3);
    like((offer($mail, 'plain@example.com', length $mail))[2], qr/^250/, 'nobody has a key: nothing is sealed');
};

ok($postfix->drained, 'nothing is left in the queue');
done_testing;
