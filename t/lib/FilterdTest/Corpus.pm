package FilterdTest::Corpus;

# A folder of real mail sent through filterd's LMTP listener to a maildir next hop, in parallel
# lanes. Each lane has a user, a key and a mailbox of its own and sends one message at a time, so
# what lies in its mailbox after a reply is the copy of that message.

use strict;
use warnings;
use File::Find ();
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Keys;
use IO::Select;
use Time::HiRes ();

require "$FilterdTest::ROOT/tools/payload";

# The messages an index names (lines "class path"), else all files below the folder; every Nth.
sub messages {
    my ($folder, $every) = @_;
    my @found;
    for my $index (-f "$folder/index" ? "$folder/index" : glob "$folder/*/index") {
        my $base = $index =~ s{/index$}{}r;
        push @found, map { /^\w+ (.+)/ ? "$base/$1" : () } split /\n/, slurp($index);
    }
    File::Find::find({ wanted => sub { push @found, $_ if -f }, no_chdir => 1 }, $folder) if !@found;
    @found = sort @found;
    return @found[grep { $_ % ($every || 1) == 0 } 0 .. $#found];
}

# As an MTA hands it over: every bare LF is a line end, and the last line has one.
sub as_sent {
    my ($text) = @_;
    $text =~ s/(?<!\r)\n/\r\n/g;
    $text .= "\r\n" if $text !~ /\r\n\z/;
    return $text;
}

# smtp: a listener before the queue as well, in run/smtp.sock.
sub start {
    my ($class, $lanes, $smtp) = @_;
    my $t = FilterdTest->new;
    my $self = bless { t => $t, mail => $t->dir . '/mail' }, $class;
    my $hop = "maildir:$self->{mail}/%d/%n";
    my %smtp = $smtp ? ('listener smtp.protocol' => 'smtp', 'listener smtp.next_hop' => $hop,
        'listener smtp.address' => 'unix:' . $t->front('smtp')) : ();
    $self->{filterd} = FilterdTest::Daemon->start($t, idle => 1,
        set => { 'listener lmtp.next_hop' => $hop, %smtp,
            'anonymize.inbound' => "$FilterdTest::ROOT/rules/anonymize-inbound.pcre",
            'dnsbl.lists' => "$FilterdTest::ROOT/rules/dnsbl.conf" });
    mkdir $self->{mail};
    chown +(getpwnam $FilterdTest::FILTERD_USER)[2, 3], $self->{mail};
    $self->daemon;
    for my $n (1 .. $lanes) {
        my $key = FilterdTest::Keys->new($t, "lane$n\@example.com", 'curve');
        $self->{filterd}->import_key($key);
        push @{ $self->{lanes} }, { user => $key->{address}, key => $key, new => "$self->{mail}/example.com/lane$n/new" };
    }
    return $self;
}

# filterd with its stderr in a pipe: its workers may write no file, also not a sanitizer's report.
sub daemon {
    my ($self) = @_;
    my $t = $self->{t};
    my $log = $t->log_file('filterd');
    pipe my $from, my $to or die "pipe: $!";
    my $cat = fork // die "fork: $!";
    if (!$cat) {
        close $to;
        open STDIN, '<&', $from;
        open STDOUT, '>>', $log;
        exec '/bin/cat';
    }
    close $from;
    $t->at_end(sub { waitpid $cat, 0 });
    my $pid = $self->{pid} = fork // die "fork: $!";
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>&', $to;
        open STDERR, '>&', $to;
        exec '/bin/sh', '-c', 'ulimit -s 8192; exec "$0"', $t->dir . '/bin/filterd';
    }
    close $to;
    $t->at_end(sub { FilterdTest::end_process($pid) });
    my $socket = $t->front('lmtp');
    poll(sub { FilterdTest::Client::listens($socket) }) or die "filterd: no $socket\n" . slurp($log);
}

# Sends them all; code->(lane, number, file, reply) runs in the lane's process after each, and what
# it returns (lines) is gathered.
sub send_all {
    my ($self, $files, $code) = @_;
    return $self->in_lanes(sub { $self->lane($_[0], $_[1], $files, $code) });
}

# code->(lane, number, item) for each item, in the lanes' processes; the lines it returns.
sub each {
    my ($self, $items, $code) = @_;
    my $step = @{ $self->{lanes} };
    return $self->in_lanes(sub {
        my ($lane, $first) = @_;
        for (my $i = $first; $i < @$items; $i += $step) {
            print map { "$_\n" } $code->($lane, $i, $items->[$i]);
        }
    });
}

# code->(lane, its number) in a process for each lane; the lines they print.
sub in_lanes {
    my ($self, $code) = @_;
    my $lanes = $self->{lanes};
    my @from;
    for my $l (0 .. $#$lanes) {
        my $pid = open(my $out, '-|') // die "fork: $!";
        if (!$pid) {
            $SIG{INT} = $SIG{TERM} = 'DEFAULT';
            $| = 1;
            eval { $code->($lanes->[$l], $l); 1 } or print "died: $@";
            POSIX::_exit(0);
        }
        push @from, $out;
    }
    return lines_of(@from);
}

# From all of them as it comes: a lane whose pipe is full would wait.
sub lines_of {
    my %text = map { $_ => '' } @_;
    my $open = IO::Select->new(@_);
    while ($open->count) {
        for my $fh ($open->can_read) {
            next if sysread $fh, $text{$fh}, 1 << 16, length $text{$fh};
            $open->remove($fh);
            close $fh;
        }
    }
    return map { split /\n/, $text{$_} } @_;
}

sub lane {
    my ($self, $lane, $first, $files, $code) = @_;
    my $client;
    for (my $i = $first; $i < @$files; $i += @{ $self->{lanes} }) {
        my $reply = '';
        for (1, 2) { # as an MTA comes again: behind bare line ends a session is closed with 421
            $client ||= FilterdTest::Client->new(lmtp => $self->{t}->front('lmtp'));
            $reply = $client->deliver(as_sent(slurp($files->[$i])), 'sender@example.net', $lane->{user});
            last if $reply !~ /^(421|\z)/;
            undef $client;
        }
        print map { "$_\n" } $code->($lane, $i, $files->[$i], $reply);
        undef $client if $reply !~ /^\d/;
    }
    $client->quit if $client;
}

# What gpg makes of a copy in a file; through a pipe, so that lanes share nothing.
sub opened {
    my ($lane, $file) = @_;
    open my $gpg, '-|', '/bin/sh', '-c', 'exec gpg --batch --quiet --no-tty --homedir "$0" --decrypt "$1" 2>/dev/null',
        $lane->{key}{home}, $file or die "gpg: $!";
    binmode $gpg;
    local $/;
    my $text = <$gpg>;
    close $gpg;
    return $? ? '' : $text // '';
}

1;
