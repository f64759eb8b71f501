#!/usr/bin/perl
# Coming from dspam: its header names, a Sieve script that knows them, its command and, where Dovecot has
# it, the dovecot-antispam plugin, all unchanged.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Dovecot;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my ($user, $plain, $hand) = map { "$_\@example.com" } qw(rsa plain hand);
my $plugin = FilterdTest::Dovecot::has_plugin('antispam');

my $script = <<'END';
require ["fileinto"];
if header :contains "X-DSPAM-Result" "Spam" {
  fileinto "Junk";
}
END

# As the plugin's manual has it, dspam's program apart.
my %backend = (
    dspam => <<'END',
  antispam_backend = dspam
  antispam_signature = X-DSPAM-Signature
  antispam_signature_missing = error
  antispam_dspam_binary = BIN/filterd-retrain
  antispam_dspam_args = --deliver=;--user;%u
  antispam_dspam_spam = --class=spam
  antispam_dspam_notspam = --class=innocent
  antispam_dspam_result_header = X-DSPAM-Result
  antispam_dspam_result_blacklist = Virus
END
    pipe => <<'END',
  antispam_backend = pipe
  antispam_allow_append_to_spam = yes
  antispam_pipe_tmpdir = TMP
  antispam_pipe_program = BIN/filterd-retrain
  antispam_pipe_program_args = --client;--mode=toe;--source=error;--user;%u
  antispam_pipe_program_spam_arg = --class=spam
  antispam_pipe_program_notspam_arg = --class=innocent
END
);

# The old script as the user's own.
sub script {
    my ($t) = @_;
    my $file = $t->dir . '/sieve/old.sieve';
    return FilterdTest::Dovecot::series() eq '2.3' ? <<"END_23" : <<"END_24";
protocol lmtp {
  mail_plugins = sieve
}
plugin {
  sieve = file:$file
}
END_23
protocol lmtp {
  mail_plugins {
    sieve = yes
  }
}
sieve_script old {
  type = personal
  path = $file
}
END_24
}

sub settings {
    my ($t, $kind) = @_;
    my $dir = $t->dir;
    my $text = $backend{$kind} =~ s{BIN}{$dir/bin}r =~ s{TMP}{$dir/spool}r;
    return <<"END";
protocol imap {
  mail_plugins = antispam
}
plugin {
  antispam_spam = Junk
  antispam_trash = Trash
$text}
END
}

my $before;
my $site = FilterdTest::Site->start(
    keys => { rsa => 'rsa', hand => 'curve' },
    users => ['plain'],
    set => { 'spam.header_prefix' => 'X-DSPAM' },
    dovecot => sub {
        my ($t) = @_;
        spew($t->dir . '/sieve/old.sieve', $script);
        chmod 0777, $t->dir . '/sieve'; # where the script's binary goes
        mkdir $t->dir . '/spool';
        chmod 0777, $t->dir . '/spool';
        $before = $plugin ? settings($t, 'dspam') : '';
        return script($t) . $before;
    },
);
my ($t, $dovecot, $filterd) = @$site{qw(t dovecot filterd)};

sub ham {
    my ($i) = @_;
    return mail_like(id => "ham$i\@work.example.net", from => 'Carol <carol@work.example.net>',
        subject => "Minutes, part $i",
        text => "Hello all, here are the minutes of our meeting number $i on Tuesday.\n"
            . "Please read the attached draft and tell me what to change. Regards, Carol");
}

sub spam {
    my ($i, $more) = @_;
    return mail_like(id => "spam$i\@pills.example.org", more => $more,
        from => "Cheap Pharmacy <offer$i\@pills.example.org>", subject => "Cheap pills, $i% discount",
        text => "Buy cheap viagra and cialis pills now, only \$$i! No prescription needed.\n"
            . "Click http://pills.example.org/order$i to order your discount today.");
}

sub deliver {
    my ($to, @mails) = @_;
    for my $mail (@mails) { # one of them closes its session by a bare line end
        my $lmtp = $site->lmtp;
        like($lmtp->deliver($mail, 'someone@example.net', $to), qr/^250/, 'delivered');
        $lmtp->quit;
    }
}

sub found {
    my ($to, $folder, $id) = @_;
    my ($mail) = grep { header($_, 'Message-ID') =~ /\Q$id\E/ } $dovecot->mails($to, $folder);
    return $mail;
}

sub moves {
    my ($of) = @_;
    return $filterd->ctl('stats', '--json', $of) =~ /"moves":(\d+)/ ? $1 : 0;
}

sub move {
    my ($of, @where) = @_;
    my $imap = $dovecot->imap($of);
    is($imap->imap_move('Message-ID', @where), 1, "$where[0] from $where[1] to $where[2]");
    $imap->imap('LOGOUT');
}

for my $of ($user, $hand) {
    for my $i (0 .. 5) {
        spew($t->dir . '/ham.eml', ham($i));
        $filterd->ctl(qw(train ham), $of, $t->dir . '/ham.eml');
    }
}

