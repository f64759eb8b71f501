#!/usr/bin/perl
# Mail that arrives encrypted: passed as it is in the forms that programs give it, sealed if it holds more to
# read, and compared with the recipient's keys.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Keys;
use FilterdTest::Mail;
use FilterdTest::Site;
use MIME::Base64 qw(encode_base64);
use MIME::QuotedPrint qw(encode_qp);
use Test::More;

my $site = FilterdTest::Site->start(
    attach => ['virtual_transport'],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => ['plain'],
);
my ($t, $filterd, $dovecot, $postfix) = @$site{qw(t filterd dovecot postfix)};
my ($rsa, $curve) = @{ $site->{keys} }{qw(rsa curve)};
my %count;

# Sends it to NAME@example.com: the copy that arrives, and the line of the log.
sub copy_for {
    my ($name, $mail) = @_;
    my $to = "$name\@example.com";
    my $c = $site->lmtp;
    my $before = () = $filterd->log_text =~ / to=<\Q$to\E> /g;
    $c->deliver($mail, 'svc@sender.test', $to) =~ /^250/ or die "not delivered\n";
    $c->quit;
    my $copy = ($dovecot->wait_mails(++$count{$name}, $to))[-1];
    my @lines;
    poll(sub { @lines = $filterd->log_text =~ /^(.* to=<\Q$to\E> .*)$/mg; @lines > $before });
    return ($copy, $lines[-1]);
}

sub encrypted_for {
    my ($from, @options) = @_;
    my ($status, $armor, $err) = $from->try_gpg("Content-Type: text/plain\r\n\r\nhello\r\n",
        '--trust-model', 'always', '--armor', '--encrypt', @options);
    die "gpg: $err" if $status;
    return $armor =~ s/\r?\n/\r\n/gr;
}

my $outer = "From: svc\@sender.test\r\nSubject: notice\r\nMIME-Version: 1.0\r\n";
my $pgpmime = "${outer}Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n";
my $version = "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n";
my $data = "--b\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n";

sub with_armor_header {
    my ($armor, $header) = @_;
    return $armor =~ s/(-----\r\n)/$1$header\r\n/r;
}

# The forms, for this armored block.
sub forms {
    my ($armor) = @_;
    my $base64 = encode_base64($armor, "\r\n");
    my $mixed = "${outer}Content-Type: multipart/mixed; boundary=b\r\n";
    return (
        'RFC 3156' => "$pgpmime$version$data\r\n$armor\r\n--b--\r\n",
        'a preamble' => "${pgpmime}This is a multi-part message in MIME format.\r\n$version$data\r\n$armor\r\n--b--\r\n",
        "Python's email" => "$pgpmime" . $version =~ s/\r\n\r\n/\r\nMIME-Version: 1.0\r\n\r\n/r . "${data}MIME-Version: 1.0\r\n\r\n$armor\r\n--b--\r\n",
        'FlowCrypt' => "$pgpmime$version${data}Content-Transfer-Encoding: base64\r\nX-Attachment-Id: f_x\r\n\r\n$base64\r\n--b--\r\n",
        'Exchange' => "$mixed\r\n--b\r\nContent-Type: text/plain\r\n\r\n\r\n$version$data\r\n$armor\r\n--b--\r\n",
        'Proton Bridge' => "$mixed\r\n--b\r\nContent-Type: text/plain\r\n\r\n$armor\r\n--b--\r\n",
        'inline' => "$outer\r\n$armor",
        'inline, quoted-printable' => "${outer}Content-Transfer-Encoding: quoted-printable\r\n\r\n" . encode_qp($armor, "\r\n"),
        'inline, base64' => "${outer}Content-Transfer-Encoding: base64\r\n\r\n$base64",
        'Exchange, with empty HTML' => "$mixed\r\n--b\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n"
            . "<html><head></head><body>&nbsp;</body></html>\r\n$version$data\r\n$armor\r\n--b--\r\n",
        'application/pgp' => "${outer}Content-Type: application/pgp; format=text; x-action=encrypt\r\n\r\n$armor",
        'a comment in its type' => $pgpmime =~ s{multipart/encrypted}{multipart/encrypted (pgp)}r . "$version$data\r\n$armor\r\n--b--\r\n",
        'an alternative' => "${outer}Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n$armor\r\n--b--\r\n",
        'Canary Mail' => "$pgpmime$version$data\r\n" . with_armor_header($armor, 'Comment: Created with Canary Mail') . "\r\n--b--\r\n",
        'a list' => "List-Id: <l.sender.test>\r\n$outer\r\n$armor-- \r\nTo unsubscribe, write to the list.\r\n",
        'a list with a long footer' => "List-Id: <l.sender.test>\r\nList-Post: <mailto:l\@sender.test>\r\n$outer\r\n$armor"
            . ('_' x 60) . "\r\n" . "You get this because you are a member of l\@sender.test.\r\n" x 20,
    );
}

