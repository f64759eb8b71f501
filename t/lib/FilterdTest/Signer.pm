package FilterdTest::Signer;

# DKIM signatures of every kind, good and odd, by Mail::DKIM (which knows nothing of ed25519: there
# openssl signs its digest) and by OpenDKIM's own tool; and the keys' records for a zone.
#
#   my $signer = FilterdTest::Signer->new($t, domain => 'example.org');
#   $signer->key('rsa', 'rsa:2048');                     # selector, kind: also rsa:512, ed25519
#   $signer->zone                                        # "rsa._domainkey TXT ..." lines
#   $signer->sign($message, 'rsa', algorithm => 'rsa-sha1', method => 'simple/simple',
#       headers => 'From:To', tags => { l => 10, x => 5 });

use strict;
use warnings;
use FilterdTest;
use Mail::DKIM::Algorithm::rsa_sha256;
use Mail::DKIM::Signature;
use Mail::DKIM::Signer;
use MIME::Base64 qw(encode_base64);

sub new {
    my ($class, $t, %o) = @_;
    return bless { t => $t, domain => $o{domain}, records => {} }, $class;
}

sub file { return "$_[0]{t}{dir}/$_[1].key" }

# Makes a key, and its record with what else is to stand in it.
sub key {
    my ($self, $selector, $kind, $more) = @_;
    my ($type, $bits) = split /:/, $kind;
    my $file = $self->file($selector);
    $self->{t}->run('/usr/bin/openssl', 'genpkey', '-quiet', '-out', $file, '-algorithm', uc $type,
        $bits ? ('-pkeyopt', "rsa_keygen_bits:$bits") : ());
    my $der = $self->{t}->run('/usr/bin/openssl', 'pkey', '-in', $file, '-pubout', '-outform', 'DER');
    $der = substr $der, -32 if $type eq 'ed25519';
    $self->{records}{$selector} = "v=DKIM1; k=$type; " . ($more // '') . 'p=' . encode_base64($der, '');
}

sub record { return $_[0]{records}{ $_[1] } }

# TXT records for a zone of the domain; others under a selector of their own.
sub zone {
    my ($self, %other) = @_;
    my %all = (%{ $self->{records} }, %other);
    return join '', map { "$_._domainkey " . txt($all{$_}) . "\n" } sort keys %all;
}

sub txt {
    my ($text) = @_;
    return 'TXT (' . join(' ', map { qq("$_") } $text =~ /(.{1,200})/g) . ')';
}

sub signature {
    my ($self, $signer, $selector, $o) = @_;
    my $s = Mail::DKIM::Signature->new(
        Algorithm => $o->{algorithm} // 'rsa-sha256',
        Method    => $o->{method} // 'relaxed/relaxed',
        Headers   => $o->{headers} // $signer->headers,
        Domain    => $o->{domain} // $self->{domain},
        Selector  => $selector,
    );
    $s->set_tag($_, $o->{tags}{$_}) for sort keys %{ $o->{tags} // {} };
    $s->{KeyFile} = $o->{key} // $self->file($selector);
    return $s;
}

# The message with a signature on top; its line ends become CRLF.
sub sign {
    my ($self, $message, $selector, %o) = @_;
    $message =~ s/\r?\n/\r\n/g;
    my $signer = Mail::DKIM::Signer->new(Policy => sub {
        my ($signer) = @_;
        my $s = $self->signature($signer, $selector, \%o);
        my $class = { 'rsa-sha1' => 'Mail::DKIM::Algorithm::rsa_sha1',
            'ed25519-sha256' => 'FilterdTest::Signer::Ed25519' }->{ $s->algorithm }
            // 'Mail::DKIM::Algorithm::rsa_sha256';
        push @{ $signer->{algorithms} }, $class->new(Signature => $s);
        return 0;
    });
    $signer->PRINT($message);
    $signer->CLOSE;
    return ($signer->signature->as_string =~ s/\r?\n/\r\n/gr) . "\r\n$message";
}

# Signed by opendkim-testmsg, whose line ends are CRLF with -C.
sub opendkim {
    my ($self, $message, $selector) = @_;
    $message =~ s/\r?\n/\r\n/g;
    my ($status, $out, $err) = $self->{t}->try_run($message, '/usr/sbin/opendkim-testmsg', '-C',
        '-d', $self->{domain}, '-s', $selector, '-k', $self->file($selector));
    die "opendkim-testmsg: exit $status $err" if $status;
    return $out;
}

package FilterdTest::Signer::Ed25519;

our @ISA = ('Mail::DKIM::Algorithm::rsa_sha256');

sub sign {
    my ($self) = @_;
    my $key = $self->signature->{KeyFile};
    FilterdTest::spew("$key.digest", $self->{header_digest}->digest);
    open my $out, '-|', '/usr/bin/openssl', 'pkeyutl', '-sign', '-rawin', '-inkey', $key, '-in', "$key.digest"
        or die "openssl: $!";
    binmode $out;
    local $/;
    return MIME::Base64::encode_base64(scalar <$out>, '');
}

1;
