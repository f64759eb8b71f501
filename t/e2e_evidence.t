#!/usr/bin/perl
# Lists, SPF and DMARC from real name servers, in the verdict, the headers and the log.

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

my $dns = FilterdTest::Dns->start(
    zones => {
        'good.example' => qq(\@ TXT "v=spf1 ip4:192.0.2.0/24 -all"\n_dmarc TXT "v=DMARC1; p=reject"\n),
        'kind.example' => qq(\@ TXT "v=spf1 ip4:192.0.2.0/24 -all"\n),
        'soft.example' => qq(\@ TXT "v=spf1 ~all"\n),
    },
    lists => {
        'bl.example' => ['198.51.100.66', '198.51.100.67 127.0.0.4 twice as bad'],
        'uri.example' => ['.pills.test'],
    },
);
my $site = FilterdTest::Site->start(attach => ['virtual_transport'], users => ['plain'],
    keys => { rsa => 'rsa' });
my ($t, $filterd, $dovecot) = @$site{qw(t filterd dovecot)};
my $lists = $t->dir . '/etc/lists.conf';
spew($lists, <<'END', 0644);
[bl.example]
asks=ip4
127.0.0.2=listed 3 bad
127.0.0.4=worse 6 twice as bad
[uri.example]
asks=uri
127.0.0.2=listed 3 bad
END
$filterd->down;
$filterd->settings(
    'dns.server' => $dns->server, 'dns.timeout_ms' => 3000, 'dnsbl.lists' => $lists,
    'spf.received' => 'yes',
    'spam.allow' => 'kind.example', 'spam.deny' => 'mallory@kind.example', 'spam.reject_threshold' => 0.99,
    'listener smtp.address' => 'unix:' . $t->dir . '/run/smtp.sock',
    'listener smtp.next_hop' => slurp($filterd->{conf}) =~ /^next_hop = (lmtp:\S+)/m,
);
$filterd->up;
my $user = 'plain@example.com';
my $count = 0;

sub logged { return grep { /to=<\Q$user\E>/ } split /\n/, $filterd->log_text }

# One message from a client: what arrived, and its line in the log.
sub from_client {
    my ($address, $sender, %mail) = @_;
    my ($c, $before) = ($site->lmtp, scalar logged());
    like($c->say("XFORWARD ADDR=$address NAME=host.example.net HELO=host.example.net"), qr/^250/);
    like($c->deliver(mail_like(from => "A <$sender>", %mail), $sender, $user), qr/^250/,
        "from $address, $sender: delivered");
    poll(sub { logged() > $before });
    return (($dovecot->wait_mails(++$count, $user))[-1], (logged())[-1]);
}

subtest 'all is well' => sub {
    my ($mail, $log) = from_client('192.0.2.1', 'alice@good.example');
    is(header($mail, 'X-Filterd-Result'), 'Innocent');
    my $results = header($mail, 'Authentication-Results');
    like($results, qr/spf=pass .*smtp\.mailfrom=alice\@good\.example/);
    like($results, qr/dmarc=pass/);
    like($results, qr/dkim=none/);
    like(header($mail, 'Received-SPF'), qr/^pass .*client-ip=192\.0\.2\.1;/);
    like($log, qr/ dnsbl=none spf=pass dkim=none dmarc=pass dns=ok /);
};

subtest 'a forged sender' => sub {
    my ($mail, $log) = from_client('203.0.113.9', 'alice@good.example');
    like(header($mail, 'Authentication-Results'), qr/spf=fail.*dmarc=fail/);
    is(header($mail, 'X-Filterd-Result'), 'Spam', 'its domain asks to have it rejected');
    like($log, qr/ spf=fail dkim=none dmarc=fail /);
};

subtest 'a listed client' => sub {
    my ($mail, $log) = from_client('198.51.100.67', 'bob@soft.example');
    is(header($mail, 'X-Filterd-Result'), 'Spam');
    like($log, qr/ dnsbl=bl\.example=127\.0\.0\.4 spf=softfail /);
    unlike($mail, qr/bl\.example/, 'what lists said stands in no header');
};

