package FilterdTest;

# One test's world: a folder below /tmp, free ports, the processes it started. At the end, also after a
# failure, everything is stopped and removed; a failure shows the logs first.

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter 'import';
use File::Basename qw(dirname);
use File::Path qw(remove_tree make_path);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(poll slurp spew);

our $ROOT = abs_path(dirname(__FILE__) . '/../..');
# Dovecot's mail user and filterd's own: any will do, these exist on every Debian.
our ($MAIL_USER, $FILTERD_USER) = ('mail', 'nobody');
our $PATIENCE = 60; # seconds: only a bound, nothing is expected to take that long

my @worlds;
my $owner = $$;
$SIG{PIPE} = 'IGNORE';
# At its end LeakSanitizer traces its own process, which the sandbox forbids; the unit tests look for
# leaks.
$ENV{ASAN_OPTIONS} //= 'detect_leaks=0';
$SIG{INT} = $SIG{TERM} = sub { exit 1 };

# image_mb: all of it lies on an ext4 file system of its own, in an image on a loop device.
sub new {
    my ($class, %arg) = @_;
    BAIL_OUT('these tests start Postfix and Dovecot: run them as root') if $> != 0;
    my $dir = tempdir('fdXXXXXX', DIR => '/tmp'); # short: unix sockets end at 107 bytes
    my $self = bless { dir => $dir, stop => [], ports => {} }, $class;
    push @worlds, $self;
    $self->mount($arg{image_mb}) if $arg{image_mb};
    chmod 0755, $dir;
    mkdir "$dir/$_" for qw(bin etc run sieve);
    return $self;
}

# Every write reaches the image at once (sync): what is deleted soon after cannot escape it.
sub mount {
    my ($self, $megabytes) = @_;
    my ($free) = `df --output=avail -m /dev/shm 2>/dev/null` =~ /(\d+)\s*\z/;
    my $image = ($free // 0) > $megabytes ? $self->{dir} =~ s{/tmp/}{/dev/shm/}r . '.img' : "$self->{dir}.img";
    open my $fh, '>', $image or die "$image: $!";
    truncate $fh, $megabytes << 20 or die "$image: $!";
    close $fh;
    $self->{image} = $image;
    for my $command (['mkfs.ext4', '-q', '-F', $image], ['mount', '-o', 'loop,sync', $image, $self->{dir}]) {
        system(@$command) == 0 or die "@$command: there must be a loop device, and root to use it\n";
    }
    $self->{mounted} = 1;
    mkdir $ENV{TMPDIR} = "$self->{dir}/tmp";
    chmod 01777, $ENV{TMPDIR};
}

# Stops everything, and returns the image with all that was written.
sub unmount {
    my ($self) = @_;
    $self->stop;
    system('sync', '-f', $self->{dir});
    poll(sub { system('umount', $self->{dir}) == 0 }) or die "$self->{dir} is held by somebody\n";
    $self->{mounted} = 0;
    delete $ENV{TMPDIR};
    return $self->{image};
}

sub dir { return $_[0]{dir} }

# The build folder, absolute.
sub build {
    my $build = $ENV{BUILD} || 'build';
    return $build =~ m{^/} ? $build : "$ROOT/$build";
}

# A port by name: the same name gets the same port, below the range from which the kernel takes its own.
sub port {
    my ($self, $name) = @_;
    my %taken = reverse %{ $self->{ports} };
    until ($self->{ports}{$name}) {
        my $port = 10100 + int rand 22000;
        next if $taken{$port};
        my $free = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1)
            && IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'udp');
        $self->{ports}{$name} = $port if $free;
    }
    return $self->{ports}{$name};
}

# The socket of a shipped listener: smtp, lmtp, queue, milter or policy.
sub front { return "$_[0]{dir}/postfix/queue/filterd/$_[1].sock" }

# Where the shipped listeners hand over to: the socket at which mail comes back into Postfix.
sub back { return "$_[0]{dir}/postfix/queue/public/reinject" }

