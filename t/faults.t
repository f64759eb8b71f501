#!/usr/bin/perl
# The n-th call of every kind fails in every process, or the process is killed there: no message is lost or
# delivered incomplete, none reaches a user with a key in plaintext, none is refused, and the daemon lives
# on.
#
# FAULTS=N tries N calls of each kind in each process, evenly spread from a random start; FAULTS=all tries
# every one. Without it a few are drawn, always the same, so that a run that fails points to the last
# change. FAULTS_SEED=N draws others, or repeats a run. FAULTS_ONLY=REGEX selects trials by their name
# ("smtp, gpg, read 19, fail 5"), FAULTS_SLOW=SECONDS names those that took longer.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Copies;
use FilterdTest::Daemon;
use FilterdTest::Faults;
use FilterdTest::Keys;
use FilterdTest::Mail;
use FilterdTest::Mta;
use FilterdTest::Sink;
use List::Util ();
use POSIX qw(:errno_h);
use Test::More;
use Time::HiRes qw(sleep time);

my $TRIES = $ENV{FAULTS} // 1;
my $FEW = defined $ENV{FAULTS} ? 0 : 8; # of each mode
my $SEED = $ENV{FAULTS_SEED} // (defined $ENV{FAULTS} ? int rand 1e9 : 4711);
my $ONLY = $ENV{FAULTS_ONLY} // '.';
$ONLY = qr/$ONLY/;
my $OPEN_EVERY = 10; # one sealed copy in so many is opened; all where gpg itself is disturbed
srand $SEED;

my $t = FilterdTest->new;
my $faults = FilterdTest::Faults->new($t);
my $maildir = $t->dir . '/mail';
mkdir $maildir;
chown +(getpwnam $FilterdTest::FILTERD_USER)[2, 3], $maildir;
my %sink = map { $_ => FilterdTest::Sink->start($t, $_, "sink-$_") } qw(lmtp smtp);
my $filterd = FilterdTest::Daemon->start($t, env => $faults->env, set => {
    'filterd.workers' => 1,
    'listener lmtp.next_hop' => 'lmtp:inet:127.0.0.1:' . $t->port('sink-lmtp'),
    'listener smtp.next_hop' => 'smtp:inet:127.0.0.1:' . $t->port('sink-smtp'),
    'listener maildir.protocol' => 'lmtp',
    'listener maildir.address' => 'unix:' . $t->dir . '/run/maildir.sock',
    'listener maildir.next_hop' => "maildir:$maildir/%d/%n",
    'listener milter.protocol' => 'milter',
    'listener milter.address' => 'unix:' . $t->dir . '/run/milter.sock',
    'deliver.next_hop' => 'smtp:inet:127.0.0.1:' . $t->port('sink-smtp'),
    'filterd.trusted_networks' => '127.0.0.0/8',
});
$sink{$_} = $sink{smtp} for qw(pipe sendmail milter);
my %at = (milter => $t->dir . '/run/milter.sock', lmtp => $t->front('lmtp'), smtp => $t->front('smtp'), maildir => $t->dir . '/run/maildir.sock');
my %key = map { ("$_\@example.com" => FilterdTest::Keys->new($t, "$_\@example.com", $_)) } qw(rsa curve);
$filterd->import_key($_) for values %key;
$filterd->ctl(qw(user set plain@example.com spam_action=tag));
my @everyone = ('rsa@example.com', 'curve@example.com', 'plain@example.com');