subtest 'the forms of programs' => sub {
    my %forms = forms(encrypted_for($rsa, '-r', 'rsa@example.com'));
    for my $what (sort keys %forms) {
        my ($copy, $line) = copy_for(rsa => $forms{$what});
        is(header($copy, 'X-Filterd-Encrypted'), 'already', "$what: passes");
        is(body_of($copy), body_of($forms{$what}), 'unchanged');
        like($line, qr/ key=$rsa->{fingerprint} sealed=already /, 'for the key of its recipient');
    }
};

# The same block, its first line in words.
sub spelt {
    my ($armor) = @_;
    return $armor =~ s{(\r\n\r\n)(\S+)}{$1 . join(' ', unpack '(A5)*', $2)}er;
}

sub der {
    my ($tag, @content) = @_;
    my $content = join '', @content;
    my $len = length $content;
    return pack('C', $tag) . ($len < 128 ? pack 'C', $len : pack 'Cn', 0x82, $len) . $content;
}

# For one recipient, whom it calls so.
sub smime_with {
    my ($text) = @_;
    my $noise = join '', map { chr($_ * 73 % 251) } 1 .. 256;
    my $recipient = der(0x30, der(2, "\0"), der(0x30, der(0x0c, $text)), pack('H*', '300d06092a864886f70d0101010500'), der(4, $noise));
    my $info = der(0x30, pack('H*', '06092a864886f70d010701'), der(0x30, pack('H*', '060960864801650304012a'), der(4, substr $noise, 0, 16)), der(0x80, $noise));
    my $cms = der(0x30, pack('H*', '06092a864886f70d010703'), der(0xa0, der(0x30, der(2, "\2"), der(0x31, $recipient), $info)));
    return "${outer}Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n"
        . "Content-Transfer-Encoding: base64\r\n\r\n" . encode_base64($cms, "\r\n");
}

subtest 'more to read' => sub {
    my %forms = forms(my $armor = encrypted_for($rsa, '-r', 'rsa@example.com'));
    my %more = (
        'below it' => "$outer\r\n${armor}The plan is to meet at nine.\r\n",
        'a comment' => "$outer\r\n" . with_armor_header($armor, 'Comment: the plan is to meet at nine'),
        'a comment that mentions PGP' => "$outer\r\n" . with_armor_header($armor, 'Comment: the plan is to meet at nine, PGP'),
        'a field of a part' => $forms{'RFC 3156'} =~ s/(name=encrypted.asc\r\n)/$1X-Note: the plan is to meet at nine\r\n/r,
        'a name' => $forms{'RFC 3156'} =~ s/name=encrypted.asc/'name="' . 'The plan is to meet at nine. ' x 2 . 'asc"'/er,
        'names of many parts' => $forms{Exchange} =~ s{(--b\r\nContent-Type: text/plain)(\r\n\r\n\r\n)}{"$1; name=\"meet at nine.txt\"$2" x 30}er,
        'a footer under an empty List-Id' => $forms{'a list'} =~ s/^List-Id: .*?\r\n/List-Id:\r\n/r,
        'a letter under a List-Id' => $forms{'a list'} . "The plan is to meet at nine.\r\n" x 20,
        'words for base64' => "$outer\r\n" . spelt($armor),
        'S/MIME that holds a letter' => smime_with('The plan is to meet at nine. ' x 20),
        'another part' => $forms{Exchange} =~ s/text\/plain\r\n\r\n/text\/plain\r\n\r\nThe plan is to meet at nine./r,
        'a long preamble' => $forms{'a preamble'} =~ s/This is/'The plan is to meet at nine. ' x 8/er,
        'a footer without a list' => $forms{'a list'} =~ s/^List-Id: .*?\r\n//r,
        'no ciphertext' => "$outer\r\n-----BEGIN PGP MESSAGE-----\r\n\r\n" . encode_base64("The plan is to meet at nine.\n" x 9, "\r\n")
            . "-----END PGP MESSAGE-----\r\n",
    );
    for my $what (sort keys %more) {
        my ($copy) = copy_for(rsa => $more{$what});
        is_sealed_for($copy, $more{$what}, $rsa, $curve);
    }
};

