#!/usr/bin/perl
# A gpg that hangs, and a worker that hangs: the message is deferred in time, and the next one passes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Faults;
use FilterdTest::Keys;
use FilterdTest::Mail;
use FilterdTest::Sink;
use Test::More;

my $t = FilterdTest->new;
my $SLEEP = 900_000 + $$; # no other sleep is as long as ours
my $hang = $t->dir . '/hang';

# In front of the real one: hangs at the work that the file names, or once it is done.
mkdir $t->dir . '/gpg';
spew($t->dir . '/gpg/gpg', <<"END", 0755);
#!/bin/sh
read -r when 2>/dev/null <$hang || when=never
case "\$LD_PRELOAD \$* " in # without it a gpg that lacks memory may not notice
*/gpg_malloc.so*) ;;
*\\ --encrypt\\ *) exit 2;;
esac
case "\$when \$* " in
deaf*\\ --encrypt\\ *) trap '' ALRM; exec sleep $SLEEP;;
late*\\ --encrypt\\ *) /usr/bin/gpg "\$@" || exit; exec sleep $SLEEP >&- 3>&-;;
encrypt*\\ --encrypt\\ *|list*\\ --list-keys\\ *) exec sleep $SLEEP;;
esac
exec /usr/bin/gpg "\$@"
END

my $faults = FilterdTest::Faults->new($t);
my $sink = FilterdTest::Sink->start($t, 'smtp', 'back');
my $filterd = FilterdTest::Daemon->start($t,
    env => ['PATH=' . $t->dir . "/gpg:$ENV{PATH}", @{ $faults->env }],
    set => { 'filterd.workers' => 1, 'filterd.trusted_networks' => '127.0.0.0/8', 'deliver.proxy_seconds' => 3 });
my $to = 'curve@example.com';
my $key = FilterdTest::Keys->new($t, $to, 'curve');
$filterd->import_key($key);
my $sent = mail_like();

sub send_one {
    my $c = FilterdTest::Client->new(smtp => $t->front('smtp'));
    my $reply = $c->deliver($sent, 'alice@example.net', $to);
    close $c->{socket};
    return $reply;
}

sub hung {
    my ($status, $out) = $t->try_run(undef, 'ps', '-eo', 'pid=,args=');
    return $out =~ /^ *(\d+) sleep $SLEEP$/mg;
}

my $taken = 0;
sub goes {
    unlink $hang;
    like(send_one(), qr/^250 /, 'then it goes');
    is($sink->count($to), ++$taken, 'once');
}

$t->at_end(sub { kill 'KILL', hung() });
goes();
for my $when (qw(encrypt late)) {
    subtest "a gpg that hangs: $when" => sub {
        my @workers = $filterd->processes('worker');
        my $before = $filterd->logged(qr/gpg did not end in time and was killed/, 0);
        spew($hang, "$when\n");
        like(send_one(), qr/^451 /, 'later');
        is($filterd->logged(qr/gpg did not end in time and was killed/, $before + 1), $before + 1, 'the log says why');
        is_deeply([hung()], [], 'it is gone');
        goes();
        is_deeply([$filterd->processes('worker')], \@workers, 'and its worker goes on');
    };
}

subtest 'one that its timer does not end' => sub {
    my ($worker) = $filterd->processes('worker');
    spew($hang, "deaf\n");
    like(send_one(), qr/^451 /, 'later');
    $filterd->logs(qr/worker $worker ended with code 75/, 'its worker has ended');
    ok(poll(sub { !hung() }), 'and the kernel has ended it with that');
    goes();
};

subtest 'one that hangs at listing keys' => sub {
    $filterd->ctl(qw(key remove), $to);
    $filterd->import_key($key);
    unlink glob $t->dir . '/state/keys/*/current/card' or die "no key card: $!"; # as a version before cards left it
    spew($hang, "list\n");
    like(send_one(), qr/^451 /, 'later');
    $filterd->logs(qr/keys cannot be read: gpg cannot list the keys: Timeout/, 'the log says why');
    goes();
};

subtest 'a call that never returns' => sub {
    my ($worker) = $filterd->processes('worker');
    $faults->order(roles => ['worker'], kinds => ['fork'], nth => 1, action => 'hang');
    is(send_one(), '', 'no reply: the connection ends');
    ok($faults->fired, 'as gpg was to be started');
    $faults->clear;
    $filterd->logs(qr/worker $worker ended by signal 14\b/, 'the alarm has ended its worker');
    goes();
};

is_sealed_for(($sink->taken($to))[-1], $sent, $key);
done_testing;
