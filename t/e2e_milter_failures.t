#!/usr/bin/perl
# filterd as a milter of a real Postfix: what is refused, discarded or redirected while the client waits,
# and what happens when one of its processes dies. Every failure is a 4xx, and the retry is served. A second
# leg before the mailboxes passes on what the first has done.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Dns;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my $t = FilterdTest->new; # for the name server, which must be there first
my $dns = FilterdTest::Dns->start(t => $t, zones => { 'example.net' => "\@ TXT \"nothing\"\n" });
my $site = FilterdTest::Site->start(
    attach => [qw(milter virtual_transport)],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => [qw(plain)],
    set => {
        'dns.server' => $dns->server,
        'spam.deny' => 'spammer.example',
        'filterd.message_size_limit' => 300000,
        'dns.timeout_ms' => 8000,
    },
    main => "message_size_limit = 60000000\nsmtpd_client_connection_count_limit = 0\n",
);
my ($postfix, $dovecot, $filterd) = @$site{qw(postfix dovecot filterd)};
my ($rsa, $curve) = @{ $site->{keys} }{qw(rsa curve)};
my ($to_rsa, $to_curve, $to_plain) = map { "$_\@example.com" } qw(rsa curve plain);
my %had = map { $_ => 0 } $to_rsa, $to_curve, $to_plain;

sub attempt {
    my ($message, $from, @to) = @_;
    my $c = $postfix->client;
    my $reply = $c->deliver($message, $from, @to);
    $c->quit;
    return $reply;
}

# So many more messages have come to a user since the last call; the newest.
sub come {
    my ($user, $count) = @_;
    $postfix->drained;
    my @mails = $dovecot->mails($user);
    is(scalar @mails, $had{$user} + $count, "$user: $count more");
    $had{$user} = @mails;
    return $mails[-1] // '';
}

# Process ids of filterd's workers, or of its milter front.
sub children {
    my ($name) = @_;
    return split /\n/, ($t->try_run(undef, '/usr/bin/pgrep', '-P', $filterd->{pid}, "^$name"))[1];
}

sub set {
    my (%set) = @_;
    $filterd->settings(%set);
    $filterd->down;
    $filterd->up;
}

my $spam = mail_like(from => 'Spammer <a@spammer.example>');

subtest 'spam is refused' => sub {
    set('spam.action' => 'reject');
    $filterd->ctl(qw(user set), $_, 'spam_action=reject') for $to_plain;
    like(attempt($spam, 'a@spammer.example', $_), qr/^550 5\.7\.1 /, "for $_") for $to_rsa, $to_plain;
    like(attempt($spam, 'a@spammer.example', $to_rsa, $to_curve), qr/^550 5\.7\.1 /, 'for two');
    come($_, 0) for $to_rsa, $to_curve, $to_plain;
    $filterd->ctl(qw(user set), $to_curve, 'spam_action=tag');
    like(attempt($spam, 'a@spammer.example', $to_rsa, $to_curve), qr/^250 /, 'not if one of two wants it');
    is_sealed_for(come($to_rsa, 1), $spam, $rsa);
    like(come($to_curve, 1), qr/^X-Spam-Flag: YES\r$/m, 'tagged');
};

subtest 'spam is discarded' => sub {
    $filterd->ctl(qw(user set), $to_rsa, 'spam_action=discard');
    like(attempt($spam, 'a@spammer.example', $to_rsa), qr/^250 /, 'taken');
    come($to_rsa, 0);
    like(attempt($spam, 'a@spammer.example', $to_rsa, $to_curve), qr/^250 /, 'not if one of two wants it');
    come($_, 1) for $to_rsa, $to_curve;
    $filterd->logs(qr/to=<rsa\@example\.com>.* result=Blocklisted .*sealed=- .*reply="250 Ok, discarded"/, 'logged');
};

