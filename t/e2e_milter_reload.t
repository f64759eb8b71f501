#!/usr/bin/perl
# Clients come and go at a real Postfix with filterd as its milter, while filterd reads its settings anew again and
# again: none of them hears of it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my ($CLIENTS, $EACH) = (4, 20);
my $site = FilterdTest::Site->start(attach => ['milter'], keys => { curve => 'curve' }, users => ['plain']);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my @to = ('curve@example.com', 'plain@example.com');

my $early = $postfix->client;
$filterd->reload;
$filterd->logs(qr/settings read anew/, 'a reload');
like($early->deliver(mail_like(), 'alice@example.net', $to[0]), qr/^250 /, 'who had connected before it sends a message after it');
$early->quit;

my @pids;
for my $n (1 .. $CLIENTS) {
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        my @bad;
        for (1 .. $EACH) {
            my $c = $postfix->client;
            my $reply = $c->deliver(mail_like(), 'alice@example.net', $to[$_ % 2]);
            push @bad, $reply if $reply !~ /^250/;
            $c->quit;
        }
        spew($t->dir . "/load.$n", join "\n", 'done', @bad);
        POSIX::_exit(0);
    }
    push @pids, $pid;
}
my $reloads = 0;
while (grep { waitpid($_, POSIX::WNOHANG()) == 0 } @pids) {
    $filterd->reload;
    $reloads++;
    select undef, undef, undef, 0.1;
}
cmp_ok($reloads, '>', 5, 'settings were read anew meanwhile');
is(join("\n", map { slurp($t->dir . "/load.$_") } 1 .. $CLIENTS), join("\n", ('done') x $CLIENTS),
    'no client hears of it');
unlike($postfix->log_text, qr/warning: .*milter/i, 'nor does Postfix');
my %sent = ($to[0] => 1 + $CLIENTS * $EACH / 2, $to[1] => $CLIENTS * $EACH / 2);
$dovecot->wait_mails($sent{$_}, $_) for @to;
is(scalar(() = $dovecot->mails($_)), $sent{$_}, "each is there once: $_") for @to;
ok(poll(sub { my @left = $filterd->processes('milter'); @left == 1 }), 'one milter process is left');
done_testing;