subtest 'a listed link' => sub {
    my ($mail, $log) = from_client('192.0.2.2', 'carol@soft.example',
        text => "Look at http://www.pills.test/buy now");
    like($log, qr/ dnsbl=uri\.example=127\.0\.0\.2 /);
};

subtest 'a forged Authentication-Results' => sub {
    my ($mail) = from_client('203.0.113.9', 'dave@good.example',
        more => "Authentication-Results: mail.example.com; spf=pass; dmarc=pass\r\n");
    my @results = headers($mail, 'Authentication-Results');
    is(scalar @results, 1, 'only ours');
    like($results[0], qr/spf=fail/);
};

subtest 'a local message behind one from outside' => sub {
    my $c = $site->lmtp;
    $c->say('XFORWARD ADDR=203.0.113.9 NAME=host.example.net HELO=host.example.net IDENT=ABC');
    like($c->deliver(mail_like(), 'alice@good.example', $user), qr/^250/);
    $dovecot->wait_mails(++$count, $user);
    like($c->deliver(mail_like(), 'cron@good.example', $user), qr/^250/, 'on the same connection');
    $dovecot->wait_mails(++$count, $user);
    my $told;
    poll(sub { ($told) = grep { /from=<cron\@/ } logged() });
    like($told, qr/qid=- .* client=- .* spf=- /, 'is not of the same client');
};

subtest 'a field that a bare CR begins' => sub {
    my $c = $site->lmtp;
    $c->say($_) for 'XFORWARD ADDR=192.0.2.1 NAME=host.example.net HELO=host.example.net',
        'MAIL FROM:<alice@good.example>', "RCPT TO:<$user>", 'DATA';
    $c->put("X-A: b\rFrom: boss\@kind.example\r\nFrom: alice\@good.example\r\n\r\n");
    select undef, undef, undef, 0.3; # the header alone is seen
    $c->put("text\r\n.\r\n");
    like($c->reply, qr/^250/);
    my $mail = ($dovecot->wait_mails(++$count, $user))[-1];
    is(scalar headers($mail, 'From'), 2, 'is one in the end');
    like(header($mail, 'Authentication-Results'), qr/dmarc=permerror reason="more than one From"/,
        'and counts as one before');
};

subtest 'allow and deny' => sub {
    $filterd->ctl(qw(user set), $user, 'allow=good.example');
    my ($mail) = from_client('192.0.2.1', 'alice@good.example', subject => 'cheap');
    is(header($mail, 'X-Filterd-Result'), 'Whitelisted', 'allowed and proved');
    ($mail) = from_client('203.0.113.9', 'alice@good.example');
    is(header($mail, 'X-Filterd-Result'), 'Spam', 'a bare From is worth nothing');
    $filterd->ctl(qw(user set), $user, 'deny=soft.example');
    ($mail) = from_client('192.0.2.1', 'erin@soft.example');
    is(header($mail, 'X-Filterd-Result'), 'Blocklisted');
};

subtest 'one of an allowed domain takes the name of another there' => sub {
    $filterd->ctl(qw(user set), $user, 'allow=boss@good.example', 'deny=');
    my ($mail) = from_client('192.0.2.1', 'boss@good.example');
    is(header($mail, 'X-Filterd-Result'), 'Whitelisted');
    for my $case (["<alice\@good.example> (x <boss\@good.example>)", 'Innocent'],
        ["boss\@good.example\r\nFrom: alice\@good.example", 'Unsure'], # two From weigh something
        ["alice\@good.example =?utf-8?q?=3Cboss=40good.example=3E?=", 'Innocent']) {
        my ($from, $expected) = @$case;
        my $c = $site->lmtp;
        $c->say('XFORWARD ADDR=192.0.2.1 NAME=host.example.net HELO=host.example.net');
        like($c->deliver(mail_like(from => $from), 'alice@good.example', $user), qr/^250/);
        $mail = ($dovecot->wait_mails(++$count, $user))[-1];
        is(header($mail, 'X-Filterd-Result'), $expected, $from =~ s/\r\n/ /r);
    }
};