subtest 'spam is moved away' => sub {
    set('spam.quarantine' => $to_curve);
    $filterd->ctl(qw(user set), $_, 'spam_action=quarantine') for $to_rsa, $to_plain;
    like(attempt($spam, 'a@spammer.example', $to_rsa), qr/^250 /, 'taken');
    is_sealed_for(come($to_curve, 1), $spam, $curve, $rsa);
    like(attempt($spam, 'a@spammer.example', $to_plain), qr/^250 /, 'taken');
    is_sealed_for(come($to_curve, 1), $spam, $curve);
    come($_, 0) for $to_rsa, $to_plain;
    set('spam.quarantine' => $to_plain);
    $filterd->ctl(qw(user set), $to_plain, 'spam_action=tag');
    like(attempt($spam, 'a@spammer.example', $to_rsa), qr/^250 /, 'the quarantine has no key');
    is_sealed_for(come($to_rsa, 1), $spam, $rsa);
    come($to_plain, 0);
    $filterd->ctl(qw(user set), $_, 'spam_action=tag') for $to_rsa, $to_plain;
};

subtest 'over the limits' => sub {
    my $head = "From: a\@example.net\r\nSubject: large\r\n";
    like(attempt("$head\r\n" . ('x' x 70 . "\r\n") x 5000, 'alice@example.net', $to_rsa), qr/^552 5\.3\.4 /, 'too large');
    like(attempt($head . join('', map { "X-$_: a\r\n" } 1 .. 2100) . "\r\nbody\r\n", 'alice@example.net', $to_rsa),
        qr/^550 5\.6\.0 /, 'too many fields');
    like(attempt($head . join('', map { "X-Spam-$_: a\r\n" } 1 .. 1500) . "\r\nbody\r\n", 'alice@example.net', $to_rsa),
        qr/^250 /, 'not yet too many');
    my $mail = come($to_rsa, 1);
    unlike($mail, qr/^X-Spam-/m, 'all of them are gone');
    is($rsa->open_sealed($mail), "\r\nbody\r\n", 'and it opens');
};

subtest 'a worker is killed in the middle' => sub {
    $dns->silent(1); # a message now waits for an answer to DMARC's question
    my $c = $postfix->client;
    $c->say($_) for 'MAIL FROM:<alice@example.net>', "RCPT TO:<$to_rsa>", 'DATA';
    my $sent = mail_like(from => 'Alice <alice@slow.example>');
    $c->put(FilterdTest::Client::dot_stuffed($sent) . ".\r\n");
    ok(poll(sub { grep { /slow\.example/ } $dns->asked }), 'a worker has it');
    kill 'KILL', children('filterd-worker');
    like($c->reply, qr/^451 4\.3\.0 /, 'a tempfail');
    $c->quit;
    come($to_rsa, 0);
    $dns->silent(0);
    like(attempt($sent, 'alice@example.net', $to_rsa), qr/^250 /, 'the retry is taken');
    is_sealed_for(come($to_rsa, 1), $sent, $rsa);
};

subtest 'the front is killed in the middle' => sub {
    my ($front) = children('filterd-milter');
    my $c = $postfix->client;
    $c->say($_) for 'MAIL FROM:<alice@example.net>', "RCPT TO:<$to_rsa>", 'DATA';
    my $sent = mail_like();
    $c->put("Subject: x\r\n\r\ntext\r\n");
    kill 'KILL', $front;
    $c->put(".\r\n");
    like($c->reply, qr/^4/, '4xx: milter_default_action');
    $c->quit;
    come($to_rsa, 0);
    ok(poll(sub { my ($new) = children('filterd-milter'); $new && $new != $front }), 'there is a new one');
    ok(poll(sub { attempt($sent, 'alice@example.net', $to_rsa) =~ /^250 / }), 'which serves the retry');
    is_sealed_for(come($to_rsa, 1), $sent, $rsa);
};

