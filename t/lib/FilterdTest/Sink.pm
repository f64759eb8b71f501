package FilterdTest::Sink;

# A next hop under the test's control: an LMTP or SMTP server whose reply to each recipient can be set, and
# which keeps the messages it took.

use strict;
use warnings;
use Fcntl qw(:flock);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use FilterdTest;
use IO::Handle;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(time);

# kind: lmtp or smtp; the port's name in the test's world, "back": where the shipped listeners hand over to. plain: it offers no PIPELINING. wire:
# keep every byte that clients sent.
sub start {
    my ($class, $t, $kind, $port_name, %arg) = @_;
    my $self = bless {
        plain => $arg{plain},
        t => $t, kind => $kind, rules => $t->dir . "/$port_name.rules",
        box => $t->dir . "/$port_name.box", $port_name eq 'back' ? (path => $t->back) : (port => $t->port($port_name)),
        wire => $arg{wire} && $t->dir . "/$port_name.wire",
    }, $class;
    mkdir $self->{box};
    $self->up;
    return $self;
}

sub up {
    my ($self) = @_;
    my $listener = $self->{path} ? $self->listen_unix : IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $self->{port}, Listen => 50, ReuseAddr => 1) or die "port $self->{port}: $!";
    $self->{pid} = $self->{t}->spawn_code(sub { $self->serve($listener) });
    close $listener;
}

sub listen_unix {
    my ($self) = @_;
    make_path(dirname($self->{path}));
    unlink $self->{path};
    my $listener = IO::Socket::UNIX->new(Local => $self->{path}, Listen => 50) or die "$self->{path}: $!";
    chmod 0666, $self->{path};
    return $listener;
}

sub down {
    my ($self) = @_;
    FilterdTest::end_process($self->{pid});
}

# From now on: "rcpt ADDRESS" or "data ADDRESS" => a reply other than 250, or "hang": none, until
# the client goes, or "slow REPLY": two seconds late. "again mail" or "again rcpt": what a connection
# hears to these when it had a message taken before; "again xforward", "again data" the same; "again close" => 1: it
# is closed then instead. "early data" => a reply that comes before the message, of which nothing is
# taken then: it is closed.
sub rules {
    my ($self, %rules) = @_;
    spew("$self->{rules}.new", join '', map { "$_ $rules{$_}\n" } keys %rules);
    rename "$self->{rules}.new", $self->{rules};
}

# What was taken for an address, in order, as received.
sub taken {
    my ($self, $address) = @_;
    return map { slurp($_) } sort glob "$self->{box}/*,$address";
}

# What clients said so far, command lines only.
sub said { return split /\n/, slurp("$_[0]{box}.said") }

# How many that were.
sub count {
    my ($self, $address) = @_;
    my @files = glob "$self->{box}/*,$address";
    return scalar @files;
}

# What all clients sent so far, one after the other.
sub wire { return slurp($_[0]{wire}) }

# The next line of a client, up to LF.
sub next_line {
    my ($self, $client) = @_;
    my $line = <$client>;
    return $line if !defined $line || !$self->{wire};
    open my $wire, '>>:raw', $self->{wire} or die "$self->{wire}: $!";
    syswrite $wire, $line;
    return $line;
}

# How many connections there were.
sub greeted { return scalar grep { /^(?:EHLO|LHLO)/ } $_[0]->said }

# Waits until no transaction is under way: what was taken shows then. False if one never ends.
sub settled {
    my ($self) = @_;
    open my $lock, '>', "$self->{box}.lock" or die "$self->{box}.lock: $!";
    return poll(sub { flock $lock, LOCK_EX | LOCK_NB });
}

# Waits until nobody is connected: a connection that filterd kept for the next message is closed then.
sub alone {
    my ($self) = @_;
    open my $lock, '>', "$self->{box}.met" or die "$self->{box}.met: $!";
    return poll(sub { flock $lock, LOCK_EX | LOCK_NB });
}

# Forgets what was taken so far.
sub clear {
    my ($self) = @_;
    unlink glob "$self->{box}/*,*";
}

sub rule {
    my ($self, $stage, $address, $else) = @_;
    my ($reply) = slurp($self->{rules}) =~ /^$stage \Q$address\E (.*)$/m;
    return $reply // $else // '250 2.1.5 Ok';
}

