#!/usr/bin/perl
# The milter protocol as MTAs other than Postfix speak it: offered actions, macros with and without braces,
# unix paths, several messages on one connection, and the edits at the end.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Milter;
use FilterdTest::Site;
use Test::More;

my $port = FilterdTest->new->port('milter');
my $site = FilterdTest::Site->start(
    keys => { rsa => 'rsa', curve => 'curve' },
    users => ['plain'],
    set => {
        'listener milter.protocol' => 'milter',
        'listener milter.address' => "inet:127.0.0.1:$port",
        'filterd.domains' => 'example.com',
        'filterd.message_size_limit' => 300000,
        'spam.deny' => 'spammer.example',
        'spam.quarantine' => 'curve@example.com',
    },
);
my ($filterd, $rsa, $curve) = ($site->{filterd}, @{ $site->{keys} }{qw(rsa curve)});

sub milter {
    my (%offer) = @_;
    my $m = FilterdTest::Milter->new($port, %offer) or return undef;
    is($m->connect('client.example.net', '192.0.2.1', 1234), 'continue', 'connected');
    return $m;
}

# Begins a message; all of its recipients must be taken.
sub begin {
    my ($m, $from, @to) = @_;
    is($m->say('M', $from), 'continue', "MAIL $from");
    is($m->say('R', $_), 'continue', "RCPT $_") for @to;
}

subtest 'a sealed message' => sub {
    my $m = milter();
    is($m->say('H', 'client.example.net'), 'continue', 'HELO');
    is($m->{steps} & 0x100000, 0x100000, 'it wants values as they are');
    $m->macros('M', i => 'queue1', '{mail_addr}' => 'a@example.net');
    begin($m, '<a@example.net>', '<rsa@example.com>', '<curve@example.com>');
    my @fields = (From => ' a@example.net', 'Content-Type' => ' text/plain', 'X-Filterd-Result' => ' forged',
        'Content-Type' => ' text/html', Folded => " one\n two", 'X-FILTERD-Result' => 'forged', Last => '');
    is($m->message("the text\r\n", @fields), 'continue', 'end of message');
    my $body = $m->new_body // '';
    is($_->open_sealed($body), "Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nthe text\r\n", "$_->{address} opens it")
        for $rsa, $curve;
    my @edits = $m->edits;
    is_deeply([grep { /^delete/ } @edits], ['delete X-FILTERD-Result 2', 'delete Content-Type 2', 'delete X-Filterd-Result 1',
        'delete Content-Type 1'], 'what goes, from the last to the first') or diag(@edits);
    like($edits[-1], qr{^add Content-Type  multipart/encrypted; protocol="application/pgp-encrypted";\n\tboundary=}, 'what comes, folded by LF');
    like(join("\n", @edits), qr/^insert X-Filterd-Encrypted 0  yes$/m, 'ours on top');
    is(scalar(grep { /Folded|From|Last|to / } @edits), 0, 'the rest stays');
    $filterd->logs(qr/qid=queue1 from=<a\@example\.net> to=<$_\@example\.com> client=192\.0\.2\.1 .*sealed=yes/, "logged for $_")
        for qw(rsa curve);
    $m->quit;
};

subtest 'several messages on one connection' => sub {
    my $m = milter();
    begin($m, '<a@example.net>', '<plain@example.com>');
    is($m->message("plain\r\n", From => ' a@example.net'), 'continue', 'end of message');
    is($m->new_body, undef, 'what is not sealed keeps its body');
    begin($m, '<a@example.net>', '<plain@example.com>');
    like($m->say('R', '<rsa@example.com>'), qr/^452 4\.5\.3 /, 'another kind comes again');
    $m->put('A', '');
    begin($m, '<>', '<rsa@example.com>');
    is($m->message("sealed\r\n", From => ' a@example.net'), 'continue', 'after an abort');
    is($rsa->open_sealed($m->new_body), "\r\nsealed\r\n", 'it opens');
    begin($m, '<>', '<rsa@example.com>');
    is($m->message("no fields\r\n"), 'continue', 'a message without any field');
    is($rsa->open_sealed($m->new_body), "\r\nno fields\r\n", 'it opens');
    begin($m, '<>', '<rsa@example.com>');
    is($m->message(''), 'continue', 'nothing at all');
    is($rsa->open_sealed($m->new_body), "\r\n", 'it opens');
    $m->quit;
};

