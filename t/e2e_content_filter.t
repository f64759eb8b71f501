#!/usr/bin/perl
# filterd as content_filter: after the queue, by LMTP, back through the reinjection listener.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my $site = FilterdTest::Site->start(
    attach => [qw(content_filter reinject)],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => [qw(plain team)],
);
my ($postfix, $dovecot, $filterd) = @$site{qw(postfix dovecot filterd)};
my ($rsa, $curve) = @{ $site->{keys} }{qw(rsa curve)};
my @everyone = map { "$_\@example.com" } qw(rsa curve plain);

subtest 'one message, three recipients' => sub {
    my $sent = mail_like();
    $postfix->send($sent, 'alice@example.net', @everyone);
    ok($postfix->drained, 'nothing is left in the queue');
    my %got = map { $_ => [$dovecot->wait_mails(1, $_)] } @everyone;
    is(scalar @{ $got{$_} }, 1, "one copy for $_") for @everyone;
    is_sealed_for($got{ $everyone[0] }[0], $sent, $rsa, $curve);
    is_sealed_for($got{ $everyone[1] }[0], $sent, $curve, $rsa);
    my $plain = $got{ $everyone[2] }[0];
    is(header($plain, 'X-Filterd-Encrypted'), 'no', 'without a key: passed, and said so');
    ok(content_of($plain) eq content_of($sent), 'as it was sent');
    for my $address (@everyone) {
        $filterd->logs(qr/qid=\S+ from=<alice\@example\.net> to=<\Q$address\E>.* sealed=(?:yes|no).* dsn=2\./, "logged: $address");
    }
};

subtest 'forged headers' => sub {
    my $sent = mail_like(more => <<'END');
X-Filterd-Result: Whitelisted forged-1
x-FILTERD-Signature : forged-2
X-Filterd-Whatever:
 forged-3
X-Spam-Flag: YES
X-Spam-Status: No, forged-4
Authentication-Results: mail.example.com;
 dkim=pass header.d=forged-5.example
Authentication-Results: elsewhere.example; spf=pass
END
    $postfix->send($sent, 'alice@example.net', @everyone);
    for my $address (@everyone) {
        my $mail = ($dovecot->wait_mails(2, $address))[1];
        my ($head) = split /\r\n\r\n/, $mail;
        unlike($head, qr/forged/, "gone: $address");
        is(scalar headers($mail, 'X-Filterd-Result'), 1, 'one result, ours');
        is(scalar headers($mail, 'X-Filterd-Signature'), 1, 'one signature, ours');
        is(scalar headers($mail, 'X-Spam-Flag'), 0, 'no spam flag');
        like($head, qr/^Authentication-Results: elsewhere\.example/m, "another host's results stay");
    }
};

subtest 'an alias for two users' => sub {
    $filterd->ctl(qw(alias add team@example.com), $_) for @everyone[0, 1];
    my $sent = mail_like();
    $postfix->send($sent, 'alice@example.net', 'team@example.com');
    my ($mail) = $dovecot->wait_mails(1, 'team@example.com');
    is_sealed_for($mail, $sent, $_) for $rsa, $curve;
};

subtest 'no_key=reject' => sub {
    $filterd->settings('encrypt.no_key' => 'reject');
    $filterd->reload;
    my $refused = poll(sub {
        my $c = FilterdTest::Client->new(lmtp => $site->{t}->front('queue'));
        $c->say('MAIL FROM:<alice@example.net>');
        my $reply = $c->say('RCPT TO:<plain@example.com>');
        $reply =~ /^5/ && $reply;
    });
    like($refused, qr/^550 5\.7\.5 /, 'the recipient is refused');
    my $before = $dovecot->mails('plain@example.com');
    $postfix->send(mail_like(), 'alice@example.net', @everyone[0, 2]);
    ok($postfix->drained, 'nothing is left in the queue');
    $postfix->logs(qr/to=<plain\@example\.com>, relay=\S+, .*dsn=5\.7\.5, status=bounced/, 'bounced');
    is(scalar $dovecot->wait_mails(3, 'rsa@example.com'), 3, 'the other was served');
    is(scalar $dovecot->mails('plain@example.com'), $before, 'nothing in plaintext');
};

# A refusal here would be a bounce. Postfix takes all of these, and splits the extension off.
subtest 'addresses that nobody else would write' => sub {
    my %shown = ('"rsa+ "' => '"rsa+ "', qq("rsa+\x01") => '"rsa+?"', "rsa+\xc3\xbc" => "rsa+\xc3\xbc", '"rsa+ b"' => '"rsa+ b"',
        '"rsa+' . 'x' x 400 . '"' => 'rsa+' . 'x' x 400, 'rsa+a..b' => '"rsa+a..b"');
    for my $local (sort keys %shown) {
        $postfix->send(mail_like(), 'alice@example.net', "$local\@example.com");
        $filterd->logs(qr/to=<\Q$shown{$local}\E\@example\.com>.* key=\w{40} sealed=yes .* dsn=2\./, 'taken and sealed');
    }
};

done_testing;
