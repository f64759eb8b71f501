package FilterdTest::Dovecot;

# A Dovecot of our own with LMTP, IMAP and Pigeonhole, 2.3 or 2.4, whichever is installed; every user's
# password is "secret".

use strict;
use warnings;
use File::Path qw(make_path);
use FilterdTest;
use FilterdTest::Client;

# "2.3" or "2.4": their settings differ.
sub series {
    my ($series) = `/usr/sbin/dovecot --version` =~ /^(2\.[34])\./ or die "neither Dovecot 2.3 nor 2.4\n";
    return $series;
}

# Whether a plugin of that name is installed.
sub has_plugin {
    my ($name) = @_;
    return scalar(() = glob "/usr/lib/dovecot/modules/lib*_${name}_plugin.so");
}

# users: addresses. sieve: also what tools/dovecot and tools/sieve ship. more: further settings.
sub start {
    my ($class, $t, %arg) = @_;
    my $dir = $t->dir;
    my $self = bless { t => $t, home => "$dir/home", conf => "$dir/dovecot.conf" }, $class;
    my ($uid, $gid) = (getpwnam $FilterdTest::MAIL_USER)[2, 3];
    make_path($self->{home}, "$dir/dovecot");
    chown $uid, $gid, $self->{home};
    spew("$dir/passwd", join '', map { "$_:{PLAIN}secret\n" } @{ $arg{users} });
    my %own = ('2.3' => \&settings_23, '2.4' => \&settings_24);
    spew($self->{conf}, join '', $own{ series() }->($self, $uid, $gid), place($t), $self->settings($uid, $gid),
        $arg{sieve} ? shipped($t) : '', $arg{more} // '');
    compile($t, $self->{conf}) if $arg{sieve};
    $self->up($t->port('imap'));
    $t->at_end(sub { $self->down });
    return $self;
}

# One with the settings of somebody else: configured like this, and then started by up. maildir: code that tells where
# a user's is.
sub with {
    my ($class, $t, $settings, $maildir) = @_;
    my $self = bless { t => $t, conf => $t->dir . '/dovecot.conf', maildir => $maildir }, $class;
    make_path($t->dir . '/dovecot');
    spew($self->{conf}, $settings);
    return $self;
}

# Where it runs. Memory without limits: programs built with ASan reserve terabytes.
sub place {
    my ($t) = @_;
    return <<"END" . (series() eq '2.3' ? "default_vsz_limit = 0\n" : "default_vsz_limit = unlimited\n");
base_dir = ${\ $t->dir}/dovecot/run
state_dir = ${\ $t->dir}/dovecot
log_path = ${\ $t->log_file('dovecot')}
ssl = no
service imap-login {
  chroot =
}
END
}

# Settings that are the same in both.
sub settings {
    my ($self, $uid, $gid) = @_;
    my $t = $self->{t};
    my $dir = $t->dir;
    return <<"END";
protocols = imap lmtp
listen = 127.0.0.1
first_valid_uid = $uid
first_valid_gid = $gid
recipient_delimiter = +
namespace inbox {
  inbox = yes
  mailbox Junk {
    auto = subscribe
  }
  mailbox Trash {
    auto = subscribe
  }
}
service imap-login {
  inet_listener imap {
    port = ${\ $t->port('imap')}
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  unix_listener $dir/dovecot.lmtp {
    mode = 0666
  }
}
END
}

sub settings_23 {
    my ($self, $uid, $gid) = @_;
    return <<"END";
disable_plaintext_auth = no
auth_username_format = %Lu
mail_location = maildir:~/Maildir
passdb {
  driver = passwd-file
  args = ${\ $self->{t}->dir}/passwd
}
userdb {
  driver = static
  args = uid=$uid gid=$gid home=$self->{home}/%Lu
}
END
}

sub settings_24 {
    my ($self, $uid, $gid) = @_;
    return <<"END";
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
auth_allow_cleartext = yes
auth_username_format = %{user | lower}
mail_driver = maildir
mail_path = ~/Maildir
passdb passwd-file {
  passwd_file_path = ${\ $self->{t}->dir}/passwd
}
userdb static {
  fields {
    uid = $uid
    gid = $gid
    home = $self->{home}/%{user | lower}
  }
}
END
}

# What tools/dovecot has for this series.
sub shipped {
    my ($t) = @_;
    return $t->localized(slurp("$FilterdTest::ROOT/tools/dovecot/filterd-" . series() . '.conf'));
}

# The shipped sieve scripts, as README.md says it, by Dovecot's settings.
sub compile {
    my ($t, $conf) = @_;
    $t->run('/bin/cp', $_, $t->dir . '/sieve/') for glob "$FilterdTest::ROOT/tools/sieve/*.sieve";
    $t->run('/usr/bin/sievec', '-c', $conf, '-x', '+vnd.dovecot.pipe +vnd.dovecot.environment +special-use', $t->dir . '/sieve');
}

# imap: the port; lmtp: the socket.
sub up {
    my ($self, $imap, $lmtp) = @_;
    my $t = $self->{t};
    $self->{imap} = $imap // $self->{imap};
    $self->{lmtp} = $lmtp // $self->{lmtp} // $t->dir . '/dovecot.lmtp';
    $self->{pid} = $t->spawn($t->log_file('dovecot'), '/usr/sbin/dovecot', '-F', '-c', $self->{conf});
    poll(sub { FilterdTest::Client::listens($self->{imap}) && FilterdTest::Client::listens($self->{lmtp}) })
        or die "Dovecot does not start\n" . slurp($t->log_file('dovecot'));
}

sub down {
    my ($self) = @_;
    FilterdTest::end_process($self->{pid});
    unlink $self->{lmtp};
}

sub imap {
    my ($self, $user) = @_;
    my $c = FilterdTest::Client->new(imap => $self->{imap});
    $c->imap("LOGIN $user secret");
    return $c;
}

# When a Maildir file came, by its name: SECONDS.MmicrosecondsP..., by virtual(8) SECONDS.VdeviceIinodeMmicroseconds...
sub arrival {
    my ($file) = @_;
    my ($seconds, $micros) = $file =~ m{/(\d+)\.(?:V\w+?I\w+?)?M(\d+)[P.][^/]*$};
    return sprintf '%d.%06d', $seconds, $micros;
}

# All messages in a user's folder ("" is the inbox), in the order they came, as they lie on disk
# but with CRLF.
sub mails {
    my ($self, $user, $folder) = @_;
    my $dir = $self->{maildir} ? $self->{maildir}->($user) : "$self->{home}/$user/Maildir";
    $dir .= "/.$folder" if $folder;
    my @mails;
    for my $file (sort { arrival($a) <=> arrival($b) } glob "$dir/new/* $dir/cur/*") {
        my $mail = slurp($file);
        $mail =~ s/\r?\n/\r\n/g;
        push @mails, $mail if length $mail;
    }
    return @mails;
}

# Waits for COUNT messages there and returns them.
sub wait_mails {
    my ($self, $count, $user, $folder) = @_;
    poll(sub { $self->mails($user, $folder) >= $count });
    return $self->mails($user, $folder);
}

1;
