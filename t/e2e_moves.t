#!/usr/bin/perl
# Every way in which a mail program moves a message into Junk or out of it, and what is learnt from it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Dovecot;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my ($rsa, $curve, $plain) = map { "$_\@example.com" } qw(rsa curve plain);
my $site = FilterdTest::Site->start(keys => { rsa => 'rsa', curve => 'curve' },
    users => ['plain'], sieve => 1);
my ($t, $dovecot, $filterd) = @$site{qw(t dovecot filterd)};
my $retrain = $t->dir . '/bin/filterd-retrain';

sub spam {
    my ($i) = @_;
    my $price = 19 + 7 * $i;
    return mail_like(id => "spam$i\@pills.example.org",
        from => "Cheap Pharmacy <offer$i\@pills.example.org>",
        subject => "Cheap pills, $price% discount",
        text => "Buy cheap viagra and cialis pills now, only \$$price! No prescription needed.\n"
            . "Click http://pills.example.org/order$i to order your discount today.");
}

sub deliver {
    my ($user, @mails) = @_;
    my $lmtp = $site->lmtp;
    like($lmtp->deliver($_, 'someone@example.net', $user), qr/^250/, 'delivered') for @mails;
    $lmtp->quit;
}

my $probe = $t->dir . '/probe.eml';
spew($probe, spam(99));

# What filterd thinks now of a message, to nine digits.
sub score {
    my ($user) = @_;
    my ($score) = $filterd->ctl(qw(--json classify -u), $user, $probe) =~ /"score":([-\d.e]+)/
        or die 'classify says nothing';
    return $score;
}

# What IMAPSieve makes of IMAP commands: how often it ran filterd-retrain, how many train requests were
# recorded as moves, and by how much the probe's score changed.
sub after {
    my ($user, @commands) = @_;
    my ($calls, $moves, $score) = (scalar $filterd->retrained, moves($user), score($user));
    my $imap = $dovecot->imap($user);
    $imap->imap($_) for @commands;
    $imap->imap('LOGOUT');
    return { calls => $filterd->retrained - $calls, moves => moves($user) - $moves,
        change => score($user) - $score };
}

sub moves {
    my ($user) = @_;
    return $filterd->ctl('stats', '--json', $user) =~ /"moves":(\d+)/ ? $1 : 0;
}

sub learnt {
    my ($what, $count, $sign, $name) = @_;
    is($what->{calls}, $count, "$name: filterd-retrain was called $count times");
    is($what->{moves}, $count, 'that many lessons');
    cmp_ok($what->{change} * $sign, '>', 0, 'the score of similar mail moves that way');
}

# calls: how often the helper may have been asked for nothing.
sub nothing {
    my ($what, $calls, $name) = @_;
    is($what->{calls}, $calls, "$name: filterd-retrain was called $calls times");
    is($what->{moves}, 0, 'no lesson');
    is($what->{change}, 0, 'the score stays');
}

sub near { cmp_ok(abs($_[0] - $_[1]), '<', 1e-6, $_[2]) }

# A message with line ends as IMAP wants them, uploaded without a round trip.
sub append {
    my ($folder, $mail) = @_;
    return sprintf "APPEND %s {%d+}\r\n%s", $folder, length $mail, $mail;
}

