package FilterdTest::Client;

# SMTP, LMTP and IMAP clients on plain sockets: they send exactly the bytes they are given.

use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;
use MIME::Base64 qw(encode_base64);
use Socket qw(SOL_SOCKET SO_RCVTIMEO);

our $TIMEOUT = 120; # seconds until a server that says nothing counts as gone

# kind: smtp, lmtp or imap; at: a port on loopback, or a unix socket's path. from: an address of this host to come
# from. tls: from the first byte on.
sub new {
    my ($class, $kind, $at, %arg) = @_;
    my $socket = dial($at, $arg{from}) or die "cannot connect to $at: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_RCVTIMEO, pack('l!l!', $TIMEOUT, 0);
    my $self = bless { socket => $socket, kind => $kind, tag => 0 }, $class;
    $self->encrypt if $arg{tls};
    if ($kind eq 'imap') {
        my $greeting = <$socket>;
    } else {
        $self->reply;
        $self->{hello} = $self->say(($kind eq 'lmtp' ? 'LHLO' : 'EHLO') . ' client.example.net');
    }
    return $self;
}

sub dial {
    my ($at, $from) = @_;
    return $at =~ m{^/}
        ? IO::Socket::UNIX->new(Peer => $at)
        : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $at, Timeout => 30, $from ? (LocalAddr => $from) : ());
}

sub listens {
    my ($at) = @_;
    return defined dial($at);
}

sub put {
    my ($self, $bytes) = @_;
    my $socket = $self->{socket};
    print $socket $bytes;
    $socket->flush;
}

# One SMTP reply, its lines joined; "" when the other side has gone.
sub reply {
    my ($self) = @_;
    my $socket = $self->{socket};
    my $text = '';
    while (defined(my $line = <$socket>)) {
        $line =~ s/\r\n\z//;
        $text .= ($text eq '' ? '' : "\n") . $line;
        last if $line !~ /^\d{3}-/;
    }
    return $text;
}

sub say {
    my ($self, $line) = @_;
    $self->put("$line\r\n");
    return $self->reply;
}

# TLS, whatever certificate the server has.
sub encrypt {
    my ($self) = @_;
    require IO::Socket::SSL;
    IO::Socket::SSL->start_SSL($self->{socket}, SSL_verify_mode => 0) or die "TLS: $IO::Socket::SSL::SSL_ERROR\n";
}

sub starttls {
    my ($self) = @_;
    my $reply = $self->say('STARTTLS');
    die "STARTTLS: $reply\n" if $reply !~ /^220/;
    $self->encrypt;
    $self->{hello} = $self->say('EHLO client.example.net');
}

# AUTH; the reply.
sub login {
    my ($self, $user, $password) = @_;
    return $self->say('AUTH PLAIN ' . encode_base64("\0$user\0$password", ''));
}

sub dot_stuffed {
    my ($message) = @_;
    $message =~ s/(\A|\r\n)\./$1../g; # no bare CR or LF begins a line
    return $message;
}

# A whole transaction: the reply to the message, or the first refusal before it.
sub deliver {
    my ($self, $message, $from, @to) = @_;
    for my $line ("MAIL FROM:<$from>", map { "RCPT TO:<$_>" } @to) {
        my $reply = $self->say($line);
        return $reply if $reply !~ /^2/;
    }
    return ($self->data($message, 1))[0];
}

# DATA and the message: one reply, or over LMTP one for each of COUNT accepted recipients.
sub data {
    my ($self, $message, $count) = @_;
    my $go = $self->say('DATA');
    return $go if $go !~ /^354/;
    $self->put(dot_stuffed($message) . ".\r\n");
    return map { $self->reply } 1 .. ($self->{kind} eq 'lmtp' ? $count : 1);
}

sub quit {
    my ($self) = @_;
    $self->say('QUIT');
    close $self->{socket};
}

# An IMAP command; its untagged lines. Dies unless it ends with OK.
sub imap {
    my ($self, $command) = @_;
    my $tag = 'a' . ++$self->{tag};
    my $socket = $self->{socket};
    $self->put("$tag $command\r\n");
    my @lines;
    while (defined(my $line = <$socket>)) {
        $line =~ s/\r\n\z//;
        return @lines if $line =~ /^$tag OK/;
        die "IMAP $command: $line\n" if $line =~ /^$tag /;
        push @lines, $line;
    }
    die "IMAP $command: connection closed\n";
}

# Moves all messages whose Subject (outside) or Message-ID holds TEXT; how many.
sub imap_move {
    my ($self, $header, $text, $from, $to) = @_;
    $self->imap("SELECT $from");
    my ($found) = grep { /^\* SEARCH/ } $self->imap(qq(UID SEARCH HEADER $header "$text"));
    my @uids = $found =~ /\b(\d+)\b/g;
    $self->imap('UID MOVE ' . join(',', @uids) . " $to") if @uids;
    return scalar @uids;
}

1;
