#!/usr/bin/perl
# filterd as a milter of a real Postfix: one body, sealed to all recipients; what it changes, what stays in
# the queue file, and how it treats mail that did not come by SMTP.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my $site = FilterdTest::Site->start(
    attach => ['milter'],
    keys => { rsa => 'rsa', curve => 'curve', map { ("m$_" => 'curve') } 1 .. 18 },
    users => [qw(plain other)],
    main => <<'END',
transport_maps = inline:{ {nobody@example.com = discard:} }
virtual_alias_maps = inline:{ {team@example.com = rsa@example.com, curve@example.com} }
message_size_limit = 60000000
minimal_backoff_time = 1s
queue_run_delay = 5s
END
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my ($rsa, $curve) = @{ $site->{keys} }{qw(rsa curve)};
my ($to_rsa, $to_curve, $to_plain, $to_other) = map { "$_\@example.com" } qw(rsa curve plain other);
$filterd->ctl(qw(alias add team@example.com), $_) for $to_rsa, $to_curve;

# The newest message of a user after COUNT have come; body of it.
sub newest {
    my ($count, $user) = @_;
    return ($dovecot->wait_mails($count, $user))[$count - 1] // '';
}

# The ids of the keys that a copy names, in order.
sub named_in {
    my ($copy) = @_;
    my ($armor) = $copy =~ /(-----BEGIN PGP MESSAGE-----.*?-----END PGP MESSAGE-----)/s;
    my @ids = sort $rsa->gpg($armor, '--list-packets', '--list-only') =~ /^:pubkey enc packet:.* keyid (\w+)/mg;
    return "@ids";
}

# The id of the subkey that is sealed to.
sub subkey_of {
    my ($key) = @_;
    my ($id) = $key->gpg(undef, '--with-colons', '-k') =~ /^sub:(?:[^:]*:){3}(\w+)/m;
    return $id;
}

sub count_of { return scalar $dovecot->mails($_[0]) }

subtest 'one recipient with a key' => sub {
    my $sent = mail_like();
    $postfix->send($sent, 'alice@example.net', $to_rsa);
    my $mail = newest(1, $to_rsa);
    is_sealed_for($mail, $sent, $rsa, $curve);
    like($mail, qr/^X-Filterd-Result: \w+\r\n(?:.*\r\n)*Received: from client/m, 'ours stand above the MTA\'s');
    $filterd->logs(qr/qid=\w{6,} from=<alice\@example\.net> to=<\Q$to_rsa\E> client=127\.0\.0\.1 .*sealed=yes .*dsn=2\.0\.0/, 'logged');
};

subtest 'two recipients with keys' => sub {
    my $sent = mail_like();
    $postfix->send($sent, 'alice@example.net', $to_rsa, $to_curve);
    my $first = newest(2, $to_rsa);
    my $second = newest(1, $to_curve);
    is_sealed_for($first, $sent, $_) for $rsa, $curve;
    is_sealed_for($second, $sent, $_) for $rsa, $curve;
    is(named_in($first), join(' ', sort map { subkey_of($_) } $rsa, $curve), 'both keys are named');
    $filterd->logs(qr/ to=<\Q$_->{address}\E> .*key=$_->{fingerprint} sealed=yes/, "the log names the key of $_->{address}")
        for $rsa, $curve;
    my ($signature) = header($first, 'X-Filterd-Signature');
    is($signature, header($second, 'X-Filterd-Signature'), 'one signature');
    ok($signature, 'and there is one');
    for my $user ($to_rsa, $to_curve) {
        my ($status) = $t->try_run($first, $t->dir . '/bin/filterd-retrain', 'ham', $user);
        is($status, 0, "the move of $user is learnt");
        ok(poll(sub { $filterd->log_text =~ /retrain login=<\Q$user\E> class=ham signature=\Q$signature\E learnt$/m }), 'by its record');
    }
};

subtest 'recipients with and without a key' => sub {
    my $c = $postfix->client;
    $c->say('MAIL FROM:<alice@example.net>');
    like($c->say("RCPT TO:<$to_plain>"), qr/^250/, 'the first is taken');
    like($c->say("RCPT TO:<$to_rsa>"), qr/^452 4\.5\.3 /, 'the other kind comes again');
    like($c->say("RCPT TO:<$to_other>"), qr/^250/, 'one of the first kind is taken');
    my $sent = mail_like();
    like(($c->data($sent, 1))[0], qr/^250/, 'delivered');
    $c->quit;
    for my $user ($to_plain, $to_other) {
        my $mail = newest(1, $user);
        is(header($mail, 'X-Filterd-Encrypted'), 'no', "$user: not sealed");
        ok(content_of($mail) eq content_of($sent), 'as it was sent');
    }
    is(count_of($to_rsa), 2, 'nothing for the one who comes again');
};