subtest 'messages of real programs' => sub {
    for my $file (sort glob "$FindBin::Bin/fuzz/seeds/encrypted/*.eml") {
        my ($name) = $file =~ /(\w+)\.eml$/;
        my ($copy, $line) = copy_for(rsa => slurp($file));
        my $want = $name eq 'mime_comment' ? 'yes' : 'already';
        is(header($copy, 'X-Filterd-Encrypted'), $want, "$name: $want");
        like($line, $name =~ /^smime/ || $want eq 'yes' ? qr/ key=$rsa->{fingerprint} / : qr/ key=other /, 'for others, as far as it tells');
    }
};

subtest 'for whom' => sub {
    $rsa->gpg($curve->public, '--import');
    my $mail = "$pgpmime$version$data\r\n%s\r\n--b--\r\n";
    my $for_curve = sprintf $mail, encrypted_for($rsa, '-r', 'curve@example.com');
    my $for_both = sprintf $mail, encrypted_for($rsa, '-r', 'curve@example.com', '-r', 'rsa@example.com');
    my $hidden = sprintf $mail, encrypted_for($rsa, '-R', 'curve@example.com');
    for my $already (qw(pass seal)) {
        $filterd->settings('encrypt.already' => $already);
        $filterd->down;
        $filterd->up;
        my ($copy, $line) = copy_for(curve => $for_curve);
        is(header($copy, 'X-Filterd-Encrypted'), 'already', "already=$already: for its recipient");
        like($line, qr/ key=$curve->{fingerprint} sealed=already /, 'and logged so');
        ($copy, $line) = copy_for(rsa => $for_curve);
        if ($already eq 'pass') {
            is(body_of($copy), body_of($for_curve), 'for others: passes as it is');
            like($line, qr/ key=other sealed=already /, 'and logged so');
        } else {
            is_sealed_for($copy, $for_curve, $rsa, $curve);
            like($line, qr/ key=$rsa->{fingerprint} sealed=yes /, 'and logged so');
        }
        is(header((copy_for(rsa => $for_both))[0], 'X-Filterd-Encrypted'), 'already', 'for both: passes');
        is(header((copy_for(rsa => $hidden))[0], 'X-Filterd-Encrypted'), 'already', 'key id 0: may be theirs');
        ($copy, $line) = copy_for(plain => $for_curve);
        is(header($copy, 'X-Filterd-Encrypted'), 'already', 'whoever has no key gets it as it is');
        like($line, qr/ key=- sealed=already /, 'and logged so');
    }
};

# Senders have old copies of a key.
subtest 'expired and revoked subkeys' => sub {
    my $old = encrypted_for($curve, '-r', 'curve@example.com');
    my ($id) = $curve->gpg(undef, '--with-colons', '-k') =~ /^sub:(?:[^:]*:){3}(\w+)/m;
    my @unasked = ('--pinentry-mode', 'loopback', '--passphrase', '');
    $curve->gpg(undef, @unasked, '--quick-add-key', $curve->{fingerprint}, 'cv25519', 'encr', 'never');
    my ($status, undef, $err) = $curve->try_gpg("key $id\nrevkey\ny\n0\n\ny\nsave\n", @unasked, '--no-batch', '--command-fd', 0, '--edit-key', $curve->{fingerprint});
    is($status, 0, 'the subkey is revoked') or diag($err);
    $filterd->import_key($curve);
    my $mail = "$pgpmime$version$data\r\n$old\r\n--b--\r\n";
    my ($copy, $line) = copy_for(curve => $mail);
    is(header($copy, 'X-Filterd-Encrypted'), 'already', 'mail for the revoked one passes');
    like($line, qr/ key=$curve->{fingerprint} sealed=already /, 'as theirs');
    ($copy) = copy_for(curve => mail_like());
    like($copy, qr/BEGIN PGP MESSAGE/, 'and other mail is sealed to the new one');
};

done_testing;
