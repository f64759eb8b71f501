package FilterdTest::MariaDb;

# A MariaDB of our own below the test's folder: as an unprivileged user, on a unix socket and a port of loopback. Nothing of it
# is synced to disk.

use strict;
use warnings;
use FilterdTest;
use FilterdTest::Client;

# Who runs it: Debian makes mysql with the whole server only, and any user will do.
my $USER = 'daemon';

# What keeps its files small.
my @SMALL = qw(--innodb-log-file-size=4M --innodb-data-file-path=ibdata1:4M:autoextend --innodb-undo-tablespaces=0);
my @FAST = qw(--innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 --innodb-buffer-pool-size=16M
    --innodb-use-native-aio=0 --performance-schema=OFF --skip-name-resolve --skip-log-bin);

# port: any that is free, if none is given.
sub start {
    my ($class, $t, %arg) = @_;
    my $dir = $t->dir . '/mysql';
    my $self = bless { t => $t, dir => $dir, socket => "$dir/sock", port => $arg{port} // $t->port('mysql') }, $class;
    mkdir $_ for $dir, "$dir/tmp";
    chown scalar getpwnam($USER), -1, $dir, "$dir/tmp";
    $t->run('mariadb-install-db', '--no-defaults', "--user=$USER", "--datadir=$dir/data", "--tmpdir=$dir/tmp",
        qw(--auth-root-authentication-method=socket --skip-test-db --skip-name-resolve), @SMALL);
    $self->up;
    $t->at_end(sub { $self->down });
    return $self;
}

sub up {
    my ($self) = @_;
    my ($t, $dir) = @$self{qw(t dir)};
    my $log = $t->log_file('mariadb');
    $self->{pid} = $t->spawn($log, '/usr/sbin/mariadbd', '--no-defaults', "--user=$USER", "--datadir=$dir/data",
        "--tmpdir=$dir/tmp", "--socket=$self->{socket}", "--port=$self->{port}", '--bind-address=127.0.0.1',
        "--pid-file=$dir/pid", @SMALL, @FAST);
    poll(sub { FilterdTest::Client::listens($self->{port}) && FilterdTest::Client::listens($self->{socket}) })
        or die "MariaDB does not start\n" . slurp($log);
}

sub down {
    my ($self) = @_;
    FilterdTest::end_process($self->{pid});
}

# At once, as a crash ends it.
sub killed {
    my ($self) = @_;
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}

# SQL as root; what it prints, columns apart by tabs.
sub sql {
    my ($self, $sql, $database) = @_;
    my ($status, $out, $err) = $self->{t}->try_run($sql, 'mariadb', '--no-defaults', '--batch', '--skip-column-names',
        "--socket=$self->{socket}", '--user=root', $database // ());
    die "mariadb: exit $status\n$err" if $status;
    return $out;
}

# A database with these tables, and a user who may read them.
sub database {
    my ($self, $name, $tables, $user, $password) = @_;
    my @accounts = map { "'$user'\@'$_'" } qw(127.0.0.1 localhost);
    $self->sql(join '', "CREATE DATABASE $name CHARACTER SET utf8mb4;\nUSE $name;\n$tables\n", map {
        "CREATE USER $_ IDENTIFIED BY '$password';\nGRANT SELECT ON $name.* TO $_;\n" } @accounts);
}

1;