subtest 'a real Postfix as the client' => sub {
    my $port = $t->port('submit');
    my $smtp = $t->port('smtp');
    spew("$postfix->{dir}/etc/master.cf", slurp("$postfix->{dir}/etc/master.cf")
        . "127.0.0.1:$port inet n - n - - smtpd\n  -o smtpd_milters= -o content_filter=smtp:127.0.0.1:$smtp\n");
    $postfix->reload;
    ok(poll(sub { FilterdTest::Client::listens($port) }), 'a second door, without the milter');
    my $sent = mail_like();
    my $c = FilterdTest::Client->new(smtp => $port);
    like($c->deliver($sent, 'alice@example.net', $to_rsa, $to_plain, $to_curve, $to_other), qr/^250/, 'four recipients');
    $c->quit;
    my ($split) = poll(sub { $postfix->log_text =~ /relay=127\S+, .*dsn=4\.5\.3, status=deferred/ });
    ok($split, 'some are deferred with 4.5.3');
    ok(poll(sub { $postfix->flush; !$postfix->queue }), 'and come again');
    is_sealed_for(newest(3, $to_rsa), $sent, $rsa);
    is_sealed_for(newest(2, $to_curve), $sent, $curve);
    ok(content_of(newest(2, $_)) eq content_of($sent), "$_: as it was sent") for $to_plain, $to_other;
    is(count_of($to_rsa), 3, 'once');
    is(count_of($to_plain), 2, 'once');
};

subtest 'forged and doubled header fields' => sub {
    my $sent = mail_like(more => <<'END');
X-Filterd-Result: Whitelisted forged-1
X-Long: folded
 once
	and twice
x-FILTERD-Signature : forged-2
X-Filterd-Whatever:
 forged-3
X-Spam-Flag: YES
X-Long: again
X-Spam-Status: No, forged-4
X-Filterd-Result: forged-5
Authentication-Results: mail.example.com;
 dkim=pass header.d=forged-6.example
Authentication-Results: elsewhere.example; spf=pass
Content-Type: text/html; name="forged-7"
MIME-Version: 1.0
Empty:
END
    for my $case ([$to_rsa, 4], [$to_plain, 3]) {
        my ($user, $count) = @$case;
        $postfix->send($sent, 'alice@example.net', $user);
        my $mail = newest($count, $user);
        my ($head) = split /\r\n\r\n/, $mail;
        my $left = $user eq $to_rsa ? qr/forged/ : qr/forged-[1-6]/;
        unlike($head, $left, "$user: forged ones are gone");
        is(scalar headers($mail, 'X-Filterd-Result'), 1, 'one result');
        is(scalar headers($mail, 'X-Spam-Flag'), 0, 'no flag');
        is(scalar headers($mail, 'Content-Type'), $user eq $to_rsa ? 1 : 2, 'Content-Type');
        like($head, qr/^Authentication-Results: elsewhere\.example/m, "another host's results stay");
        like($head, qr/^X-Long: folded\r\n once\r\n\tand twice\r\n(?:Auth.*\r\n|X-Long: again\r\n)/m, 'folded fields stay as they are');
        my @order = $head =~ /^(From|To|Subject|Date|Message-ID|X-Long|Empty):/mg;
        is("@order", 'From To Subject Date Message-ID X-Long X-Long Empty', 'in their order');
    }
    is_sealed_for(newest(4, $to_rsa), $sent, $rsa);
};

