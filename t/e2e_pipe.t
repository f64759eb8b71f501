#!/usr/bin/perl
# filterd-pipe, run by Postfix's pipe(8), and by hand for its exit codes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::Sink;
use FilterdTest::Site;
use Test::More;

my $site = FilterdTest::Site->start(
    attach => ['pipe'],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => ['plain'],
    set => { 'filterd.message_size_limit' => 100_000 },
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my ($rsa, $curve) = @{ $site->{keys} }{qw(rsa curve)};
my @everyone = map { "$_\@example.com" } qw(rsa curve plain);
$filterd->down; # nothing here needs the daemon
chown scalar getpwnam($FilterdTest::FILTERD_USER), -1, $t->dir . '/etc/site.key';

subtest 'pipe(8)' => sub {
    my $sent = mail_like();
    $postfix->send($sent, 'alice@example.net', @everyone);
    ok($postfix->drained, 'nothing is left in the queue');
    my ($for_rsa, $for_curve, $plain) = map { ($dovecot->wait_mails(1, $_))[0] } @everyone;
    is_sealed_for($for_rsa, $sent, $rsa, $curve);
    is_sealed_for($for_curve, $sent, $curve, $rsa);
    is(header($plain, 'X-Filterd-Encrypted'), 'no', 'without a key: passed, and said so');
    ok(content_of($plain) eq content_of($sent), 'as it was sent');
    is(scalar $dovecot->mails($_), 1, "one copy for $_") for @everyone;
    like(header($for_rsa, 'Return-Path'), qr/^<alice\@example\.net>$/, 'the sender is kept');
    $postfix->send($sent, '', $everyone[0]);
    like(header(($dovecot->wait_mails(2, $everyone[0]))[1], 'Return-Path'), qr/^<>$/, 'the null sender too');
};

sub pipe_ {
    my ($input, @args) = @_;
    return $t->try_run($input, $t->dir . '/bin/filterd-pipe', @args);
}

# The same, not waited for: its pid.
sub start_pipe {
    my ($input) = @_;
    my $file = $t->dir . '/given';
    spew($file, $input);
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    setpgrp;
    open STDIN, '<', $file;
    exec $t->dir . '/bin/filterd-pipe', '-f', 'alice@example.net', $everyone[0] or POSIX::_exit(127);
}

# How many processes have these words in their command line.
sub running {
    my ($words) = @_;
    return scalar(() = ($t->try_run(undef, 'ps', '-eo', 'args='))[1] =~ /\Q$words\E/g);
}

my $mail = mail_like();

subtest 'to stdout' => sub {
    my ($status, $out) = pipe_($mail =~ s/\r\n/\n/gr, '-o', '-', '--', $everyone[0]);
    is($status, 0, 'exit 0');
    is_sealed_for($out =~ s/\r?\n/\r\n/gr, $mail, $rsa, $curve);
    ($status, $out) = pipe_("From alice\@example.net Sat Nov 21 12:00:00 2026\n$mail" =~ s/\r\n/\n/gr, '-o', '-', $everyone[1]);
    is($status, 0, 'with an mbox From_ line: exit 0');
    is_sealed_for($out =~ s/\r?\n/\r\n/gr, $mail, $curve);
};

subtest 'what is refused' => sub {
    my ($status, $out, $err) = pipe_(mail_like(text => '0123456789 ' x 15_000), '-o', '-', $everyone[0]);
    is($status, 69, 'over the limit: EX_UNAVAILABLE');
    is($out, '', 'nothing on stdout');
    like($err, qr/5\.3\.4/, 'and it says why');
    is((pipe_($mail, '-o', '-'))[0], 64, 'no recipient: EX_USAGE');
    is((pipe_('', '-o', '-', $everyone[0]))[0], 66, 'nothing on standard input: EX_NOINPUT');
    is((pipe_('', $everyone[0]))[0], 75, 'on the way to a next hop: EX_TEMPFAIL');
    is((pipe_($mail, '-o', '-', '-x', $everyone[0]))[0], 64, 'unknown option: EX_USAGE');
    my $conf = $t->dir . '/wrong.conf';
    spew($conf, slurp($filterd->{conf}) . "\n[encrypt]\nno_kee = pass\n");
    ($status, $out, $err) = pipe_($mail, '-c', $conf, '-o', '-', $everyone[0]);
    is($status, 78, 'unknown setting: EX_CONFIG');
    like($err, qr/\Q$conf\E:\d+: /, 'file and line');
    # pipe(8) bounces on whatever is not EX_TEMPFAIL: the operator's mistakes must not.
    is((pipe_($mail, '-c', $conf, $everyone[0]))[0], 75, 'on the way to a next hop: EX_TEMPFAIL');
    is((pipe_($mail, '-c', $t->dir . '/none.conf', $everyone[0]))[0], 75, 'no settings: EX_TEMPFAIL');
    is((pipe_($mail, '-f', 'alice@example.net'))[0], 75, 'no recipient: EX_TEMPFAIL');
};

subtest 'next hop' => sub {
    $filterd->settings('deliver.next_hop' => 'smtp:inet:127.0.0.1:' . $t->port('sink'));
    is((pipe_($mail, '-f', 'alice@example.net', $everyone[0]))[0], 75, 'down: EX_TEMPFAIL');
    my $sink = FilterdTest::Sink->start($t, 'smtp', 'sink');
    is((pipe_($mail, '-f', 'alice@example.net', $everyone[0]))[0], 0, 'up: exit 0');
    is_sealed_for(($sink->taken($everyone[0]))[0] // '', $mail, $rsa, $curve);
    $sink->rules("data $everyone[0]" => '550 5.7.1 No');
    is((pipe_($mail, '-f', 'alice@example.net', $everyone[0]))[0], 69, 'refuses: EX_UNAVAILABLE');
    $sink->rules("rcpt $everyone[0]" => '450 4.2.1 Later');
    is((pipe_($mail, '-f', 'alice@example.net', $everyone[0]))[0], 75, 'defers: EX_TEMPFAIL');
    is(scalar $sink->taken($everyone[0]), 1, 'one copy in all');

    $sink->rules;
    subtest 'addresses that nobody else would write: no refusal, no second command' => sub {
        my $forged = "rsa+a\r\nRCPT TO:<plain\@example.com>\nfilterd-pipe: to=<x>\@example.com";
        my %sent = ($forged => '"rsa+a RCPT TO:<plain@example.com> filterd-pipe: to=<x>"@example.com', "rsa+\xe4\@example.com" => "rsa+\xe4\@example.com",
            'rsa+a b@example.com' => '"rsa+a b"@example.com', "rsa+\x01\@example.com" => qq("rsa+\x01"\@example.com),
            '<rsa@example.com>' => 'rsa@example.com', 'no body@example.com' => '"no body"@example.com');
        unlink glob "$sink->{box}/*";
        for my $argument (sort keys %sent) {
            my $before = () = $sink->said;
            is((pipe_($mail, '-f', "alice\n\@example.net", '--', $argument))[0], 0, 'taken');
            my @said = $sink->said;
            is_deeply([grep { /^(?:MAIL|RCPT)/ } @said[$before .. $#said]], [qq(MAIL FROM:<alice\@example.net> SIZE=${\ (($said[$before + 1] =~ /SIZE=(\d+)/)[0] // 'no')}),
                "RCPT TO:<$sent{$argument}>"], 'one recipient, of one sender');
            my ($copy) = map { slurp($_) } glob "$sink->{box}/*";
            is_sealed_for($copy // '', $mail, $rsa) if $argument !~ /^no/;
            unlink glob "$sink->{box}/*";
        }
    };
    for my $killed (0, 1) {
        my $mark = $t->dir . "/given.$killed";
        my $giver = $t->spawn_code(sub {
            open my $to, '|-', $t->dir . '/bin/filterd-pipe', '-f', 'alice@example.net', $everyone[2] or die $!;
            syswrite $to, $mail; # which the rest would have to follow
            spew($mark, '');
            select undef, undef, undef, undef if $killed; # for ever
            close $to;
        });
        poll(sub { -e $mark });
        my $words = "-f alice\@example.net $everyone[2]";
        poll(sub { running($words) > 1 }) if $killed; # it has forked, and so looked who gives
        kill 'KILL', $giver if $killed;
        waitpid $giver, 0;
        ok(poll(sub { !running($words) }), 'it ends');
        is(scalar $sink->taken($everyone[2]), 1, $killed ? 'killed while he gives it: nothing is taken' : 'given: taken');
    }
};

subtest 'sendmail' => sub {
    my $stub = $t->dir . '/bin/sendmail';
    my $box = $t->dir . '/sendmail.out';
    spew($stub, qq(#!/bin/sh\n(echo "\$@"; cat) >$box\nexit \$(cat $box.exit)\n), 0755);
    spew("$box.exit", "0\n");
    $filterd->settings('deliver.next_hop' => "sendmail:$stub");
    is((pipe_($mail, '-f', 'alice@example.net', $everyone[0]))[0], 0, 'exit 0');
    my ($args, $got) = split /\n/, slurp($box), 2;
    like($args, qr/-f ?alice\@example\.net.* -- rsa\@example\.com$/, 'sender and recipient');
    is_sealed_for($got =~ s/\r?\n/\r\n/gr, $mail, $rsa, $curve);
    spew("$box.exit", "75\n");
    is((pipe_($mail, '-f', 'alice@example.net', $everyone[0]))[0], 75, 'its EX_TEMPFAIL is ours');

    subtest 'it takes the end of its input for the end of the message: no half of one may look so' => sub {
        my $long = mail_like(text => "0123456789\n" x 8000);
        my ($half, $go) = map { $t->dir . "/sendmail.$_" } qw(half go);
        spew($stub, <<"END", 0755);
#!/usr/bin/perl
sysread STDIN, my \$got, 1;
open my \$half, '>', '$half';
select undef, undef, undef, 0.05 until -e '$go';
\$got .= join '', <STDIN>;
open my \$box, '>', '$box';
print \$box \$got;
END
        unlink $box;
        my $outer = start_pipe($long);
        ok(poll(sub { -e $half }), 'it has begun to read');
        kill 'KILL', $outer;
        waitpid $outer, 0;
        ok(poll(sub { !running($stub) }), 'who gives it the message is killed: so is it');
        ok(!-e $box, 'it has taken nothing');
        spew($go, '');
        is((pipe_($long, '-f', 'alice@example.net', $everyone[0]))[0], 0, 'the next time it takes it');
        is_sealed_for(slurp($box) =~ s/\n/\r\n/gr, $long, $rsa, $curve);
    };

    subtest 'who kills us by the group, as pipe(8) does when time is up, kills it too' => sub {
        my ($begun, $go) = map { $t->dir . "/sendmail.$_" } qw(begun never);
        spew($stub, <<"END", 0755);
#!/usr/bin/perl
my \$got = join '', <STDIN>;
open my \$begun, '>', '$begun';
select undef, undef, undef, 0.05 until -e '$go';
open my \$box, '>', '$box';
print \$box \$got;
END
        unlink $box;
        my $outer = start_pipe($mail);
        ok(poll(sub { -e $begun }), 'it has read all');
        kill 'KILL', -$outer;
        waitpid $outer, 0;
        ok(poll(sub { !running($stub) }), 'it is gone');
        ok(!-e $box, 'and has delivered nothing');
    };

    # Postfix's own: what comes back by pickup must not be filtered again.
    spew($stub, qq(#!/bin/sh\nexec /usr/sbin/sendmail -C $postfix->{dir}/etc "\$@"\n), 0755);
    $postfix->command('postconf', '-P', 'pickup/unix/content_filter=');
    $postfix->reload;
    is((pipe_($mail, '-f', 'alice@example.net', $everyone[1]))[0], 0, 'Postfix takes it');
    is_sealed_for(($dovecot->wait_mails(2, $everyone[1]))[1] // '', $mail, $curve);
};

done_testing;
