#!/usr/bin/perl
# A maildir as next hop that is full, read-only or closed: its own reply, the reason in the log, and mail waits until it
# can be written again.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Mail;
use Test::More;

my $t = FilterdTest->new;
my ($dir, $to) = ($t->dir, 'plain@example.com');
my $uid = getpwnam $FilterdTest::FILTERD_USER;
mkdir "$dir/mail";
my $filterd = FilterdTest::Daemon->start($t, idle => 1, set => {
    'listener lmtp.next_hop' => "maildir:$dir/mail/%d/%n", 'spf.enabled' => 'no', 'filterd.trusted_networks' => '127.0.0.0/8' });
$filterd->ctl(qw(user set), $to, 'spam_action=tag');
# A file system of a few KB, that nobody else sees.
$filterd->up('unshare', '-m', 'sh', '-c', "mount -t tmpfs -o size=96k,mode=0700,uid=$uid tmpfs $dir/mail && exec \"\$@\"", 'sh');
my @inside = ('nsenter', '-t', $filterd->{pid}, '-m');

sub offer {
    my ($mail) = @_;
    my $c = FilterdTest::Client->new(lmtp => $t->front('lmtp'));
    my $reply = $c->deliver($mail, 'alice@example.net', $to);
    $c->quit;
    return $reply;
}

# Whole messages there, and what was begun.
sub lie_there {
    my ($part) = @_;
    return scalar(() = $t->run(@inside, 'find', "$dir/mail", '-type', 'f', '-path', "*/plain/$part/*") =~ /\n/g);
}

my $small = mail_like();
like(offer($small), qr/^250 /, 'a small one fits');
like(offer(mail_like(text => "0123456789\n" x 20_000)), qr/^452 4\.3\.1 No space at the next hop/, 'a large one does not, and the reply says so');
$filterd->logs(qr{^filterd: warning: delivery agent: \Q$dir\E/mail/\S+: No space left on device$}m, 'so does the log');
is(lie_there('tmp'), 0, 'nothing of it is left');
like(offer($small), qr/^250 /, 'then small ones fit again');

$t->run(@inside, 'mount', '-o', 'remount,ro', "$dir/mail");
like(offer($small), qr/^451 4\.3\.0 Next hop cannot be written to/, 'read-only');
$filterd->logs(qr/^filterd: warning: delivery agent: .*: Read-only file system$/m, 'says the log');
$t->run(@inside, 'mount', '-o', 'remount,rw', "$dir/mail");

$t->run(@inside, 'chmod', '0', "$dir/mail");
like(offer($small), qr/^451 4\.3\.0 Next hop cannot be written to/, 'closed');
$filterd->logs(qr/^filterd: warning: delivery agent: .*: Permission denied$/m, 'says the log');
$t->run(@inside, 'chmod', '0700', "$dir/mail");

like(offer($small), qr/^250 /, 'and when it is open again mail goes on');
is(lie_there('new'), 3, 'three are there');
is($filterd->down, 0, 'it ends');
done_testing;
