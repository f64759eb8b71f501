package FilterdTest::Copies;

# Checks a copy that a next hop took: whether it is whole, and sealed where it must be.

use strict;
use warnings;
use FilterdTest::Mail;
use MIME::Base64 qw(decode_base64);

# '' if it is good; else what is wrong. sealed: true if its user has a key.
sub trouble_of {
    my ($mail, $sent, $sealed) = @_;
    return 'the plaintext is in it' if $sealed && index($mail, canary()) >= 0;
    return trouble_of_sealed($mail) if $sealed;
    return content_of($mail) eq content_of($sent) ? '' : 'not what was sent';
}

sub trouble_of_sealed {
    my ($mail) = @_;
    my ($boundary) = header($mail, 'Content-Type') =~ m{^multipart/encrypted;.*boundary="([^"]+)"}i
        or return 'not multipart/encrypted';
    return 'no last boundary' if $mail !~ /\r\n--\Q$boundary\E--\r\n\z/;
    my ($base64) = $mail =~ /\r\n-----BEGIN PGP MESSAGE-----\r\n\r\n(.*?)\r\n(?:=....\r\n)?-----END PGP MESSAGE-----\r\n/s
        or return 'armor without an end';
    return trouble_of_packets(decode_base64($base64));
}

# RFC 4880: session keys, then one packet that ends where the data ends.
sub trouble_of_packets {
    my ($data) = @_;
    my ($at, @tags) = (0);
    while ($at < length $data) {
        my $first = ord substr $data, $at++, 1;
        return 'no packet' if !($first & 0x80);
        push @tags, my $tag = $first & 0x40 ? $first & 0x3f : $first >> 2 & 0xf;
        my $last = 0;
        until ($last) {
            (my $len, my $head, $last) = $first & 0x40 ? length_new($data, $at) : length_old($data, $at, $first & 3);
            return 'a packet that breaks off' if !defined $len || $at + $head + $len > length $data;
            $at += $head + $len;
        }
    }
    return "@tags" =~ /^1 (?:1 )*18$/ ? '' : "packets @tags";
}

# Its value, its own bytes, and whether it is the packet's last.
sub length_new {
    my ($data, $at) = @_;
    my ($a, $b) = unpack 'CC', substr($data, $at, 2) . "\0";
    return (undef, 0, 1) if !defined $a;
    return ($a, 1, 1) if $a < 192;
    return (($a - 192) * 256 + $b + 192, 2, 1) if $a < 224;
    return (1 << ($a & 0x1f), 1, 0) if $a < 255;
    return (unpack('N', substr($data, $at + 1, 4) . "\0" x 4), 5, 1);
}

sub length_old {
    my ($data, $at, $kind) = @_;
    return (length($data) - $at, 0, 1) if $kind == 3;
    my $bytes = 1 << $kind;
    return (unpack('N', "\0" x (4 - $bytes) . substr($data, $at, $bytes)), $bytes, 1);
}

1;
