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

# The same key in a keyring of rnp, which Thunderbird reads mail with: unlike gpg, it tries no key that the
# ciphertext does not name.
sub rnp_home {
    my ($self) = @_;
    if (!$self->{rnp_home}) {
        my $home = "$self->{home}/rnp";
        mkdir $home, 0700;
        my $secret = $self->gpg(undef, '--export-secret-keys', $self->{fingerprint});
        my ($status, undef, $err) = $self->{t}->try_run($secret, 'rnpkeys', '--homedir', $home, '--import-keys', '-');
        die "rnpkeys (Debian's package rnp): exit $status\n$err" if $status;
        $self->{rnp_home} = $home;
    }
    return $self->{rnp_home};
}

# What the holder of this key reads in a sealed message, with gpg and with rnp; undef if it opens in neither.
# Dies if only one of the two opens it, or they read different things.
sub open_sealed {
    my ($self, $mail) = @_;
    my ($armor) = $mail =~ /(-----BEGIN PGP MESSAGE-----.*?-----END PGP MESSAGE-----)/s;
    return undef if !$armor;
    my ($status, $out) = $self->try_gpg($armor, '--decrypt');
    my ($rnp_status, $rnp_out) = $self->{t}->try_run($armor, 'rnp', '--homedir', $self->rnp_home, '--decrypt', '-');
    die "$self->{address}: opens in ", $status ? 'rnp, not in gpg' : 'gpg, not in rnp', "\n" if !$status != !$rnp_status;
    return undef if $status;
    die "$self->{address}: rnp reads something else than gpg\n" if $out ne $rnp_out;
    return $out;
}

1;
