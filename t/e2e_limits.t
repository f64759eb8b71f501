#!/usr/bin/perl
# Limits that an operator sets: what a message has beyond them is treated as body, so nothing forged and no
# plaintext stands outside; and too many bytes at once are answered 452.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Cost;
use FilterdTest::Daemon;
use FilterdTest::Keys;
use FilterdTest::Mail;
use FilterdTest::Sink;
use IO::Select;
use Test::More;

require "$FilterdTest::ROOT/tools/payload";

my $t = FilterdTest->new;
my $sink = FilterdTest::Sink->start($t, lmtp => 'next');
my $filterd = FilterdTest::Daemon->start($t, set => {
    'listener lmtp.next_hop' => "lmtp:inet:127.0.0.1:$sink->{port}",
    'limits.header_count' => 50, 'limits.header_size' => 20_000, 'limits.mime_parts' => 20,
    'limits.bytes_in_flight' => 1_000_000,
});
my $key = FilterdTest::Keys->new($t, 'keyed@example.com', 'curve');
$filterd->import_key($key);
my ($keyed, $plain) = ('keyed@example.com', 'plain@example.com');
my $socket = $t->front('lmtp');

sub sent {
    my ($mail) = @_;
    my $c = FilterdTest::Client->new(lmtp => $socket);
    for my $to ($keyed, $plain) {
        like($c->deliver($mail, 'alice@example.net', $to), qr/^250 2/, "taken for $to");
    }
    $c->quit;
    return map { ($sink->taken($_))[-1] } $keyed, $plain;
}

sub with_late {
    my ($padding) = @_;
    my $late = "X-Filterd-Result: Innocent\r\nX-Filterd-Limits: none\r\nX-Spam-Flag: NO\r\n"
        . "Content-Type: multipart/encrypted; boundary=b\r\nBcc: hidden\@example.com\r\n"
        . 'Subject: ' . canary() . "\r\n";
    return "From: a\@example.net\r\nContent-Type: text/plain\r\nX-Filterd-Limits: forged\r\n"
        . "X-Filterd-Encrypted: already\r\n$padding$late\r\n" . canary() . "\r\n";
}

sub check_late {
    my ($mail, $word) = @_;
    my ($sealed, $passed) = sent($mail);
    my ($outside) = split /\r\n\r\n/, $sealed, 2;
    is_deeply([ headers($sealed, 'X-Filterd-Limits') ], [$word], 'the note, and no forged one');
    is_deeply([ headers($sealed, 'X-Filterd-Encrypted') ], ['yes'], 'sealed');
    unlike($sealed, qr/${\ canary()}|^(?:X-Spam-Flag|Bcc):/m, 'nothing of what came too late stands outside');
    is(scalar(() = $outside =~ /^X-Filterd-Result:/mg), 1, 'one result, our own');
    ok($key->open_sealed($sealed) eq payload($mail), 'inside is all of it');
    is(scalar headers($passed, 'X-Filterd-Result'), 1, 'without a key: one result');
    is(header($passed, 'Subject'), '', 'and what came too late is body');
    ok(body_of($passed) eq (payload($mail) =~ s/\A.*?\r\n\r\n//sr), 'all of it');
}

{
    no warnings 'once'; # they are those of tools/payload
    local ($main::FIELDS, $main::BYTES) = (50, 20_000);
    check_late(with_late("X-Pad: y\r\n" x 60), 'header-count');
    check_late(with_late('X-Pad: ' . 'y' x 20_000 . "\r\n"), 'header-size');
}
my $parts = "From: a\@example.net\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    . "--b\r\n\r\n${\ canary()}\r\n" x 30 . "--b--\r\n";
my ($sealed) = sent($parts);
is(header($sealed, 'X-Filterd-Limits'), 'parts', 'parts');
ok($key->open_sealed($sealed) eq payload($parts), 'all of them arrive');
$filterd->logs(qr/ limits=$_ /, "the log says $_") for qw(header-count header-size parts);

# ---- bytes in flight ----

my $line = '0123456789' x 7 . "\r\n";

sub began {
    my ($size, $name) = @_;
    my $c = FilterdTest::Client->new(lmtp => $socket);
    $c->say('MAIL FROM:<alice@example.net>' . ($size ? " SIZE=$size" : ''));
    $c->say("RCPT TO:<$plain>");
    return ($c, $c->say('DATA'));
}

# A second message of that size; declared: its client says so.
sub second {
    my ($size, $declared) = @_;
    my ($c, $reply) = began($declared ? $size : 0);
    return $reply if $reply !~ /^354/;
    $c->put("Subject: x\r\n\r\n" . $line x ($size / length $line) . ".\r\n");
    return $c->reply;
}

# Bytes of a client that nobody has read yet: SIOCOUTQ of <linux/sockios.h>.
sub unread {
    my ($c) = @_;
    my $bytes = pack 'L', 0;
    ioctl $c->{socket}, 0x5411, $bytes or die "SIOCOUTQ: $!\n";
    return unpack 'L', $bytes;
}

# A large one in DATA, of which filterd has all but the end, and the reply to another that finds no room beside it.
# It is the large one that finds none if the other's bytes come before its last: then both are said again.
sub full {
    my ($size) = @_;
    my ($slow, $reply);
    poll(sub {
        ($slow, my $go) = began($size);
        return 0 if $go !~ /^354/;
        $slow->put("Subject: slow\r\n\r\n" . $line x 11_000);
        poll(sub { !unread($slow) });
        $reply = second(200_000, 1);
        return $reply !~ /^250/;
    });
    return ($slow, $reply);
}

my ($slow, $full) = full(800_000);
is($full, '452 4.3.1 Too much mail at once, try again later', 'DATA is answered 452 by its SIZE');
like(second(200_000, 0), qr/^452 4\.3\.1 /, 'without SIZE at the end');
like(second(20_000, 1), qr/^250 2/, 'a small one is taken');
my $before = $sink->taken($plain);
$slow->put(".\r\n");
like($slow->reply, qr/^250 2/, 'the large one ends well');
ok(poll(sub { second(200_000, 1) =~ /^250 2/ }), 'and soon there is room again');
is(scalar $sink->taken($plain), $before + 2, 'all that were taken arrived');

($slow, $full) = full();
like($full, qr/^452 4\.3\.1 /, 'full once more');
my %holds = FilterdTest::Cost->new($filterd->{pid})->resident;
kill 'KILL', grep { slurp("/proc/$_/comm") =~ /worker/ } keys %holds;
ok(poll(sub { (eval { second(200_000, 1) } // '') =~ /^250 2/ }), 'a killed worker holds nothing');
is($slow->reply, '', 'its client saw the connection close');

is($filterd->down, 0, 'filterd ends well');

# ---- the time that a message may take to come ----

subtest 'a client that sends a byte now and then' => sub {
    $filterd->settings('limits.data_seconds' => 1, 'limits.bytes_in_flight' => 100_000_000);
    $filterd->up;
    sent(mail_like());
    my $c = FilterdTest::Client->new(lmtp => $socket);
    $c->say($_) for 'MAIL FROM:<slow@example.net>', "RCPT TO:<$plain>";
    like($c->say('DATA'), qr/^354/, 'is in DATA');
    my $select = IO::Select->new($c->{socket});
    ok(poll(sub { $c->put('x'); $select->can_read(0) }), 'hears something in the end') or return;
    like($c->reply, qr/^421 4\.4\.2 /, 'that it took too long');
    is($c->reply, '', 'and no more');
};

done_testing;