sub serve {
    my ($self, $listener) = @_;
    $SIG{CHLD} = 'IGNORE';
    while (1) {
        my $client = $listener->accept or next;
        my $pid = fork;
        if (defined $pid && !$pid) {
            close $listener;
            open my $met, '>', "$self->{box}.met";
            open my $lock, '>', "$self->{box}.lock";
            flock $_, LOCK_SH for $met, $lock;
            $self->session($client, $lock);
            POSIX::_exit(0);
        }
        close $client;
    }
}

sub session {
    my ($self, $client, $lock) = @_;
    my $took = 0;
    my $say = sub {
        if ($_[0] eq 'hang') { 1 while <$client>; POSIX::_exit(0) }
        if ($_[0] eq 'flood') { 1 while print $client "250-And so on\r\n" x 1000; POSIX::_exit(0) }
        my $late = $_[0] =~ s/^slow //r;
        sleep 2 if $late ne $_[0];
        print $client "$late\r\n";
        $client->flush;
    };
    my ($open, @to);
    open my $said, '>>', "$self->{box}.said" or die "$self->{box}.said: $!";
    $said->autoflush(1);
    $say->("220 sink.example.com ready");
    while (defined(my $line = $self->next_line($client))) {
        print $said $line =~ s/\r\n\z/\n/r;
        if ($line =~ /^(?:EHLO|LHLO) /i) {
            $say->(join "\r\n", map { "250-$_" } 'sink.example.com',
                ($self->{plain} ? () : 'PIPELINING'), qw(8BITMIME SIZE DSN),
                'XFORWARD NAME ADDR PROTO HELO PORT IDENT SOURCE');
            $say->('250 ENHANCEDSTATUSCODES');
        } elsif ($line =~ /^MAIL /i) {
            my $reply = $took ? $self->rule(again => 'mail') : '250 2.1.0 Ok';
            flock $lock, LOCK_SH;
            $say->($open ? '503 5.5.1 Nested MAIL' : $reply);
            return if $reply =~ /^421/;
            $open ||= $reply =~ /^2/;
        } elsif ($line =~ /^RCPT TO:<([^>]*)>/i) {
            my ($address, $reply) = ($1, $self->rule(rcpt => $1));
            $reply = $self->rule(again => 'rcpt', $reply) if $took;
            push @to, $address if $open && $reply =~ /^2/;
            $say->($open ? $reply : '503 5.5.1 MAIL first');
        } elsif ($line =~ /^DATA/i) {
            my ($early, $no) = ($self->rule(early => 'data', ''), $took && $self->rule(again => 'data', ''));
            $say->($no), next if $no;
            $say->(@to ? '354 Go on' . ($early && "\r\n$early") : '503 5.5.1 No recipients');
            $open = 0 if @to;
            $took += $self->take($client, $say, splice @to) if @to;
            return if $took && $self->rule(again => 'close', '') ne '';
            flock $lock, LOCK_UN if !$open;
        } elsif ($line =~ /^QUIT/i) {
            $say->('221 2.0.0 Bye');
            return;
        } else {
            ($open, @to) = (0) if $line =~ /^RSET/i;
            $say->($took && $line =~ /^XFORWARD/ ? $self->rule(again => 'xforward') : '250 2.0.0 Ok');
            flock $lock, LOCK_UN if !$open;
        }
    }
}

# A copy that has arrived.
sub put {
    my ($self, $to, $mail) = @_;
    my $name = sprintf '%.6f.%d,%s', time, $$, $to;
    spew("$self->{box}.new.$$", $mail);
    rename "$self->{box}.new.$$", "$self->{box}/$name" or die "$name: $!";
}

sub take {
    my ($self, $client, $say, @to) = @_;
    my $mail = '';
    while (1) {
        my $line = $self->next_line($client) // return 0; # broken off: nothing was taken
        last if $line eq ".\r\n";
        $mail .= $line =~ s/^\.//r;
    }
    POSIX::_exit(0) if $self->rule(early => 'data', '') ne '';
    my @replies = map { $self->rule(data => $_) } @to;
    @replies = ((grep { !/^(?:slow )?2/ } @replies)[0] // $replies[0]) x @to if $self->{kind} eq 'smtp';
    $self->put($to[$_], $mail) for grep { $replies[$_] =~ /^(?:slow )?2/ } 0 .. $#to;
    $say->($_) for $self->{kind} eq 'smtp' ? $replies[0] : @replies;
    return 1;
}

1;
