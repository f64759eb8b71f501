package FilterdTest::Dovecot;

# A Dovecot of our own with LMTP, IMAP and Pigeonhole; every user's password is "secret".

use strict;
use warnings;
use File::Path qw(make_path);
use FilterdTest;
use FilterdTest::Client;

# users: addresses. sieve: also what tools/dovecot and tools/sieve ship. more: further settings.
sub start {
    my ($class, $t, %arg) = @_;
    my $dir = $t->dir;
    my $self = bless { t => $t, home => "$dir/home", conf => "$dir/dovecot.conf" }, $class;
    my ($uid, $gid) = (getpwnam $FilterdTest::MAIL_USER)[2, 3];
    make_path($self->{home}, "$dir/dovecot");
    chown $uid, $gid, $self->{home};
    spew("$dir/passwd", join '', map { "$_:{PLAIN}secret\n" } @{ $arg{users} });
    spew($self->{conf}, <<"END" . ($arg{sieve} ? $self->sieve : '') . ($arg{more} // ''));
protocols = imap lmtp
base_dir = $dir/dovecot/run
state_dir = $dir/dovecot
log_path = ${\ $t->log_file('dovecot')}
listen = 127.0.0.1
default_vsz_limit = 0 # programs built with ASan reserve terabytes
ssl = no
disable_plaintext_auth = no
auth_username_format = %Lu
first_valid_uid = $uid
first_valid_gid = $gid
mail_location = maildir:~/Maildir
recipient_delimiter = +
passdb {
  driver = passwd-file
  args = $dir/passwd
}
userdb {
  driver = static
  args = uid=$uid gid=$gid home=$self->{home}/%Lu
}
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
  chroot =
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
    $self->up;
    $t->at_end(sub { $self->down });
    return $self;
}

# The shipped sieve scripts and plugin settings.
sub sieve {
    my ($self) = @_;
    my $t = $self->{t};
    for my $file (glob "$FilterdTest::ROOT/tools/sieve/*.sieve") {
        $t->run('/bin/cp', $file, $t->dir . '/sieve/');
    }
    spew($t->dir . '/sievec.conf', my $text = slurp_conf($t));
    $t->run('/usr/bin/sievec', '-c', $t->dir . '/sievec.conf', '-x',
        '+vnd.dovecot.pipe +vnd.dovecot.environment', $t->dir . '/sieve');
    return $text;
}

sub slurp_conf {
    my ($t) = @_;
    return $t->localized(slurp("$FilterdTest::ROOT/tools/dovecot/filterd-2.3.conf"));
}

sub up {
    my ($self) = @_;
    my $t = $self->{t};
    $self->{pid} = $t->spawn($t->log_file('dovecot'), '/usr/sbin/dovecot', '-F', '-c', $self->{conf});
    poll(sub { FilterdTest::Client::listens($t->port('imap')) && FilterdTest::Client::listens($t->dir . '/dovecot.lmtp') })
        or die "Dovecot does not start\n" . slurp($t->log_file('dovecot'));
}

sub down {
    my ($self) = @_;
    FilterdTest::end_process($self->{pid});
    unlink $self->{t}->dir . '/dovecot.lmtp';
}

sub imap {
    my ($self, $user) = @_;
    my $c = FilterdTest::Client->new(imap => $self->{t}->port('imap'));
    $c->imap("LOGIN $user secret");
    return $c;
}

# When a Maildir file came, by its name: SECONDS.MmicrosecondsP...
sub arrival {
    my ($file) = @_;
    my ($seconds, $micros) = $file =~ m{/(\d+)\.M(\d+)P[^/]*$};
    return sprintf '%d.%06d', $seconds, $micros;
}

# All messages in a user's folder ("" is the inbox), in the order they came, as they lie on disk
# but with CRLF.
sub mails {
    my ($self, $user, $folder) = @_;
    my $dir = "$self->{home}/$user/Maildir" . ($folder ? "/.$folder" : '');
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