subtest 'as other MTAs may speak' => sub {
    my $m = milter(version => 2, actions => 0x1f, steps => 0x7f);
    is($m->{actions}, 0x1f, 'an old MTA');
    is($m->{steps}, 0, 'all steps, no leading blanks');
    $m->macros('M', '{i}' => 'queue3', '{auth_authen}' => 'rsa');
    begin($m, 'a@example.net', 'rsa@example.com');
    is($m->message("x\r\n", From => 'a@example.net', 'Content-Type' => "text/plain;\r\n charset=x"), 'continue', 'paths without brackets');
    is($rsa->open_sealed($m->new_body), "Content-Type: text/plain;\r\n charset=x\r\n\r\nx\r\n", 'it opens');
    like(join("\n", $m->edits), qr/^insert X-Filterd-Encrypted 0 yes$/m, 'values without a leading blank');
    unlike(join("\n", $m->edits), qr/X-Filterd-Result/, 'not judged: its sender has logged in');
    $filterd->logs(qr/qid=queue3 .*result=- /, 'and logged so');
    $m->macros('M', i => 'queue4', auth_authen => 'rsa');
    begin($m, '<a@example.net>', '<rsa@example.com>');
    $m->message("x\r\n", From => 'a@example.net');
    $filterd->logs(qr/qid=queue4 .*result=- /, 'the same without braces');
    $m->macros('M', i => 'queue5', '{auth_authen}' => '');
    begin($m, '<a@example.net>', '<rsa@example.com>');
    $m->message("x\r\n", From => 'a@example.net');
    $filterd->logs(qr/qid=queue5 .*result=Unsure /, 'nobody has logged in');
    $m->quit;
    $m = FilterdTest::Milter->new($port);
    is($m->connect('localhost', undef), 'continue', 'no network');
    begin($m, '<a@example.net>', '<rsa@example.com>', '<plain@example.com>');
    like($m->message("x\r\n", From => ' a@example.net'), qr/^550 5\.5\.3 /, 'where nobody can be put off, a mix is refused at the end');
    $m->quit;
    $m = FilterdTest::Milter->new($port);
    is($m->connect('localhost', '127.0.0.1', 0), 'continue', 'sendmail(1), as Postfix shows it');
    begin($m, '<a@example.net>', '<rsa@example.com>', '<plain@example.com>');
    like($m->message("x\r\n", From => ' a@example.net'), qr/^550 5\.5\.3 /, 'the same');
    # A refusal would be a bounce, and a deferral would come again for ever.
    begin($m, "<a\xe4\@example.net>", "<rsa+\xe4\@example.com>", qq(<"rsa+\x01"\@example.com>), '<rsa+' . 'x' x 400 . '@example.com>');
    is($m->message("x\r\n", From => ' a@example.net'), 'continue', 'addresses that nobody else would write');
    like(join("\n", $m->edits), qr/^insert X-Filterd-Encrypted 0  yes$/m, 'sealed');
    $m->quit;
    $m = FilterdTest::Milter->new($port);
    is($m->connect('client.example.net', '192.0.2.1', 0), 'continue', 'a proxy that does not tell the port');
    begin($m, '<a@example.net>', '<rsa@example.com>');
    like($m->say('R', '<plain@example.com>'), qr/^452 4\.5\.3 /, 'here one can be put off');
    $m->quit;
    $m = FilterdTest::Milter->new($port);
    is($m->connect("mail.example.net\x1b[1m", 'IPv6:2001:db8::1', 25), 'continue', 'IPv6, and a name of no host');
    $m->macros('M', i => "queue6");
    begin($m, '<a@example.net>', '<rsa@example.com>');
    is($m->message("x\r\n", From => ' a@example.net'), 'continue', 'served');
    $filterd->logs(qr/qid=queue6 .*client=2001:db8::1 /, 'logged');
    $m->quit;
    is(FilterdTest::Milter->new($port, actions => 1), undef, 'an MTA that lets nothing be changed is not served');
    $filterd->logs(qr/does not let fields, body and recipients be changed/, 'which is logged');
};

