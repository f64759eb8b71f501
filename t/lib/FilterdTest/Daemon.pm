package FilterdTest::Daemon;

# filterd with the shipped tools/filterd.conf, and the other programs with the same settings.

use strict;
use warnings;
use FilterdTest;
use parent 'FilterdTest::Log';
use File::Path qw(make_path);
use FilterdTest::Client;
use FilterdTest::OldKernel;
use Test::More;

my $told;

# Tests want all of the sandbox, where the kernel has it.
sub sandbox {
    return 'required' if FilterdTest::OldKernel::has_landlock();
    diag('no Landlock in this kernel: filterd runs with sandbox=best, what Landlock forbids is left out') if !$told++;
    return 'best';
}

# snippets: names below tools/postfix whose filterd.conf part is added. set: "section.name" =>
# value, over the shipped ones; "listener x.protocol" makes a listener. idle: only write the
# settings and install the programs. env: NAME=VALUE for filterd and filterd-pipe alone. stateless: no
# "filterctl init"; who names another state_dir later runs it.
sub start {
    my ($class, $t, %arg) = @_;
    my $self = bless { t => $t, conf => $t->dir . '/etc/filterd.conf' }, $class;
    $self->{base} = slurp("$FilterdTest::ROOT/tools/filterd.conf")
        . join '', map { $t->snippet($_, 'filterd.conf') } @{ $arg{snippets} || [] };
    $self->install(@{ $arg{env} || [] });
    # No lists and no name server unless a test brings them: the discard port refuses at once.
    $self->{base} =~ s/^lists *=.*\n//mg;
    $self->settings('filterd.sandbox' => sandbox(), 'filterd.log' => 'stderr',
        'dns.server' => '127.0.0.1:9', %{ $arg{set} || {} });
    my ($uid, $gid) = (getpwnam $FilterdTest::FILTERD_USER)[2, 3];
    mkdir $t->dir . '/state';
    chown $uid, $gid, $t->dir . '/state', $t->dir . '/run', $t->dir . '/etc';
    socket_folder($t);
    $self->ctl('init') if !$arg{stateless};
    $self->up if !$arg{idle};
    return $self;
}

# As tools/systemd/filterd.tmpfiles makes it; t/systemd.t tries that.
sub socket_folder {
    my ($t) = @_;
    my $folder = $t->dir . '/postfix/queue/filterd';
    make_path($folder);
    chown scalar getpwnam($FilterdTest::FILTERD_USER), scalar getgrnam('postfix'), $folder;
    chmod 02710, $folder;
}

# The programs where every user may run them, each behind a wrapper that knows our settings; that
# of filterd-retrain notes its arguments.
sub install {
    my ($self, @env) = @_;
    my $bin = $self->{t}->dir . '/bin';
    for my $name (qw(filterd filterd-pipe filterd-retrain filterctl)) {
        my $from = FilterdTest::build() . "/$name";
        $self->{t}->run('/bin/cp', $from, "$bin/$name.bin");
        chmod 0755, "$bin/$name.bin";
        my $note = $name eq 'filterd-retrain' ? qq(echo "\$@" >>$bin/retrained\n) : '';
        my $env = @env && $name =~ /^filterd(?:-pipe)?$/ ? "/usr/bin/env @env " : '';
        spew("$bin/$name", qq(#!/bin/sh\n${note}exec $env$bin/$name.bin -c $self->{conf} "\$@"\n), 0755);
    }
    $self->{t}->run('/bin/cp', FilterdTest::build() . '/gpg_malloc.so', $bin);
    spew("$bin/retrained", '', 0666);
}

# Writes the settings file; later calls add to what earlier ones set. undef takes a line out. An inet address has no
# group.
sub settings {
    my ($self, %set) = @_;
    my $set = $self->{set} = { %{ $self->{set} || {} }, %set };
    my $text = $self->{t}->localized($self->{base});
    for my $key (sort keys %$set) {
        my ($section, $name) = $key =~ /^(.*)\.(\w+)$/ or die "bad setting $key";
        my $line = defined $set->{$key} ? "$name = $set->{$key}\n" : '';
        my $inet = $name eq 'address' && ($set->{$key} // '') =~ /^inet:/;
        $text =~ s/^(\[\Q$section\E\]\n(?:(?!\[).*\n)*?)group *=.*\n/$1/m if $inet;
        next if $text =~ s/^(\[\Q$section\E\]\n(?:(?!\[).*\n)*?)$name *=.*\n/$1$line/m;
        $text =~ s/^(\[\Q$section\E\]\n)/$1$line/m or $text .= "\n[$section]\n$line";
    }
    spew($self->{conf}, $text);
    return $text;
}

# Starts it (under: a command that becomes it); ready when every listener's socket takes a
# connection.
sub up {
    my ($self, @under) = @_;
    my $t = $self->{t};
    my $log = $t->log_file('filterd');
    $self->{pid} = $t->spawn($log, @under, $t->dir . '/bin/filterd');
    my @at = slurp($self->{conf}) =~ /^address = (?:unix:|inet:127\.0\.0\.1:)(\S+)$/mg;
    for my $at (@at) {
        poll(sub { FilterdTest::Client::listens($at) }) or die "filterd: no $at\n" . slurp($log);
    }
}

# SIGTERM, and its exit status.
sub down {
    my ($self) = @_;
    kill 'TERM', $self->{pid};
    return $self->ended;
}

# Waits for the daemon's end: its wait status, undef if it does not end.
sub ended {
    my ($self) = @_;
    my $status;
    poll(sub { waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid} && defined($status = $?) });
    return $status;
}

sub reload {
    my ($self) = @_;
    kill 'HUP', $self->{pid};
}

# filterctl, which must succeed; its output.
sub ctl {
    my ($self, @args) = @_;
    return $self->{t}->run($self->{t}->dir . '/bin/filterctl', @args);
}

sub try_ctl {
    my ($self, $input, @args) = @_;
    return $self->{t}->try_run($input, $self->{t}->dir . '/bin/filterctl', @args);
}

# The greylisting wait in tests: longer than any of them takes.
our $GREYLIST_SECONDS = 3600;

# Ages the greylisting store, so that whoever has to wait has waited.
sub greylisted_have_waited {
    my ($self) = @_;
    $self->{t}->run('sqlite3', '-cmd', '.timeout 60000', $self->{t}->dir . '/state/greylist.db',
        "UPDATE triplet SET came = came - $GREYLIST_SECONDS");
}

# Registers a person's public key.
sub import_key {
    my ($self, $key, @options) = @_;
    my $file = $self->{t}->dir . '/key.asc';
    spew($file, $key->public);
    my ($status, $out, $err) = $self->try_ctl(undef, qw(key import), @options, $key->{address}, $file);
    die "key import $key->{address}: exit $status $out$err" if $status;
}

# The pids of its children of that name (worker, keeper).
sub processes {
    my ($self, $name) = @_;
    my ($status, $out) = $self->{t}->try_run(undef, 'ps', '-o', 'pid=,comm=', '--ppid', $self->{pid});
    return $out =~ /(\d+) filterd-$name$/mg;
}

# How filterd-retrain was called so far, a line each.
sub retrained { return split /\n/, slurp($_[0]{t}->dir . '/bin/retrained') }

sub log_text { return slurp($_[0]{t}->log_file('filterd')) }

1;