# filterd-pipe's other next hop, which takes the end of its input for the end of the message.
my $mailer = $t->dir . '/bin/mailer';
spew($mailer, <<"END", 0755);
#!/usr/bin/perl
use Time::HiRes 'time';
undef \$/;
my \$mail = <STDIN> =~ s/\\n/\\r\\n/gr;
open my \$out, '>', "$sink{smtp}{box}.new.\$\$" or exit 75;
print \$out \$mail;
close \$out or exit 75;
rename "$sink{smtp}{box}.new.\$\$", sprintf '$sink{smtp}{box}/%.6f.%d,%s', time, \$\$, \$ARGV[-1] or exit 75;
END
my $by_mailer = $t->dir . '/by_mailer.conf';
spew($by_mailer, slurp($filterd->{conf}) =~ s/^(\[deliver\]\n(?:(?!\[).*\n)*?next_hop = ).*/$1sendmail:$mailer/mr);

# How a call may fail. An errno that says "there is none" is no fault, it is an answer.
my %WAYS = (
    malloc => [[fail => ENOMEM]], mmap => [[fail => ENOMEM]],
    read => [[fail => ECONNRESET], [fail => EIO], [fail => EINTR], ['end'], ['short']],
    write => [[fail => EPIPE], [fail => ENOSPC], [fail => EINTR], ['short']],
    pwrite => [[fail => ENOSPC], [fail => EIO], ['short']],
    poll => [[fail => EINTR], [fail => ENOMEM], ['end']],
    fork => [[fail => EAGAIN]], exec => [[fail => ENOMEM]],
    accept => [[fail => EMFILE], [fail => ECONNABORTED]],
    connect => [[fail => ECONNREFUSED], [fail => ETIMEDOUT]],
    socket => [[fail => EMFILE]], open => [[fail => EMFILE], [fail => EIO]],
    stat => [[fail => EIO], [fail => EACCES]], sync => [[fail => EIO]], rename => [[fail => EIO], [fail => ENOSPC]],
    sqlite => [map { [fail => $_] } 5, 7, 10, 13], # busy, no memory, I/O error, full
    gpgme => [[fail => ENOMEM]],
);
my @STEPS = grep { !/malloc|accept/ } @FilterdTest::Faults::KINDS;

my %ROLES_IN = (lmtp => [qw(worker child gpg keeper master spf)], smtp => [qw(worker child gpg keeper master)],
    maildir => [qw(agent worker)], pipe => [qw(pipe inner child gpg)], sendmail => [qw(pipe inner)], milter => [qw(milter worker child gpg)]);
# Those who start: from their fork or exec to where they wait for work.
my %BIRTHS = (worker => [qw(young worker)], keeper => [qw(young keeper)], master => ['master']);

my (%sum, @wrong, $trials, $current);

sub copies_of {
    my ($mode, $to) = @_;
    return $sink{$mode}->taken($to) if $sink{$mode};
    my ($name) = split /@/, $to;
    return map { slurp($_) =~ s/\r?\n/\r\n/gr } glob "$maildir/example.com/$name/new/*";
}

sub forget_copies {
    my ($mode) = @_;
    return $sink{$mode}->clear if $sink{$mode};
    unlink glob "$maildir/example.com/*/{new,tmp}/*";
}

# As systemd does.
sub master_again {
    return 0 if waitpid($filterd->{pid}, POSIX::WNOHANG()) == 0;
    push @wrong, "$current: the master gave up for good" if $? >> 8 == 78 && $current !~ /master born, (?:open|read|stat)/;
    $filterd->up;
    return 1;
}

# That process ends as it is told to, and another begins: for the worker, one that has seen no
# message yet.
sub fresh {
    my ($role) = @_;
    my $old = $faults->pid($role);
    kill 'TERM', $old if $old;
    return if $role ne 'master';
    $filterd->ended;
    local $FilterdTest::PATIENCE = 1;
    eval { $filterd->up };
}

# It is there and waits.
sub await {
    my ($role, $old) = @_;
    poll(sub { $faults->pid($role) != $old || $faults->fired }, 2);
    sleep 0.1;
}

# Postfix' pipe(8): a signal defers, exit codes tell the rest.
sub offer_pipe {
    my ($conf, $sent, @to) = @_;
    my %reply;
    for my $to (@to) {
        my ($status) = $t->try_run($sent, $t->dir . '/bin/filterd-pipe', '-c', $conf, '-f', 'alice@example.net', '--', $to);
        $reply{$to} = $status >= 128 ? '' : $status == 0 ? '250' : $status == 75 ? '451' : "554 exit status $status";
    }
    return \%reply;
}

sub offer {
    my ($mode, $sent, @to) = @_;
    return offer_pipe($mode eq 'pipe' ? $filterd->{conf} : $by_mailer, $sent, @to) if $mode =~ /^(?:pipe|sendmail)$/;
    return FilterdTest::Mta::offer_milter($at{milter}, sub { $sink{smtp}->put(@_) }, $sent, 'alice@example.net', @to)
        if $mode eq 'milter';
    return FilterdTest::Mta::offer($mode eq 'smtp' ? 'smtp' : 'lmtp', $at{$mode}, $sent, 'alice@example.net', @to);
}

sub judge_copies {
    my ($mode, $sent, $told, $open) = @_;
    my @bad;
    for my $to (@everyone) {
        for my $mail (copies_of($mode, $to)) {
            my $trouble = FilterdTest::Copies::trouble_of($mail, $sent, $key{$to});
            if (!$trouble && $key{$to} && $open) {
                my $opened = $key{$to}->open_sealed($mail) // '';
                $trouble = 'does not open to what was sent' if $opened ne content_of($sent);
                $sum{opened}++;
            }
            push @bad, "a copy for $to: $trouble" if $trouble;
        }
    }
    return @bad;
}

# A copy may come twice only if the fault fell after the next hop took it, and before it took another:
# the instant between its 250 and the keeper's record.
sub doubled {
    my ($mode, $fired) = @_;
    my %times = map { $_ => [times_of($mode, $_)] } @everyone;
    my @bad;
    for my $to (grep { @{ $times{$_} } > 1 } @everyone) {
        my ($first, @more) = @{ $times{$to} };
        my $later = grep { $_ > $first && $_ < ($fired ? $fired->{at} : 0) } map { @$_ } values %times;
        $sum{"doubled, $mode"} += @more;
        push @bad, "more than twice to $to" if @more > 1;
        push @bad, "twice to $to, and not for the fault" if !$fired || $fired->{at} < $first && !is_lost_answer($mode, $fired, $first);
        push @bad, "twice to $to, and the record had its time" if $later;
    }
    return @bad;
}

# The wait for the next hop's answer was cut short, which may take the copy all the same (RFC 1047). Our
# own agent does not; but a worker that was killed has its socket until it is quite dead.
sub is_lost_answer {
    my ($mode, $fired, $first) = @_;
    return $current =~ /, worker killed/ && $first - $fired->{at} < 1 if !$sink{$mode};
    return $sink{$mode} && $fired->{role} =~ /worker|inner/ && $fired->{kind} =~ /poll|read/;
}

# When its copies were taken, in order.
sub times_of {
    my ($mode, $to) = @_;
    return sort { $a <=> $b } map { m{/([\d.]+)\.\d+,} ? $1 : () } glob "$sink{$mode}{box}/*,$to" if $sink{$mode};
    my ($name) = split /@/, $to;
    return sort { $a <=> $b } map { m{/(\d+)\.M(\d+)P} ? "$1.$2" : () } glob "$maildir/example.com/$name/new/*";
}

# One message under one order, offered until all have it. Returns what was wrong.
sub trial {
    my ($mode, $name, %order) = @_;
    my ($sent, @bad, %done, $fired) = mail_like();
    my $begin = time;
    $current = $name;
    master_again();
    if (my $born = $order{early}) {
        my $old = $faults->pid($born);
        $faults->order(%order, early => 1);
        fresh($born);
        await($born, $old);
    } else {
        fresh('worker') if $mode !~ /^(?:pipe|sendmail)$/;
        $faults->order(%order);
    }
    my $open = $name =~ /, (?:gpg|child)\b/ || ++$trials % $OPEN_EVERY == 0;
    for my $attempt (1 .. 15) {
        my $start = time;
        my $reply = offer($mode, $sent, grep { !$done{$_} } @everyone);
        $sum{longest} = time - $start if time - $start > ($sum{longest} // 0);
        $fired ||= $faults->fired;
        $faults->clear;
        $sum{restarts} += master_again();
        push @bad, "the next hop's session hangs" if $sink{$mode} && !$sink{$mode}->settled;
        for my $to (keys %$reply) {
            push @bad, "refused: $reply->{$to}" if $reply->{$to} =~ /^5/;
            $done{$to} = 1 if $reply->{$to} =~ /^2/;
            push @bad, "250 for $to without a copy" if $done{$to} && !copies_of($mode, $to);
        }
        push @bad, judge_copies($mode, $sent, \%done, $open && $attempt == 1);
        $sum{first_try}++ if $attempt == 1 && @everyone == keys %done && $fired;
        last if @everyone == keys %done;
        sleep 0.03 * $attempt;
    }
    push @bad, 'never delivered' if @everyone != keys %done;
    push @bad, doubled($mode, $fired);
    forget_copies($mode);
    $sum{$fired ? 'hit' : 'not reached'}++;
    diag(sprintf '%s: %.1f s', $name, time - $begin) if $ENV{FAULTS_SLOW} && time - $begin > $ENV{FAULTS_SLOW};
    push @wrong, map { "$name: $_" } @bad;
    diag("wrong: $name: $_") for @bad; # a long run tells at once
    return $fired;
}

# Which of TOTAL calls to try: a stride through them all, begun anywhere.
sub picks {
    my ($total, $tries) = @_;
    return 1 .. $total if $tries eq 'all' || $total <= $tries;
    my $stride = $total / $tries;
    my $offset = rand $stride;
    return map { 1 + int($offset + $_ * $stride) } 0 .. $tries - 1;
}

sub ways {
    my ($kind) = @_;
    my @ways = @{ $WAYS{$kind} };
    return $TRIES eq 'all' ? @ways : $ways[rand @ways];
}

# What went wrong once is tried always.
my @KNOWN = (
    [maildir => 'agent killed', 20, kill => 0, @STEPS], # its worker went on without one
    [maildir => 'agent write', 4, fail => EPIPE, 'write'],
    [lmtp => 'worker write', 18, fail => EPIPE, 'write'], # an answer to what was never sent was waited for
    # gpg ended well, but not all it wrote was read: an empty copy was delivered
    (map { [lmtp => 'worker read', $_, fail => ECONNRESET, 'read'] } 38 .. 46),
    [maildir => 'agent sync', 2, fail => EIO, 'sync'], # a copy that was refused stayed
    # a list of keys that ended early was believed as long as its worker lived
    # a key that GPGME, short of memory, called by its subkey's name was believed likewise
    (map { [milter => 'worker malloc', $_, fail => ENOMEM, 'malloc'] } 481 .. 485),
    (map { [smtp => 'gpg malloc', 258 + 4 * $_, fail => ENOMEM, 'malloc'] } 0 .. 8),
);

sub known_jobs {
    my ($mode) = @_;
    return map {
        my (undef, $what, $n, $action, $error, @kinds) = @$_;
        my ($role) = split / /, $what;
        [$what, $n, "$mode, $what $n, $action, known", roles => [$role], kinds => \@kinds, nth => $n,
            action => $action, error => $error];
    } grep { $_->[0] eq $mode } @KNOWN;
}

# All trials of one mode: [what is counted together, total, name, order].
sub jobs_of {
    my ($name, $seen, @order) = @_;
    my ($steps, @jobs) = (0);
    for my $kind (@FilterdTest::Faults::KINDS) {
        my $total = $seen->{$kind} or next;
        $steps += $total if grep { $_ eq $kind } @STEPS;
        for my $n (picks($total, $TRIES)) {
            push @jobs, map { ["$name $kind", $total, "$name, $kind $n, @$_", @order, kinds => [$kind],
                nth => $n, action => $_->[0], error => $_->[1]] } ways($kind);
        }
    }
    for my $n (picks($steps, $TRIES eq 'all' ? 'all' : 3 * $TRIES)) {
        push @jobs, ["$name killed", $steps, "$name killed at $n", @order, kinds => \@STEPS, nth => $n, action => 'kill'];
    }
    return grep { $_->[2] =~ $ONLY } @jobs;
}

sub run_jobs {
    my ($mode, @jobs) = @_;
    my (%hit, %tried, %total);
    diag("$mode: " . @jobs . ' trials') if !$FEW;
    for my $job (known_jobs($mode), $FEW ? splice @jobs, 0, $FEW : @jobs) {
        my ($what, $total, $name, @order) = @$job;
        $total{$what} = $total;
        $tried{$what}++;
        $hit{$what} += trial($mode, $name, @order) ? 1 : 0;
    }
    diag('hit of those tried, of how many there are: ',
        join '; ', map { "$_ $hit{$_}/$tried{$_} of $total{$_}" } sort keys %total);
    is(join("\n", splice @wrong), '', 'nothing lost, nothing half, nothing plain, no refusal');
    ok((grep { $_ } values %hit), 'and faults there were') if %tried;
}

diag("seed $SEED");
for my $mode (qw(lmtp smtp maildir pipe sendmail milter)) {
    subtest "$mode: calls that fail, processes that are killed" => sub {
        trial($mode, "$mode, warming up", roles => [], kinds => []);
        trial($mode, "$mode, counting", roles => [], kinds => []);
        my $seen = $faults->seen;
        run_jobs($mode, List::Util::shuffle(
            map { jobs_of("$mode, $_", $seen->{$_}, roles => [$_]) } @{ $ROLES_IN{$mode} }));
    };
}

subtest 'who starts' => sub {
    my @jobs;
    for my $born (sort keys %BIRTHS) {
        my $old = $faults->pid($born);
        $faults->order(roles => [], kinds => [], early => 1);
        fresh($born);
        await($born, $old);
        my ($seen, %sum) = $faults->seen;
        for my $kind (@FilterdTest::Faults::KINDS) {
            $sum{$kind} += $seen->{$_}{$kind} for @{ $BIRTHS{$born} };
        }
        push @jobs, jobs_of("lmtp, $born born", \%sum, roles => $BIRTHS{$born}, early => $born);
    }
    run_jobs('lmtp', List::Util::shuffle(@jobs));
};
diag(join ', ', map { sprintf '%s: %.4g', $_, $sum{$_} } sort keys %sum);

subtest 'and it lives on' => sub {
    trial('lmtp', 'the next message', roles => [], kinds => []);
    is(join("\n", @wrong), '', 'the next message is delivered');
    is($filterd->down, 0, 'it ends as it should');
};

done_testing;
