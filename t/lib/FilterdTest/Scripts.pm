package FilterdTest::Scripts;

# Other filters that run as content_filter, for the benchmark that compares filterd with them: how each is
# attached to Postfix. Each gives { name, how (smtpd's options), master, main, seals }.

use strict;
use warnings;
use FilterdTest;
use FilterdTest::Client;

# A GnuPG home with these people's public keys, trusted, for a user.
sub key_home {
    my ($t, $dir, $user, $keys) = @_;
    mkdir $dir, 0700;
    for my $key (@$keys) {
        $t->try_run($key->public, 'gpg', '--batch', '--homedir', $dir, '--import');
        $t->try_run("$key->{fingerprint}:6:\n", 'gpg', '--batch', '--homedir', $dir, '--import-ownertrust');
    }
    system 'gpgconf', '--homedir', $dir, '--kill', 'all';
    system 'chown', '-R', "$user:", $dir;
}

sub zeyple {
    my ($class, $t, $script, $keys) = @_;
    my $dir = $t->dir . '/zeyple';
    mkdir $dir, 0755;
    key_home($t, "$dir/keys", $FilterdTest::FILTERD_USER, $keys);
    system 'chown', "$FilterdTest::FILTERD_USER:", $dir;
    spew("$dir/zeyple.conf", "[zeyple]\nlog_file = $dir/zeyple.log\nforce_encrypt = 1\n[gpg]\nhome = $dir/keys\n"
            . "[relay]\nhost = localhost\nport = ${\ $t->port('zeyple_back')}\n");
    $t->run('/bin/cp', $script, "$dir/zeyple.py");
    return {
        name => 'Zeyple', how => '-o content_filter=zeyple:', seals => 1,
        main => "zeyple_destination_recipient_limit = 1\nzeyple_destination_concurrency_limit = 2\n",
        master => "zeyple unix - n n - - pipe\n  user=$FilterdTest::FILTERD_USER directory=$dir"
            . " argv=/usr/bin/python3 $dir/zeyple.py \${recipient}\n" . back_by_tcp($t, 'zeyple_back'),
    };
}

# What tools/postfix/reinject.cf has, on a port.
sub back_by_tcp {
    my ($t, $name) = @_;
    my ($service) = $t->snippet('reinject', 'master.cf') =~ /^(reinject .*\n(?: .*\n)*)/m;
    return $service =~ s/^reinject unix/127.0.0.1:${\ $t->port($name)} inet/r;
}

sub gpgit {
    my ($class, $t, $script, $keys, $spamd) = @_;
    my ($dir, $user) = ($t->dir . '/gpgit', $FilterdTest::MAIL_USER);
    my $home = (getpwnam $user)[7];
    mkdir $dir, 0755;
    mkdir "$dir/home", 0755;
    system 'chown', "$user:", "$dir/home";
    key_home($t, "$dir/home/.gnupg", $user, $keys);
    # gpgit looks into its user's home and nowhere else.
    $t->run('/bin/mount', '--bind', "$dir/home", $home);
    $t->at_end(sub { system '/bin/umount', $home });
    $t->run('/bin/cp', $script, "$dir/gpgit.pl");
    my $port = $t->port('spamd');
    $spamd->run(sub {
        $t->spawn($t->log_file('spamd'), '/usr/sbin/spamd', '-L', '-x', '-s', 'stderr', '-u', $user, '-m', 2, '-p', $port, '-H', $home);
    });
    poll(sub { FilterdTest::Client::listens($port) }) or die "no spamd\n", slurp($t->log_file('spamd'));
    spew("$dir/pipe", "#!/bin/sh\nunset MAIL_CONFIG\nspamc -p $port | /usr/bin/perl $dir/gpgit.pl \"\$2\" |"
            . " /usr/sbin/sendmail -G -i -f \"\$1\" -- \"\$2\" || exit 75\n", 0755);
    return {
        name => 'spamc|gpgit', how => '-o content_filter=gpgit:', seals => 1,
        main => "gpgit_destination_recipient_limit = 1\ngpgit_destination_concurrency_limit = 2\n",
        master => "gpgit unix - n n - - pipe\n  flags=q null_sender= user=$user argv=$dir/pipe \${sender} \${recipient}\n",
    };
}

# sendmail reads this Postfix's settings; only where mounts are our own.
sub sendmail_of {
    my ($postfix) = @_;
    $postfix->{t}->run('/bin/mount', '--bind', "$postfix->{dir}/etc", '/etc/postfix');
    $postfix->{t}->at_end(sub { system '/bin/umount', '/etc/postfix' });
}

1;