subtest 'spam' => sub {
    $filterd->ctl(qw(user set rsa@example.com spam_action=quarantine));
    my $m = milter();
    my @spam = ("spam\r\n", From => ' a@spammer.example');
    begin($m, '<a@spammer.example>', '<rsa@example.com>');
    is($m->message(@spam), 'continue', 'quarantine');
    is_deeply([grep { /to / } $m->edits], ['to <curve@example.com>', 'not to <rsa@example.com>'], 'another recipient');
    is($curve->open_sealed($m->new_body), "\r\nspam\r\n", 'who can open it');
    is($rsa->open_sealed($m->new_body), undef, 'and nobody else');
    $filterd->ctl(qw(user set rsa@example.com spam_action=discard));
    begin($m, '<a@spammer.example>', '<rsa@example.com>');
    is($m->message(@spam), 'd', 'discard');
    $filterd->ctl(qw(user set rsa@example.com spam_action=reject));
    begin($m, '<a@spammer.example>', '<rsa@example.com>');
    like($m->message(@spam), qr/^550 5\.7\.1 /, 'reject');
    $filterd->ctl(qw(user set rsa@example.com spam_action=tag));
    $m->quit;
};

subtest 'fields are anonymized in their place, whoever is doubtful comes again' => sub {
    my $table = $site->{t}->dir . '/etc/inbound.pcre';
    spew($table, "/^User-Agent:/ IGNORE\n/^X-Originating-IP:/ REPLACE X-Originating-IP: hidden\n", 0644);
    $filterd->settings('anonymize.inbound' => $table);
    $filterd->down;
    $filterd->up;
    my $m = milter();
    begin($m, '<a@example.net>', '<plain@example.com>');
    my @fields = (From => ' a@example.net', 'X-Originating-IP' => ' [192.0.2.7]', 'User-Agent' => ' x', Subject => ' s');
    is($m->message("x\r\n", @fields), 'continue', 'end of message');
    is_deeply([grep { !/^insert/ } $m->edits], ['delete User-Agent 1', 'change X-Originating-IP 1  hidden'], 'one goes, one changes');
    is($m->new_body, undef, 'the body stays');
    $m->quit;
    $filterd->settings('greylist.enabled' => 'yes', 'greylist.wait_seconds' => $FilterdTest::Daemon::GREYLIST_SECONDS);
    $filterd->down;
    $filterd->up;
    $m = milter();
    begin($m, '<a@example.net>', '<rsa@example.com>', '<curve@example.com>');
    like($m->message("x\r\n", @fields), qr/^451 4\.7\.1 /, 'unsure: later');
    $filterd->greylisted_have_waited;
    begin($m, '<a@example.net>', '<rsa@example.com>', '<curve@example.com>');
    is($m->message("x\r\n", @fields), 'continue', 'who comes again is served');
    $m->quit;
    $filterd->settings('greylist.enabled' => 'no');
    $filterd->down;
    $filterd->up;
};

subtest 'who may ask the workers' => sub {
    my $socket = $site->{t}->dir . '/run/control.sock.milter';
    my $knock = sub {
        local $> = getpwnam $FilterdTest::MAIL_USER;
        return FilterdTest::Client::dial($socket);
    };
    is($knock->(), undef, "Dovecot's mail user cannot connect");
    chmod 0666, $socket;
    ok(my $theirs = $knock->(), 'if they could');
    is(read($theirs, my $byte, 1), 0, "Dovecot's mail user hears nothing");
    ok(poll(sub { $filterd->log_text =~ /milter socket: a peer without rights turned away/ }), 'and it is logged');
};

subtest 'refusals' => sub {
    my $m = milter();
    begin($m, '<a@example.net>', '<rsa@example.com>');
    like($m->message("a bare\rCR\r\n", From => ' a@example.net'), qr/^550 5\.6\.0 /, 'a bare CR');
    begin($m, '<a@example.net>', '<rsa@example.com>');
    like($m->message("x\r\n", From => ' a@example.net', "No field at all" => ' x'), qr/^451 4\.3\.0 /, 'fields that are none');
    like($m->say('M', "<\xff\@example.net>"), qr/^553 5\.1\.3 /, 'a sender that is not UTF-8');
    begin($m, '<a@example.net>', '<rsa@example.com>');
    like($m->say('R', "<\xff\@example.com>"), qr/^553 5\.1\.3 /, 'nor a recipient');
    begin($m, '<a@example.net>', '<rsa@example.com>');
    like($m->message('x' x 400_000, From => ' a@example.net'), qr/^552 5\.3\.4 /, 'too large');
    begin($m, '<a@example.net>', '<rsa@example.com>');
    like($m->message("x\r\n", map { ("X-$_" => ' y') } 1 .. 2100), qr/^550 5\.6\.0 /, 'too many fields');
    begin($m, '<a@example.net>', '<rsa@example.com>');
    is($m->message("x\r\n", From => ' a@example.net'), 'continue', 'the connection goes on');
    $m->quit;
};

done_testing;