sub without { my ($mail, $header) = @_; return $mail =~ s/^\Q$header\E:.*\r\n(?:[ \t].*\r\n)*//mgr }

my $start = score($rsa);
deliver($rsa, spam(0), spam(1));
subtest 'move, the same again, and back' => sub {
    learnt(after($rsa, 'SELECT INBOX', 'UID MOVE 1 Junk'), 1, 1, 'INBOX to Junk');
    my $there = score($rsa);
    nothing(after($rsa, 'SELECT Junk', 'UID MOVE 1 Trash'), 0, 'Junk to Trash');
    nothing(after($rsa, 'SELECT Trash', 'UID MOVE 1 Junk'), 1, 'Trash to Junk, which says the same twice');
    near(score($rsa), $there, 'learnt once');
    learnt(after($rsa, 'SELECT Junk', 'UID MOVE 2 INBOX'), 1, -1, 'Junk to INBOX');
    near(score($rsa), $start, 'a move back restores the score');
    $filterd->logs(qr/retrain login=<\Q$rsa\E> class=$_ signature=\w{24} learnt$/m, "$_ is logged") for qw(spam ham);
};

subtest 'copy' => sub {
    learnt(after($rsa, 'SELECT INBOX', 'UID COPY 2 Junk'), 1, 1, 'INBOX to Junk');
    nothing(after($rsa, 'SELECT INBOX', 'UID COPY 2 Junk'), 1, 'the same again');
    nothing(after($rsa, 'SELECT Junk', 'UID COPY 3 Junk'), 0, 'Junk to Junk');
    nothing(after($rsa, 'SELECT Junk', 'UID MOVE 3 Junk'), 0, 'moved within Junk');
    nothing(after($rsa, 'SELECT Junk', 'UID COPY 4 Trash'), 0, 'Junk to Trash');
    learnt(after($rsa, 'SELECT Junk', 'UID COPY 4 INBOX'), 1, -1, 'Junk to INBOX');
    near(score($rsa), $start, 'the score is restored');
};

subtest 'fifty at once' => sub {
    deliver($curve, map { spam($_) } 100 .. 149);
    my $before = score($curve);
    learnt(after($curve, 'SELECT INBOX', 'UID MOVE 1:50 Junk'), 50, 1, 'INBOX to Junk');
    cmp_ok(score($curve), '>', 2, 'well learnt');
    like($filterd->ctl('stats', '--json', $curve), qr/"spam":50,"ham":0,/, 'fifty were learnt as spam');
    nothing(after($curve, 'SELECT Junk', 'UID COPY 1:50 Junk'), 0, 'fifty within Junk');
    learnt(after($curve, 'SELECT Junk', 'UID MOVE 1:50 INBOX'), 50, -1, 'all of them back');
    near(score($curve), $before, 'the score is restored');
};

# Our script that files spam is for delivery alone.
subtest 'what was filed as spam' => sub {
    my $gtube = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X';
    deliver($curve, mail_like(id => 'gtube@pills.example.org', text => $gtube));
    my $where = sub {
        my @found = grep { grep { header($_, 'Message-ID') =~ /gtube/ } $dovecot->mails($curve, $_) } '', 'Junk', 'Trash';
        return join ' ', map { $_ || 'INBOX' } @found;
    };
    is($where->(), 'Junk', 'it lies in Junk');
    my ($uid) = map { /(\d+)\z/ } grep { /SEARCH/ } map { $_->imap('SELECT Junk'), $_->imap('UID SEARCH ALL') } $dovecot->imap($curve);
    learnt(after($curve, 'SELECT Junk', "UID MOVE $uid INBOX"), 1, -1, 'Junk to INBOX');
    is($where->(), 'INBOX', 'and stays there');
};

subtest 'upload of plaintext' => sub {
    my $before = score($plain);
    my $mail = spam(200);
    nothing(after($plain, append(INBOX => $mail)), 0, 'into INBOX');
    learnt(after($plain, append(Junk => $mail)), 1, 1, 'into Junk');
    my $there = score($plain);
    nothing(after($plain, append(Junk => "Received: by another.example\r\n" . $mail)), 1, 'again');
    learnt(after($plain, 'SELECT Junk', 'UID MOVE 1 INBOX'), 1, -1, 'Junk to INBOX');
    near(score($plain), $before, 'the score is restored');
    learnt(after($plain, append(Junk => without(spam(201), 'From'))), 1, 1, 'another');
    $filterd->logs(qr/retrain user=<\Q$plain\E> class=spam learnt from its text/, 'logged');
    unlike($filterd->log_text, qr/viagra|pharmacy/i, 'without a word of it');
};

my ($sealed) = grep { header($_, 'Message-ID') =~ /spam1\@/ } $dovecot->mails($rsa);
subtest 'upload of what is sealed' => sub {
    my $bare = without(without($sealed, 'X-Filterd-Signature'), 'X-Filterd-Result');
    learnt(after($rsa, append(Junk => $sealed)), 1, 1, 'with our signature');
    nothing(after($rsa, append(Junk => $bare)), 1, 'without a signature');
    $filterd->logs(qr/retrain user=<\Q$rsa\E> class=spam not learnt: it is sealed.* 1 of/, 'noted');
    nothing(after($rsa, append(Junk => $bare)), 1, 'again');
    $filterd->logs(qr/not learnt: it is sealed.* 2 of/, 'and counted');
};

subtest 'a foreign or forged signature' => sub {
    my $id = header($sealed, 'X-Filterd-Signature');
    my @before = map { score($_) } $rsa, $curve;
    nothing(after($curve, append(Junk => $sealed)), 1, "another user's signature");
    $filterd->logs(qr/retrain login=<\Q$curve\E> class=spam signature=$id not learnt: no record/, 'logged');
    my $forged = "X-Filterd-Signature: " . 'A' x 24 . "\r\n";
    nothing(after($curve, append(Junk => $forged . spam(300))), 1, 'an invented one');
    nothing(after($curve, append(Junk => "X-Filterd-Signature: ../x\r\n" . spam(301))), 1, 'none at all');
    for my $user ($curve, 'nobody@example.com', "$rsa/../x", '') {
        my ($status) = $t->try_run('', $retrain, '--user', $user, '--class=innocent', "--signature=$id");
        is($status, $user eq '' ? 64 : 0, "asked for as <$user>");
    }
    near((map { score($_) } $rsa, $curve)[$_], $before[$_], 'changes nothing for ' . ($rsa, $curve)[$_])
        for 0, 1;
};

subtest "among Debian's own settings" => sub {
    my $debian = $t->dir . '/debian';
    $t->run('/bin/cp', '-R', '/usr/share/dovecot', $debian);
    spew("$debian/conf.d/99-filterd.conf", FilterdTest::Dovecot::shipped($t));
    my ($status, $out, $err) = $t->try_run(undef, '/usr/bin/doveconf', '-n', '-c', "$debian/dovecot.conf");
    is($status, 0, 'they are understood') or diag $err;
    like($out, qr{\Q${\ $t->dir}\E/sieve/$_\.sieve}, "$_ is named") for my @scripts = qw(spam-to-junk learn);
    my @compiled = map { $t->dir . "/sieve/$_.svbin" } @scripts;
    unlink @compiled;
    FilterdTest::Dovecot::compile($t, "$debian/dovecot.conf");
    is(scalar(grep { -s } @compiled), 2, 'and enough for sievec');
};

subtest 'who may ask' => sub {
    my $before = moves($plain);
    my @who = qw(setpriv --reuid=daemon --regid=daemon --clear-groups);
    is(($t->try_run(spam(400), @who, $retrain, 'spam', $plain))[0], 0, 'a stranger, who cannot connect, has no error');
    is(moves($plain), $before, 'and nobody learns from it');
    $filterd->settings('control.mode' => '0666');
    $filterd->down;
    $filterd->up;
    is(($t->try_run(spam(400), @who, $retrain, 'spam', $plain))[0], 0, 'nor one who can');
    is(moves($plain), $before, 'and nobody learns from it');
    $filterd->logs(qr/learning socket: a peer without rights/, 'turned away');
    $who[$_] =~ s/daemon/$FilterdTest::MAIL_USER/ for 1, 2;
    is(($t->try_run(spam(400), @who, $retrain, 'spam', $plain))[0], 0, 'the mail user');
    is(moves($plain), $before + 1, 'is heard');
};

subtest 'without the daemon' => sub {
    $filterd->down;
    ok(!-e $t->dir . '/run/control.sock.learn', 'its sockets are gone');
    my $imap = $dovecot->imap($plain);
    is($imap->imap_move('Message-ID', 'spam200@', 'INBOX', 'Junk'), 2, 'a move is not held up');
    $imap->imap('LOGOUT');
    is(($t->try_run(spam(401), $retrain, 'ham', $plain))[0], 0, 'exit 0');
};

done_testing;
