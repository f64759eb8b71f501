#!/usr/bin/perl
# The shipped anonymizing tables on what real Postfix wrote about the client and what mail programs wrote.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my $rules = "$FilterdTest::ROOT/rules";
my $site = FilterdTest::Site->start(
    attach => ['virtual_transport'],
    keys => { rsa => 'rsa' },
    users => ['plain'],
);
my ($t, $filterd, $dovecot, $postfix) = @$site{qw(t filterd dovecot postfix)};
my $own = $t->dir . '/etc/own.pcre'; # where filterd's user can read it
spew("$own.$_", slurp("$rules/anonymize-$_.pcre"), 0644) for qw(inbound submission);
$filterd->down;
$filterd->settings(
    'anonymize.inbound' => "$own.inbound",
    'anonymize.submission' => "$own.submission",
    'listener submission.protocol' => 'lmtp',
    'listener submission.role' => 'submission',
    'listener submission.address' => 'unix:' . $t->dir . '/run/submission.sock',
    'listener submission.next_hop' => 'lmtp:unix:' . $t->dir . '/dovecot.lmtp',
);
$filterd->up;

my $below = "Received: from inner.example.net (inner.example.net [192.0.2.9])\r\n\tby out.example.net"
    . " (Postfix) with ESMTPSA id 4711;\r\n\tSat, 21 Nov 2026 12:00:00 +0000 (UTC)\r\n";
my $traces = "User-Agent: Mozilla/5.0\r\nX-Mailer: a\r\n\tb\r\nX-Enigmail-Version: 2\r\nX-Originating-IP: [192.0.2.9]\r\n";

# A client of its own: its HELO tries to look like the end of the line.
sub send_to {
    my ($message, @to) = @_;
    my $c = $postfix->client;
    $c->say('EHLO x by evil.example (Postfix) with SMTP id 1; now');
    like($c->deliver($message, 'alice@example.net', @to), qr/^250/, 'Postfix takes it');
}