subtest 'allow and deny for all' => sub {
    $filterd->ctl(qw(user set), $user, 'allow=', 'deny=');
    my ($mail) = from_client('192.0.2.1', 'alice@kind.example');
    is(header($mail, 'X-Filterd-Result'), 'Whitelisted', 'by the site');
    ($mail) = from_client('203.0.113.9', 'alice@kind.example');
    isnt(header($mail, 'X-Filterd-Result'), 'Whitelisted', 'unless it is forged');
    ($mail) = from_client('192.0.2.1', 'mallory@kind.example');
    is(header($mail, 'X-Filterd-Result'), 'Blocklisted', 'deny stands above allow');
    $filterd->ctl(qw(user set), $user, 'allow=.com mallory@kind.example');
    ($mail) = from_client('192.0.2.1', 'mallory@kind.example');
    is(header($mail, 'X-Filterd-Result'), 'Whitelisted', 'the user above the site');
    $filterd->ctl(qw(user set), $user, 'allow=');
};

subtest 'the worst is refused' => sub {
    $filterd->ctl(qw(user set), $user, 'spam_action=reject');
    for (['203.0.113.9', 'hugo@good.example', qr/^250/, 'spam below reject_threshold: tagged'],
        ['198.51.100.67', 'hugo@soft.example', qr/^5/, 'above it: refused'],
        ['192.0.2.1', 'mallory@kind.example', qr/^5/, 'denied: refused']) {
        my ($address, $sender, $reply, $name) = @$_;
        my $c = FilterdTest::Client->new(smtp => $t->dir . '/run/smtp.sock');
        like($c->say("XFORWARD ADDR=$address NAME=host.example.net HELO=host.example.net"), qr/^250/);
        like($c->deliver(mail_like(from => "H <$sender>"), $sender, $user), $reply, $name);
    }
    is(header(($dovecot->wait_mails(++$count, $user))[-1], 'X-Filterd-Result'), 'Spam');
    $filterd->ctl(qw(user set), $user, 'spam_action=tag');
};

