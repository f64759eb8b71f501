package FilterdTest::Postfix;

# A Postfix of our own: configuration, queue and data below the test's folder.

use strict;
use warnings;
use FilterdTest;
use parent 'FilterdTest::Log';
use FilterdTest::Client;

my $MASTER = <<'END';
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
tlsmgr unix - - n 1000? 1 tlsmgr
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
END

# A test's usual site: mail for example.com goes to Dovecot's LMTP unless a snippet says otherwise; all else is an
# error, nothing leaves the host.
my $USUAL = <<'END';
myhostname = mail.example.com
inet_interfaces = loopback-only
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
virtual_mailbox_domains = example.com
virtual_mailbox_maps = static:all
virtual_transport = lmtp:unix:/run/dovecot/lmtp
default_transport = error:nothing leaves this host
recipient_delimiter = +
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
END

# filterd's user in these tests is in no group postdrop: its own group may pass the folder instead.
sub open_public {
    my ($self) = @_;
    my $public = "$self->{dir}/queue/public";
    mkdir $public;
    chown scalar getpwnam('postfix'), (getpwnam $FilterdTest::FILTERD_USER)[3], $public;
    chmod 02710, $public;
}

# snippets: names below tools/postfix. main, master: more lines of main.cf, master.cf. groups: leave Postfix's folders
# to its groups. chroot: smtpd runs in the queue directory. bare: nothing of the usual site; main and master say all
# of it, services for clients too.
sub start {
    my ($class, $t, %arg) = @_;
    my $self = $class->configure($t, %arg);
    $self->up($t->port('smtp'));
    return $self;
}

# Writes its settings; up starts it.
sub configure {
    my ($class, $t, %arg) = @_;
    my $self = bless { t => $t, dir => $t->dir . '/postfix' }, $class;
    mkdir "$self->{dir}" . $_ for '', '/queue', '/data', '/etc';
    open_public($self) if !$arg{groups};
    chown scalar getpwnam('postfix'), -1, "$self->{dir}/data";
    my $main = <<"END" . ($arg{bare} ? '' : $t->localized($USUAL));
compatibility_level = 3.6
queue_directory = $self->{dir}/queue
data_directory = $self->{dir}/data
maillog_file = ${\ $t->log_file('postfix')}
maillog_file_prefixes = ${\ $t->dir}
inet_protocols = ipv4
END
    my $chroot = $arg{chroot} ? 'y' : 'n';
    my $master = $arg{bare} ? $MASTER : '127.0.0.1:' . $t->port('smtp') . " inet n - $chroot - - smtpd\n" . $MASTER;
    for my $name (@{ $arg{snippets} || [] }) {
        $main .= $t->snippet($name, 'main.cf');
        $master .= $t->snippet($name, 'master.cf');
    }
    $main .= $arg{main} // '';
    $master .= $arg{master} // '';
    # Of two settings of one name Postfix takes the last and warns: keep only that.
    my %last = map { /^(\S+) *=/ ? ($1 => $_) : () } split /(?<=\n)(?=\S)/, $main;
    spew("$self->{dir}/etc/main.cf", join '', map { $last{$_} } sort keys %last);
    spew("$self->{dir}/etc/master.cf", $master);
    return $self;
}

# Until these ports of loopback take connections.
sub up {
    my ($self, @ports) = @_;
    $self->{t}->at_end(sub { $self->down });
    my ($status, $out, $err) = $self->command('postfix', 'start');
    die "postfix start: $status $out$err\n" . $self->log_text if $status;
    for my $port (@ports) {
        poll(sub { FilterdTest::Client::listens($port) }) or die "no smtpd\n" . $self->log_text;
    }
}

sub down {
    my ($self) = @_;
    $self->command('postfix', 'stop');
}

sub command {
    my ($self, $program, @args) = @_;
    return $self->{t}->try_run(undef, "/usr/sbin/$program", '-c', "$self->{dir}/etc", @args);
}

# Reads its settings anew; until those who had read the old ones have ended.
sub reload {
    my ($self) = @_;
    my ($master) = slurp("$self->{dir}/queue/pid/master.pid") =~ /(\d+)/;
    my @old = split ' ', ($self->{t}->try_run(undef, 'ps', '-o', 'pid=', '--ppid', $master))[1];
    $self->command('postfix', 'reload');
    poll(sub { !grep { kill 0, $_ } @old }) or die "Postfix: old processes stay\n";
}

# Sends one message by SMTP and dies unless it is taken; returns Postfix's last reply.
sub send {
    my ($self, $message, $from, @to) = @_;
    my $c = $self->client;
    my $reply = $c->deliver($message, $from, @to);
    $c->quit;
    die "Postfix says: $reply\n" if $reply !~ /^2/;
    return $reply;
}

sub client {
    my ($self) = @_;
    return FilterdTest::Client->new(smtp => $self->{t}->port('smtp'));
}

# Status, stdout and stderr of the sendmail command with this message, in a name space where /etc/postfix is ours: it
# takes no other.
sub sendmail {
    my ($self, $message, $from, @to) = @_;
    return $self->{t}->try_run($message =~ s/\r\n/\n/gr, qw(unshare -m /bin/sh -e -c),
        'mount --make-rprivate /; mount --bind "$1/etc" /etc/postfix; shift; exec /usr/sbin/sendmail -i -f "$@"',
        'sh', $self->{dir}, $from, '--', @to);
}

# Queue ids of what still waits.
sub queue {
    my ($self) = @_;
    my (undef, $out) = $self->command('postqueue', '-j');
    return $out =~ /"queue_id": "(\w+)"/g;
}

sub flush {
    my ($self) = @_;
    $self->command('postqueue', '-f');
}

# Waits until nothing is queued any more.
sub drained {
    my ($self) = @_;
    return poll(sub { !$self->queue });
}

sub log_text { return slurp($_[0]{t}->log_file('postfix')) }

1;
