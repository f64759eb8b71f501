#!/usr/bin/perl
# A message is sent again because not all of its copies went through: nobody gets a second copy, whichever
# process was killed meanwhile; and a message that is sent again for another reason is delivered again.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::Sink;
use FilterdTest::Site;
use IO::Socket::UNIX;
use Test::More;

my $site = FilterdTest::Site->start(
    attach => [qw(smtpd_proxy_filter)],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => ['plain'],
    set => { 'deliver.proxy_seconds' => 4 },
);
my ($t, $postfix, $filterd) = @$site{qw(t postfix filterd)};
my ($first, $second, $third) = my @everyone = map { "$_\@example.com" } qw(rsa curve plain);
my %sink = (
    smtp => FilterdTest::Sink->start($t, 'smtp', 'back'), # where the shipped settings send it
    lmtp => FilterdTest::Sink->start($t, 'lmtp', 'sink'),
);
my $to_lmtp = 'lmtp:inet:127.0.0.1:' . $t->port('sink');
$filterd->settings('listener lmtp.next_hop' => $to_lmtp, 'deliver.next_hop' => $to_lmtp);
$filterd->down;
$filterd->up;

# The copies each of them has in that sink, since the last look.
my %seen;
sub copies {
    my ($kind) = @_;
    my @new;
    for my $to (@everyone) {
        my $all = $sink{$kind}->taken($to);
        push @new, $all - ($seen{$kind}{$to} // 0);
        $seen{$kind}{$to} = $all;
    }
    return "@new";
}

# A message for all three, as Postfix gets it from its client: the one reply.
sub attempt {
    my ($message) = @_;
    my $c = $postfix->client;
    my $reply = $c->deliver($message, 'alice@example.net', @everyone);
    $c->quit;
    return $reply;
}

# The message is on its way and the answer to the second of its copies does not come.
sub start_and_hang {
    my ($kind, $c, $message) = @_;
    $sink{$kind}->rules("data $second" => 'hang');
    my $begun = () = grep { /^DATA/ } $sink{$kind}->said;
    like($c->say('MAIL FROM:<alice@example.net>'), qr/^250 /, 'MAIL');
    like($c->say("RCPT TO:<$_>"), qr/^250 /, "RCPT $_") for @everyone;
    like($c->say('DATA'), qr/^354 /, 'DATA');
    $c->put(FilterdTest::Client::dot_stuffed($message) . ".\r\n");
    ok(poll(sub { $begun + 2 == grep { /^DATA/ } $sink{$kind}->said }), 'the first copy is taken, the second begun');
}

# Sessions that sink has seen ended.
sub quits {
    my ($kind) = @_;
    return scalar grep { $_ eq 'QUIT' } $sink{$kind}->said;
}

sub kill_all {
    my ($name) = @_;
    my @pids = $filterd->processes($name);
    ok(@pids > 0, "there is a $name");
    kill 'KILL', @pids;
    return @pids;
}

subtest 'the next hop refuses one of three at the end of its copy' => sub {
    my $message = mail_like();
    $sink{smtp}->rules("data $second" => '452 4.2.2 Mailbox full');
    like(attempt($message), qr/^451 4\.3\.0 Not all/, 'later, for all');
    is(copies('smtp'), '1 0 1', 'the others have it');
    like(attempt($message), qr/^452 4\.2\.2 Mailbox full/, 'again: now it is the answer of that one alone');
    is(copies('smtp'), '0 0 0', 'and nobody has a second');
    $sink{smtp}->rules;
    like(attempt($message), qr/^250 /, 'the retry after that: taken');
    is(copies('smtp'), '0 1 0', 'the one copy that was missing');
    is($filterd->logged(qr/to=<(?:rsa|plain)\@\S+ .* served=before .*dsn=2\.0\.0/, 4), 4, 'the log says so');
    unlike(slurp($t->dir . '/state/retries.db') . slurp($t->dir . '/state/retries.db-wal'),
        qr/example|${\ canary()}/, 'no address and no text stands in the store');
};

subtest 'the same message, twice and with success' => sub {
    my $message = mail_like();
    for my $time ('first', 'second') {
        like(attempt($message), qr/^250 /, "the $time time");
        is(copies('smtp'), '1 1 1', 'arrives');
    }
    $sink{smtp}->rules("data $second" => '451 4.2.1 Busy');
    like(attempt($message), qr/^451 /, 'a third, which is not taken at once');
    $sink{smtp}->rules;
    like(attempt($message), qr/^250 /, 'but then');
    is(copies('smtp'), '1 1 1', 'arrives');
};

subtest 'a message with neither Date nor Message-ID' => sub {
    my $message = mail_like() =~ s/^(?:Date|Message-ID):.*\r\n//mgr;
    $sink{smtp}->rules("data $second" => '451 4.2.1 Busy');
    for my $time ('once', 'twice') {
        like(attempt($message), qr/^451 /, 'later');
        is(copies('smtp'), '1 0 1', "may be another each time: delivered $time");
    }
    $sink{smtp}->rules;
};

subtest 'refused for good at the end of its copy' => sub {
    my $message = mail_like();
    $sink{smtp}->rules("data $second" => '550 5.2.1 Mailbox disabled');
    like(attempt($message), qr/^451 4\.3\.0/, 'one of three: later');
    like(attempt($message), qr/^550 5\.2\.1 Mailbox disabled/, 'when nobody else is left: its own answer');
    is(scalar(grep { /^550 5\.2\.1/ } map { attempt($message) } 1 .. 19), 19, 'and so however often it comes');
    is(copies('smtp'), '1 0 1', 'the others have it once');
    $sink{smtp}->rules(map { ("data $_" => '554 5.6.1 Not this one') } @everyone);
    like(attempt(mail_like()), qr/^554 5\.6\.1 Not this one/, 'all of three: their own answer');
    $sink{smtp}->rules("data $first" => '554 5.6.1 Not this one', "data $second" => '452 4.2.2 Full',
        "data $third" => '550 5.2.1 Disabled');
    like(attempt(mail_like()), qr/^452 4\.2\.2 Full/, 'each its own, one of them for now: later');
    is(copies('smtp'), '0 0 0', 'nobody has these');
    $sink{smtp}->rules;
};

subtest 'the next hop hangs' => sub {
    my $message = mail_like();
    $sink{smtp}->rules("data $third" => 'hang');
    like(attempt($message), qr/^451 4\.3\.0 Not all/, 'an answer before Postfix gives up');
    is(copies('smtp'), '1 1 0', 'two have it');
    $sink{smtp}->rules;
    like(attempt($message), qr/^250 /, 'the retry');
    is(copies('smtp'), '0 0 1', 'brings what is missing');
};

subtest 'the worker is killed after the first of three copies' => sub {
    my $message = mail_like();
    my $c = $postfix->client;
    start_and_hang('smtp', $c, $message);
    kill_all('worker');
    like($c->reply, qr/^451 /, 'the client hears a 451 from Postfix');
    $sink{smtp}->rules;
    like(attempt($message), qr/^250 /, 'the retry');
    is(copies('smtp'), '1 1 1', 'one copy for each');
};

subtest 'the keeper is killed between the attempts' => sub {
    my $message = mail_like();
    $sink{smtp}->rules("data $first" => '451 4.2.1 Busy');
    like(attempt($message), qr/^451 /, 'later');
    my %killed = map { $_ => 1 } kill_all('keeper');
    ok(poll(sub { grep { !$killed{$_} } $filterd->processes('keeper') }), 'there is another');
    $sink{smtp}->rules;
    like(attempt($message), qr/^250 /, 'the retry');
    is(copies('smtp'), '1 1 1', 'one copy for each');
};

subtest 'the keeper hangs' => sub {
    my @pids = $filterd->processes('keeper');
    kill 'STOP', @pids;
    like(attempt(mail_like()), qr/^250 /, 'mail goes on');
    kill 'CONT', @pids;
    is(copies('smtp'), '1 1 1', 'and arrives');
    $filterd->down; # who waited in vain lets it be for a while
    $filterd->up;
};

subtest 'a scanner hangs' => sub {
    my $path = $t->dir . '/run/hangs.sock';
    my $socket = IO::Socket::UNIX->new(Local => $path, Listen => 5) or die "$path: $!";
    chmod 0777, $path;
    $filterd->settings('clamav.socket' => "unix:$path");
    $filterd->down;
    $filterd->up;
    like(attempt(mail_like()), qr/^250 /, 'time is left to deliver');
    is(copies('smtp'), '1 1 1', 'and it arrives');
    $filterd->logs(qr/clamd: timeout; not scanned/, 'the log says so');
    delete $filterd->{set}{'clamav.socket'};
    $filterd->settings;
    $filterd->down;
    $filterd->up;
};

subtest 'the keeper is killed while a message is under way, and its store is no store' => sub {
    my $message = mail_like();
    my $c = $postfix->client;
    start_and_hang('smtp', $c, $message);
    my %killed = map { $_ => 1 } kill_all('keeper');
    like($c->reply, qr/^451 4\.3\.0 Not all/, 'the answer comes');
    ok(poll(sub { grep { !$killed{$_} } $filterd->processes('keeper') }), 'there is another');
    $sink{smtp}->rules;
    like(attempt($message), qr/^250 /, 'the retry');
    is(copies('smtp'), '1 1 1', 'what was known before it was killed is known after');
    $filterd->down;
    spew($t->dir . '/state/retries.db', 'this is no database' x 500);
    $filterd->up;
    like(attempt(mail_like()), qr/^250 /, 'a store that is none: mail goes on');
    is(copies('smtp'), '1 1 1', 'and arrives');
    $filterd->logs(qr/retries\.db: .*made anew/, 'the log says what became of it');
};

# A session with filterd's LMTP, as Postfix's for the message in this queue file.
sub lmtp_for {
    my ($queue_id) = @_;
    my $c = $site->lmtp;
    like($c->say("XFORWARD NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] IDENT=$queue_id"), qr/^250 /, "queue file $queue_id");
    return $c;
}

# All three again, from that queue file: how many were taken.
sub lmtp_again {
    my ($queue_id, $message) = @_;
    my ($c, $before) = (lmtp_for($queue_id), quits('lmtp'));
    $c->say($_) for 'MAIL FROM:<alice@example.net>', map { "RCPT TO:<$_>" } @everyone;
    my $taken = () = grep { /^250 / } $c->data($message, 3);
    $c->quit;
    ok(poll(sub { quits('lmtp') > $before }), 'the session ends');
    return $taken;
}

subtest 'LMTP: the worker is killed after the first of three copies' => sub {
    my $message = mail_like();
    my $c = lmtp_for('4Zx1');
    start_and_hang('lmtp', $c, $message);
    like($c->reply, qr/^250 /, 'the first reply is there before the second copy is');
    kill_all('worker');
    is($c->reply, '', 'the others never come');
    $sink{lmtp}->rules;
    is(lmtp_again('4Zx2', $message), 3, 'the same message in another queue file');
    is(copies('lmtp'), '2 1 1', 'is another message');
    is(lmtp_again('4Zx1', $message), 3, 'a client that heard nothing tries all three');
    is(copies('lmtp'), '0 1 1', 'one copy for each');
    is(lmtp_again('4Zx1', $message), 3, 'the same message once more');
    is(copies('lmtp'), '1 1 1', 'arrives once more');
};

# The next keeper has to see that the worker lives: what it delivers is no failed attempt.
subtest 'LMTP: the keeper is killed, and the worker is not' => sub {
    my $message = mail_like();
    my $c = lmtp_for('4Zy1');
    start_and_hang('lmtp', $c, $message);
    like($c->reply, qr/^250 /, 'the first has it');
    my %killed = map { $_ => 1 } kill_all('keeper');
    ok(poll(sub { grep { !$killed{$_} } $filterd->processes('keeper') }), 'there is another');
    $sink{lmtp}->rules;
    is(lmtp_again('4Zy1', $message), 3, 'it comes over another session');
    is(copies('lmtp'), '2 1 1', 'and is delivered to all');
    kill_all('worker');
    is(lmtp_again('4Zy1', $message), 3, 'when the worker is killed');
    is(copies('lmtp'), '0 1 1', 'its attempt has failed');
};

subtest 'LMTP: the client goes away between two replies' => sub {
    my $message = mail_like();
    my $before = quits('lmtp');
    my $c = lmtp_for('4Zx3');
    $sink{lmtp}->rules("data $second" => 'slow 250 2.1.5 Ok');
    $c->say($_) for 'MAIL FROM:<alice@example.net>', (map { "RCPT TO:<$_>" } @everyone), 'DATA';
    $c->put(FilterdTest::Client::dot_stuffed($message) . ".\r\n");
    like($c->reply, qr/^250 /, 'the first reply is heard');
    close $c->{socket};
    ok(poll(sub { quits('lmtp') > $before }), 'the session ends');
    my $first_time = copies('lmtp');
    like($first_time, qr/^1 [01] 0$/, 'no copy is begun while nobody hears of it');
    $sink{lmtp}->rules;
    $c = lmtp_for('4Zx3');
    $c->say($_) for 'MAIL FROM:<alice@example.net>', map { "RCPT TO:<$_>" } @everyone[1, 2];
    is(scalar(grep { /^250 / } $c->data($message, 2)), 2, 'the others are tried again');
    is(copies('lmtp'), $first_time eq '1 0 0' ? '0 1 1' : '0 0 1', 'and who had none gets one');
};

subtest 'filterd-pipe' => sub {
    my $message = "Received: by mail.example.com (Postfix, from userid 0)\r\n\tid 4Zx3; Sat, 21 Nov 2026 19:00:02 +0000\r\n"
        . mail_like();
    my @pipe = ($t->dir . '/bin/filterd-pipe', '-f', 'alice@example.net', '--', @everyone);
    $sink{lmtp}->rules("data $second" => '451 4.2.1 Busy');
    is(($t->try_run($message, @pipe))[0], 75, 'one of three is busy: EX_TEMPFAIL');
    $sink{lmtp}->rules;
    is(($t->try_run($message, @pipe))[0], 0, 'the retry');
    is(copies('lmtp'), '1 1 1', 'one copy for each');
    is(($t->try_run($message, @pipe))[0], 0, 'the same message once more');
    is(copies('lmtp'), '1 1 1', 'arrives once more');
    $sink{lmtp}->rules("data $second" => '451 4.2.1 Busy');
    $message =~ s/4Zx3/4Zx4/;
    is(($t->try_run($message, @pipe))[0], 75, 'one of three is busy');
    $sink{lmtp}->rules;
    is(($t->try_run($message =~ s/4Zx4/4Zx5/r, @pipe))[0], 0, 'the same in another queue file');
    is(copies('lmtp'), '2 1 2', 'is another message');
};

done_testing;
