package FilterdTest::Sites::A;

# Users in MariaDB, virtual_transport, dspam by a FILTER action and dovecot-antispam, a store that is encrypted and
# mounted by hand. Its Sieve script files what dspam called spam into Spam.

use strict;
use warnings;
use parent 'FilterdTest::Sites';
use FilterdTest;

sub server { return 'MariaDb' }
sub database { return qw(mailserver mailuser mailuserpass) }
sub store { return 'mounted' }
sub junk { return 'Spam' }
sub aliases { return ('info@example.com' => 'ann@example.com') }
sub set { return ('spam.header_prefix' => 'X-DSPAM') }

sub tables {
    my ($self) = @_;
    my @users = map { [1, $self->hashed, $_->{login}] } $self->people;
    my %aliases = $self->aliases;
    return <<"END";
CREATE TABLE virtual_domains (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) NOT NULL);
CREATE TABLE virtual_users (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, domain_id INT NOT NULL,
    password VARCHAR(106) NOT NULL, email VARCHAR(120) NOT NULL UNIQUE,
    FOREIGN KEY (domain_id) REFERENCES virtual_domains(id) ON DELETE CASCADE);
CREATE TABLE virtual_aliases (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, domain_id INT NOT NULL,
    source VARCHAR(100) NOT NULL, destination VARCHAR(100) NOT NULL,
    FOREIGN KEY (domain_id) REFERENCES virtual_domains(id) ON DELETE CASCADE);
INSERT INTO virtual_domains (name) VALUES ('example.com');
INSERT INTO virtual_users (domain_id, password, email) VALUES ${\ FilterdTest::Sites::rows(@users)};
INSERT INTO virtual_aliases (domain_id, source, destination) VALUES
    ${\ FilterdTest::Sites::rows(map { [1, $_, $aliases{$_}] } sort keys %aliases)};
END
}

sub maps {
    my ($self) = @_;
    my $connect = "user = mailuser\npassword = mailuserpass\nhosts = 127.0.0.1\ndbname = mailserver\n";
    return (
        'mysql-virtual-mailbox-domains.cf' => "${connect}query = SELECT 1 FROM virtual_domains WHERE name='%s'\n",
        'mysql-virtual-mailbox-maps.cf' => "${connect}query = SELECT 1 FROM virtual_users WHERE email='%s'\n",
        'mysql-virtual-alias-maps.cf' => "${connect}query = SELECT destination FROM virtual_aliases WHERE source='%s'\n",
        'dspam_filter_access' => "/./ FILTER dspam:unix:/run/dspam/dspam.sock\n",
    );
}

sub main {
    my ($self) = @_;
    return <<"END";
mydestination = localhost
virtual_transport = lmtp:unix:private/dovecot-lmtp
virtual_mailbox_domains = mysql:$self->{etc}/mysql-virtual-mailbox-domains.cf
virtual_mailbox_maps = mysql:$self->{etc}/mysql-virtual-mailbox-maps.cf
virtual_alias_maps = mysql:$self->{etc}/mysql-virtual-alias-maps.cf
smtpd_client_restrictions = permit_sasl_authenticated, check_client_access pcre:$self->{etc}/dspam_filter_access
dspam_destination_recipient_limit = 1
END
}

sub master {
    my ($self) = @_;
    return $self->common_master . <<'END';
dspam unix - - n - 10 lmtp
127.0.0.1:10034 inet n - n - - smtpd
  -o content_filter= -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks,no_milters
  -o smtpd_client_restrictions= -o mynetworks=127.0.0.0/8
END
}

sub login_sql {
    my ($self) = @_;
    return (password => "SELECT email as user, password FROM virtual_users WHERE email='%u'", home => "$self->{vmail}/mail/%d/%n");
}

# Namespace and mailboxes as Debian ships them; the users have a folder Spam.
sub dovecot {
    my ($self, $series) = @_;
    my $script = $self->{t}->dir . '/sieve/dspam.sieve';
    spew($script, <<'END', 0644);
require ["fileinto", "regex"];
if anyof (header :is "X-DSPAM-Result" ["Spam", "Virus"], header :regex "X-DSPAM-Result" "^Bl[ao]cklisted") {
  fileinto "Spam";
  stop;
}
END
    my $after = $series eq '2.3' ? "plugin {\n  sieve_after = $script\n}\n" : "sieve_script dspam {\n  type = after\n  path = $script\n}\n";
    return $after . <<'END';
namespace inbox {
  inbox = yes
  mailbox Drafts {
    special_use = \Drafts
  }
  mailbox Spam {
    auto = create
  }
  mailbox Junk {
    special_use = \Junk
  }
  mailbox Trash {
    special_use = \Trash
  }
  mailbox Sent {
    special_use = \Sent
  }
}
END
}

# dspam's FILTER, and where its mail came back.
sub replace {
    my ($self) = @_;
    $self->main_cf(smtpd_client_restrictions => '');
    $self->postconf('-X', 'dspam_destination_recipient_limit');
    $self->postconf('-MX', 'dspam/unix', '127.0.0.1:10034/inet');
}

1;
