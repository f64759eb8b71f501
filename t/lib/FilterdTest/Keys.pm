package FilterdTest::Keys;

# People with OpenPGP keys, each in a GnuPG home of their own.

use strict;
use warnings;
use FilterdTest;

my %KIND = (
    rsa => "Key-Type: RSA\nKey-Length: 3072\nKey-Usage: sign\n"
        . "Subkey-Type: RSA\nSubkey-Length: 3072\nSubkey-Usage: encrypt\n",
    curve => "Key-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: sign\n"
        . "Subkey-Type: ecdh\nSubkey-Curve: cv25519\nSubkey-Usage: encrypt\n",
);

my $count = 0;

# kind: rsa or curve. expire: as gpg's Expire-Date, 0 for never.
sub new {
    my ($class, $t, $address, $kind, $expire) = @_;
    my $home = $t->dir . '/gpg' . ++$count;
    my $self = bless { t => $t, address => $address, home => $home }, $class;
    mkdir $self->{home}, 0700;
    $t->at_end(sub { $t->try_run(undef, 'gpgconf', '--homedir', $self->{home}, '--kill', 'all') });
    $self->gpg("%no-protection\n$KIND{$kind}Name-Email: $address\nExpire-Date: "
            . ($expire // 0) . "\n%commit\n", '--gen-key');
    ($self->{fingerprint}) = $self->gpg(undef, '--with-colons', '-k') =~ /^fpr:+(\w+):/m;
    return $self;
}

sub gpg {
    my ($self, $input, @args) = @_;
    my ($status, $out, $err) = $self->try_gpg($input, @args);
    die "gpg @args: exit $status\n$err" if $status;
    return $out;
}

sub try_gpg {
    my ($self, $input, @args) = @_;
    return $self->{t}->try_run($input, '/usr/bin/gpg', '--batch', '--no-tty', '--homedir',
        $self->{home}, @args);
}

# Armored public key.
sub public {
    my ($self) = @_;
    return $self->gpg(undef, '--armor', '--export', $self->{address});
}

# Revokes it, by the certificate gpg made beside it.
sub revoke {
    my ($self) = @_;
    my $certificate = slurp("$self->{home}/openpgp-revocs.d/$self->{fingerprint}.rev");
    $certificate =~ s/^:(?=-----BEGIN)/ /m;
    $certificate =~ s/^ (?=-----BEGIN)//m;
    $self->gpg($certificate, '--import');
}

# What the holder of this key reads in a sealed message; undef if it does not open.
sub open_sealed {
    my ($self, $mail) = @_;
    my ($armor) = $mail =~ /(-----BEGIN PGP MESSAGE-----.*?-----END PGP MESSAGE-----)/s;
    return undef if !$armor;
    my ($status, $out) = $self->try_gpg($armor, '--decrypt');
    return $status ? undef : $out;
}

1;
