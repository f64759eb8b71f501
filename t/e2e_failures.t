#!/usr/bin/perl
# The next hop is down, or takes a message for some recipients only: no copy is lost, none comes twice.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::Sink;
use FilterdTest::Site;
use Test::More;

my $site = FilterdTest::Site->start(
    attach => ['virtual_transport'],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => ['plain'],
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my ($rsa, $curve) = @{ $site->{keys} }{qw(rsa curve)};
my @everyone = map { "$_\@example.com" } qw(rsa curve plain);

subtest 'the next hop is down' => sub {
    $dovecot->down;
    my $sent = mail_like();
    $postfix->send($sent, 'alice@example.net', @everyone);
    ok(poll(sub { 3 == (() = $postfix->log_text =~ /dsn=4\.\d\.\d, status=deferred/g) }), 'deferred for all');
    is(scalar(my @queue = $postfix->queue), 1, 'and kept in the queue');
    $dovecot->up;
    ok(poll(sub { $postfix->flush; !$postfix->queue }), 'delivered when it is up again');
    is(scalar $dovecot->wait_mails(1, $_), 1, "one copy for $_") for @everyone;
    is_sealed_for(($dovecot->mails($everyone[0]))[0], $sent, $rsa, $curve);
};

my $sink = FilterdTest::Sink->start($t, 'lmtp', 'sink');
$filterd->settings('listener lmtp.next_hop' => 'lmtp:inet:127.0.0.1:' . $t->port('sink'));
$filterd->down;
$filterd->up;

# A session with filterd: its replies at RCPT, then those after DATA.
sub replies_to {
    my ($message) = @_;
    my $c = $site->lmtp;
    $c->say('MAIL FROM:<alice@example.net>');
    my @rcpt = map { $c->say("RCPT TO:<$_>") } @everyone;
    my @data = $c->data($message, scalar grep { /^2/ } @rcpt);
    $c->quit;
    return (\@rcpt, \@data);
}

for my $case (['451 4.2.1 Mailbox busy', qr/^451 4\.2\.1 /], ['550 5.2.1 Mailbox disabled', qr/^550 5\.2\.1 /]) {
    my ($answer, $expected) = @$case;
    for my $stage (qw(rcpt data)) {
        subtest "the next hop says $answer at \U$stage\E to one of three" => sub {
            $sink->rules("$stage $everyone[1]" => $answer);
            my @before = map { scalar $sink->taken($_) } @everyone;
            my ($rcpt, $data) = replies_to(mail_like());
            my @last = map { /^2/ ? shift @$data : $_ } @$rcpt;
            like($last[0], qr/^250 2\./, 'the first is served');
            like($last[1], $expected, 'the second hears it');
            like($last[2], qr/^250 2\./, 'the third is served');
            is_deeply([map { scalar $sink->taken($_) } @everyone],
                [$before[0] + 1, $before[1], $before[2] + 1], 'one copy for each who was served');
        };
    }
}

subtest 'through the queue: the one who was deferred comes later, and only that one' => sub {
    $sink->rules("data $everyone[1]" => '451 4.2.1 Mailbox busy');
    my @before = map { scalar $sink->taken($_) } @everyone;
    my $sent = mail_like();
    $postfix->send($sent, 'alice@example.net', @everyone);
    ok(poll(sub { $postfix->log_text =~ /to=<curve\@example\.com>.* dsn=4\.2\.1, status=deferred/ }), 'deferred');
    ok(poll(sub { $sink->taken($everyone[2]) > $before[2] }), 'another is served');
    $sink->rules;
    ok(poll(sub { $postfix->flush; !$postfix->queue }), 'the queue drains');
    is_deeply([map { scalar $sink->taken($_) } @everyone], [map { $_ + 1 } @before], 'one copy each');
    is_sealed_for(($sink->taken($everyone[1]))[-1], $sent, $curve, $rsa);
};

subtest 'a client that goes away inside DATA' => sub {
    my @before = map { scalar $sink->taken($_) } @everyone;
    my $c = $site->lmtp;
    $c->say($_) for 'MAIL FROM:<alice@example.net>', "RCPT TO:<$everyone[0]>", 'DATA';
    $c->put(FilterdTest::Client::dot_stuffed(mail_like()));
    close $c->{socket};
    my ($rcpt, $data) = replies_to(mail_like());
    like($data->[0], qr/^250 /, 'the next session is served');
    is(scalar $sink->taken($everyone[0]), $before[0] + 1, 'the half message was discarded');
};

subtest 'a worker that could not read users.db when it began' => sub {
    my ($file, $aside) = map { $t->dir . "/state/$_" } qw(users.db aside);
    $filterd->ctl(qw(user set plain@example.com spam_action=tag));
    my $reply = sub { $site->lmtp->deliver(mail_like(), 'alice@example.net', $everyone[2]) };
    $filterd->settings('filterd.workers' => 1);
    $filterd->down;
    rename $file, $aside;
    mkdir $file;
    $filterd->up;
    like($reply->(), qr/^451 /, 'puts all mail off');
    my $worker = join ' ', $filterd->processes('worker');
    rmdir $file;
    rename $aside, $file;
    ok(poll(sub { $reply->() =~ /^250 / }), 'until it can');
    is(join(' ', $filterd->processes('worker')), $worker, 'the same one');
};

done_testing;
