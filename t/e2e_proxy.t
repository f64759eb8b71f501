#!/usr/bin/perl
# filterd as smtpd_proxy_filter: before the queue, where it refuses mail while the client waits.

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
    attach => [qw(smtpd_proxy_filter reinject)],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => ['plain'],
    set => { 'filterd.message_size_limit' => 100_000 },
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
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
is($postfix->logged(qr{reinject/smtpd\S* \w+: client=.* orig_client=\S+\[127\.0\.0\.1\]}, 1 + 3), 1 + 3,
    'with its client known comes the question, and each copy');

my $big = mail_like(text => join("\n", ('0123456789' x 7) x 1500));
my $c = $postfix->client;
like($c->deliver($big, 'alice@example.net', $everyone[0]), qr/^552 5\.3\.4 /, 'too big: refused after DATA');
$c->say('RSET');
like($c->deliver($sent, '', $everyone[0]), qr/^250 /, 'the same session goes on, the null sender passes');
ok(my $bounce = ($dovecot->wait_mails(2, $everyone[0]))[1], 'it arrives');
is_sealed_for($bounce, $sent, $rsa, $curve);
is(scalar $dovecot->mails($everyone[0]), 2, 'and the big one never did');

# Here it comes as the client wrote it; Postfix rewrites it only behind us. t/e2e_spellings.t has thousands.
subtest 'however the address is written, its mail is sealed, or refused' => sub {
    my @spelt = ('"rsa"@example.com', 'rsa@example.com.', '"rsa+x"@example.com');
    my @unsure = ('"r\sa"@example.com', '@relay.test:rsa@example.com', 'rsa(c)@example.com', 'rsa%example.com',
        'example.com!rsa', '"rsa@example.com"', 'rsa%example.com@example.com', 'rsa@example.com;', ',rsa@example.com', 'rsa@example.com@',
        'rsa%example.com@[127.0.0.1]', '.rsa@example.com');
    my $before = () = $dovecot->mails($everyone[0]);
    like($postfix->send($sent, 'alice@example.net', $_), qr/^250 /, $_) for @spelt;
    like($postfix->client->deliver($sent, 'alice@example.net', $_), qr/^553 5\.1\.3 /, $_) for @unsure;
    like($postfix->client->deliver($sent, 'a(@elsewhere.test)@example.net', $everyone[0]), qr/^553 5\.1\.7 /, 'such a sender');
    like($postfix->client->deliver($sent, 'a..b@example.net', $everyone[0]), qr/^250 /, 'but dots are a sender\'s own');
    $dovecot->wait_mails($before + 4, $everyone[0]);
    ok($postfix->drained, 'all is delivered');
    my @mails = $dovecot->mails($everyone[0]);
    is(scalar @mails, $before + 4, 'each arrives');
    is(scalar(grep { !/^-----BEGIN PGP MESSAGE-----/m } @mails), 0, 'none of them readable');
};

# What the second Postfix says to mail for an address alone, at DATA.
sub busy {
    my ($to, $answer) = @_;
    spew("$postfix->{dir}/etc/main.cf", slurp("$postfix->{dir}/etc/main.cf") =~ s/^smtpd_data_restrictions.*\n//mr
            . ($answer ? "smtpd_data_restrictions = check_recipient_access inline:{{$to = $answer}}\n" : ''));
    $postfix->command('postfix', 'reload');
    ok(poll(sub {
        my $c = FilterdTest::Client->new(smtp => $t->back);
        $c->say("$_:<$to>") for 'MAIL FROM', 'RCPT TO';
        my $go = $c->say('DATA');
        return $answer ? $go =~ /^451/ : $go =~ /^354/;
    }), 'the second Postfix says ' . ($answer || 'nothing against it'));
    ok(poll(sub {
        my $log = $postfix->log_text;
        my ($in, $out) = map { scalar(() = $log =~ m{reinject/smtpd\[\d+\]: $_ from}g) } qw(connect disconnect);
        return $in == $out;
    }), 'and no connection is left where it said something else');
}

