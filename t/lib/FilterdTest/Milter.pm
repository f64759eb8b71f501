package FilterdTest::Milter;

# The MTA's side of the milter protocol, for what the real Postfix never does: it sends exactly what the
# test says.

use strict;
use warnings;
use FilterdTest::Client;
use Socket qw(SOL_SOCKET SO_RCVTIMEO);

my $ALL_ACTIONS = 0x1ff;
my $HDR_LEADSPC = 0x100000;

# at: as FilterdTest::Client's. version, actions, steps: what is offered. The filter's choice is in
# {actions} and {steps}; undef if it refuses.
sub new {
    my ($class, $at, %offer) = @_;
    my $socket = FilterdTest::Client::dial($at) or die "cannot connect to $at: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_RCVTIMEO, pack('l!l!', $FilterdTest::Client::TIMEOUT, 0);
    my $self = bless { socket => $socket }, $class;
    $self->put('O', pack 'NNN', $offer{version} // 6, $offer{actions} // $ALL_ACTIONS, $offer{steps} // $HDR_LEADSPC);
    my ($kind, $data) = $self->get;
    return undef if $kind ne 'O';
    (undef, $self->{actions}, $self->{steps}) = unpack 'NNN', $data;
    return $self;
}

sub put {
    my ($self, $command, $data) = @_;
    print { $self->{socket} } pack('N', 1 + length $data), $command, $data;
    $self->{socket}->flush;
}

# Kind and data of one packet; "" when the other side has gone.
sub get {
    my ($self) = @_;
    my $socket = $self->{socket};
    return '' if (read($socket, my $head, 5) // 0) != 5;
    my ($len, $kind) = unpack 'Na', $head;
    return '' if $len > 1 && (read($socket, my $data, $len - 1) // 0) != $len - 1;
    return ($kind, $data // '');
}

# Macros for the next command.
sub macros {
    my ($self, $command, %value) = @_;
    $self->put('D', $command . join '', map { "$_\0$value{$_}\0" } sort keys %value);
}

# Says it and returns the answer: "continue", a reply's text, or the packet's letter.
sub say {
    my ($self, $command, @words) = @_;
    $self->put($command, join '', map { "$_\0" } @words);
    return $self->answer;
}

sub answer {
    my ($self) = @_;
    $self->{edits} = [];
    while (1) {
        my ($kind, $data) = $self->get;
        return 'continue' if $kind eq 'c';
        return $data =~ s/\0.*//sr if $kind eq 'y';
        return $kind if $kind eq '' || $kind =~ /[tradsf]/;
        push @{ $self->{edits} }, [$kind, $data] if $kind ne 'p';
    }
}

# address: IPv4, IPv6, or undef where there is no network.
sub connect {
    my ($self, $name, $address, $port) = @_;
    my $family = !defined $address ? 'U' : $address =~ /:/ ? '6' : '4';
    $self->put('C', "$name\0$family" . (defined $address ? pack('n', $port) . "$address\0" : ''));
    return $self->answer;
}

# fields: name => value. The answer to the first thing that is refused, else to the end.
sub message {
    my ($self, $body, @fields) = @_;
    my $said = 'continue';
    while ($said eq 'continue' && @fields) {
        $said = $self->say('L', splice @fields, 0, 2);
    }
    $said = $self->say('N') if $said eq 'continue';
    for (my $at = 0; $said eq 'continue' && $at < length $body; $at += 65535) {
        $self->put('B', substr $body, $at, 65535);
        $said = $self->answer;
    }
    return $said ne 'continue' ? $said : $self->say('E');
}

# The new body, undef if it stays.
sub new_body {
    my ($self) = @_;
    my @chunks = map { $_->[1] } grep { $_->[0] eq 'b' } @{ $self->{edits} };
    return @chunks ? join('', @chunks) : undef;
}

# What was asked for besides the body, in order: "delete NAME NUMBER", "change NAME NUMBER VALUE",
# "insert NAME NUMBER VALUE", "add NAME VALUE", "to ADDRESS", "not to ADDRESS".
sub edits {
    my ($self) = @_;
    my @texts;
    for (@{ $self->{edits} }) {
        my ($kind, $data) = @$_;
        my $number = $kind =~ /[mi]/ ? unpack 'N', substr $data, 0, 4, '' : '';
        my ($first, $second) = split /\0/, $data, -1;
        push @texts, $kind eq 'm' ? ($second eq '' ? "delete $first $number" : "change $first $number $second")
            : $kind eq 'i' ? "insert $first $number $second" : $kind eq 'h' ? "add $first $second"
            : $kind eq '+' ? "to $first" : $kind eq '-' ? "not to $first" : ();
    }
    return @texts;
}

# The message as the MTA has it after those. fields: [name, value], changed.
sub edited {
    my ($self, $body, @fields) = @_;
    for (@{ $self->{edits} }) {
        my ($kind, $data) = @$_;
        my $number = $kind =~ /[mi]/ ? unpack 'N', substr $data, 0, 4, '' : 0;
        my ($name, $value) = split /\0/, $data, -1;
        if ($kind eq 'm') {
            my $at = (grep { lc $fields[$_][0] eq lc $name } 0 .. $#fields)[$number - 1];
            splice @fields, $at, 1, $value eq '' ? () : [$name, $value] if defined $at;
        } elsif ($kind eq 'i') {
            splice @fields, $number, 0, [$name, $value];
        } elsif ($kind eq 'h') {
            push @fields, [$name, $value];
        }
    }
    my $header = join '', map { "$_->[0]:$_->[1]\n" } @fields;
    return $header =~ s/\n/\r\n/gr . "\r\n" . ($self->new_body // $body);
}

sub quit {
    my ($self) = @_;
    $self->put('Q', '');
    close $self->{socket};
}

1;