# Replaces, in the text of a shipped snippet, the paths and ports that differ in this world.
sub localized {
    my ($self, $text) = @_;
    my $dir = $self->{dir};
    my @pairs = (
        '/var/lib/filterd-keys' => "$dir/etc",
        '/var/lib/filterd' => "$dir/state",
        '/etc/filterd/sieve' => "$dir/sieve",
        '/etc/filterd/' => "$dir/etc/",
        '/run/filterd/' => "$dir/run/",
        '/var/spool/postfix/' => "$dir/postfix/queue/",
        '/run/dovecot/lmtp' => "$dir/dovecot.lmtp",
        '/usr/local/sbin' => "$dir/bin",
        '/usr/local/bin' => "$dir/bin",
        'user = filterd' => "user = $FILTERD_USER",
        'user=filterd' => "user=$FILTERD_USER",
        'train_users = vmail' => "train_users = $MAIL_USER",
        '127.0.0.1:10026' => '127.0.0.1:' . $self->port(10026),
    );
    while (my ($from, $to) = splice @pairs, 0, 2) {
        $text =~ s/\Q$from\E/$to/g;
    }
    return $text;
}

# The part of a shipped Postfix snippet that belongs into FILE (filterd.conf, main.cf, master.cf).
sub snippet {
    my ($self, $name, $file) = @_;
    my %part = ('', split /^# --- (\S+)\n/m, slurp("$ROOT/tools/postfix/$name.cf"));
    return $self->localized($part{$file} // '');
}

# Runs a command that must succeed; returns its output.
sub run {
    my ($self, @command) = @_;
    my ($status, $out) = $self->try_run(undef, @command);
    die "@command: exit $status\n$out\n" if $status;
    return $out;
}

# Exit status, stdout and stderr of a command with $input on its stdin.
sub try_run {
    my ($self, $input, @command) = @_;
    my ($in, $out, $err) = map { "$self->{dir}/run.$_" } qw(in out err);
    spew($in, $input // '');
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDIN, '<', $in;
        open STDOUT, '>', $out;
        open STDERR, '>', $err;
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    my @result = ($status, slurp($out), slurp($err));
    unlink $in, $out, $err;
    return @result;
}

# Starts a process that keeps running, with its output in LOG; the name is for reports of failures.
sub spawn {
    my ($self, $log, @command) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $log;
        open STDERR, '>>', $log;
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    $self->at_end(sub { end_process($pid) });
    return $pid;
}

# Runs CODE in a child that ends with it.
sub spawn_code {
    my ($self, $code) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $SIG{INT} = $SIG{TERM} = 'DEFAULT';
        eval { $code->(); 1 } or print STDERR $@;
        POSIX::_exit(0);
    }
    $self->at_end(sub { end_process($pid) });
    return $pid;
}

sub end_process {
    my ($pid) = @_;
    return if waitpid($pid, POSIX::WNOHANG()) != 0;
    kill 'TERM', $pid;
    return if poll(sub { waitpid($pid, POSIX::WNOHANG()) != 0 }, 20);
    kill 'KILL', $pid;
    waitpid $pid, 0;
}

sub at_end {
    my ($self, $code) = @_;
    push @{ $self->{stop} }, $code;
}

sub log_file {
    my ($self, $name) = @_;
    return $self->{logs}{$name} = "$self->{dir}/$name.log";
}

# Waits until CODE returns something true, and returns that.
sub poll {
    my ($code, $seconds) = @_;
    my $end = time + ($seconds // $PATIENCE);
    while (1) {
        my $result = $code->();
        return $result if $result || time > $end;
        sleep 0.1;
    }
}

sub slurp {
    my ($file) = @_;
    open my $fh, '<:raw', $file or return '';
    local $/;
    return <$fh> // '';
}

sub spew {
    my ($file, $data, $mode) = @_;
    open my $fh, '>:raw', $file or die "$file: $!";
    print $fh $data;
    close $fh or die "$file: $!";
    chmod $mode, $file if $mode;
}

# Stops all processes that were started.
sub stop {
    my ($self) = @_;
    $_->() for reverse splice @{ $self->{stop} };
}

sub end {
    my ($self) = @_;
    $self->stop;
    if (!Test::More->builder->is_passing || $self->{died}) {
        for my $name (sort keys %{ $self->{logs} }) {
            my @lines = split /\n/, slurp($self->{logs}{$name});
            diag(join "\n", "--- end of $name.log", @lines > 60 ? @lines[-60 .. -1] : @lines);
        }
    }
    $self->unmount if $self->{mounted} && !$ENV{KEEP};
    remove_tree($self->{dir}) if !$ENV{KEEP};
    unlink $self->{image} if $self->{image} && !$ENV{KEEP};
    diag("kept $self->{dir}") if $ENV{KEEP};
}

END {
    if ($$ == $owner) {
        my $status = $?;
        local $?;
        for my $world (@worlds) {
            $world->{died} = $status != 0;
            $world->end;
        }
    }
}

1;