subtest 'the second Postfix takes a message for two of three, and later for the third' => sub {
    my %before = map { $_ => scalar(() = $dovecot->mails($_)) } @everyone;
    my $message = mail_like();
    busy($everyone[1], '451 4.2.1 Busy');
    my $client = $postfix->client;
    like($client->deliver($message, 'alice@example.net', @everyone), qr/^451 4\.3\.0 /, 'later');
    $client->quit;
    $dovecot->wait_mails($before{$_} + 1, $_) for @everyone[0, 2];
    busy($everyone[1], '');
    like($postfix->send($message, 'alice@example.net', @everyone), qr/^250 /, 'the retry is taken');
    $dovecot->wait_mails($before{ $everyone[1] } + 1, $everyone[1]);
    ok($postfix->drained, 'all is delivered');
    is(scalar(() = $dovecot->mails($_)), $before{$_} + 1, "one copy for $_") for @everyone;
    is_sealed_for(($dovecot->mails($_->{address}))[-1], $message, $_) for $rsa, $curve;
};

# From here on a next hop that does as it is told stands behind.
my $sink = FilterdTest::Sink->start($t, 'smtp', 'sink');
$filterd->settings('listener smtp.next_hop' => 'smtp:inet:127.0.0.1:' . $t->port('sink'));
$filterd->down;
$filterd->up;

sub replies_at_rcpt {
    my ($client, @to) = @_;
    like($client->say('MAIL FROM:<alice@example.net>'), qr/^250 /, 'MAIL');
    return map { $client->say("RCPT TO:<$_>") } @to;
}

for my $answer ('452 4.2.2 Mailbox full', '550 5.1.1 Nobody of that name') {
    subtest "the next hop says $answer" => sub {
        my @before = map { scalar $sink->taken($_) } @everyone;
        $sink->rules("rcpt $everyone[1]" => $answer);
        my $client = $postfix->client;
        my @replies = replies_at_rcpt($client, @everyone);
        like($replies[$_], qr/^250 /, 'one is taken') for 0, 2;
        like($replies[1], qr/^\Q$answer\E/, 'the client hears it for that one');
        like(($client->data(mail_like(), 1))[0], qr/^250 /, 'the message is taken');
        is_deeply([map { scalar $sink->taken($_) } @everyone], [$before[0] + 1, $before[1], $before[2] + 1],
            'one copy for each of the others');
    };
}
my @said = $sink->said;
is(scalar(grep { /^MAIL/ } @said), 6, 'for each message all are asked behind one MAIL, then each copy has its own');
is(scalar(grep { /^XFORWARD NAME=.* ADDR=127\.0\.0\.1/ } @said), 6, 'behind what is known of the client');
is(scalar(grep { /^EHLO/ } @said), 2, 'over one connection');

