#!/usr/bin/perl
# filterd before the queue, on a unix socket below Postfix's queue directory that Postfix's group alone may connect to.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Daemon;
use FilterdTest::Dovecot;
use FilterdTest::Keys;
use FilterdTest::Mail;
use FilterdTest::Postfix;
use Test::More;

my $t = FilterdTest->new;
my $dir = $t->dir;
my $to = 'curve@example.com';
my ($uid, $gid) = (scalar getpwnam $FilterdTest::FILTERD_USER, scalar getgrnam 'postfix');
mkdir "$dir/postfix";
mkdir "$dir/postfix/queue";
mkdir "$dir/postfix/queue/filterd";
chown $uid, $gid, "$dir/postfix/queue/filterd";
chmod 02770, "$dir/postfix/queue/filterd";
my $filterd = FilterdTest::Daemon->start($t, set => { 'listener smtp.address' => "unix:$dir/postfix/queue/filterd/smtp.sock",
    'listener smtp.group' => 'postfix' });
my $dovecot = FilterdTest::Dovecot->start($t, users => [$to]);
my $key = FilterdTest::Keys->new($t, $to, 'curve');
$filterd->import_key($key);
# A chrooted smtpd finds it by the same, relative, path.
my $postfix = FilterdTest::Postfix->start($t, snippets => ['reinject'], main => "smtpd_proxy_filter = unix:filterd/smtp.sock\n");
my $sent = mail_like();
$postfix->send($sent, 'alice@example.net', $to);
is_sealed_for(($dovecot->wait_mails(1, $to))[0], $sent, $key);

# Exit status of a connect by this user: 0, or errno.
sub connect_as {
    my ($user) = @_;
    my ($status) = $t->try_run(undef, 'setpriv', "--reuid=$user", '--regid=' . (getpwnam $user)[3], '--init-groups', 'perl',
        '-MIO::Socket::UNIX', '-e', 'exit(IO::Socket::UNIX->new(Peer => shift) ? 0 : $!+0)', "$dir/postfix/queue/filterd/smtp.sock");
    return $status;
}
is(connect_as('postfix'), 0, 'Postfix may connect');
is(connect_as($FilterdTest::MAIL_USER), POSIX::EACCES(), 'another user may not');
chmod 0777, "$dir/postfix/queue/filterd";
is(connect_as($FilterdTest::MAIL_USER), POSIX::EACCES(), 'nor by the mode of the socket alone');
done_testing;
