package FilterdTest::Canary;

# Secret words that stand in messages and nowhere else, and the search for each form they can take.

use strict;
use warnings;
use MIME::Base64 qw(encode_base64);

my @PLACES = qw(text base64 quoted subject attachment name);
my $BLOCK = 1 << 20;

sub new {
    my ($class) = @_;
    my %word = map { $_ => join '', map { ('a' .. 'z', 'A' .. 'Z', 0 .. 9)[rand 62] } 1 .. 18 } @PLACES;
    return bless { word => \%word }, $class;
}

# What count_in returns if there is none.
sub none { return { map { $_ => 0 } @PLACES } }

sub quoted { return $_[0] =~ s/(.)/sprintf '=%02X', ord $1/ger }

# A message with a word in each place.
sub message {
    my ($self, $n) = @_;
    my %w = map { $_ => "$self->{word}{$_}" } @PLACES;
    my $quoted = quoted($w{quoted});
    my ($base64, $attachment) = map { encode_base64("$_ is here, number $n\r\n" . 'and more of it. ' x 20) } @w{qw(base64 attachment)};
    my $mail = <<"END";
From: Alice <alice\@example.net>
Subject: $w{subject} $n
Message-ID: <$n.$$\@client.example.net>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=next

--next
Content-Type: text/plain; charset=us-ascii

Dear reader, $w{text} is message $n.
--next
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

$base64
--next
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Dear reader, $quoted=20is the word.
--next
Content-Type: application/octet-stream
Content-Disposition: attachment; filename="$w{name}.bin"
Content-Transfer-Encoding: base64

$attachment
--next--
END
    return $mail =~ s/\n/\r\n/gr;
}

# A word as it stands, in base64 (wherever it begins in a group of three), quoted-printable, hex,
# and with 16 bits a character.
sub forms {
    my ($word) = @_;
    my @base64 = map {
        my $text = encode_base64(('-' x $_) . $word, '');
        substr $text, $_ ? 4 : 0, int(($_ + length $word) / 3) * 4 - ($_ ? 4 : 0);
    } 0 .. 2;
    my $hex = unpack 'H*', $word;
    return ($word, @base64, quoted($word), lc quoted($word), $hex, uc $hex,
        join("\0", split //, $word), scalar reverse $word);
}

# How often each word stands in these files (or block devices), in any form. Dies if one cannot be read:
# where nothing was looked at, nothing is found.
sub count_in {
    my ($self, @files) = @_;
    my %count = %{ none() };
    my %any = map { $_ => join '|', map { quotemeta } forms($self->{word}{$_}) } @PLACES;
    my %pattern = map { $_ => qr/$any{$_}/ } @PLACES;
    my $one = join '|', values %any; # literals alone: all are looked for in one go
    my $longest = 80;
    for my $file (@files) {
        open my $fh, '<:raw', $file or die "$file: $!\n";
        my $text = '';
        while (read $fh, my $block, $BLOCK or $fh->error && die "$file: $!\n") {
            next if $text eq '' && $block !~ /[^\0]/;
            $text .= $block;
            for my $place ($text =~ /$one/ ? @PLACES : ()) {
                my $upto = length($text) - $longest;
                pos($text) = 0; # a word near the end left it there
                $count{$place}++ while $text =~ /$pattern{$place}/g && ($-[0] < $upto || eof $fh);
            }
            $text = substr $text, length($text) > $longest ? length($text) - $longest : 0;
        }
    }
    return \%count;
}

1;
