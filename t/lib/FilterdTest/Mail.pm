package FilterdTest::Mail;

# Messages to send, and checks of those that arrived. Line ends are CRLF throughout.

use strict;
use warnings;
use Exporter 'import';
use POSIX ();
use Test::More;

our @EXPORT = qw(mail_like header headers body_of content_of is_sealed_for canary);

# Stands in every body, and must never be found where plaintext must not be.
sub canary { return 'xyzzy-canary-4711' }

# A multipart message with what tends to be damaged: folded Content-Type, 8 bit, dots, blanks at
# line ends, an attachment. more: header lines. text: the body's words.
sub mail_like {
    my (%arg) = @_;
    my $more = $arg{more} // '';
    my $text = $arg{text} // 'Dear reader, this is an ordinary letter.';
    my $subject = $arg{subject} // 'An ordinary letter';
    my $id = $arg{id} // int(rand 1e12) . '@client.example.net';
    my $from = $arg{from} // 'Alice <alice@example.net>';
    my $date = POSIX::strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime);
    my $noise = join "\n", map { join '', map { ('A' .. 'Z', 'a' .. 'z')[rand 52] } 1 .. 76 } 1 .. 20;
    my $mail = <<"END";
From: $from
To: somebody\@example.com
Subject: $subject
Date: $date
Message-ID: <$id>
${more}MIME-Version: 1.0
Content-Type: multipart/mixed;
\tboundary="=_next part"
Content-Language: en

preamble
--=_next part
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

$text
${\ canary()}
.
..two dots, a blank at the end: 
Gr\xc3\xbc\xc3\x9fe

--=_next part
Content-Type: application/octet-stream
Content-Disposition: attachment; filename=noise.bin
Content-Transfer-Encoding: base64

$noise
--=_next part--

END
    return $mail =~ s/\n/\r\n/gr;
}

# Header fields of that name, unfolded.
sub headers {
    my ($mail, $name) = @_;
    my ($head) = split /\r\n\r\n/, $mail, 2;
    $head =~ s/\r\n(?=[ \t])//g;
    my @values = "$head\r\n" =~ /^\Q$name\E[ \t]*:[ \t]*(.*?)\r\n/gmi;
    return @values;
}

# The first, "" if there is none.
sub header {
    my ($mail, $name) = @_;
    return (headers($mail, $name))[0] // '';
}

sub body_of {
    my ($mail) = @_;
    return (split /\r\n\r\n/, $mail, 2)[1];
}

# What a sealed message keeps: Content-* lines as they are, an empty line, the body.
sub content_of {
    my ($mail) = @_;
    my ($head, $body) = split /\r\n\r\n/, $mail, 2;
    my @fields = grep { /^Content-/i } split /\r\n(?![ \t])/, $head;
    return join("\r\n", @fields, '', '') . $body;
}

# Sealed as RFC 3156 says, opened by this key to what was sent, by no key of the others.
sub is_sealed_for {
    my ($mail, $sent, $key, @others) = @_;
    subtest "sealed for $key->{address}" => sub {
        is(header($mail, 'X-Filterd-Encrypted'), 'yes', 'says it is sealed');
        like(header($mail, 'Content-Type'), qr{^multipart/encrypted;}i, 'multipart/encrypted');
        like(header($mail, 'Content-Type'), qr{protocol="?application/pgp-encrypted"?}i, 'by PGP');
        like($mail, qr{^Content-Type: application/pgp-encrypted.*?\r\n\r\nVersion: 1\r\n}ims, 'part 1');
        unlike($mail, qr/${\ canary()}/, 'no plaintext in it');
        my $opened = $key->open_sealed($mail);
        ok(defined $opened, 'its key opens it');
        ok(($opened // '') eq content_of($sent), 'to the bytes that were sent')
            or diag("opened:\n", substr($opened // '', 0, 600));
        ok(!defined $_->open_sealed($mail), "not that of $_->{address}") for @others;
    };
}

1;
