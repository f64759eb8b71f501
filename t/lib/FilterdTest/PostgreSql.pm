package FilterdTest::PostgreSql;

# A PostgreSQL of our own below the test's folder: as user postgres, on a unix socket and a port of loopback. Nothing
# of it is synced to disk.

use strict;
use warnings;
use FilterdTest;
use FilterdTest::Client;

my @AS_POSTGRES = qw(env -C / setpriv --reuid=postgres --regid=postgres --init-groups);

# Of the newest that is installed.
sub program {
    my ($name) = @_;
    my ($newest) = sort { ($b =~ m{postgresql/(\d+)})[0] <=> ($a =~ m{postgresql/(\d+)})[0] }
        glob "/usr/lib/postgresql/*/bin/$name";
    return $newest // die "PostgreSQL is not installed\n";
}

# port: any that is free, if none is given.
sub start {
    my ($class, $t, %arg) = @_;
    my $dir = $t->dir . '/pg';
    my $self = bless { t => $t, dir => $dir, port => $arg{port} // $t->port('pgsql') }, $class;
    mkdir $dir;
    chown scalar getpwnam('postgres'), scalar getgrnam('postgres'), $dir;
    $t->run(@AS_POSTGRES, program('initdb'), '-D', "$dir/data", qw(--no-sync --locale=C --encoding=UTF8
        --auth-local=trust --auth-host=scram-sha-256));
    $self->up;
    $t->at_end(sub { $self->down });
    return $self;
}

sub up {
    my ($self) = @_;
    my ($t, $dir) = @$self{qw(t dir)};
    my $log = $t->log_file('postgresql');
    my %set = (fsync => 'off', synchronous_commit => 'off', full_page_writes => 'off', shared_buffers => '16MB',
        listen_addresses => '127.0.0.1', port => $self->{port}, unix_socket_directories => $dir);
    $self->{pid} = $t->spawn($log, @AS_POSTGRES, program('postgres'), '-D', "$dir/data",
        map { ('-c', "$_=$set{$_}") } sort keys %set);
    poll(sub { FilterdTest::Client::listens($self->{port}) && slurp($log) =~ /ready to accept connections\n(?!.*ready to)/s })
        or die "PostgreSQL does not start\n" . slurp($log);
}

# It waits for its clients at SIGTERM, and at SIGINT it does not.
sub down {
    my ($self) = @_;
    kill 'INT', $self->{pid} if kill 0, $self->{pid};
    FilterdTest::end_process($self->{pid});
}

# At once, as a crash ends it: with each process, as it does not start while one of them is left.
sub killed {
    my ($self) = @_;
    my (undef, $children) = $self->{t}->try_run(undef, 'ps', '-o', 'pid=', '--ppid', $self->{pid});
    my @pids = ($self->{pid}, split ' ', $children);
    kill 'KILL', @pids;
    waitpid $self->{pid}, 0;
    # Whose parent is gone may stay as a zombie for ever, in a container whose first process waits for none.
    poll(sub { !grep { slurp("/proc/$_/status") =~ /^State:\s+[^ZX\s]/m } @pids }) or die "PostgreSQL does not end\n";
}

# SQL as postgres; what it prints, columns apart by tabs.
sub sql {
    my ($self, $sql, $database) = @_;
    my ($status, $out, $err) = $self->{t}->try_run($sql, @AS_POSTGRES, program('psql'), qw(-X -q -A -t -F), "\t",
        qw(-v ON_ERROR_STOP=1), '-h', $self->{dir}, '-p', $self->{port}, '-d', $database // 'postgres');
    die "psql: exit $status\n$err" if $status;
    return $out;
}

# A database with these tables, and a user who may read them.
sub database {
    my ($self, $name, $tables, $user, $password) = @_;
    $self->sql("CREATE DATABASE $name;\nCREATE USER $user PASSWORD '$password';\n");
    $self->sql("$tables\nGRANT SELECT ON ALL TABLES IN SCHEMA public TO $user;\n", $name);
}

1;
