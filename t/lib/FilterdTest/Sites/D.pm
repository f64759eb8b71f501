package FilterdTest::Sites::D;

# Users in PostgreSQL behind views, transport_maps with virtual:, and virtual(8), which writes the maildir itself. The
# login is not the public address. spamc by a content_filter of the smtpd's, header_checks for submission.

use strict;
use warnings;
use parent 'FilterdTest::Sites';
use FilterdTest;

sub server { return 'PostgreSql' }
sub database { return qw(mail postfix postfixpass) }
sub people { return ({ login => 'ann@example.com', address => 'kim@example.com', key => 'curve' }, { login => 'bob@example.com' }) }
sub aliases { return ('info@example.com' => 'ann@example.com') }
sub submission_cleanup { return 'subcleanup' }
sub legs { return 1 }     # what came by SMTP is delivered by transport_maps
sub greylists { return 1 }
sub junk { return '' }    # virtual(8) knows no Sieve
sub traces { return '' } # its header_checks know Received alone

sub ids { return (getpwnam $FilterdTest::MAIL_USER)[2, 3] }

sub tables {
    my ($self) = @_;
    my @users = map { my $user = $_->{login} =~ s/@.*//r;
        [$_->{login}, $self->hashed, ucfirst $user, ids(), "$self->{vmail}/mail/example.com/$user", "example.com/$user/"] } $self->people;
    my %aliases = ($self->aliases, map { ($_->{address} // $_->{login}) => $_->{login} } $self->people);
    return <<"END";
CREATE TABLE transport (domain TEXT PRIMARY KEY, transport TEXT NOT NULL);
CREATE TABLE users (userid TEXT PRIMARY KEY, password TEXT, realname TEXT, uid INTEGER NOT NULL, gid INTEGER NOT NULL,
    home TEXT, mail TEXT);
CREATE TABLE virtual (address TEXT PRIMARY KEY, userid TEXT NOT NULL);
CREATE VIEW postfix_mailboxes AS SELECT userid, mail AS mailbox FROM users;
CREATE VIEW postfix_virtual AS SELECT userid, userid AS address FROM users UNION SELECT userid, address FROM virtual;
INSERT INTO transport VALUES ('example.com', 'virtual:');
INSERT INTO users VALUES ${\ FilterdTest::Sites::rows(@users)};
INSERT INTO virtual VALUES ${\ FilterdTest::Sites::rows(map { [$_, $aliases{$_}] } sort keys %aliases)};
END
}

sub maps {
    my $connect = "user = postfix\npassword = postfixpass\nhosts = 127.0.0.1\ndbname = mail\n";
    my $table = sub { sprintf "%stable = %s\nselect_field = %s\nwhere_field = %s\n", $connect, @_ };
    return (
        'transport.cf' => $table->(qw(transport transport domain)),
        'mailboxes.cf' => $table->(qw(postfix_mailboxes mailbox userid)),
        'virtual.cf' => $table->(qw(postfix_virtual userid address)),
        'uids.cf' => $table->(qw(users uid userid)),
        'gids.cf' => $table->(qw(users gid userid)),
        'submission_header_checks' => "/^Received:.*\\(Postfix/ IGNORE\n",
    );
}

sub main {
    my ($self) = @_;
    my $etc = $self->{etc};
    return <<"END";
mydestination = example.com, localhost
local_transport = virtual
local_recipient_maps = \$virtual_mailbox_maps \$virtual_alias_maps
transport_maps = pgsql:$etc/transport.cf
virtual_mailbox_base = $self->{vmail}/mail
virtual_mailbox_maps = pgsql:$etc/mailboxes.cf
virtual_alias_maps = pgsql:$etc/virtual.cf
virtual_uid_maps = pgsql:$etc/uids.cf
virtual_gid_maps = pgsql:$etc/gids.cf
virtual_minimum_uid = 1
END
}

sub master {
    my ($self) = @_;
    my $master = $self->common_master("\n  -o cleanup_service_name=subcleanup");
    return $master =~ s/^smtp inet .*\n/$&  -o content_filter=spamassassin\n/mr . <<"END";
subcleanup unix n - n - 0 cleanup
  -o header_checks=pcre:$self->{etc}/submission_header_checks
virtual unix - n n - - virtual
spamassassin unix - n n - - pipe
  user=nobody argv=/usr/bin/spamc -u \${user}@\${nexthop} -e /usr/sbin/sendmail -oi -f \${sender} \${recipient}
END
}

# In place of virtual(8), by the table; code that takes it back.
sub dovecot_delivers {
    my ($self) = @_;
    my $set = sub {
        $self->sql("UPDATE transport SET transport = '$_[0]';");
        $self->{postfix}->reload; # it remembers what it was told
    };
    $set->('lmtp:unix:private/dovecot-lmtp');
    return sub { $set->('virtual:') };
}

sub login_sql {
    return (password => "SELECT userid AS user, password FROM users WHERE userid = '%u'",
        user => "SELECT home, uid, gid FROM users WHERE userid = '%u'");
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
}
END
}

1;
