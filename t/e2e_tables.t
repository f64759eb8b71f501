#!/usr/bin/perl
# The operator's own tables, in PostgreSQL, as Postfix and filterd ask them: aliases that lead to a user with a key are
# sealed before the queue, and when the server is away nobody counts as unknown, or as one without a key.

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
use Test::More;

my $site = FilterdTest::Site->start(
    attach => [qw(smtpd_proxy_filter reinject virtual_transport)],
    keys => { kim => 'curve', login => 'curve' },
    users => ['plain'],
    set => { 'filterd.recipient_delimiter' => '+', 'filterd.domains' => 'example.com cat.test',
        'filterd.local_names' => 'mail.example.com', 'encrypt.unknown_recipient' => 'reject',
        map { ("$_.enabled" => 'no') } qw(spf dkim dmarc) },
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my ($kim, $login) = @{ $site->{keys} }{qw(kim login)};
my $etc = $t->dir . '/etc';

is(scalar(() = $filterd->processes('tables')), 0, 'without [users] there is no process for tables');
ok(!-e "${\ $t->dir}/run/control.sock.tables", 'and no socket');

my $pg = FilterdTest::PostgreSql->start($t);
$pg->database(mail => <<'END', postfix => 'secret-4711');
CREATE TABLE users (email text PRIMARY KEY);
CREATE TABLE aliases (address text, destination text);
CREATE TABLE domains (name text PRIMARY KEY);
INSERT INTO domains VALUES ('example.com'), ('second.test');
INSERT INTO users VALUES ('kim@example.com'), ('plain@example.com'), ('login@example.com');
INSERT INTO users SELECT 'u' || i || '@example.com' FROM generate_series(1, 300) i;
INSERT INTO aliases VALUES ('sales@example.com', 'kim@example.com'), ('team@example.com', 'kim@example.com,login@example.com'),
    ('mixed@example.com', 'kim@example.com plain@example.com'), ('public@example.com', 'login@example.com'),
    ('first@example.com', 'sales@example.com'), ('home@example.com', 'kim@elsewhere.test'), ('@cat.test', 'kim@example.com');
END

my $gid = (getpwnam $FilterdTest::FILTERD_USER)[3];
for (['aliases', 'SELECT destination FROM aliases WHERE address = \'%s\''],
    ['mailboxes', 'SELECT email FROM users WHERE email = \'%s\''],
    ['domains', 'SELECT 1 FROM domains WHERE name = \'%s\'']) {
    my ($name, $query) = @$_;
    spew("$etc/$name.cf", "hosts = 127.0.0.1:$pg->{port}\nuser = postfix\npassword = secret-4711\ndbname = mail\nquery = $query\n", 0640);
    chown 0, $gid, "$etc/$name.cf";
}
my %maps = map { ("users.$_" => "proxy:pgsql:$etc/$_.cf") } qw(aliases mailboxes);
$postfix->command('postconf', '-e', "virtual_alias_maps = pgsql:$etc/aliases.cf", "virtual_mailbox_maps = pgsql:$etc/mailboxes.cf",
    'virtual_alias_domains = cat.test', 'smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination',
    'smtpd_reject_unlisted_recipient = no', 'smtpd_hard_error_limit = 10000', 'smtpd_soft_error_limit = 10000');
$postfix->reload;

sub pid_of_tables { return poll(sub { ($filterd->processes('tables'))[0] }) }

# The reply to RCPT, of Postfix with filterd behind it.
sub rcpt {
    my ($to) = @_;
    my $client = $postfix->client;
    $client->say('MAIL FROM:<x@outside.test>');
    my $reply = $client->say("RCPT TO:<$to>");
    $client->quit;
    return $reply;
}

# Of Postfix's two recipients the first is the front's, before anything is queued.
sub front_line {
    my ($to) = @_;
    return poll(sub { (grep { /to=<\Q$to\E>.* dsn=2/ } split /\n/, $filterd->log_text)[0] });
}

sub try_front {
    my ($message, $to) = @_;
    my $client = FilterdTest::Client->new(smtp => $t->port('smtp'));
    my $reply = $client->deliver($message, 'x@outside.test', $to);
    $client->quit;
    return $reply;
}

subtest 'a reload with [users] begins to ask' => sub {
    like(rcpt('sales@example.com'), qr/^550 5\.1\.1/, 'before, an alias in SQL alone was unknown');
    $filterd->settings(%maps);
    $filterd->reload;
    ok(pid_of_tables(), 'the process is there');
    ok(poll(sub { rcpt('sales@example.com') =~ /^250/ }), 'and the alias known');
    is((stat "${\ $t->dir}/run/control.sock.tables")[2] & 0777, 0600, "the socket is filterd's own");
};

subtest 'whose mail is it' => sub {
    my %cases = ('sales@example.com' => [$kim], 'first@example.com' => [$kim], 'kim+lists@example.com' => [$kim],
        'sales+lists@example.com' => [$kim], 'anybody@cat.test' => [$kim], 'public@example.com' => [$login],
        'team@example.com' => [$kim, $login]);
    my %count;
    for my $to (sort keys %cases) {
        my $sent = mail_like(subject => "for $to", id => "whose-$to");
        $postfix->send($sent, 'x@outside.test', $to);
        like(front_line($to), qr/ sealed=yes /, "$to: sealed before the queue");
        for my $key (@{ $cases{$to} }) {
            my @mails = $dovecot->wait_mails(++$count{ $key->{address} }, $key->{address});
            my ($mail) = grep { header($_, 'Subject') eq "for $to" } @mails;
            is_sealed_for($mail, $sent, $key);
        }
    }
    unlike($site->all_mail, qr/${\ canary()}/, 'nowhere in plaintext');
    like(rcpt('nobody@example.com'), qr/^550 5\.1\.1/, 'neither tables nor users.db know it: unknown');
    like(rcpt('mixed@example.com'), qr/^45\d /, 'only some of its users have a key: put off');
    like(rcpt('u7@example.com'), qr/^250/, 'a mailbox without a key: taken');
    like(rcpt('home@example.com'), qr/^250/, 'an alias to elsewhere: taken');
};

subtest 'one user, one model' => sub {
    my $mail = ($dovecot->mails('login@example.com'))[0];
    my $signature = header($mail, 'X-Filterd-Signature');
    for (['public@example.com', 'spam'], ['login@example.com', 'ham']) {
        my ($name, $class) = @$_;
        my ($status, $out, $err) = $t->try_run($mail, $t->dir . '/bin/filterd-retrain', $class, $name);
        is($status, 0, "$class by $name") or diag("$out$err");
        ok(poll(sub { $filterd->log_text =~ /retrain login=<\Q$name\E> class=$class signature=\Q$signature\E learnt/ }), 'learnt')
            or diag($filterd->log_text =~ /^(.*retrain.*)$/mg);
    }
    my @stores = map { m{([^/]+)\.db$} } glob $t->dir . '/state/users/*.db';
    ok((grep { $_ eq 'login@example.com' } @stores), 'the login has a store');
    ok(!(grep { /public|sales|first|team|cat/ } @stores), 'no alias has') or diag("@stores");
};

subtest 'filterctl lookup user' => sub {
    my $out = $filterd->ctl(qw(lookup user first+x@example.com));
    like($out, qr/\Afound\tkim\@example\.com\nmail\tsealed\t/, 'who, and what becomes of it');
    like($out, qr/^key\tkim\@example\.com\tgood\t[0-9A-F]{40}$/m, 'the key');
    like($out, qr/^users\.db\tfirst\+x\@example\.com\tunknown$/m, 'users.db has no such alias');
    like($out, qr/^aliases\tfirst\+x\@example\.com\tnone\naliases\tfirst\@example\.com\tfound\tproxy:pgsql:\S+\tsales\@example\.com$/m,
        'each question in its turn') or diag($out);
    my $json = decode_json($filterd->ctl(qw(--json lookup user home@example.com)));
    is_deeply([@$json{qw(result mail users)}], ['elsewhere', 'elsewhere', []], 'as JSON');
    is(decode_json($filterd->ctl(qw(--json lookup user nobody@example.com)))->{mail}, 'refused', 'unknown_recipient=reject');
    my (undef, $check) = $filterd->try_ctl(undef, 'check', '--postfix', "$postfix->{dir}/etc");
    like($check, qr/^ok\tusers\t/m, 'check: the tables answer');
};

# A login that is not the public address, which is what the key names.
subtest 'a key for a public address is the key of the mailbox' => sub {
    $pg->sql("INSERT INTO users VALUES ('box\@example.com'); INSERT INTO aliases VALUES ('open\@example.com', 'box\@example.com')", 'mail');
    $filterd->import_key(FilterdTest::Keys->new($t, 'open@example.com', 'curve'));
    for my $address ('open@example.com', 'box@example.com') {
        like($filterd->ctl(qw(lookup user), $address), qr/\Afound\tbox\@example\.com\nmail\tsealed\t/, $address);
    }
};

subtest 'the process dies' => sub {
    my $pid = pid_of_tables();
    kill 'KILL', $pid;
    ok(poll(sub { my ($now) = $filterd->processes('tables'); $now && $now != $pid }), 'another follows');
    like(rcpt('sales@example.com'), qr/^250/, 'who asks meanwhile waits for it');
};

subtest 'the server goes, and comes' => sub {
    like(rcpt($_), qr/^250/, "$_ is known") for 'sales@example.com', 'u1@example.com';
    like(rcpt('nobody@example.com'), qr/^550/, 'nobody is unknown');
    $pg->down;
    like(rcpt('sales@example.com'), qr/^250/, 'an alias that was known goes on');
    like(rcpt('u1@example.com'), qr/^250/, 'and a mailbox');
    like(rcpt('u2@example.com'), qr/^451 4\.\d/, 'one that nobody has asked for waits');
    like(rcpt('nothing@example.com'), qr/^451 4\.\d/, 'so does one that does not exist');
    is(($filterd->try_ctl(undef, qw(lookup user kim@example.com)))[0], 75, 'filterctl lookup user: exit 75');
    my (undef, $check) = $filterd->try_ctl(undef, 'check', '--postfix', "$postfix->{dir}/etc");
    like($check, qr/^bad\tusers\t\[users\] aliases: /m, 'check: bad');
    ok($filterd->logged(qr/\[users\] aliases: .*must wait/, 1), 'the log says it');
    unlike($filterd->log_text . $check, qr/secret-4711/, 'without the password');
    $pg->up;
    ok(poll(sub { rcpt('u2@example.com') =~ /^250/ }), 'and then it goes on by itself');
    ok(poll(sub { rcpt('nothing@example.com') =~ /^550/ }), 'unknown is unknown again');
};

subtest 'the server is stopped and started while mail flows' => sub {
    my @to = (map { ('kim@example.com', 'sales@example.com', 'first+x@example.com', "u$_\@example.com") } 1 .. 25);
    my $before = () = $dovecot->mails('kim@example.com');
    $postfix->command('postconf', '-e', 'virtual_alias_maps = ' . "pgsql:$etc/aliases.cf", 'minimal_backoff_time = 1s',
        'maximal_backoff_time = 2s', 'queue_run_delay = 1s');
    $postfix->reload;
    my $server = $t->spawn_code(sub {
        @{ $t->{stop} } = ();
        for (1 .. 3) {
            $pg->down;
            sleep 2;
            $pg->up;
            sleep 3;
        }
        POSIX::_exit(0);
    });
    my ($put_off, $lost) = (0, 0);
    for my $to (@to) {
        my $sent = mail_like(id => 'flow-' . rand);
        my $reply;
        poll(sub { $reply = try_front($sent, $to); $put_off++ if $reply =~ /^4/; $reply !~ /^4/ }) or $lost++;
        $lost++ if $reply !~ /^250/;
    }
    waitpid $server, 0;
    ($pg->{pid}) = slurp($t->dir . '/pg/data/postmaster.pid') =~ /^(\d+)/;
    is($lost, 0, 'each was taken in the end');
    diag("$put_off answers put a message off");
    my $want = $before + 75;
    ok(poll(sub { $postfix->flush; $want <= (() = $dovecot->mails('kim@example.com')) }), 'each arrived')
        or diag("$want wanted, " . (() = $dovecot->mails('kim@example.com')));
    my @plain = grep { /${\ canary()}/ } $dovecot->mails('kim@example.com');
    is(scalar @plain, 0, 'none in plaintext');
    my @front = grep { /to=<(?:kim|sales|first\+x)\@example\.com>.* dsn=2/ } split /\n/, $filterd->log_text;
    is(scalar(grep { !/ sealed=(?:yes|already) / } @front), 0, 'nor was one in the queue');
};

subtest 'a map file that cannot be read' => sub {
    rename "$etc/aliases.cf", "$etc/aliases.away";
    my $pid = pid_of_tables();
    $filterd->reload;
    ok(poll(sub { my ($now) = $filterd->processes('tables'); $now && $now != $pid }), 'a reload begins anew');
    ok(poll(sub { rcpt('u9@example.com') =~ /^451/ }), 'who cannot be looked up waits');
    rename "$etc/aliases.away", "$etc/aliases.cf";
    ok(poll(sub { rcpt('u9@example.com') =~ /^250/ }), 'until it can be read');
};

subtest 'a table of domains' => sub {
    $postfix->command('postconf', '-e', 'virtual_mailbox_domains = example.com second.test third.test');
    $postfix->reload;
    is(scalar(rcpt('nobody@second.test') =~ /^250/), 1, 'a domain that filterd does not know is somebody else\'s');
    $maps{'users.domains'} = "proxy:pgsql:$etc/domains.cf";
    $filterd->settings(%maps, 'filterd.domains' => 'cat.test');
    $filterd->reload;
    ok(poll(sub { rcpt('nobody@second.test') =~ /^550 5\.1\.1/ }), 'one in the table is ours');
    like(rcpt('nobody@third.test'), qr/^250/, 'one in no table is not');
    like(rcpt('nobody@cat.test'), qr/^(?:250|550)/, 'the settings hold, too');
    my $n = () = $dovecot->mails('kim@example.com');
    my $sent = mail_like(subject => 'by a table of domains');
    $postfix->send($sent, 'x@outside.test', 'kim+y@example.com');
    my @mails = $dovecot->wait_mails($n + 1, 'kim@example.com');
    is_sealed_for($mails[-1], $sent, $kim);
    ok(header($mails[-1], 'X-Filterd-Signature'), 'the keeper takes its record');
    my ($status, $out) = $filterd->try_ctl(undef, 'lookup', 'user', 'nobody@second.test');
    like($out, qr/^\s*domains.*second\.test/m, 'lookup user shows what it said') or diag($out);
    $pg->down;
    ok(poll(sub { rcpt('nobody@third.test') =~ /^451/ }), 'while nobody can ask, mail waits');
    ok(poll(sub { rcpt('nobody@second.test') =~ /^451/ }), 'whoever it is for');
    $pg->up;
    ok(poll(sub { rcpt('nobody@third.test') =~ /^250/ }), 'and then goes on');
    $filterd->settings('filterd.domains' => 'example.com cat.test');
};

subtest 'without [users] again' => sub {
    my $text = $filterd->{base};
    delete @{ $filterd->{set} }{ keys %maps };
    $filterd->settings;
    $filterd->reload;
    ok(poll(sub { !$filterd->processes('tables') }), 'the process is gone');
    ok(poll(sub { rcpt('sales@example.com') =~ /^550/ }), 'and nobody asks the tables');
};

done_testing;
