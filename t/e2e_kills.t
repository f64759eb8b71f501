#!/usr/bin/perl
# Load through the real Postfix and Dovecot while a worker, the keeper or the master is killed five times a
# second: each message arrives, none in plaintext that must be sealed, and the queue drains. Half of the
# messages pass both legs, half come through the queue and LMTP alone.
#
# KILLS_MESSAGES=5000 is the full load, KILLS_SEED=N repeats the order of kills.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Copies;
use FilterdTest::Mail;
use FilterdTest::Mta;
use FilterdTest::Site;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $MESSAGES = $ENV{KILLS_MESSAGES} // 150;
my $SEED = $ENV{KILLS_SEED} // int rand 1e9;
my ($LANES, $EVERY, $OPENED) = ($MESSAGES > 1000 ? 24 : 8, 0.2, 20);
$FilterdTest::PATIENCE = 60 + $MESSAGES / 10;

my $site = FilterdTest::Site->start(
    attach => [qw(smtpd_proxy_filter reinject virtual_transport)],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => ['plain'],
    main => "minimal_backoff_time = 1s\nmaximal_backoff_time = 2s\nqueue_run_delay = 1s\n",
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my %at = (front => $t->port('smtp'), lmtp => $t->back);
my @users = map { "$_\@example.com" } qw(rsa curve plain);
my %key = map { ($_->{address} => $_) } values %{ $site->{keys} };
srand $SEED;
diag("seed $SEED, $MESSAGES messages");

# Message N goes to the first, the first two, or all.
sub recipients { return @users[0 .. $_[0] % @users] }
sub way { return $_[0] % 2 ? 'front' : 'lmtp' }
sub id { return way($_[0]) . "-$_[0]\@kills.example.net" }

# As an MTA: again, for whom it was not taken. Notes how often, and refusals.
sub send_lane {
    my ($lane) = @_;
    open my $notes, '>', $t->dir . "/lane.$lane";
    for (my $n = $lane; $n < $MESSAGES; $n += $LANES) {
        my ($sent, %todo, $offers) = (mail_like(id => id($n)), map { $_ => 1 } recipients($n));
        while (%todo) {
            $offers++;
            my $reply = FilterdTest::Mta::offer(smtp => $at{ way($n) }, $sent, 'alice@example.net', sort keys %todo);
            my @bad = grep { /^5/ } values %$reply;
            print $notes "refused $n: @bad\n" if @bad;
            delete @todo{ grep { $reply->{$_} =~ /^[25]/ } keys %$reply };
            sleep 0.1 if %todo;
        }
        print $notes "offers $offers\n";
    }
    close $notes;
}

sub children {
    my %pids;
    for my $stat (glob '/proc/[0-9]*/stat') {
        my ($pid, $name, $state, $parent) = slurp($stat) =~ /^(\d+) \((.*)\) (\S) (\d+)/ or next;
        push @{ $pids{$name} }, $pid if $parent == $filterd->{pid} && $state ne 'Z';
    }
    return \%pids;
}

my %killed;

sub kill_one {
    # A master that is killed costs most: the others are to be met at work.
    my $whom = (('filterd-worker') x 6, ('filterd-keeper') x 3, 'master')[rand 10];
    my @pids = $whom eq 'master' ? $filterd->{pid} : @{ children()->{$whom} || [] };
    return if !@pids;
    $killed{$whom}++;
    kill 'KILL', $pids[rand @pids];
    return if $whom ne 'master';
    waitpid $filterd->{pid}, 0;
    # As systemd does; it may have been killed so early that the next one is not to be had at once.
    for (1 .. 3) { return if eval { $filterd->up; 1 } }
    die "no filterd any more: $@";
}

my $start = time;
my @lanes = map { my $lane = $_; $t->spawn_code(sub { send_lane($lane) }) } 0 .. $LANES - 1;
my $next = time;
while (@lanes = grep { waitpid($_, POSIX::WNOHANG()) == 0 } @lanes) {
    $next += $EVERY;
    sleep $next - time if $next > time;
    $next = time if time > $next + $EVERY;
    kill_one();
}
my $took = time - $start;
my $notes = join '', map { slurp($t->dir . "/lane.$_") } 0 .. $LANES - 1;
is(join('', $notes =~ /^(refused.*\n)/mg), '', 'no refusal');
my @offers = $notes =~ /^offers (\d+)$/mg;
is(scalar @offers, $MESSAGES, 'every message was taken');
ok(poll(sub { $postfix->flush; !$postfix->queue }), 'the queue drains');
is($filterd->down, 0, 'filterd ends as it should');

# What lies in the mailboxes: {recipient id} => queue ids of its copies.
my (%found, @wrong);
my $opened = 0;
for my $user (@users) {
    for my $mail ($dovecot->mails($user)) {
        my ($id) = header($mail, 'Message-ID') =~ /^<(.*)>$/;
        my ($queue_id) = map { /\bwith E?SMTP id (\w+)/ ? $1 : () } headers($mail, 'Received');
        push @{ $found{"$user $id"} }, $queue_id // '-';
        my $trouble = $key{$user} ? FilterdTest::Copies::trouble_of($mail, undef, 1)
            : body_of($mail) =~ /\r\n--=_next part--\r\n/ ? '' : 'not whole';
        push @wrong, "$user $id: $trouble" if $trouble;
        next if !$key{$user} || $opened >= $OPENED;
        my $text = $key{$user}->open_sealed($mail) // '';
        push @wrong, "$user $id: does not open" if $text !~ /${\ canary()}.*--=_next part--/s;
        $opened++;
    }
}
my @missing = grep { !$found{$_} } map { my $n = $_; map { "$_ " . id($n) } recipients($n) } 0 .. $MESSAGES - 1;
is(join("\n", @missing), '', 'each is there for each of its recipients');
is(join("\n", @wrong), '', 'whole, sealed where there is a key, and it opens');

# Two copies that came by one queue file were doubled behind the queue; else before it.
my %doubled;
for my $copy (grep { @{ $found{$_} } > 1 } keys %found) {
    my ($way) = $copy =~ / (\w+)-/;
    my (%seen, $again);
    $again += $seen{$_}++ ? 1 : 0 for @{ $found{$copy} };
    $doubled{"$way, by LMTP"} += $again // 0;
    $doubled{"$way, before the queue"} += @{ $found{$copy} } - 1 - ($again // 0);
}
diag(sprintf '%d copies of %d messages in %.0f s; offered again %d times; killed: %s; doubled: %s', scalar keys %found,
    $MESSAGES, $took, eval { my $sum = 0; $sum += $_ - 1 for @offers; $sum },
    join(', ', map { "$_ $killed{$_}" } sort keys %killed), join(', ', map { "$_ $doubled{$_}" } sort keys %doubled) || 0);

done_testing;
