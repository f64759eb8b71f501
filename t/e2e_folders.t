#!/usr/bin/perl
# Folders are named as people name them: below INBOX., in another language, or only by their special use.
# Spam is filed into the junk folder there is, moves train by what a folder is for, and a folder whose files
# are packed or sealed trains nothing wrong.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::Site;
use IO::Compress::Gzip qw(gzip);
use Test::More;

my $user = 'rsa@example.com';
my $gtube = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X';
my ($site, $t, $dovecot, $filterd);

sub start {
    my ($folders) = @_;
    $site = FilterdTest::Site->start(keys => { rsa => 'curve' }, users => ['plain'], sieve => 1,
        set => { 'filterd.domains' => 'example.com' }, dovecot => "namespace inbox {\n$folders}\n");
    ($t, $dovecot, $filterd) = @$site{qw(t dovecot filterd)};
    my $lmtp = $site->lmtp;
    for (0 .. 9) {
        my $mail = mail_like(id => "m$_\@x.test", subject => "letter $_", text => $_ ? "Words of letter $_." : $gtube);
        like($lmtp->deliver($mail, 'a@x.test', $user), qr/^250/, 'delivered');
    }
    $lmtp->quit;
}

# Where the message of that number lies.
sub place_of {
    my ($n) = @_;
    my $imap = $dovecot->imap($user);
    my @folders = map { /"?([^" ]+)"?$/ } grep { /^\* LIST/ && !/NoSelect/i } $imap->imap('LIST "" *');
    my @found;
    for my $folder (@folders) {
        $imap->imap("SELECT $folder");
        push @found, $folder if grep { /^\* SEARCH \d/ } $imap->imap("UID SEARCH HEADER Message-ID <m$n\@x.test>");
    }
    return join ' ', @found;
}

