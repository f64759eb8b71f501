package FilterdTest::Sites::E;

# Users in MariaDB, as short as can be: each address is in the table of aliases, one row is a catch-all, all of
# Dovecot in one file. Nothing is signed.

use strict;
use warnings;
use parent 'FilterdTest::Sites';
use FilterdTest;

sub server { return 'MariaDb' }
sub database { return qw(mail mail mailpass) }
sub signs { return 0 }
sub aliases { return ('info@example.com' => 'ann@example.com') }
sub catch_all { return 'ann@example.com' }

sub tables {
    my ($self) = @_;
    my %aliases = ($self->aliases, '@example.com' => $self->catch_all, map { $_->{login} => $_->{login} } $self->people);
    return <<"END";
CREATE TABLE domains (domain VARCHAR(100) PRIMARY KEY);
CREATE TABLE users (email VARCHAR(100) PRIMARY KEY, crypt VARCHAR(128) NOT NULL);
CREATE TABLE aliases (mail VARCHAR(100) PRIMARY KEY, destination VARCHAR(100) NOT NULL);
INSERT INTO domains VALUES ('example.com');
INSERT INTO users VALUES ${\ FilterdTest::Sites::rows(map { [$_->{login}, $self->hashed] } $self->people)};
INSERT INTO aliases VALUES ${\ FilterdTest::Sites::rows(map { [$_, $aliases{$_}] } sort keys %aliases)};
END
}

sub maps {
    my $connect = "hosts = 127.0.0.1\nuser = mail\npassword = mailpass\ndbname = mail\n";
    return (
        'domains.cf' => "${connect}query = SELECT domain FROM domains WHERE domain='%s'\n",
        'users.cf' => "${connect}query = SELECT email FROM users WHERE email='%s'\n",
        'aliases.cf' => "${connect}query = SELECT destination FROM aliases WHERE mail='%s'\n",
    );
}

sub main {
    my ($self) = @_;
    return <<"END";
mydestination = localhost
virtual_transport = lmtp:unix:private/dovecot-lmtp
virtual_mailbox_domains = mysql:$self->{etc}/domains.cf
virtual_mailbox_maps = mysql:$self->{etc}/users.cf
virtual_alias_maps = mysql:$self->{etc}/aliases.cf
smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination, reject_rbl_client zen.spamhaus.org
END
}

sub master { return $_[0]->common_master }

sub login_sql {
    my ($self) = @_;
    return (password => "SELECT email AS user, crypt AS password FROM users WHERE email='%u'", home => "$self->{vmail}/mail/%d/%n");
}

sub dovecot {
    return <<'END';
namespace inbox {
  inbox = yes
  mailbox Junk {
    special_use = \Junk
    auto = create
  }
  mailbox Trash {
    special_use = \Trash
    auto = create
  }
}
END
}

sub replace {
    my ($self) = @_;
    $self->main_cf(smtpd_recipient_restrictions => 'permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination');
}

1;