my $forged = "X-DSPAM-Result: Spam\r\nX-Dspam-Signature : 1,50b350ec22971206812616\r\nX-DSPAM-Factors: 27\r\n";
deliver($user, spam(0, $forged), map { spam($_) } 1 .. 4);
my $first = found($user, '', 'spam0@');
subtest 'headers as dspam writes them' => sub {
    ok($first, 'a forged verdict files nothing') or return;
    is_deeply([headers($first, 'X-DSPAM-Result')], ['Innocent'], 'Result');
    like(header($first, 'X-DSPAM-Processed'), qr/^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/, 'Processed');
    like(header($first, 'X-DSPAM-Confidence'), qr/^[01]\.\d{4}$/, 'Confidence');
    like(header($first, 'X-DSPAM-Probability'), qr/^[01]\.\d{4}$/, 'Probability');
    my @signatures = headers($first, 'X-DSPAM-Signature');
    is(@signatures, 1, 'one signature');
    like($signatures[0], qr/^[A-Za-z0-9]{24}$/, 'ours');
    is(header($first, 'X-DSPAM-Factors'), '', 'what else came is gone');
    is(header($first, 'X-DSPAM-Encrypted'), 'yes', 'sealed');
    unlike($first, qr/viagra/, 'indeed');
};

subtest 'the command, and the old script' => sub {
    my $count = 0;
    my $dspam = sub {
        my ($class, $mail) = @_;
        $t->run($t->dir . '/bin/filterd-retrain', '--user', $hand, "--class=$class", '--source=error',
            '--signature=' . header($mail, 'X-DSPAM-Signature'));
        is(moves($hand), ++$count, "$class: learnt at once");
    };
    deliver($hand, map { spam($_) } 20 .. 24);
    my @sent = map { found($hand, '', "spam2$_\@") } 0 .. 4;
    $dspam->(spam => $_) for @sent;
    deliver($hand, spam(25), ham(29));
    my $filed = found($hand, 'Junk', 'spam25@');
    ok($filed, 'the old script files the next one');
    is(header($filed // '', 'X-DSPAM-Result'), 'Spam', 'as spam');
    ok(found($hand, '', 'ham29@'), 'and a letter not');
    $dspam->(innocent => $_) for @sent;
    deliver($hand, spam(26));
    ok(found($hand, '', 'spam26@'), 'what was taken back it does not file');
};

sub by_plugin {
    for my $i (0 .. 4) {
        move($user, "spam$i\@", 'INBOX', 'Junk');
        is(moves($user), $i + 1, 'learnt at once');
    }
    my ($call) = grep { /\Q$user\E/ } $filterd->retrained;
    my $id = header($first, 'X-DSPAM-Signature');
    like($call, qr/--source=error/, 'called as dspam is');
    like($call, qr/--class=spam/, 'as spam');
    like($call, qr/--signature=$id/, 'with its signature');
    deliver($user, spam(5));
    my $filed = found($user, 'Junk', 'spam5@');
    ok($filed, 'the old script files the next one');
    is(header($filed // '', 'X-DSPAM-Result'), 'Spam', 'as spam');
    deliver($user, ham(9));
    ok(found($user, '', 'ham9@'), 'and a letter not');
    move($user, 'spam5@', 'Junk', 'Trash');
    is(moves($user), 5, 'nothing is learnt from Junk to Trash');
    move($user, 'spam4@', 'Junk', 'INBOX');
    is(moves($user), 6, 'out of Junk is learnt');
    like(($filterd->retrained)[-1], qr/--class=innocent/, 'as innocent');
}

sub by_pipe {
    my $after = settings($t, 'pipe');
    my $conf = slurp($dovecot->{conf});
    $conf =~ s/\Q$before\E/$after/ or die 'no settings to replace';
    $dovecot->down;
    spew($dovecot->{conf}, $conf);
    $dovecot->up;
    deliver($plain, spam(10));
    my $imap = $dovecot->imap($plain);
    my $mail = spam(11, "X-DSPAM-Signature: 50b350ec22971206812616\r\n"); # from dspam's days
    $imap->imap(sprintf "APPEND Junk {%d+}\r\n%s", length $mail, $mail);
    $imap->imap('LOGOUT');
    is(moves($plain), 1, 'a message that dspam saw is learnt from its text');
    move($plain, 'spam10@', 'INBOX', 'Junk');
    is(moves($plain), 2, 'one of ours by its signature');
    move($plain, 'spam11@', 'Junk', 'INBOX');
    is(moves($plain), 3, 'and back');
    is($filterd->logged(qr/from its text/, 2), 2, 'two of three by their text');
}

if ($plugin) {
    subtest 'the antispam plugin' => \&by_plugin;
    subtest 'its pipe backend' => \&by_pipe;
} else {
    diag('left out: the plugin dovecot-antispam with both its backends, for it is not installed'
        . ' (Dovecot 2.4 has none)');
}

done_testing;
