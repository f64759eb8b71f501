#!/usr/bin/perl
# Both attachments together: mail by SMTP passes filterd before the queue, all mail passes it between
# Postfix and Dovecot's LMTP. The second leg knows what the first has judged and sealed by X-Filterd-Proof.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::Sink;
use FilterdTest::Site;
use Test::More;

my $site = FilterdTest::Site->start(
    attach => [qw(smtpd_proxy_filter reinject virtual_transport)],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => [qw(plain late jail strict)],
    sieve => 1,
    set => { 'spam.subject_tag' => '[SPAM] ', 'spf.received' => 'yes', 'spam.quarantine' => 'jail@example.com' },
    main => "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n"
        . "virtual_alias_maps = inline:{ {team\@example.com = rsa\@example.com, curve\@example.com} {hidden\@example.com = rsa\@example.com, plain\@example.com} }\n"
        . "smtpd_authorized_xclient_hosts = 127.0.0.0/8\n",
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my ($rsa, $curve) = @{ $site->{keys} }{qw(rsa curve)};
my ($r, $c, $plain, $late) = map { "$_\@example.com" } qw(rsa curve plain late);
my @ours = qw(Result Probability Confidence Signature Encrypted);

# filterd's log lines for a recipient.
sub lines { return grep { /qid=.* to=<\Q$_[0]\E>/ } split /\n/, $filterd->log_text }

# What check says of Postfix as it runs here.
sub check {
    my (undef, $out) = $filterd->try_ctl(undef, 'check', '--postfix', "$postfix->{dir}/etc");
    return join '', grep { /\tpostfix\t/ } split /(?<=\n)/, $out;
}

# One set of our fields, and none of what is ours alone.
sub is_one_set {
    my ($mail, $encrypted, $name, $spf) = (@_, 0);
    subtest "$name: one set of our fields" => sub {
        is(scalar headers($mail, "X-Filterd-$_"), 1, $_) for @ours;
        is(header($mail, 'X-Filterd-Encrypted'), $encrypted, "encrypted: $encrypted");
        is(scalar headers($mail, 'X-Filterd-Proof'), 0, 'no proof');
        is(scalar headers($mail, 'Authentication-Results'), 1, 'one Authentication-Results');
        is(scalar headers($mail, 'Received-SPF'), $spf, 'Received-SPF');
    };
}

subtest 'by SMTP, in both legs' => sub {
    my $sent = mail_like(subject => 'Gr=?utf-8?Q?=C3=BC?=sse');
    my $client = $postfix->client;
    $client->say('XCLIENT ADDR=203.0.113.9 NAME=host.example.net HELO=host.example.net');
    $client->say('EHLO host.example.net');
    like($client->deliver($sent, 'alice@example.net', $r, $c, $plain), qr/^250/, 'taken');
    $client->quit;
    my ($for_r, $for_c, $for_plain) = map { ($dovecot->wait_mails(1, $_))[0] } $r, $c, $plain;
    is_sealed_for($for_r, $sent, $rsa, $curve);
    is_sealed_for($for_c, $sent, $curve, $rsa);
    is_one_set($for_r, 'yes', 'with a key', 1);
    is_one_set($for_plain, 'no', 'without', 1);
    ok(content_of($for_plain) eq content_of($sent), 'without a key: as it was sent');
    isnt(header($for_r, 'X-Filterd-Signature'), header($for_c, 'X-Filterd-Signature'), 'a signature for each');
    for ([$r, 'yes', 'already'], [$c, 'yes', 'already'], [$plain, 'no', 'no']) {
        my ($user, $first, $second) = @$_;
        my @lines = poll(sub { lines($user) >= 2 }) && lines($user);
        is(scalar @lines, 2, "two legs for $user");
        like($lines[0], qr/client=203\.0\.113\.9 .* result=(?:Innocent|Unsure) .* spf=\w+ .* sealed=$first /, 'judged in the first');
        like($lines[1], qr/client=203\.0\.113\.9 .* result=kept dns=- .* sealed=$second .* dsn=2/, 'kept in the second');
    }
};

my $gtube = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X';

subtest 'spam' => sub {
    my $sent = mail_like(subject => 'Offer', text => $gtube);
    $postfix->send($sent, 'alice@example.net', $r);
    my ($spam) = grep { header($_, 'Subject') =~ /Offer/ } $dovecot->wait_mails(1, $r, 'Junk');
    is_sealed_for($spam, $sent, $rsa);
    is_one_set($spam, 'yes', 'spam');
    is(header($spam, 'X-Filterd-Result'), 'Spam', 'is still spam behind, where only ciphertext is left');
    is(header($spam, 'X-Spam-Flag'), 'YES', 'flagged');
    is(join('|', headers($spam, 'Subject')), '[SPAM] Offer', 'tagged once');
};

subtest 'spam that is moved away, and refused' => sub {
    $filterd->ctl(qw(user set strict@example.com spam_action=quarantine));
    my $sent = mail_like(subject => 'Another offer', text => $gtube);
    $postfix->send($sent, 'alice@example.net', 'strict@example.com');
    my ($spam) = $dovecot->wait_mails(1, 'jail@example.com', 'Junk');
    is_one_set($spam, 'no', 'in quarantine');
    is(header($spam, 'X-Filterd-Result'), 'Spam', 'as spam');
    like(poll(sub { (lines('jail@example.com'))[0] }), qr/result=kept/, 'not judged for the quarantine');
    $filterd->ctl(qw(user set strict@example.com spam_action=reject));
    my $client = $postfix->client;
    like($client->deliver($sent, 'alice@example.net', 'strict@example.com'), qr/^550 /, 'refused while the client waits');
    is(scalar(() = $dovecot->mails('strict@example.com')), 0, 'the recipient has neither');
};

subtest 'an alias that Postfix expands between the legs' => sub {
    like(check(), qr/^warning\t\S+\t1 aliases lead .*\(team\@example\.com\)/m, 'check knows what is missing');
    is($filterd->ctl(qw(alias import --postfix -C), "$postfix->{dir}/etc"),
        "skipped\thidden\@example.com\tonly some of $plain $r have a key: no copy can serve all of them\n"
            . "imported\tteam\@example.com\t$c $r\n", 'imported');
    is(check(), "ok\tpostfix\ttwo legs: before the queue, and before the mailbox\n", 'then all fits');
    my $sent = mail_like(subject => 'For all of us');
    $postfix->send($sent, 'alice@example.net', 'team@example.com');
    my @for = map { (grep { header($_, 'Subject') eq 'For all of us' } $dovecot->wait_mails($_->[1], $_->[0]))[0] }
        [$r, 2], [$c, 2];
    for my $mail (@for) {
        is_sealed_for($mail, $sent, $rsa);
        is_sealed_for($mail, $sent, $curve);
        is_one_set($mail, 'yes', 'alias');
    }
    is(header($for[0], 'X-Filterd-Signature'), header($for[1], 'X-Filterd-Signature'), 'one signature');
};

my $sink = FilterdTest::Sink->start($t, smtp => 'proofs');

subtest 'an alias that only Postfix knows' => sub {
    my $sent = mail_like(subject => 'Through a hidden one');
    my @before = map { scalar(() = $dovecot->mails($_)) } $r, $plain;
    $postfix->send($sent, 'alice@example.net', 'hidden@example.com');
    my ($sealed) = grep { header($_, 'Subject') =~ /hidden/ } $dovecot->wait_mails($before[0] + 1, $r);
    my ($open) = grep { header($_, 'Subject') =~ /hidden/ } $dovecot->wait_mails($before[1] + 1, $plain);
    is_sealed_for($sealed, $sent, $rsa, $curve);
    is_one_set($sealed, 'yes', 'sealed behind');
    is_one_set($open, 'no', 'the other');
    my $why = qr/to=<\Q$r\E> judged anew, X-Filterd-Proof does not hold: it was made for others\n.*qid=\S+ [^\n]*to=<\Q$r\E> [^\n]*result=[IU]\w+ [^\n]*sealed=yes /s;
    ok(poll(sub { $filterd->log_text =~ $why }), 'judged there, and said why');
};

subtest 'a bounce that Postfix writes' => sub {
    $sink->rules('rcpt someone@elsewhere.example' => '550 5.1.1 No such user');
    $postfix->command('postconf', '-e', 'default_transport = smtp:[127.0.0.1]:' . $t->port('proofs'));
    $postfix->reload;
    my $sent = mail_like(subject => 'To nowhere');
    my $before = () = $dovecot->mails($r);
    $postfix->send($sent, $r, 'someone@elsewhere.example');
    my @mails = $dovecot->wait_mails($before + 1, $r);
    my ($bounce) = grep { header($_, 'Subject') =~ /Undelivered/ } @mails;
    ok($bounce, 'it arrives');
    is(header($bounce, 'X-Filterd-Encrypted'), 'yes', 'sealed');
    is(header($bounce, 'X-Filterd-Result'), 'Innocent', 'and judged: nothing speaks against it');
    unlike($bounce, qr/${\ canary()}|To nowhere/, 'nothing of it in plaintext');
    like($rsa->open_sealed($bounce) // '', qr/${\ canary()}/, 'its key opens it');
    like(poll(sub { (grep { / from=<> / } lines($r))[0] }), qr/ client=- .* spf=- .* sealed=yes /, 'in one leg, without a client');
};

subtest 'by local sendmail' => sub {
    my $sent = mail_like(subject => 'From cron', from => 'root@example.com');
    my $before = () = $dovecot->mails($r);
    my ($status, $out, $err) = $postfix->sendmail($sent, 'root@example.com', $r, $plain);
    is($status, 0, 'taken') or diag $out, $err;
    my @mails = $dovecot->wait_mails($before + 1, $r);
    my ($mail) = grep { header($_, 'Subject') eq 'From cron' } @mails;
    is_sealed_for($mail, $sent, $rsa, $curve);
    is(header($mail, 'X-Filterd-Result'), 'Innocent', 'judged by its words');
    is(scalar headers($mail, "X-Filterd-$_"), 1, $_) for @ours;
    my $line = poll(sub { (grep { /from=<root\@example\.com>/ } lines($r))[0] });
    like($line, qr/ spf=- .* sealed=yes /, 'not by where it comes from');
    my ($open) = grep { header($_, 'Subject') eq 'From cron' } $dovecot->wait_mails(3, $plain);
    ok(content_of($open) eq content_of($sent), 'without a key: as it was sent');
};

subtest 'letters beyond ASCII' => sub {
    my $sent = mail_like(subject => "Gr\xc3\xbc\xc3\x9fe");
    my $client = $postfix->client;
    $client->say('MAIL FROM:<alice@example.net> BODY=8BITMIME SMTPUTF8');
    $client->say("RCPT TO:<$_>") for $c, $plain;
    like(($client->data($sent))[0], qr/^250/, 'taken');
    my ($sealed) = grep { header($_, 'Subject') =~ /Gr\xc3/ } $dovecot->wait_mails(3, $c);
    my ($open) = grep { header($_, 'Subject') =~ /Gr\xc3/ } $dovecot->wait_mails(4, $plain);
    is_sealed_for($sealed, $sent, $curve);
    is_one_set($sealed, 'yes', 'sealed');
    ok(content_of($open) eq content_of($sent), 'without a key: as it was sent');
    is_one_set($open, 'no', 'open');
};

ok($postfix->drained, 'nothing is left in the queue');

# ---- proofs, by hand ----

$filterd->settings('listener front.protocol' => 'smtp',
    'listener front.address' => 'inet:127.0.0.1:' . $t->port('front'),
    'listener front.next_hop' => 'smtp:inet:127.0.0.1:' . $t->port('proofs'));
$filterd->down;
$filterd->up;

# What a first leg makes of a message: with the proof on top.
sub first_leg {
    my ($sent, @to) = @_;
    my $client = FilterdTest::Client->new(smtp => $t->port('front'));
    like($client->deliver($sent, 'alice@example.net', @to), qr/^250/, 'a first leg takes it');
    my @mails = map { ($sink->taken($_))[-1] } @to;
    is(scalar headers($_, 'X-Filterd-Proof'), 1, 'with a proof') for @mails;
    return @mails;
}

# And the second: the message in the mailbox, and its log line.
sub second_leg {
    my ($mail, $to) = @_;
    my $count = () = ($dovecot->mails($to), $dovecot->mails($to, 'Junk'));
    my $lines = sub { grep { /reply="250 </ } lines($to) }; # Dovecot's; the first leg's may still come
    my $seen = () = $lines->();
    my $lmtp = $site->lmtp;
    like($lmtp->deliver($mail, 'alice@example.net', $to), qr/^250/, 'the second leg takes it');
    $lmtp->quit;
    my @all = sort { $a cmp $b } $dovecot->mails($to), $dovecot->mails($to, 'Junk');
    is(scalar @all, $count + 1, 'and delivers it');
    my ($id) = header($mail, 'Message-ID');
    my ($found) = grep { header($_, 'Message-ID') eq $id } @all;
    is(scalar headers($found, 'X-Filterd-Proof'), 0, 'no proof in the mailbox');
    is(scalar headers($found, 'X-Filterd-Result'), 1, 'one result');
    return ($found, poll(sub { ($lines->())[$seen] }));
}

my $n = 0;
sub letter { return mail_like(id => 'letter' . ++$n . '@client.example.net', @_) }

subtest 'a proof holds for what it was made of' => sub {
    my ($mail) = first_leg(letter(), $r);
    my $before = header($mail, 'X-Filterd-Signature');
    my ($got, $line) = second_leg("Received: by mail.example.com;\r\n\tMon, 1 Jan 2024 00:00:00 +0000\r\n$mail", $r);
    like($line, qr/result=kept .*sealed=already/, 'below a Received');
    is(header($got, 'X-Filterd-Signature'), $before, 'its lines stay');
};

# t/unit/handoff_test.c has many more.
my %forged = (
    'another result' => sub { s/^(X-Filterd-Result:).*?\r/$1 Whitelisted\r/m },
    'one author more' => sub { $_ = "From: Boss <boss\@example.com>\r\n$_" },
    'a guessed MAC' => sub { s/^(X-Filterd-Proof:.*?\sm=\w+\s+)\w{24}\s/$1 . '0' x 24 . "\r"/mse },
);
for my $name (sort keys %forged) {
    subtest "a proof with $name does not hold" => sub {
        my ($mail) = first_leg(letter(), $plain);
        my $id = header($mail, 'X-Filterd-Signature');
        $forged{$name}->() for $mail;
        my ($got, $line) = second_leg($mail, $plain);
        like($line, qr/result=(?:Innocent|Unsure) /, 'judged anew');
        isnt(header($got, 'X-Filterd-Signature'), $id, 'with lines of its own');
    };
}

subtest 'a proof is one user\'s' => sub {
    my ($mail) = first_leg(letter(), $plain);
    my ($got, $line) = second_leg($mail, $r);
    like($line, qr/result=(?:Innocent|Unsure) .* sealed=yes /, 'another gets it judged and sealed');
    unlike($got, qr/${\ canary()}/, 'with nothing in plaintext');
    ($mail) = first_leg(letter(), 'team@example.com');
    like((second_leg($mail, $_))[1], qr/result=kept/, "that of an alias is $_\'s") for $r, $c;
    my ($macs) = header($mail, 'X-Filterd-Proof') =~ / m=\w+(.*)/s;
    is(scalar(() = $macs =~ /\w+/g), 2, 'two MACs');
};

subtest 'a key that came between the legs' => sub {
    my $sent = letter();
    my ($mail) = first_leg($sent, $late);
    like($mail, qr/${\ canary()}/, 'in plaintext as yet');
    my $key = $site->add_key('late', 'curve');
    my ($got, $line) = second_leg($mail, $late);
    like($line, qr/result=kept .* sealed=yes /, 'kept and sealed');
    is_sealed_for($got, $sent, $key, $rsa);
    is_one_set($got, 'yes', 'kept');
    is(header($got, 'X-Filterd-Signature'), header($mail, 'X-Filterd-Signature'), 'by the first leg\'s signature');
};

# filterd's lines that say why a proof did not hold.
sub anew { return $filterd->log_text =~ /judged anew, X-Filterd-Proof does not hold: (.*)/g }

subtest 'a proof is used once' => sub {
    my $known = () = anew();
    my ($mail) = first_leg(letter(), $plain);
    $dovecot->down;
    my $lmtp = $site->lmtp;
    $lmtp->say('XFORWARD IDENT=FIRST');
    like($lmtp->deliver($mail, 'alice@example.net', $plain), qr/^4/, 'the mailbox is away');
    $dovecot->up;
    $lmtp->say('XFORWARD IDENT=FIRST');
    like($lmtp->deliver($mail, 'alice@example.net', $plain), qr/^250/, 'it is tried again');
    $lmtp->quit;
    like(poll(sub { (grep { /qid=FIRST .* dsn=2/ } lines($plain))[0] }), qr/result=kept/, 'it is kept');
    is(scalar(() = anew()), $known, 'with the proof that nobody has used yet');
    my (undef, $line) = second_leg($mail, $plain);
    like($line, qr/result=(?:Innocent|Unsure) /, 'somebody sends it once more: judged anew');
    is((anew())[-1], 'a copy with it was delivered before', 'and said why');
};

subtest 'a proof that a stranger sends to the first leg' => sub {
    my ($mail) = first_leg(letter(), $plain);
    my $client = FilterdTest::Client->new(smtp => $t->port('front'));
    $client->say('XFORWARD ADDR=203.0.113.9 NAME=host.example.net HELO=host.example.net');
    my $client_lines = sub { return grep { /client=203\.0\.113\.9/ } lines($plain) };
    my $before = () = $client_lines->(); # the first leg's and the second's of another message
    like($client->deliver($mail, 'alice@example.net', $plain), qr/^250/, 'is taken');
    like(poll(sub { ($client_lines->())[$before] }), qr/result=(?:Innocent|Unsure) /, 'and judged');
};

subtest 'a move trains' => sub {
    my $imap = $dovecot->imap($r);
    is($imap->imap_move('Subject', 'sse', 'INBOX', 'Junk'), 1, 'moved');
    $imap->imap('LOGOUT');
    my ($mail) = grep { header($_, 'Subject') =~ /sse/ } $dovecot->mails($r, 'Junk');
    my $id = header($mail, 'X-Filterd-Signature');
    ok(poll(sub { $filterd->log_text =~ /retrain login=<\Q$r\E> class=spam signature=$id learnt$/m }), 'by the first leg\'s signature');
    $imap = $dovecot->imap($c);
    is($imap->imap_move('Subject', 'For all', 'INBOX', 'Junk'), 1, 'one that came by the alias');
    $imap->imap('LOGOUT');
    ok(poll(sub { $filterd->log_text =~ /retrain login=<\Q$c\E> class=spam signature=\w+ learnt$/m }), 'each can learn from it');
};

done_testing;
