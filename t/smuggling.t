#!/usr/bin/perl
# SMTP smuggling: whatever stands around the end of DATA, or in commands, makes one message or a refusal,
# never two messages; and no bare CR or LF goes on to the next hop.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::Sink;
use FilterdTest::Site;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Test::More;
use Time::HiRes qw(sleep);

my $site = FilterdTest::Site->start(
    attach => [qw(smtpd_proxy_filter reinject)],
    keys => { user => 'curve' },
    users => ['plain'],
    main => "smtpd_forbid_bare_newline = no\nsmtpd_forbid_unauth_pipelining = no\n",
    set => {
        'spam.deny' => 'evil@example.net', 'spam.subject_tag' => '[SPAM]', 'spf.received' => 'yes',
    },
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my $sink = FilterdTest::Sink->start($t, 'smtp', 'sink', wire => 1);
my $sink_at = 'smtp:inet:127.0.0.1:' . $t->port('sink');
my %listeners = (smtp => $t->front('smtp'), lmtp => $t->front('lmtp'));
my ($sealed, $plain) = ('user@example.com', 'plain@example.com');

# Where the listeners hand over to: the sink, which would believe any line end, or Postfix.
sub next_hop {
    my ($at) = @_;
    $filterd->settings(map { ("listener $_.next_hop" => $at) } keys %listeners);
    $filterd->down;
    $filterd->up;
}

sub strings {
    my ($longest) = @_;
    my @all = my @last = ('');
    for (1 .. $longest) {
        @last = map { ("$_\r", "$_\n") } @last;
        push @all, @last;
    }
    return @all;
}

# Every mix of up to three CRs and LFs on each side of the dot, and NULs at each place of the
# known tricks.
sub ends {
    my @ends = map { my $before = $_; map { "$before.$_" } grep { length } strings(3) } strings(3);
    for my $trick ("\n.\n", "\r\n.\r", "\r.\r", "\r\n.\r\n", "\n.\r\n", "\r\n.\n") {
        push @ends, map { substr($trick, 0, $_) . "\0" . substr($trick, $_) } 0 .. length $trick;
    }
    push @ends, "\r\n\r.\r\n", "\r\r\n.\r\n", "\r\n..\r\n", "\r\n.\r\r\n\n", "\r\n. \r\n", "\r\n.\t\n";
    my %seen;
    return grep { !$seen{$_}++ } @ends;
}

sub shown {
    my ($bytes) = @_;
    return $bytes =~ s/([^ -~])/{ "\r" => '\r', "\n" => '\n', "\0" => '\0', "\t" => '\t' }->{$1}/ger;
}

# CRLF.CRLF and nothing odd before it: what follows is another message by right.
sub is_end { return $_[0] =~ /(?:^|[^\r\n])\r\n\.\r\n(?:\r\n)*\z/ }

my $head = "From: Alice <alice\@example.net>\r\nSubject: an ordinary letter\r\n\r\n";
my $count = 0;

# A message in which the end stands, and behind it what would be the smuggled one.
sub smuggle {
    my ($end, $to) = @_;
    return $head . 'one ' . ++$count . $end . "MAIL FROM:<evil\@example.net>\r\nRCPT TO:<$to>\r\nDATA\r\n"
        . "From: evil\@example.net\r\nSubject: smuggled\r\n\r\ntwo\r\n.\r\n";
}

# Sends these bytes after DATA, in the pieces given by their lengths (the last piece is the rest);
# what the server says until it closes, or until QUIT is through.
sub replies_to {
    my ($listener, $to, $bytes, @cuts) = @_;
    my $c = FilterdTest::Client->new($listener => $listeners{$listener});
    setsockopt $c->{socket}, IPPROTO_TCP, TCP_NODELAY, 1 if $listener eq 'smtp';
    $c->say($_) for 'MAIL FROM:<alice@example.net>', "RCPT TO:<$to>", 'DATA';
    my $at = 0;
    for my $length (@cuts) {
        $c->put(substr $bytes, $at, $length);
        $at += $length;
        sleep 0.0005;
    }
    $c->put(substr($bytes, $at) . ".\r\nQUIT\r\n");
    my $said = '';
    while ((my $reply = $c->reply) ne '') {
        $said .= "$reply\n";
    }
    close $c->{socket};
    return $said;
}

# Messages that one attempt made: how many were taken by a 250 of ours, and came to the sink.
sub attempt {
    my ($listener, $to, $end, @cuts) = @_;
    my $before = $sink->count($to);
    my $said = replies_to($listener, $to, smuggle($end, $to), @cuts);
    my $taken = $sink->count($to) - $before;
    my $refused = $said =~ /^5\d\d/m;
    return ($taken, $refused, $said);
}

sub is_never_two {
    my ($name, @attempts) = @_;
    my ($two, $none, $one, $rejected) = (0, 0, 0, 0);
    my @wrong;
    for my $a (@attempts) {
        my ($listener, $to, $end, @cuts) = @$a;
        my ($taken, $refused, $said) = attempt($listener, $to, $end, @cuts);
        $one += $taken == 1;
        $rejected += $taken == 0 && $refused;
        push @wrong, shown($end) . " ($listener): $taken taken: " . shown($said) if $taken > 1 || !$taken && !$refused;
    }
    is("@wrong", '', sprintf '%s: %d attempts, %d gave one message, %d a rejection', $name, scalar @attempts, $one, $rejected);
}

next_hop($sink_at);
my @mixes = grep { !is_end($_) } ends();
my @known = ("\n.\n", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r", "\r.\r\n", "\r\n\r.\r\n", "\r\n\0.\r\n", "\r\n.\0\r\n");
# SMUGGLING=all: nothing is left out. Else those with up to two on each side go byte by byte, which
# t/unit/smuggling_test does with them all.
my @short = grep { $ENV{SMUGGLING} || length($_) <= 4 || /[^\r\n.]/ } @mixes;

subtest 'the real end of data makes two, or nothing here could be seen' => sub {
    for my $listener (sort keys %listeners) {
        my ($taken) = attempt($listener, $plain, "\r\n.\r\n");
        is($taken, 2, "$listener: two messages");
    }
};

for my $listener (sort keys %listeners) {
    is_never_two("$listener, in one piece", map { [$listener, $plain, $_] } @mixes);
    # From just before the end to just behind it, each byte in a write of its own.
    my $start = length($head) + 3;
    is_never_two("$listener, byte by byte", map { [$listener, $plain, $_, $start, (1) x (length($_) + 12)] } @short);
    is_never_two("$listener, sealed", map { [$listener, $sealed, $_] } @known);
}

# The known ones across every border a buffer may have, in both halves and in one piece.
for my $border (4096, 8192, 16384, 65536) {
    my @attempts;
    for my $end (@known) {
        my $at = int rand(length($end) + 1);
        my $pad = ('x' x 70 . "\r\n") x int($border / 72);
        my $fill = $border - length($head) - length($pad) - length('one 100') - $at;
        my $padded = $pad . 'x' x ($fill > 0 ? $fill : 0) . $end;
        push @attempts, ['lmtp', $plain, $padded], ['smtp', $plain, $padded, $border - 1, 1, 1];
    }
    is_never_two("across $border bytes", @attempts);
}

subtest 'commands' => sub {
    for my $listener (sort keys %listeners) {
            my @lines;
        for my $c ("\r", "\n", "\0", "\r\0", "\n\r") {
            push @lines, "MAIL FROM:<a\@example.net>${c}RCPT TO:<$plain>", "MAIL FROM:<\"a${c}b\"\@example.net>",
                "RCPT TO:<$plain>${c}DATA", "RCPT TO:<\"x${c}y\"\@example.com>", "XFORWARD NAME=a${c}b ADDR=192.0.2.1",
                "MAIL FROM:<a\@example.net> ENVID=a${c}b", "NOOP${c}MAIL FROM:<a\@example.net>";
        }
        for my $line (@lines) {
            my $c = FilterdTest::Client->new($listener => $listeners{$listener});
            $c->say('MAIL FROM:<alice@example.net>') if $line =~ /^RCPT/;
            my $first = $c->say($line);
            my $second = $c->reply;
            ok($first =~ /^500 5\.5\.2/ && $second eq '', "$listener: " . shown($line)) or diag("$first, $second");
            close $c->{socket};
        }
        # Spelt in xtext they may come, and must not come out.
        my $before = () = $sink->wire =~ /^DATA\r$/mg;
        my $c = FilterdTest::Client->new($listener => $listeners{$listener});
        $c->say('XFORWARD NAME=x+0D+0ADATA ADDR=192.0.2.1 HELO=y+0D+0A.+0D+0A IDENT=z+00+0A');
        $c->deliver(mail_like(subject => '=?utf-8?q?a=0D=0A=2E=0D=0Ab?='), 'evil@example.net', $plain);
        $c->quit;
        my $after = () = $sink->wire =~ /^DATA\r$/mg;
        is($after, $before + 1, "$listener: xtext and encoded words make no lines");
    }
};

subtest 'filterd-pipe' => sub {
    my $filter = sub { return $t->try_run($_[0], $t->dir . '/bin/filterd-pipe', @_[1 .. $#_]) };
    $filterd->settings('deliver.next_hop' => $sink_at);
    my $before = $sink->count($plain);
    for my $end ("\n.\n", "\r\n.\r\n", "\n.\r\n", "\r.\r", "\r\r\n.\r\n", "\0\n.\n") {
        my ($status) = $filter->(smuggle($end, $plain), '-f', 'alice@example.net', '--', $plain);
        is($status, 0, 'taken: ' . shown($end));
        is($sink->count($plain), ++$before, 'one message, the dot is text');
        like(($sink->taken($plain))[-1], qr/^MAIL FROM:<evil/m, 'with all that followed');
        my ($code, $out) = $filter->(smuggle($end, $sealed), '-o', '-', '--', $sealed);
        is($code, 0, 'sealed to standard output');
        unlike($out, qr/\r(?!\n)|(?<!\r)\n/, 'with whole line ends');
    }
    my $others_before = $sink->count($sealed);
    for my $bad ("a\@example.net>\r\nRCPT TO:<$sealed", "a\@example.net> SIZE=1", "a\nb\@example.net", "a\rb\@example.net") {
        my $others = () = $sink->said;
        is((($filter->(smuggle("\r\n", $plain), '-f', $bad, '--', $plain))[0]), 0, 'an odd sender: ' . shown($bad));
        is((($filter->(smuggle("\r\n", $plain), '-f', 'a@example.net', '--', $bad))[0]), 0, 'an odd recipient');
        my @said = ($sink->said)[$others .. (() = $sink->said) - 1];
        is((grep { /^RCPT/ } @said), 2, 'each is one address') or diag(explain \@said);
        ok(!(grep { /^(?:MAIL|RCPT) / && !/^\w+ \w+:<(?:[^<>"]|"[^"]*")*>/ } @said), 'and stands in one pair of brackets') or diag(explain \@said);
    }
    is($sink->count($plain), $before + 4, 'nobody else gets what was sent to one');
    is($sink->count($sealed), $others_before, 'nor does whom the address names in vain');
};

subtest 'on the wire to the next hop' => sub {
    my $wire = $sink->wire;
    cmp_ok(length $wire, '>', 100_000, 'all of that');
    $wire =~ s/\r\n/ /g;
    my ($bare) = $wire =~ /(.{0,30}[\r\n].{0,30})/s;
    is(shown($bare // ''), '', 'no bare CR, no bare LF');
};

# ---- beside it, the real thing ----

next_hop('smtp:unix:' . $t->back);

# How many messages are in the user's mailbox when the queue is empty.
sub delivered {
    my ($user) = @_;
    $postfix->drained;
    return scalar $dovecot->mails($user);
}

subtest 'straight to filterd, Postfix behind it as lenient as 3.7.11 is' => sub {
    for my $listener (sort keys %listeners) {
        my $before = delivered($plain);
        my $taken = 0;
        for my $end (@known) {
            $taken++ if replies_to($listener, $plain, smuggle($end, $plain)) =~ /^250 2\S+ .*queued/m;
        }
        my @mails = (delivered($plain), $dovecot->mails($plain));
        is(shift @mails, $before + $taken, "$listener: $taken of " . @known . ' were taken, and as many came');
        is(scalar(grep { header($_, 'Subject') =~ /smuggled/ } @mails), 0, 'none is a smuggled one');
    }
};

subtest 'through Postfix before the queue' => sub {
    my ($before, $accepted) = (delivered($sealed), 0);
    for my $end (@known, "\r\n.\r\n") {
        my $c = $postfix->client;
        $c->say($_) for 'MAIL FROM:<alice@example.net>', "RCPT TO:<$sealed>", 'DATA';
        $c->put(smuggle($end, $sealed) . ".\r\nQUIT\r\n");
        my $said = '';
        while ((my $reply = $c->reply) ne '') {
            $said .= "$reply\n";
        }
        $accepted += () = $said =~ /^250 2\.\S+ .*queued/mg;
    }
    is(delivered($sealed), $before + $accepted, "Postfix took $accepted by its own rules, filterd made no more of them");
};

done_testing;
