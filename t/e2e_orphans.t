#!/usr/bin/perl
# The master is killed: workers finish the message they have, no process stays, and the next master can
# listen at once.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::Sink;
use FilterdTest::Site;
use Test::More;

my $site = FilterdTest::Site->start(keys => { rsa => 'rsa' },
    set => { 'listener smtp.protocol' => 'smtp' });
my ($t, $filterd) = @$site{qw(t filterd)};
my $sink = FilterdTest::Sink->start($t, 'smtp', 'back');
my $listening = $t->front('smtp');

sub children_of {
    my ($pid) = @_;
    my ($status, $out) = $t->try_run(undef, 'ps', '-o', 'pid=,comm=', '--ppid', $pid);
    return map { /(\d+) (\S+)/ ? ($1 => $2) : () } split /\n/, $out;
}

# Not even as what nobody has waited for.
sub alive {
    return grep { slurp("/proc/$_/stat") =~ /\) [^Z]/ } @_;
}

my %children = children_of($filterd->{pid});
is_deeply([sort keys %{ { reverse %children } }], [qw(filterd-keeper filterd-spf filterd-worker)], 'ps names them');

my $sent = mail_like();
my $c = FilterdTest::Client->new(smtp => $listening);
$c->say($_) for 'MAIL FROM:<alice@example.net>', 'RCPT TO:<rsa@example.com>', 'DATA';
my @before = keys %children;
my @spf = grep { $children{$_} eq 'filterd-spf' } @before;
kill 'KILL', $filterd->{pid};
ok(defined $filterd->ended, 'the master is killed while a message comes in');
ok(poll(sub { alive(@before) == 1 + @spf }), 'the others end, but not the one with the message');
is(scalar(alive(@spf)), 2, 'nor those it may ask about SPF');
$filterd->up;
pass('another master listens on the same sockets meanwhile');

$c->put(FilterdTest::Client::dot_stuffed($sent) . ".\r\n");
like($c->reply, qr/^250 /, 'the message is delivered');
is_sealed_for(($sink->taken('rsa@example.com'))[0], $sent, $site->{keys}{rsa});
ok(poll(sub { !alive(@before) }), 'then that one ends, and they do');
my $next = FilterdTest::Client->new(smtp => $listening);
like($next->deliver(mail_like(), 'alice@example.net', 'rsa@example.com'), qr/^250 /, 'the new ones serve');
is($filterd->down, 0, 'and end as they should');

done_testing;
