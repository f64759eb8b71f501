package FilterdTest::Dns;

# Real name servers on loopback behind one port: nsd for zones, rbldnsd for lists. In front of them
# a forwarder, a process of its own: it knows who has which name, answers after delay_ms, writes
# down what was asked, and can fall silent. Over UDP and TCP, the servers' bytes as they are but
# for the id.
#
#   my $dns = FilterdTest::Dns->start(
#       zones => { 'example.org' => "\@ TXT \"v=spf1 -all\"\nwww A 192.0.2.1\n" },
#       lists => { 'bl.test' => ['192.0.2.66', '192.0.2.0/28 127.0.0.4 a text', '2001:db8::/32',
#                                'spam.example', '.spam.example 127.0.0.6'] },
#       delay_ms => 50,
#       together => [['www.example.org A', 'www.example.org AAAA'], ...]);
#   $dns->port, $dns->server ("127.0.0.1:PORT"), $dns->asked, $dns->silent(1), $dns->stop
#
# together: those of one row are answered once all of them were asked, by UDP: so it shows, without a
# clock, who asks one after the other: he waits for ever.
# mute => 'never.example': that name and all below it are asked for in vain. hushed(1): answers, but those
# about the root, by which one sees that the server lives, are kept back until hushed(0).
#
# A zone without SOA is given one, and an NS; TTL 60. Names in no zone do not exist, unless a zone
# "." says otherwise. A list says of itself that it lives (RFC 5782: 127.0.0.2, ::ffff:127.0.0.2 and
# "test" are listed, with 127.0.0.2) unless a line of it begins with "!". With t => the test's world
# it ends with that, else with one of its own. port => 53: there, where resolv.conf can name it, on a
# loopback address of its own ($dns->address). "*" as a subject is every IPv4 address.

use strict;
use warnings;
use FilterdTest;
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(INADDR_LOOPBACK SOL_SOCKET pack_sockaddr_in);

use constant SO_RCVBUFFORCE => 33; # not in Socket
use Time::HiRes qw(time);

my %TYPES = (1 => 'A', 2 => 'NS', 5 => 'CNAME', 6 => 'SOA', 12 => 'PTR', 15 => 'MX', 16 => 'TXT',
    28 => 'AAAA', 99 => 'SPF');
my $number = 0;

