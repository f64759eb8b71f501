#!/usr/bin/perl
# Keys in a column of the operator's own table, in PostgreSQL: imported when mail comes for their user, by a process that
# alone may; another text is another key; an emptied or a wrong one never means plaintext.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Keys;
use FilterdTest::Mail;
use FilterdTest::PostgreSql;
use FilterdTest::Site;
use JSON::PP;
use MIME::Base64;
use Test::More;

my $site = FilterdTest::Site->start(
    attach => [qw(smtpd_proxy_filter reinject virtual_transport)],
    keys => {},
    users => [qw(kim hex raw box bad plain away)],
    set => { 'filterd.recipient_delimiter' => '+', map { ("$_.enabled" => 'no') } qw(spf dkim dmarc) },
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my $etc = $t->dir . '/etc';
my %key = map { $_ => FilterdTest::Keys->new($t, "$_\@example.com", 'curve') } qw(kim hex raw open bad away);

my $pg = FilterdTest::PostgreSql->start($t);
$pg->database(mail => <<'END', postfix => 'secret-4711');
CREATE TABLE users (email text PRIMARY KEY, pgp_key text);
CREATE TABLE aliases (address text, destination text);
INSERT INTO users SELECT n || '@example.com' FROM unnest(ARRAY['kim', 'hex', 'raw', 'box', 'bad', 'plain', 'away']) n;
INSERT INTO aliases VALUES ('open@example.com', 'box@example.com'), ('sales@example.com', 'kim@example.com');
END

# What the daemon was told it believes for ten seconds: reload makes it ask at once.
sub column {
    my ($user, $text, $reload) = @_;
    my $value = defined $text ? "E'" . $text =~ s/([\\'])/\\$1/gr . "'" : 'NULL';
    $pg->sql("UPDATE users SET pgp_key = $value WHERE email = '$user\@example.com'", 'mail');
    $filterd->reload if $reload;
}

sub binary { return $_[0]->gpg(undef, '--export', $_[0]{address}) }

column(kim => $key{kim}->public);
column(hex => '\x' . unpack 'H*', binary($key{hex}));
column(raw => encode_base64(binary($key{raw})));
column(box => $key{open}->public);
column(away => $key{away}->public);

my $gid = (getpwnam $FilterdTest::FILTERD_USER)[3];
for (['aliases', 'SELECT destination FROM aliases WHERE address = \'%s\''],
    ['mailboxes', 'SELECT email FROM users WHERE email = \'%s\''], ['key', 'SELECT pgp_key FROM users WHERE email = \'%s\'']) {
    my ($name, $query) = @$_;
    spew("$etc/$name.cf", "hosts = 127.0.0.1:$pg->{port}\nuser = postfix\npassword = secret-4711\ndbname = mail\nquery = $query\n", 0640);
    chown 0, $gid, "$etc/$name.cf";
}

sub try_front {
    my ($message, $to) = @_;
    my $client = FilterdTest::Client->new(smtp => $t->port('smtp'));
    my $reply = $client->deliver($message, 'x@outside.test', $to);
    $client->quit;
    return $reply;
}

sub rcpt {
    my ($user) = @_;
    my $client = FilterdTest::Client->new(smtp => $t->port('smtp'));
    $client->say('MAIL FROM:<x@outside.test>');
    my $reply = $client->say("RCPT TO:<$user\@example.com>");
    $client->quit;
    return $reply;
}

my %count;

# Sends a message to address until it is taken: a change in a table is seen after seconds. It arrives sealed for the
# holder of this key, in this user's mailbox.
sub arrives {
    my ($address, $user, $key, $what) = @_;
    my $sent = mail_like(subject => $what, id => 'column-' . ++$count{all});
    my $reply;
    ok(poll(sub { ($reply = try_front($sent, "$address\@example.com")) !~ /^4/ }), "$what: taken") or diag($reply);
    my @mails = $dovecot->wait_mails(++$count{$user}, "$user\@example.com");
    my ($mail) = grep { (header($_, 'Subject') // '') eq $what } @mails;
    is_sealed_for($mail, $sent, $key);
}

subtest 'a folder of keys that the master may have written needs a restart' => sub {
    $filterd->settings(map { ("users.$_" => "proxy:pgsql:$etc/$_.cf") } qw(aliases mailboxes key));
    $postfix->command('postconf', '-e', "virtual_alias_maps = pgsql:$etc/aliases.cf",
        'smtpd_reject_unlisted_recipient = no', 'smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination');
    $postfix->reload;
    $filterd->reload;
    ok($filterd->logged(qr/that the settings did not name at the start wants a restart/, 1), 'the log says it');
    $filterd->down;
    $filterd->up;
    ok(poll(sub { $filterd->processes('import') }), 'the importer runs');
};

subtest 'keys are imported when mail comes' => sub {
    arrives(kim => kim => $key{kim}, 'armored');
    arrives(hex => hex => $key{hex}, 'as PostgreSQL writes bytea');
    arrives(raw => raw => $key{raw}, 'base64');
    arrives('kim+x' => kim => $key{kim}, 'with an extension');
    arrives(sales => kim => $key{kim}, 'by an alias');
    arrives(open => box => $key{open}, 'of a login, by a key that names the public address');
    arrives(kim => kim => $key{kim}, 'again');
    ok($filterd->logged(qr/user=<kim\@example\.com> \[users\] key: /, 1), 'the log has it');
    my @lines = $filterd->log_text =~ /^(.*user=<kim\@example\.com> \[users\] key: .*)$/mg;
    is(scalar @lines, 1, 'once for each') or diag("@lines");
    like($lines[0], qr/key=$key{kim}{fingerprint} imported$/, 'and which key');
    like($filterd->ctl(qw(key list)), qr/^kim\@example\.com +$key{kim}{fingerprint} .* good$/m, 'key list has it');
    is(decode_json($filterd->ctl(qw(--json key show kim@example.com)))->[0]{from}, 'column', 'key show says where from');
    my ($status, undef, $err) = $filterd->try_ctl($key{kim}->public, qw(key import kim@example.com));
    isnt($status, 0, 'key import leaves it alone');
    like($err, qr/comes from \[users\] key/, 'and says why');
    like($filterd->ctl(qw(lookup user kim@example.com)), qr/^key\tkim\@example\.com\tfound\t\S+\ta text of \d+ bytes$/m, 'lookup user');
};

subtest 'another text is another key' => sub {
    my $new = FilterdTest::Keys->new($t, 'kim@example.com', 'curve');
    column(kim => $new->public);
    ok(poll(sub {
        try_front(mail_like(id => 'turn-' . ++$count{all}), 'kim@example.com') =~ /^250/ and $count{kim}++;
        $filterd->log_text =~ /\[users\] key: changed: key=$new->{fingerprint}, before $key{kim}{fingerprint}$/m;
    }), 'it is noticed, and logged');
    arrives(kim => kim => $new, 'the new key');
    unlike($filterd->ctl(qw(key list)), qr/$key{kim}{fingerprint}/, 'the old one is not the user\'s any more');
    $key{kim} = $new;
};

subtest 'what is no key, or another person\'s' => sub {
    for (['garbage', 'no key', qr/refused: no key in the column/], [$key{hex}->public, 'another\'s', qr/refused: no user id of key \w+ names/],
        [$key{bad}->gpg(undef, '--armor', '--export-secret-keys', 'bad@example.com'), 'a secret key', qr/refused: SECRET KEY in the input/],
        [$key{bad}->public . $key{hex}->public, 'two keys', qr/refused: several keys/]) {
        my ($text, $what, $log) = @$_;
        column(bad => $text, 1);
        ok(poll(sub { try_front(mail_like(id => 'bad-' . ++$count{all}), 'bad@example.com') =~ /^4/ && $filterd->log_text =~ $log }),
            "$what: mail waits, and the log says why") or diag($filterd->log_text =~ /^(.*bad\@example.*)$/mg);
    }
    column(bad => $key{bad}->public, 1);
    arrives(bad => bad => $key{bad}, 'a good one');
    $key{bad}->revoke;
    column(bad => $key{bad}->public, 1);
    ok(poll(sub {
        my $reply = try_front(mail_like(id => 'revoked-' . ++$count{all}), 'bad@example.com');
        $count{bad}++ if $reply =~ /^250/;
        $reply =~ /^4/ && $filterd->log_text =~ /user=<bad\@example\.com> key=\S+ cannot be used: key $key{bad}{fingerprint}: revoked/;
    }), 'the revoked one: mail waits') or diag($filterd->log_text =~ /^(.*bad\@example.*)$/mg);
};

subtest 'an emptied column is a lost key' => sub {
    for my $empty (undef, '', '\x') {
        column(hex => $empty, 1);
        ok(poll(sub {
            my $reply = try_front(mail_like(id => 'empty-' . ++$count{all}), 'hex@example.com');
            $count{hex}++ if $reply =~ /^250/;
            $reply =~ /^4/ && $filterd->log_text =~ /user=<hex\@example\.com> key=- cannot be used: \[users\] key had one/;
        }), 'mail waits');
    }
    like($filterd->ctl(qw(key remove hex@example.com)), qr/comes back if \[users\] key still has one$/, 'key remove says what it cannot do');
    $filterd->reload;
    my $reply;
    ok(poll(sub { ($reply = try_front(mail_like(subject => 'open now'), 'hex@example.com')) =~ /^250/ }), 'until the key is removed')
        or diag($reply);
    my ($mail) = grep { header($_, 'Subject') eq 'open now' } $dovecot->wait_mails(++$count{hex}, 'hex@example.com');
    is(header($mail, 'X-Filterd-Encrypted'), 'no', 'then it comes as to anybody without a key');
};

subtest 'a key folder that is lost is made again' => sub {
    $t->run('rm', '-r', "${\ $t->dir}/state/keys/raw\@example.com");
    ok(!-e "${\ $t->dir}/state/keys/raw\@example.com", 'it is gone');
    my $imports = () = $filterd->log_text =~ /user=<raw\@example\.com> \[users\] key: key=\w+ imported/g;
    arrives(raw => raw => $key{raw}, 'lost');
    is($filterd->logged(qr/user=<raw\@example\.com> \[users\] key: key=\w+ imported/, $imports + 1), $imports + 1, 'imported anew');
};

subtest 'the importer dies' => sub {
    my ($pid) = $filterd->processes('import');
    kill 'STOP', $pid;
    my $replies = $t->spawn_code(sub {
        @{ $t->{stop} } = ();
        try_front(mail_like(id => 'stopped'), 'away@example.com');
        POSIX::_exit(0);
    });
    ok(poll(sub { waitpid($replies, POSIX::WNOHANG()) == $replies }), 'who needs it has an answer');
    kill 'KILL', $pid;
    ok(poll(sub { my ($now) = $filterd->processes('import'); $now && $now != $pid }), 'another follows');
    arrives(away => away => $key{away}, 'and imports');
};

subtest 'the server is away' => sub {
    arrives(kim => kim => $key{kim}, 'before');
    $pg->down;
    like(rcpt('kim'), qr/^250/, 'who was known goes on');
    $filterd->reload;
    ok(poll(sub { rcpt('plain') =~ /^451/ }), 'whether others have a key is not known');
    $pg->up;
    ok(poll(sub { rcpt('plain') =~ /^250/ }), 'who has none gets mail again');
};

unlike($filterd->log_text, qr/secret-4711|BEGIN PGP/, 'no password and no key in the log');
my $logs = join '', map { slurp($_) } glob $t->dir . '/*.log';
unlike($logs, qr/sandbox.*MISSING|Permission denied|Operation not permitted/, 'the importer has all rights that it needs')
    or diag($logs =~ /^(.*(?:MISSING|denied|permitted).*)$/mg);

done_testing;