# What a queue file still holds, where it is kept before it is delivered.
subtest 'what stays in the queue file' => sub {
    $postfix->command('postconf', '-e', 'defer_transports = lmtp');
    $postfix->reload;
    my $word = 'canary-' . int rand 1e9;
    my $lines = join '', map { "$word line $_ of the body\n" } 1 .. 300;
    for my $case (['short lines', $lines], ['long lines', join('', map { "$word " . 'x' x 900 . "\n" } 1 .. 40)], ['one line', "$word\n"],
        ['empty lines', "$word\n" . "\n" x 3000 . "$word\n"]) {
        my ($what, $text) = @$case;
        my $sent = "From: a\@example.net\nSubject: $what\nContent-Type: text/plain; name=\"$word-name\"\n\n$text" =~ s/\n/\r\n/gr;
        my ($id) = $postfix->send($sent, 'alice@example.net', $to_rsa) =~ /queued as (\w+)/;
        ok(my ($file) = glob("$postfix->{dir}/queue/{active,incoming,deferred}/{,?/}$id"), "$what: $id is queued") or next;
        my $bytes = slurp($file);
        my $name = () = $bytes =~ /\Q$word-name\E/g;
        my $hits = (() = $bytes =~ /\Q$word\E/g) - $name;
        is($hits, 0, "$what: no line of the body's plaintext in its queue file");
        diag("queue file, $what: $hits of the body, $name of a deleted Content-Type");
        my ($status, $text_of) = $postfix->command('postcat', '-q', $id);
        like($text_of, qr/BEGIN PGP MESSAGE/, 'which is sealed');
        unlike($text_of, qr/\Q$word\E/, 'nor does postcat show any');
    }
    $postfix->command('postconf', '-X', 'defer_transports');
    $postfix->reload;
    ok(poll(sub { $postfix->flush; !$postfix->queue }), 'delivered');
    is(scalar(my @mails = $dovecot->wait_mails(8, $to_rsa)), 8, 'all of them');
    like($rsa->open_sealed($_) // '', qr/canary-/, 'opens') for @mails[4 .. 7];
};

subtest 'bodies of all sizes' => sub {
    my $count = 8;
    my %bodies = (none => undef, empty => '', 'a line' => "x\n", dots => ".\n..\n", '2 MB' => join('', ('y' x 70 . "\n") x 30000));
    for my $what (sort keys %bodies) {
        my $sent = "From: a\@example.net\nSubject: $what\n" . (defined $bodies{$what} ? "\n$bodies{$what}" : '') =~ s/\n/\r\n/gr;
        $sent =~ s/(?<!\r)\n/\r\n/g;
        $postfix->send($sent, 'alice@example.net', $to_rsa);
        my $opened = $rsa->open_sealed(newest(++$count, $to_rsa));
        my $body = ($bodies{$what} // '') =~ s/\n/\r\n/gr;
        ok(($opened // '-') eq "\r\n$body", "$what: opens to what was sent");
    }
};

subtest 'senders and recipients' => sub {
    my $count = count_of($to_curve);
    $postfix->send(mail_like(), '', $to_curve);
    like(newest($count + 1, $to_curve), qr/BEGIN PGP MESSAGE/, 'the null sender');
    my $c = $postfix->client;
    like($c->say("MAIL FROM:<j\xc3\xb6rg\@example.net> SMTPUTF8"), qr/^250/, 'SMTPUTF8');
    like($c->say('RCPT TO:<nobody@example.com>'), qr/^250/, 'a recipient');
    like(($c->data(mail_like(), 1))[0], qr/^250/, 'taken');
    ok(poll(sub { $filterd->log_text =~ /from=<j\xc3\xb6rg\@example\.net> to=<nobody/ }), 'logged as it was said');
    $c->say('RSET');
    $c->say('MAIL FROM:<alice@example.net>');
    like($c->say("RCPT TO:<$_>"), qr/^250/, "RCPT $_") for $to_curve;
    $c->say('RSET');
    like($c->deliver(mail_like(), 'alice@example.net', $to_plain), qr/^250/, 'after RSET another kind');
    $c->quit;
};

subtest 'mail that does not come by SMTP' => sub {
    ok($postfix->drained, 'nothing is left from before');
    my ($of_rsa, $of_plain) = map { count_of($_) } $to_rsa, $to_plain;
    my $send = sub {
        my ($mail, @to) = @_;
        my ($status, $out, $err) = $t->try_run($mail, '/usr/sbin/sendmail', '-C', "$postfix->{dir}/etc", '-i', '-f', $to_other, @to);
        is($status, 0, "sendmail @to") or diag($out, $err);
    };
    my $mail = mail_like() =~ s/\r\n/\n/gr;
    $send->($mail, $to_rsa);
    is_sealed_for(newest($of_rsa + 1, $to_rsa), $mail =~ s/\n/\r\n/gr, $rsa);
    my $of_curve = count_of($to_curve);
    $send->($mail, $to_rsa, $to_curve);
    for my $copy (newest(++$of_rsa + 1, $to_rsa), newest(++$of_curve, $to_curve)) {
        is_sealed_for($copy, $mail =~ s/\n/\r\n/gr, $_) for $rsa, $curve;
    }
    $send->($mail, 'team@example.com');
    for my $copy (newest(++$of_rsa + 1, $to_rsa), newest(++$of_curve, $to_curve)) {
        is_sealed_for($copy, $mail =~ s/\n/\r\n/gr, $_) for $rsa, $curve;
    }
    my $of_other = count_of($to_other);
    $send->($mail, $to_rsa, $to_plain);
    like(newest($of_other + 1, $to_other), qr/550 5\.5\.3|5\.5\.3/, 'a mix is bounced, with the reason');
    is(count_of($_->[0]), $_->[1], "$_->[0] has none") for [$to_plain, $of_plain], [$to_rsa, $of_rsa + 1];
    $postfix->send(mail_like(), $to_rsa, 'x@example.com');
    my $bounce = newest($of_rsa + 2, $to_rsa);
    is(header($bounce, 'X-Filterd-Encrypted'), 'yes', "Postfix's own bounce is sealed");
    like($rsa->open_sealed($bounce) // '', qr/User doesn't exist/, 'and opens');
};

subtest 'an alias of two' => sub {
    my ($of_rsa, $of_curve) = map { count_of($_) } $to_rsa, $to_curve;
    my $sent = mail_like();
    $postfix->send($sent, 'alice@example.net', 'team@example.com');
    is_sealed_for(newest($of_rsa + 1, $to_rsa), $sent, $_) for $rsa, $curve;
    is_sealed_for(newest($of_curve + 1, $to_curve), $sent, $_) for $rsa, $curve;
    my ($one, $other) = sort { $a->{address} cmp $b->{address} } $rsa, $curve;
    $filterd->logs(qr/ to=<team\@example\.com> .*key=$one->{fingerprint},$other->{fingerprint} sealed=yes/, 'the log names both keys');
};

subtest 'twenty recipients' => sub {
    my @keys = @{ $site->{keys} }{ qw(rsa curve), map { "m$_" } 1 .. 18 };
    my %before = map { $_->{address} => count_of($_->{address}) } @keys;
    my $sent = mail_like();
    $postfix->send($sent, 'alice@example.net', map { $_->{address} } @keys);
    is_sealed_for(newest($before{ $_->{address} } + 1, $_->{address}), $sent, $_) for @keys;
    $filterd->logs(qr/ to=<\Q$_->{address}\E> .*key=$_->{fingerprint} sealed=yes/, "the log names the key of $_->{address}")
        for @keys;
};

subtest 'milter_bcc = separate' => sub {
    $filterd->settings('encrypt.milter_bcc' => 'separate');
    $filterd->down;
    $filterd->up;
    my ($of_rsa, $of_curve, $of_plain) = map { count_of($_) } $to_rsa, $to_curve, $to_plain;
    my $c = $postfix->client;
    $c->say('MAIL FROM:<alice@example.net>');
    like($c->say("RCPT TO:<$to_rsa>"), qr/^250/, 'the first with a key is taken');
    like($c->say("RCPT TO:<$to_curve>"), qr/^452 4\.5\.3 /, 'the next one comes again');
    my $sent = mail_like();
    like(($c->data($sent, 1))[0], qr/^250/, 'delivered');
    $c->say('MAIL FROM:<alice@example.net>');
    like($c->say("RCPT TO:<$_>"), qr/^250/, "$_ has no key: taken") for $to_plain, $to_other;
    like(($c->data(mail_like(), 1))[0], qr/^250/, 'delivered');
    $c->quit;
    is(named_in(newest($of_rsa + 1, $to_rsa)), subkey_of($rsa), 'one key is named');
    newest($of_plain + 1, $to_plain);
    is(count_of($to_curve), $of_curve, 'nothing for the one who comes again');
    my ($status) = $t->try_run(mail_like() =~ s/\r\n/\n/gr, '/usr/sbin/sendmail', '-C', "$postfix->{dir}/etc", '-i', '-f', $to_other,
        $to_rsa, $to_curve);
    is($status, 0, 'sendmail, where nobody can be put off');
    like(named_in(newest($of_rsa + 2, $to_rsa)), qr/ /, 'one message for both');
    newest($of_curve + 1, $to_curve);
    $filterd->settings('encrypt.milter_bcc' => 'together');
    $filterd->down;
    $filterd->up;
};

subtest 'slow senders hold no worker' => sub {
    $filterd->settings('filterd.workers' => 3);
    $filterd->down;
    $filterd->up;
    my $before = count_of($to_rsa);
    my @slow = map { $postfix->client } 1 .. 12;
    for my $c (@slow) {
        $c->say($_) for 'MAIL FROM:<alice@example.net>', "RCPT TO:<$to_rsa>", 'DATA';
        $c->put("Subject: slow\r\n\r\nfirst line\r\n");
    }
    like($postfix->send(mail_like(), 'alice@example.net', $to_rsa), qr/^250/, 'twelve in DATA, another is served');
    like(newest($before + 1, $to_rsa), qr/An ordinary letter/, 'and delivered');
    $_->put("second line\r\n.\r\n") for @slow;
    like($_->reply, qr/^250/, 'a slow one, when it has ended') for @slow;
    $_->quit for @slow;
    is(scalar $dovecot->wait_mails($before + 13, $to_rsa), $before + 13, 'all of them');
};

for my $user ($to_rsa, $to_curve) {
    is(scalar(grep { !/BEGIN PGP MESSAGE/ || /${\ canary()}/ } $dovecot->mails($user)), 0, "$user has nothing in the clear");
}

done_testing;