sub start {
    my ($class, %o) = @_;
    my $t = $o{t} // FilterdTest->new;
    my $dir = $t->dir . '/dns' . ++$number;
    mkdir $dir;
    my $self = bless { t => $t, dir => $dir, port => $o{port}, delay => ($o{delay_ms} // 0) / 1000,
        together => $o{together} // [],
        mute => $o{mute},
        lists => [map { lc } keys %{ $o{lists} // {} }], log => "$dir/asked" }, $class;
    $self->start_nsd($o{zones} // {});
    $self->start_rbldnsd($o{lists} // {});
    $self->start_front;
    for my $name ('', @{ $self->{lists} }) {
        poll(sub { $self->answers($name) }, 20) or die "no name server answers for \"$name.\"\n", map { -e ? slurp($_) : () } glob "$dir/{nsd,rbldnsd}.log";
    }
    my ($bad) = slurp("$self->{dir}/rbldnsd.log") =~ /^(.*invalid.*)/m;
    die "$bad\n" if defined $bad;
    spew($self->{log}, '');
    return $self;
}

sub port { return $_[0]{port} }
sub address { return $_[0]{address} }
sub server { return "$_[0]{address}:$_[0]{port}" }

# What was asked so far, in order: "name TYPE", lower case.
sub asked { return split /\n/, slurp($_[0]{log}) }

# From now on nothing is answered (1), or everything again (0).
sub silent {
    my ($self, $yes) = @_;
    if ($yes) { spew("$self->{dir}/silent", '') } else { unlink "$self->{dir}/silent" }
}

sub hushed {
    my ($self, $yes) = @_;
    if ($yes) { spew("$self->{dir}/hushed", '') } else { unlink "$self->{dir}/hushed" }
}

sub stop {
    my ($self) = @_;
    FilterdTest::end_process($_) for reverse splice @{ $self->{pids} };
}

# ---- the servers ----

# A socket pair on the same free port, or on that one of a free address; the port alone if they are
# let go.
sub bound {
    my ($port) = @_;
    while (1) {
        my $at = $port ? join('.', 127, 1 + int rand 254, int rand 256, 53) : '127.0.0.1';
        my $tcp = IO::Socket::INET->new(LocalAddr => $at, Listen => 50, ReuseAddr => 1,
            LocalPort => $port || 10100 + int rand 22000);
        if (!$tcp) {
            die "port $port: $!\n" if $port && !$!{EADDRINUSE};
            next;
        }
        my $udp = IO::Socket::INET->new(LocalAddr => $at, Proto => 'udp', LocalPort => $tcp->sockport)
            or next;
        return ($udp, $tcp);
    }
}

# Known to the world: nothing else of it takes the port before it is bound.
sub free_port {
    my ($self, $program) = @_;
    return $self->{t}->port($program . $number);
}

sub zone_text {
    my ($name, $text) = @_;
    my $dot = $name eq '.' ? '.' : "$name.";
    my $head = "\$ORIGIN $dot\n\$TTL 60\n";
    $head .= "@ SOA ns.filterd.test. hostmaster.filterd.test. 1 3600 600 86400 60\n@ NS ns.filterd.test.\n"
        if $text !~ /\bSOA\b/;
    return "$head$text\n";
}

sub start_nsd {
    my ($self, $zones) = @_;
    my $dir = $self->{dir};
    my %zones = ('.' => '', %$zones);
    my $port = $self->{nsd} = $self->free_port('nsd');
    my $conf = <<"END";
server:
  ip-address: 127.0.0.1\@$port
  server-count: 1
  username: ""
  zonesdir: "$dir"
  database: ""
  pidfile: "$dir/nsd.pid"
  xfrdfile: "$dir/xfrd.state"
  zonelistfile: "$dir/zone.list"
  xfrdir: "$dir"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
END
    my $n = 0;
    for my $name (sort keys %zones) {
        my $file = "$dir/zone" . $n++;
        spew($file, zone_text($name, $zones{$name}));
        $conf .= "zone:\n  name: \"$name\"\n  zonefile: \"$file\"\n";
    }
    spew("$dir/nsd.conf", $conf);
    push @{ $self->{pids} }, $self->{t}->spawn($self->{t}->log_file("nsd$number"),
        qw(/usr/sbin/nsd -d -c), "$dir/nsd.conf");
}

sub kind_of {
    my ($subject) = @_;
    return $subject =~ /:/ ? 'ip6trie' : $subject =~ m{^[\d./-]+\z} ? 'ip4set' : 'dnset';
}

# The zone specifications of one list, its files written.
sub list_files {
    my ($self, $name, $lines) = @_;
    my @lines = @$lines;
    unshift @lines, '127.0.0.2', '::ffff:7f00:2', 'test' if !grep { /^!/ } @lines;
    my %files;
    for my $line (map { /^(!?\s*)\*(.*)/s ? ("${1}0.0.0.0/1$2", "${1}128.0.0.0/1$2") : $_ } @lines) {
        my ($subject, $code, $text) = split ' ', $line =~ s/^!\s*//r, 3;
        next if !defined $subject;
        $files{ kind_of($subject) } .= sprintf "%s :%s:%s\n", $subject, $code // '127.0.0.2', $text // 'listed';
    }
    $files{ip4set} //= '';
    my $head = "\$TTL 60\n\$SOA 60 ns.filterd.test. hostmaster.filterd.test. 1 3600 600 86400 60\n";
    for my $kind (keys %files) {
        spew("$self->{dir}/$name.$kind", $head . $files{$kind});
        $head = "\$TTL 60\n";
    }
    return map { "$name:$_:$name.$_" } sort keys %files;
}

sub start_rbldnsd {
    my ($self, $lists) = @_;
    return if !%$lists;
    my @zones = map { $self->list_files(lc $_, $lists->{$_}) } sort keys %$lists;
    my $port = $self->{rbldnsd} = $self->free_port('rbldnsd');
    chmod 0755, $self->{dir};
    push @{ $self->{pids} }, $self->{t}->spawn("$self->{dir}/rbldnsd.log",
        qw(/usr/sbin/rbldnsd -n -4 -e -u), $FilterdTest::FILTERD_USER, '-w', $self->{dir}, '-b', "127.0.0.1/$port",
        @zones);
}

# ---- the port in front ----

sub start_front {
    my ($self) = @_;
    my ($udp, $tcp) = bound($self->{port});
    ($self->{address}, $self->{port}) = ($tcp->sockhost, $tcp->sockport);
    push @{ $self->{pids} }, $self->{t}->spawn_code(sub { $self->forward($udp, $tcp) });
}

sub name_of {
    my ($packet) = @_;
    my ($at, @labels) = (12);
    while (my $len = unpack "x$at C", $packet) {
        return if $len > 63 || $at + $len + 1 >= length $packet;
        push @labels, lc substr $packet, $at + 1, $len;
        $at += $len + 1;
    }
    return if length($packet) < $at + 5;
    return (join('.', @labels), unpack "x$at x n", $packet);
}

sub is_mute {
    my ($self, $name) = @_;
    return defined $self->{mute} && $name =~ /(?:^|\.)\Q$self->{mute}\E\z/;
}

sub backend_of {
    my ($self, $name) = @_;
    return (grep { $name =~ /(?:^|\.)\Q$_\E\z/ } @{ $self->{lists} }) ? $self->{rbldnsd} : $self->{nsd};
}

# One loop for all: questions go on at once under an id of ours, answers wait until their time.
sub forward {
    my ($self, $udp, $tcp) = @_;
    my $back = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp');
    # A hundred sessions ask at the same moment, and what the kernel drops would be asked again much
    # later: so there is room for it here, and the servers get no more at a time than they hold.
    setsockopt $_, SOL_SOCKET, SO_RCVBUFFORCE, pack('i', 8 << 20) for $udp, $back;
    my ($all, $answers, $flying) = (IO::Select->new($udp, $tcp, $back), IO::Select->new($back), 0);
    open my $log, '>>', $self->{log};
    $log->autoflush;
    my ($id, %asked, @due, @hushed) = (0);
    my %row; # names: those of it that were not asked yet; held: the answers meanwhile
    for my $names (@{ $self->{together} }) {
        my $row = { names => { map { $_ => 1 } @$names }, held => [] };
        $row{$_} = $row for @$names;
    }
    while (1) {
        my $full = $flying >= 64;
        my $wait = $full ? 0.05 : @due ? $due[0][0] - time : @hushed ? 0.05 : 60;
        my @ready = ($full ? $answers : $all)->can_read($wait > 0 ? $wait : 0);
        $flying = 0 if $full && !@ready; # some are lost
        for my $ready (@ready) {
            if ($ready == $udp) {
                my $from = $udp->recv(my $packet, 65535) // next;
                my ($name, $type) = name_of($packet) or next;
                print $log $name, ' ', $TYPES{$type} // $type, "\n";
                next if -e "$self->{dir}/silent" || $self->is_mute($name);
                $id = ($id + 1) & 0xffff;
                my $key = "$name " . ($TYPES{$type} // $type);
                my $row = $row{$key};
                delete $row->{names}{$key} if $row;
                push @due, splice @{ $row->{held} } if $row && !%{ $row->{names} };
                $asked{$id} = [time + $self->{delay}, $from, substr($packet, 0, 2), $row];
                $flying++;
                $back->send(pack('n', $id) . substr($packet, 2), 0,
                    pack_sockaddr_in($self->backend_of($name), INADDR_LOOPBACK));
            } elsif ($ready == $back) {
                defined $back->recv(my $packet, 65535) or next;
                $flying--;
                my $q = delete $asked{ unpack 'n', $packet } or next;
                my $answer = [$q->[0], $q->[1], $q->[2] . substr $packet, 2];
                my $hushed = ((name_of($packet))[0] // '') ne '' && -e "$self->{dir}/hushed";
                push @{ $hushed ? \@hushed : $q->[3] && %{ $q->[3]{names} } ? $q->[3]{held} : \@due }, $answer;
            } else {
                $self->over_tcp(scalar $tcp->accept, $log);
            }
        }
        push @due, splice @hushed if @hushed && !-e "$self->{dir}/hushed";
        while (@due && $due[0][0] <= time) {
            my $answer = shift @due;
            $udp->send($answer->[2], 0, $answer->[1]);
        }
    }
}

sub read_exactly {
    my ($socket, $want) = @_;
    my $got = '';
    while (length $got < $want) {
        sysread $socket, $got, $want - length $got, length $got or return;
    }
    return $got;
}

# What was too long for UDP; only nsd answers over TCP. A child for each connection.
sub over_tcp {
    my ($self, $client, $log) = @_;
    local $SIG{CHLD} = 'IGNORE';
    return if !$client || fork;
    while (defined(my $len = read_exactly($client, 2))) {
        my $packet = read_exactly($client, unpack 'n', $len) // last;
        my ($name, $type) = name_of($packet) or last;
        print $log $name, ' ', $TYPES{$type} // $type, " tcp\n";
        last if -e "$self->{dir}/silent";
        my $nsd = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{nsd}) or last;
        syswrite $nsd, $len . $packet;
        my $size = read_exactly($nsd, 2) // last;
        my $answer = read_exactly($nsd, unpack 'n', $size) // last;
        select undef, undef, undef, $self->{delay};
        syswrite $client, $size . $answer;
    }
    POSIX::_exit(0);
}

# True if a server behind the port answers for NAME.
sub answers {
    my ($self, $name) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => $self->{address}, PeerPort => $self->{port}, Proto => 'udp');
    my $labels = join '', map { chr(length) . $_ } split /\./, $name;
    $socket->send(pack('n6', 77, 0x100, 1, 0, 0, 0) . "$labels\0" . pack('n2', 6, 1));
    IO::Select->new($socket)->can_read(1 + $self->{delay}) or return 0;
    my $answer = '';
    $socket->recv($answer, 65535);
    return length $answer >= 12 && (unpack('n2', $answer))[1] % 16 == 0;
}

1;