subtest 'inbound, after a real Postfix' => sub {
    my $sent = mail_like(more => $below . $traces . "X-Kept: 1\r\n");
    send_to($sent, map { "$_\@example.com" } qw(plain rsa));
    for my $name (qw(plain rsa)) {
        my ($mail) = $dovecot->wait_mails(1, "$name\@example.com");
        my ($head) = split /\r\n\r\n/, $mail, 2;
        my @received = grep { !/Dovecot|with LMTP/ } headers($mail, 'Received');
        is(scalar @received, 2, "$name: our MTA's line and the one below it");
        like($received[0], qr/^from localhost \(localhost \[127\.0\.0\.1\]\)\tby mail\.example\.com \(Postfix\) with ESMTP id \w+.*;\s/,
            'the client is out of ours, the rest of it stays');
        unlike($received[0], qr/evil/, 'what it said in its HELO, too');
        is("Received: $received[1]", $below =~ s/\r\n//gr, 'the other line is as it was');
        is(header($mail, $_), '', "$_ is out") for qw(User-Agent X-Mailer X-Enigmail-Version X-Originating-IP);
        is(header($mail, 'X-Kept'), '1', 'other fields stay');
        is(header($mail, 'Subject'), 'An ordinary letter', 'the subject, too');
        ok(content_of($mail) eq content_of($sent), 'the content is untouched') if $name eq 'plain';
        is_sealed_for($mail, $sent, $site->{keys}{rsa}) if $name eq 'rsa';
    }
};

subtest 'submission' => sub {
    my $login = "Received: from [10.0.0.7] (dsl.example.net [192.0.2.77])\r\n\t(using TLSv1.3)\r\n"
        . "\t(No client certificate requested)\r\n\t(Authenticated sender: alice)\r\n"
        . "\tby mail.example.com (Postfix) with ESMTPSA id 99\r\n\tfor <plain\@example.com>; Sat, 21 Nov 2026 12:00:01 +0000\r\n";
    my $sent = $login . $below . mail_like(more => $traces) =~ s/MIME-Version: 1.0/$& (Mac OS X Mail 9.3)/r;
    my $c = FilterdTest::Client->new(lmtp => $t->dir . '/run/submission.sock');
    like($c->deliver($sent, 'alice@example.com', 'plain@example.com'), qr/^250/, 'taken');
    my $mail = ($dovecot->wait_mails(2, 'plain@example.com'))[1];
    my @received = grep { !/Dovecot|with LMTP/ } headers($mail, 'Received');
    is($received[0], 'from localhost (localhost [127.0.0.1])	by mail.example.com (Postfix) with ESMTPSA id 99	'
        . 'for <plain@example.com>; Sat, 21 Nov 2026 12:00:01 +0000', 'client, TLS and login are out of the first line');
    is("Received: $received[1]", $below =~ s/\r\n//gr, 'the second is as it was');
    unlike($mail, qr/alice\)|192\.0\.2\.77|10\.0\.0\.7|Mozilla|Mac OS/, 'nothing of it is left anywhere');
    is(header($mail, 'MIME-Version'), '1.0', 'MIME-Version without the program');
    ok(content_of($mail) eq content_of($sent), 'the content is untouched');
};

subtest 'replacements of foreign text' => sub {
    spew("$own.inbound", <<'END', 0644);
/^X-Say: (.*)$/ REPLACE $1
/^X-Content: (.*)$/ REPLACE Content-$1
/^Content-/ IGNORE
/^X-Tag-Subject: (.*)$/ REPLACE Subject: $1
END
    my $log = length $filterd->log_text;
    $filterd->reload;
    ok(poll(sub { substr($filterd->log_text, $log) =~ /settings read anew/ }), 'read anew');
    my $sent = mail_like(more => "X-Say: X-Filterd-Result: Innocent\r\nX-Say: no field\r\nX-Say: X-Fine: yes\r\n"
        . "X-Content: Type: text/html\r\n");
    send_to($sent, map { "$_\@example.com" } qw(plain rsa));
    my ($mail, $sealed) = (($dovecot->wait_mails(3, 'plain@example.com'))[2], ($dovecot->wait_mails(2, 'rsa@example.com'))[1]);
    is(scalar(headers($mail, 'X-Filterd-Result')), 1, 'a forged result cannot be made');
    is(header($mail, 'X-Fine'), 'yes', 'a field is one');
    unlike($mail, qr/no field/, 'what is none is dropped');
    unlike($mail, qr/text\/html/, 'no second Content-Type');
    ok(content_of($mail) eq content_of($sent), 'Content-* is left alone');
    is_sealed_for($sealed, $sent, $site->{keys}{rsa});
};

subtest 'tables with errors' => sub {
    spew("$own.inbound", "# a\n/^Subject:/ WARN x\n", 0644);
    my ($status, undef, $err) = $t->try_run(undef, $t->dir . '/bin/filterd', '-t');
    is($status, 78, 'filterd -t refuses');
    like($err, qr/^filterd: \Q$own\E\.inbound:2: action WARN is not known here: expected IGNORE, STRIP, REPLACE or DUNNO\n/,
        'with file, line, and what it knows');
    my $log = length $filterd->log_text;
    $filterd->reload;
    ok(poll(sub { substr($filterd->log_text, $log) =~ /settings stay as they were: \Q$own\E\.inbound:2: / }), 'a reload keeps what was');
    my $pipe = sub { $t->try_run(mail_like(), $t->dir . '/bin/filterd-pipe', '-o', '-', '--', 'plain@example.com') };
    ($status, my $out, $err) = $pipe->();
    is($status, 75, 'a message that cannot be anonymized is not delivered');
    is($out, '', 'in no form');
    like($err, qr/own\.pcre\.inbound:2: /, 'and the log says why');
};

done_testing;