subtest 'no worker answers' => sub {
    my $socket = $site->{t}->dir . '/run/control.sock.milter';
    rename $socket, "$socket.away" or die "$socket: $!";
    like(attempt(mail_like(), 'alice@example.net', $to_rsa), qr/^451 4\.3\.0 /, 'RCPT: 451');
    my $c = $postfix->client;
    rename "$socket.away", $socket;
    like($c->say($_), qr/^250/, $_) for 'MAIL FROM:<alice@example.net>', "RCPT TO:<$to_rsa>";
    rename $socket, "$socket.away";
    like(($c->data(mail_like(), 1))[0], qr/^451 4\.3\.0 /, 'end of message: 451');
    rename "$socket.away", $socket;
    $c->quit;
    come($to_rsa, 0);
};

subtest 'reload and stop' => sub {
    my $c = $postfix->client;
    like($c->say($_), qr/^250/, $_) for 'MAIL FROM:<alice@example.net>', "RCPT TO:<$to_rsa>";
    my ($front) = children('filterd-milter');
    $filterd->reload;
    ok(poll(sub { grep { $_ != $front } children('filterd-milter') }), 'a new front after a reload');
    my $sent = mail_like();
    ok(poll(sub { attempt($sent, 'alice@example.net', $to_curve) =~ /^250 / }), 'new connections are served');
    is_sealed_for(come($to_curve, 1), $sent, $curve);
    like(($c->data($sent, 1))[0], qr/^250/, 'a message under way is finished by the old one');
    is_sealed_for(come($to_rsa, 1), $sent, $rsa);
    ok(poll(sub { !grep { $_ == $front } children('filterd-milter') }), 'which then ends');
    is($filterd->down, 0, 'SIGTERM');
    ok(!-e $site->{t}->front('milter'), 'its socket is gone');
    like(attempt($sent, 'alice@example.net', $to_rsa), qr/^4/, 'without filterd: 4xx');
    $filterd->up;
};

subtest 'thirty at once' => sub {
    my @clients = map { $postfix->client } 1 .. 30;
    my @to = map { $_ % 3 ? $_ % 3 == 1 ? $to_rsa : $to_curve : $to_plain } 1 .. 30;
    for my $i (0 .. 29) {
        like($clients[$i]->say("MAIL FROM:<alice$i\@example.net>"), qr/^250/, "MAIL $i");
        like($clients[$i]->say("RCPT TO:<$to[$i]>"), qr/^250/, "RCPT $i");
        $clients[$i]->say('DATA');
    }
    my @sent = map { mail_like(id => "$_\@thirty", text => "number $_") } 0 .. 29;
    my @half = map { length(FilterdTest::Client::dot_stuffed($_)) / 2 } @sent;
    $clients[$_]->put(substr FilterdTest::Client::dot_stuffed($sent[$_]), 0, $half[$_]) for 0 .. 29;
    $clients[$_]->put(substr(FilterdTest::Client::dot_stuffed($sent[$_]), $half[$_]) . ".\r\n") for 0 .. 29;
    like($_->reply, qr/^250/, 'taken') for @clients;
    $_->quit for @clients;
    come($_, 10) for $to_rsa, $to_curve, $to_plain;
    is($filterd->logged(qr/from=<alice\d+\@example\.net> .*result=kept/, 30), 30, 'the leg behind Postfix judges none of them again');
    my %arrived = map { header($_, 'Message-ID') => $_ } map { $dovecot->mails($_) } $to_rsa, $to_curve, $to_plain;
    for my $i (0 .. 29) {
        my $mail = $arrived{"<$i\@thirty>"};
        my $key = $to[$i] eq $to_rsa ? $rsa : $to[$i] eq $to_curve ? $curve : undef;
        my $got = $key ? $key->open_sealed($mail) : content_of($mail);
        ok(($got // '') eq content_of($sent[$i]), "number $i is what was sent");
    }
};

for my $user ($to_rsa, $to_curve) {
    is(scalar(grep { !/BEGIN PGP MESSAGE/ || /${\ canary()}/ } $dovecot->mails($user)), 0, "$user has nothing in the clear");
}

done_testing;