subtest 'one recipient, named twice' => sub {
    $sink->rules;
    my $before = @said;
    my $copies = $sink->taken($everyone[0]);
    like($postfix->send(mail_like(), 'alice@example.net', ($everyone[0]) x 2), qr/^250 /, 'taken');
    is(scalar $sink->taken($everyone[0]), $copies + 1, 'gets one copy');
    @said = $sink->said;
    is(scalar(grep { /^(?:MAIL|RCPT|RSET|DATA)/ } @said[$before .. $#said]), 3, 'is asked about and served in one transaction');
};

subtest 'the next hop is down' => sub {
    $sink->rules;
    ok($sink->alone, 'nobody is connected');
    $sink->down;
    my $client = $postfix->client;
    like((replies_at_rcpt($client, $everyone[0]))[0], qr/^451 4\.4\.1 /, 'the client hears it at RCPT');
    $sink->up;
    $client->say('RSET');
    like($client->deliver(mail_like(), 'alice@example.net', $everyone[0]), qr/^250 /, 'and when it is up again, nothing of it');
};

subtest 'the next hop goes away between RCPT and the message, and is there again' => sub {
    my $before = $sink->taken($everyone[0]);
    my $client = $postfix->client;
    replies_at_rcpt($client, $everyone[0]);
    $client->say('DATA');
    $sink->down;
    $sink->up;
    $client->put(FilterdTest::Client::dot_stuffed(mail_like()) . ".\r\n");
    like($client->reply, qr/^250 /, 'taken');
    is(scalar $sink->taken($everyone[0]), $before + 1, 'one copy');
};

subtest 'a key ends between RCPT and the message' => sub {
    my @before = map { scalar $sink->taken($_) } @everyone;
    my $client = $postfix->client;
    replies_at_rcpt($client, @everyone);
    $client->say('DATA');
    $curve->revoke;
    $filterd->import_key($curve);
    $client->put(FilterdTest::Client::dot_stuffed(mail_like()) . ".\r\n");
    like($client->reply, qr/^450 4\.7\.5 /, 'the whole message has to wait');
    is_deeply([map { scalar $sink->taken($_) } @everyone], \@before, 'nobody has a copy');
    $client->say('RSET');
    my @replies = replies_at_rcpt($client, @everyone);
    like($replies[1], qr/^450 4\.7\.5 /, 'the next time it is told at RCPT');
    like(($client->data(mail_like(), 1))[0], qr/^250 /, 'and the others are served');
};

subtest 'a next hop without PIPELINING' => sub {
    my $plain = FilterdTest::Sink->start($t, 'smtp', 'plain', plain => 1);
    $filterd->settings('listener smtp.next_hop' => 'smtp:inet:127.0.0.1:' . $t->port('plain'));
    $filterd->down;
    $filterd->up;
    $plain->rules("data $everyone[0]" => '552 5.2.2 Full', "rcpt $everyone[1]" => '550 5.1.1 Gone');
    my $client = $postfix->client;
    like((replies_at_rcpt($client, @everyone[0, 2]))[1], qr/^250 /, 'two are taken');
    like(($client->data(mail_like(), 1))[0], qr/^451 4\.3\.0 /, 'then one is full');
    is(scalar $plain->taken($everyone[2]), 1, 'the other has it');
};

# Postfix itself answers what it does not like; here the client is alone with filterd.
subtest 'the protocol' => sub {
    my $client = FilterdTest::Client->new(smtp => $t->front('smtp'));
    unlike($client->{hello}, qr/CHUNKING|BINARYMIME/, 'no BDAT is offered');
    like($client->say('BDAT 5 LAST'), qr/^500 5\.5\.2 /, 'nor known');
    like($client->say('MAIL FROM:<a@example.net> SIZE=1'), qr/^250 /, 'a SIZE that is wrong');
    like($client->say("RCPT TO:<$everyone[2]>"), qr/^250 /, 'RCPT');
    like($client->say('DATA'), qr/^354 /, 'DATA');
    my $message = mail_like();
    $client->put(FilterdTest::Client::dot_stuffed($message)
            . ".\r\nMAIL FROM:<>\r\nRCPT TO:<$everyone[2]>\r\nDATA\r\n");
    like($client->reply, qr/^250 /, 'does no harm');
    like($client->reply, qr/^$_ /, "what came with the dot is answered: $_") for 250, 250, 354;
    $client->put("Subject: x\r\n\r\nhalf");
    close $client->{socket};
    $client = FilterdTest::Client->new(smtp => $t->front('smtp'));
    like($client->say('NOOP ' . 'x' x 20000), qr/^500 5\.5\.2 /, 'a line that is too long');
    like($client->say('MAIL FROM:<a@example.net> SIZE=99999999999999999999999'), qr/^552 5\.3\.4 /, 'a SIZE beyond all numbers');
    like($client->say('NOOP'), qr/^250 /, 'the session goes on');
    my $all = join '', slurp("$t->{dir}/plain.box.said"), map { slurp($_) } glob "$t->{dir}/plain.box/*";
    unlike($all, qr/^half/m, 'half a message goes nowhere');
};

done_testing;