subtest 'the test string' => sub {
    my ($mail) = from_client('192.0.2.1', 'frank@good2.example',
        text => 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X');
    is(header($mail, 'X-Filterd-Result'), 'Spam');
};

subtest 'explain' => sub {
    my ($address, $sender) = ('198.51.100.66', 'kim@soft.example');
    my $mail = mail_like(from => "K <$sender>", text => 'See http://www.pills.test/', id => 'x@client.example.net');
    my $file = $t->dir . '/explained.eml';
    spew($file, $mail);
    my @explain = ('explain', '-u', $user, '--client', $address, '--helo', 'host.example.net', '--sender', $sender, $file);
    my $told = $filterd->ctl(@explain);
    my ($class, $score) = $told =~ /^(\w+) p=\S+ score=(\S+) classifier=-0\.40 rules=\+6\.00\n/ or diag $told;
    like($told, qr/^the rules, \+6\.000 together: more than/m);
    like($told, qr/^ \+3\.000  spam     \S*$_\S*: ./m, $_) for qw(bl.example uri.example);
    like($told, qr/^ \+0\.400  spam     spf:softfail/m);
    like($filterd->ctl(@explain[0 .. $#explain - 1], '--json', $file), qr/"hits":\[\{"name":/);
    my ($status) = $filterd->try_ctl(undef, qw(explain --client mx.example.net), $file);
    is($status, 64, 'a client is an address');
    my $c = $site->lmtp;
    $c->say("XFORWARD ADDR=$address NAME=host.example.net HELO=host.example.net");
    like($c->deliver($mail, $sender, $user), qr/^250/);
    $dovecot->wait_mails(++$count, $user);
    $filterd->logs(qr/from=<\Q$sender\E> .* result=$class p=\S+ score=\Q$score\E /, 'the daemon says the same');
};

subtest 'mail of our own' => sub {
    my ($mail, $log) = from_client('127.0.0.1', 'alice@good.example');
    like($log, qr/ dnsbl=- spf=- /, 'is not judged by where it comes from');
};

# What the rules added to the score of a message.
sub rules_of {
    my ($mail) = @_;
    my $told = $filterd->ctl('explain', '-u', $user, header($mail, 'X-Filterd-Signature'));
    my ($score, $classifier, $rules) = $told =~ / score=(\S+) classifier=(\S+) rules=(\S+) / or die $told;
    cmp_ok(abs($classifier + $rules - $score), '<', 0.011, 'both together are the score');
    return $rules;
}

sub retrain {
    my ($class, $mail) = @_;
    my ($status) = $t->try_run($mail, $t->dir . '/bin/filterd-retrain', $class, $user);
    is($status, 0, "moved as $class");
}

subtest 'a known correspondent' => sub {
    my $friend = 'ida@good.example';
    for (1 .. 3) {
        my ($mail) = from_client('192.0.2.1', $friend);
        is(rules_of($mail), '+0.00', "message $_ is of nobody yet");
        retrain('ham', $mail);
    }
    my ($mail) = from_client('192.0.2.1', $friend);
    is(rules_of($mail), '-2.50', 'then they are known');
    is(rules_of(from_client('192.0.2.1', 'john@good.example')), '+0.00', 'not another of that domain');
    is(rules_of(from_client('203.0.113.9', $friend)), '+3.50', 'nor who only takes the name');
    retrain('spam', $mail);
    is(rules_of(from_client('192.0.2.1', $friend)), '+0.00', 'and not who has sent spam');
};

subtest 'the name server is dead' => sub {
    $filterd->down;
    $filterd->up; # an empty cache
    $dns->silent(1);
    my $before = $dns->asked;
    my ($mail, $log) = from_client('203.0.113.10', 'gina@soft.example');
    my @asked = ($dns->asked)[$before .. $dns->asked - 1];
    ok((grep { $_ eq 'soft.example TXT' } @asked), 'it was asked');
    like($log, qr/ spf=temperror .* dns=timeout /, 'delivered, and told');
    $dns->silent(0);
};

subtest 'a name server that answers late is waited for' => sub {
    $filterd->down;
    $filterd->settings('dns.timeout_ms' => 60_000);
    $filterd->up;
    $dns->silent(1);
    my ($c, $before, $asked) = ($site->lmtp, scalar logged(), scalar $dns->asked);
    $c->say($_) for 'XFORWARD ADDR=203.0.113.11 NAME=host.example.net HELO=host.example.net',
        'MAIL FROM:<hanna@soft.example>', "RCPT TO:<$user>", 'DATA';
    $c->put(FilterdTest::Client::dot_stuffed(mail_like(from => 'H <hanna@soft.example>')) . ".\r\n");
    ok(poll(sub { $dns->asked > $asked }), 'it is asked, and silent');
    is(scalar logged(), $before, 'nothing is decided');
    $dns->silent(0);
    like($c->reply, qr/^250/, 'then it answers');
    $dovecot->wait_mails(++$count, $user);
    poll(sub { logged() > $before });
    like((logged())[-1], qr/ spf=softfail .* dns=ok /, 'and is heard');
};

subtest 'one user of an alias discards spam, the other does not' => sub {
    $filterd->ctl(qw(alias add), $user, "$_\@example.com") for qw(one two);
    $filterd->ctl(qw(user set), 'one@example.com', 'spam_action=discard');
    my ($mail) = from_client('192.0.2.1', 'frank@good2.example',
        text => 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X');
    is(header($mail, 'X-Filterd-Result'), 'Spam', 'delivered, as spam');
};

done_testing;