# Moves a message by its number and says how filterd-retrain was called meanwhile.
sub moved {
    my ($n, $from, $to) = @_;
    my $before = () = $filterd->retrained;
    my $imap = $dovecot->imap($user);
    $imap->imap("SELECT $from");
    my ($uid) = map { /^\* SEARCH (\d+)/ } $imap->imap("UID SEARCH HEADER Message-ID <m$n\@x.test>");
    $imap->imap("UID MOVE $uid $to");
    $imap->imap('LOGOUT');
    my @calls = $filterd->retrained;
    return join ' ', map { (split)[0] } @calls[$before .. $#calls];
}

sub create {
    my $imap = $dovecot->imap($user);
    $imap->imap("CREATE $_") for @_;
}

sub box { my ($name, $use) = @_; return "mailbox $name {\n special_use = \\$use\n auto = subscribe\n}\n" }

subtest 'below INBOX.' => sub {
    start("prefix = INBOX.\nseparator = .\n" . box(Junk => 'Junk') . box(Trash => 'Trash'));
    is(place_of(0), 'INBOX.Junk', 'spam is filed');
    is(moved(1, 'INBOX', 'INBOX.Junk'), 'spam', 'into Junk');
    is(moved(1, 'INBOX.Junk', 'INBOX'), 'ham', 'and back');
    is(moved(2, 'INBOX', 'INBOX.Junk'), 'spam', 'another');
    is(moved(2, 'INBOX.Junk', 'INBOX.Trash'), '', 'from there into the trash');
    create('INBOX.Junk.Old', 'INBOX.Archive', 'INBOX.Papierkorb');
    is(moved(3, 'INBOX', 'INBOX.Junk.Old'), 'spam', 'into a folder within Junk');
    is(moved(3, 'INBOX.Junk.Old', 'INBOX.Junk'), '', 'within Junk');
    is(moved(3, 'INBOX.Junk', 'INBOX.Archive'), 'ham', 'out of it, though not into the inbox');
    is(moved(4, 'INBOX', 'INBOX.Junk'), 'spam', 'one more');
    is(moved(4, 'INBOX.Junk', 'INBOX.Papierkorb'), '', 'into a trash that only its name tells');
    is(moved(5, 'INBOX', 'INBOX.Archive'), '', 'a move that has to do with neither');
};

subtest 'by special use' => sub {
    start("separator = /\n" . box('Unerwuenscht' => 'Junk') . box('Wegwerf' => 'Trash'));
    is(place_of(0), 'Unerwuenscht', 'spam is filed');
    is(moved(1, 'INBOX', 'Unerwuenscht'), 'spam', 'into it');
    is(moved(1, 'Unerwuenscht', 'Wegwerf'), '', 'into the trash');
    is(moved(1, 'Wegwerf', 'INBOX'), '', 'out of the trash');
    is(moved(0, 'Unerwuenscht', 'INBOX'), 'ham', 'no spam after all');
    create('Unerwuenscht/2026/11', 'Wegwerf/Old');
    is(moved(2, 'INBOX', 'Unerwuenscht/2026/11'), 'spam', 'into a folder two levels within it');
    is(moved(2, 'Unerwuenscht/2026/11', 'Wegwerf/Old'), '', 'into one within the trash');
};

# The mailbox exists once the first spam is filed, and no special use is set anywhere but for the trash.
subtest 'by name' => sub {
    start("separator = .\n");
    create('Spam', 'Corbeille');
    is(place_of(0), 'Junk', 'spam is filed');
    is(moved(1, 'INBOX', 'Spam'), 'spam', 'into Spam');
    is(moved(1, 'Spam', 'Junk'), '', 'from one to the other');
    is(moved(1, 'Junk', 'Corbeille'), '', 'into the trash');
    is(moved(0, 'Junk', 'INBOX'), 'ham', 'out of Junk');
    my @who = ('setpriv', "--reuid=$FilterdTest::MAIL_USER", "--regid=$FilterdTest::MAIL_USER", '--clear-groups');
    is(($t->try_run(mail_like(id => 'p@x.test'), @who, $t->dir . '/bin/filterd-retrain', 'spam', 'plain'))[0], 0,
        'a login without its domain');
    $filterd->logs(qr/retrain user=<plain\@example\.com> class=spam learnt from its text/, 'is the user of our one domain');
};

subtest 'what cannot be read is not learnt' => sub {
    my $folder = $t->dir . '/old';
    mkdir "$folder$_" for '', '/cur', '/new', '/tmp';
    my $mail = mail_like(id => 'z@x.test', text => "Plain words of an old letter.");
    gzip(\$mail, \my $packed);
    spew("$folder/cur/$_", $packed) for 1 .. 3;
    my $train = sub { return $t->try_run('', $t->dir . '/bin/filterctl', @_) };
    my ($status, $out, $err) = $train->('train', 'ham', $user, $folder);
    is($status, 66, 'only packed files: no input');
    is($out, "no messages learnt\n", 'it says so');
    like($err, qr{\Afilterctl: 3 files left out, packed by the mail store \(gz: \Q$folder\E/cur/1\).*\n\z}, 'and why, in one line');
    spew("$folder/new/plain", $mail);
    my $live = slurp(glob "$dovecot->{home}/$user/Maildir/new/* $dovecot->{home}/$user/Maildir/cur/*");
    spew("$folder/new/dead", $live =~ s/^(X-Filterd-Signature: )\w+/${1}AAAAAAAAAAAAAAAAAAAAAAAA/mr);
    spew("$folder/new/live", $live);
    ($status, $out, $err) = $train->('--json', 'train', 'ham', $user, $folder);
    is($status, 66, 'some packed: not all was read');
    like($out, qr/"learnt":1,.*"from_records":1,"encrypted":1,"packed":3,"no_mail":0/, 'one read, one known by its record, the rest counted');
    like($err, qr/^filterctl: 1 encrypted message left out: only the recipient can read it$/m, 'told, too');
    my $many = $t->dir . '/many';
    mkdir "$many$_" for '', '/dbox-Mails', '/storage';
    my $bare = $mail =~ s/\r\n/\n/gr;
    my $dbox = sprintf "2 M1e C6b0d8a6a\n\x01\x02N %s %016x\n%s\n\x01\x03\nR6b0d8a6a\n\n", ' ' x 8, length $bare, $bare;
    my %file = (zip => "PK\x03\x04\x14\0$mail", zlib => "x\x9c" . $mail, lzma => "]\0\0\x80\0$mail", Z => "\x1f\x9d\x90$mail",
        '7z' => "7z\xbc\xaf\x27\x1c$mail", utf16 => "\xff\xfe" . join("\0", split //, $mail), 'storage/m.1' => $dbox,
        utf16be => join("\0", '', split //, $mail), picture => "\x89PNG\r\n\x1a\n$mail", note => "Just some words,\nand no more.\n",
        'dbox-Mails/u.1' => $dbox, 'dbox-Mails/u.2' => $dbox =~ s/Plain words/Other words/r,
        'dbox-Mails/dovecot.index.log' => "\x01\x02\x28\0$mail");
    spew("$many/$_", $file{$_}) for keys %file;
    ($status, $out, $err) = $train->('--json', 'train', 'ham', $user, $many);
    like($out, qr/"learnt":2,.*"packed":7,"no_mail":3/, 'two messages of sdbox, and nothing else');
    like($err, qr/^filterctl: 7 files left out, packed by the mail store \(7z: .*\n^filterctl: 3 files left out, no mail \(\Q$many\E\/note\)$/m, 'one line for each kind');
    is($status, 66, 'not all was read');
    my @who = ('setpriv', "--reuid=$FilterdTest::MAIL_USER", "--regid=$FilterdTest::MAIL_USER", '--clear-groups');
    is(($t->try_run($file{note}, @who, $t->dir . '/bin/filterd-retrain', 'spam', $user))[0], 0, 'by filterd-retrain');
    $filterd->logs(qr/class=spam not learnt: it is no mail: left/, 'told');
    is(($t->try_run($packed, @who, $t->dir . '/bin/filterd-retrain', 'spam', $user))[0], 0, 'by filterd-retrain');
    $filterd->logs(qr/class=spam not learnt: it is no mail, but packed \(gz\): left/, 'the log says the same');
};

done_testing();
