#!/usr/bin/perl
# The daemon from start to end: settings are checked and reloaded, sessions finish before it ends.

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

my $site = FilterdTest::Site->start(keys => { curve => 'curve' });
my ($t, $dovecot, $filterd) = @$site{qw(t dovecot filterd)};
my $user = 'curve@example.com';
my $mail = mail_like();

# LMTP offers more than the limit: what comes there may be sealed already.
sub sealed_size { my ($limit) = @_; return int($limit * 14 / 10) }

sub size_offered {
    my $c = $site->lmtp;
    my ($size) = $c->{hello} =~ /^250[- ]SIZE (\d+)/m;
    $c->quit;
    return $size;
}

subtest 'reload' => sub {
    is(size_offered(), sealed_size(52428800), 'the limit that was set');
    my $old = $site->lmtp;
    $old->say('MAIL FROM:<alice@example.net>');
    $filterd->settings('filterd.message_size_limit' => 123456);
    $filterd->reload;
    ok(poll(sub { size_offered() == sealed_size(123456) }), 'a new limit is taken up');
    is($old->deliver($mail, 'alice@example.net', $user) =~ /^[25]/ ? 1 : 0, 1, 'a session that was open goes on');
    my $wrong = $filterd->settings('filterd.message_size_limit' => 'much');
    my ($line) = grep { (split /\n/, $wrong)[$_ - 1] =~ /much/ } 1 .. split /\n/, $wrong;
    $filterd->reload;
    ok(poll(sub { $filterd->log_text =~ /\Q$filterd->{conf}\E:$line: / }), 'a wrong one is reported with file and line');
    is(size_offered(), sealed_size(123456), 'and the old settings stay');
    $filterd->settings('filterd.message_size_limit' => 123456);
};

# Clients come and go while the settings are read anew again and again.
subtest 'reload under load' => sub {
    my ($clients, $each) = (8, 30);
    my @pids;
    for my $n (1 .. $clients) {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            my @bad;
            for (1 .. $each) {
                my $c = eval { $site->lmtp } or push(@bad, "connect: $@"), next;
                my $reply = $c->{hello} =~ /^250/ ? $c->deliver($mail, 'alice@example.net', $user) : $c->{hello};
                push @bad, $reply if $reply !~ /^250/;
                $c->quit;
            }
            spew($t->dir . "/load.$n", join "\n", 'done', @bad);
            POSIX::_exit(0);
        }
        push @pids, $pid;
    }
    my $running = sub { grep { waitpid($_, POSIX::WNOHANG()) == 0 } @pids };
    while ($running->()) {
        $filterd->reload;
        select undef, undef, undef, 0.05;
    }
    is(join("\n", map { slurp($t->dir . "/load.$_") } 1 .. $clients), join("\n", ('done') x $clients),
        'no client hears of it');
    unlike($filterd->log_text, qr/it could not be tried/, 'and no signal spoils another reload');
};

subtest 'drain' => sub {
    my $before = $dovecot->mails($user);
    my $c = $site->lmtp;
    $c->say($_) for 'MAIL FROM:<alice@example.net>', "RCPT TO:<$user>";
    like($c->say('DATA'), qr/^354/, 'a session is inside DATA');
    my ($head, $rest) = $mail =~ /^(.{500})(.*)$/s;
    $c->put(FilterdTest::Client::dot_stuffed($head));
    kill 'TERM', $filterd->{pid};
    ok(poll(sub { !FilterdTest::Client::listens($t->front('lmtp')) }), 'no new sessions after SIGTERM');
    $c->put(FilterdTest::Client::dot_stuffed("\n$rest") =~ s/^\n//r . ".\r\n");
    like($c->reply, qr/^250 2\./, 'the session finishes its message');
    is($filterd->ended, 0, 'then filterd ends with 0');
    my $after = $dovecot->wait_mails($before + 1, $user);
    is($after, $before + 1, 'and the message was delivered once');
    $filterd->up;
    is(size_offered(), sealed_size(123456), 'it starts again');
    is($filterd->down, 0, 'and ends when nothing is going on');
};

subtest 'filterd -t' => sub {
    my $conf = $t->dir . '/checked.conf';
    my $good = slurp($filterd->{conf});
    my @cases = (
        ['nothing wrong', '', 0],
        ['an unknown setting', "[encrypt]\nno_kee = pass\n", 78],
        ['an unknown section', "[encript]\nno_key = pass\n", 78],
        ['a word that is none of those expected', "[classifier]\nmode = always\n", 78],
        ['bad_key is never pass', "[encrypt]\nbad_key = pass\n", 78],
        ['a number that is none', "[classifier]\nsettle_days = soon\n", 78],
        ['a next hop that is none', "[deliver]\nnext_hop = uucp:there\n", 78],
        ['a listener without an address', "[listener other]\nprotocol = lmtp\n", 78],
    );
    for my $case (@cases) {
        my ($name, $text, $expected) = @$case;
        my ($section, $line) = split /\n/, $text;
        my $rest = $text && $section ne '[encrypt]' ? $good : $good =~ s/^\[encrypt\]\n(?:(?!\[).*\n)*//mr;
        spew($conf, "$rest\n$text");
        my ($status, $out, $err) = $t->try_run(undef, $t->dir . '/bin/filterd', '-c', $conf, '-t');
        is($status, $expected, "$name: exit $expected") or diag($out, $err);
        like($err, qr/^(?:filterd: )?\Q$conf\E:\d+: \S/m, "$name: file and line") if $expected;
    }
};

done_testing;
