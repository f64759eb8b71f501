package FilterdTest::Sites::C;

# Users in PostgreSQL with their keys, Postfix's map files in the old form, mydestination and mailbox_transport;
# amavis, gpgit by pipe(8), header_checks for submission; a store that is encrypted and mounted by hand.

use strict;
use warnings;
use parent 'FilterdTest::Sites';
use FilterdTest;

sub server { return 'PostgreSql' }
sub database { return qw(mail mailreader mailreaderpass) }
sub store { return 'mail' }
sub greylists { return 1 }
sub aliases { return ('info@example.com' => 'ann@example.com') }
sub traces { return "X-Enigmail-Version: 1\n" . FilterdTest::Sites::traces() }
sub submission_cleanup { return 'subcleanup' }

# Their aliases have no domain.
sub tables {
    my ($self) = @_;
    my @users = map { [$_->{login}, $_->{key} ? $self->{keys}{ $_->{login} }->public : undef, $self->hashed,
        "$self->{vmail}/mail/example.com/" . ($_->{login} =~ s/@.*//r) . '/'] } $self->people;
    my %aliases = $self->aliases;
    return <<"END";
CREATE TABLE users (email TEXT PRIMARY KEY, pgpkey TEXT, password TEXT NOT NULL, maildir TEXT NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now());
CREATE TABLE aliases (alias TEXT PRIMARY KEY, email TEXT NOT NULL);
INSERT INTO users (email, pgpkey, password, maildir) VALUES ${\ FilterdTest::Sites::rows(@users)};
INSERT INTO aliases VALUES ${\ FilterdTest::Sites::rows(map { [s/@.*//r, $aliases{$_}] } sort keys %aliases)};
END
}

my $CONNECT = "user = mailreader\npassword = mailreaderpass\nhosts = 127.0.0.1\ndbname = mail\n";

sub maps {
    return (
        'pgsql-boxes.cf' => "${CONNECT}table = users\nselect_field = email\nwhere_field = email\n",
        'pgsql-aliases.cf' => "${CONNECT}table = aliases\nselect_field = email\nwhere_field = alias\n",
        'submission_header_checks' => <<'END',
/^Received: from .*\n\s+(by .*)/ REPLACE Received: from localhost (localhost [127.0.0.1]) ${1}
/^Received: from/ REPLACE Received: from localhost (localhost [127.0.0.1])
/^User-Agent:/ IGNORE
/^X-Enigmail/ IGNORE
/^X-Mailer:/ IGNORE
/^X-Originating-IP:/ IGNORE
END
    );
}

sub main {
    my ($self) = @_;
    return <<"END";
mydestination = example.com, localhost
alias_maps = pgsql:$self->{etc}/pgsql-aliases.cf
local_recipient_maps = pgsql:$self->{etc}/pgsql-boxes.cf \$alias_maps
mailbox_transport = lmtp:unix:private/dovecot-lmtp
content_filter = amavis:[127.0.0.1]:10054
smtpd_recipient_restrictions = permit_sasl_authenticated, permit_mynetworks, reject_unauth_destination, reject_rbl_client sbl.spamhaus.org, check_policy_service unix:private/policyd-spf, check_policy_service inet:127.0.0.1:10023
END
}

sub master {
    my ($self) = @_;
    my $master = $self->common_master("\n  -o cleanup_service_name=subcleanup -o content_filter=gpgit");
    return $master =~ s/^smtp inet .*\n/$&  -o content_filter=gpgit\n/mr . <<"END";
local unix - n n - - local
subcleanup unix n - n - 0 cleanup
  -o header_checks=pcre:$self->{etc}/submission_header_checks -o nested_header_checks=
gpgit unix - n n - - pipe
  flags= user=nobody argv=/var/lib/gpgit/encrypt -oi -f \${sender} \${recipient}
policyd-spf unix - n n - 0 spawn
  user=nobody argv=/usr/bin/policyd-spf
amavis unix - - n - 2 smtp
  -o smtp_data_done_timeout=1200 -o smtp_send_xforward_command=yes
127.0.0.1:10055 inet n - n - - smtpd
  -o content_filter= -o smtpd_milters= -o mynetworks=127.0.0.0/8 -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o receive_override_options=no_milters,no_header_body_checks
END
}

sub login_sql {
    my ($self) = @_;
    my ($uid, $gid) = (getpwnam $FilterdTest::MAIL_USER)[2, 3];
    return (password => "SELECT email AS user, password FROM users WHERE email = '%u'",
        user => "SELECT maildir AS home, $uid AS uid, $gid AS gid FROM users WHERE email = '%u'");
}

sub dovecot {
    return <<'END';
namespace inbox {
  inbox = yes
  mailbox Junk {
    auto = subscribe
    special_use = \Junk
  }
  mailbox Trash {
    auto = subscribe
    special_use = \Trash
  }
  mailbox Sent {
    auto = subscribe
    special_use = \Sent
  }
}
END
}

# What setup does not take out: the policies.
sub replace {
    my ($self) = @_;
    $self->main_cf(smtpd_recipient_restrictions => 'permit_sasl_authenticated, permit_mynetworks, reject_unauth_destination');
}

1;
