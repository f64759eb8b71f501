package FilterdTest::Sites::B;

# As A, hardened: what clients say is looked at, senders must be the logins', postfwd sums DNS lists and postgrey lets
# wait.

use strict;
use warnings;
use parent 'FilterdTest::Sites::A';

sub store { return 'folder' }
sub greylists { return 1 }

my $RECIPIENT = 'reject_non_fqdn_recipient, permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination';

sub main {
    my ($self) = @_;
    return $self->SUPER::main . <<"END";
disable_vrfy_command = yes
smtpd_helo_required = yes
strict_rfc821_envelopes = yes
smtpd_helo_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname
smtpd_sender_login_maps = mysql:$self->{etc}/mysql-email2email.cf
smtpd_sender_restrictions = reject_non_fqdn_sender, reject_authenticated_sender_login_mismatch
smtpd_recipient_restrictions = $RECIPIENT, check_policy_service inet:127.0.0.1:10040, check_policy_service inet:127.0.0.1:10023
smtpd_data_restrictions = reject_unauth_pipelining, reject_multi_recipient_bounce
END
}

sub maps {
    my ($self) = @_;
    my %maps = $self->SUPER::maps;
    my ($connect) = $maps{'mysql-virtual-mailbox-maps.cf'} =~ /\A(.*)^query/ms;
    return (%maps, 'mysql-email2email.cf' => "${connect}query = SELECT email FROM virtual_users WHERE email='%s'\n");
}

sub replace {
    my ($self) = @_;
    $self->SUPER::replace;
    $self->main_cf(smtpd_recipient_restrictions => $RECIPIENT);
}

1;
