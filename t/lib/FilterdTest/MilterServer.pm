package FilterdTest::MilterServer;

# A milter that edits the header of every message as it is told: the filter's side of the protocol.
#
#   my $milter = FilterdTest::MilterServer->start($t, 'editor');
#   $milter->edits('insert 1 X-Milter: a', 'add X-Last: b', 'change 1 Subject: c', 'delete 1 Reply-To');

use strict;
use warnings;
use FilterdTest;
use FilterdTest::Client;
use IO::Socket::INET;

my $ADD_AND_CHANGE = 0x11;
my $NOTHING_BUT_THE_END = 0x37f; # connect, HELO, MAIL, RCPT, body, header, its end, unknown commands, DATA

sub start {
    my ($class, $t, $name) = @_;
    my $self = bless { at => '127.0.0.1:' . $t->port($name), file => $t->dir . "/$name.edits" }, $class;
    $self->edits;
    my $listen = IO::Socket::INET->new(LocalAddr => $self->{at}, Listen => 20, ReuseAddr => 1) or die "$self->{at}: $!\n";
    $t->spawn_code(sub {
        local $SIG{CHLD} = 'IGNORE';
        while (my $client = $listen->accept) {
            my $pid = fork // die "fork: $!\n";
            next if $pid;
            serve($client, $self->{file});
            POSIX::_exit(0);
        }
    });
    return $self;
}

sub edits {
    my ($self, @edits) = @_;
    spew($self->{file}, join '', map { "$_\n" } @edits);
}

sub put {
    my ($client, $kind, $data) = @_;
    print $client pack('N', 1 + length $data), $kind, $data;
    $client->flush;
}

sub serve {
    my ($client, $file) = @_;
    while ((read($client, my $head, 5) // 0) == 5) {
        my ($len, $kind) = unpack 'Na', $head;
        return if $len > 1 && (read($client, my $data, $len - 1) // 0) != $len - 1;
        return if $kind eq 'Q';
        put($client, 'O', pack 'NNN', 6, $ADD_AND_CHANGE, $NOTHING_BUT_THE_END) if $kind eq 'O';
        next if $kind ne 'E';
        put($client, edit($_)) for split /\n/, slurp($file);
        put($client, 'c', '');
    }
}

sub edit {
    local ($_) = @_;
    return ('i', pack('N', $1) . "$2\0$3\0") if /^insert (\d+) (\S+): (.*)/;
    return ('h', "$1\0$2\0") if /^add (\S+): (.*)/;
    return ('m', pack('N', $1) . "$2\0$3\0") if /^change (\d+) (\S+): (.*)/;
    return ('m', pack('N', $1) . "$2\0\0") if /^delete (\d+) (\S+)/;
    die "no edit: $_\n";
}

1;
