#!/usr/bin/perl
# What Postfix and its milters do to a message between filterd before the queue and filterd before the mailbox: the
# verdict that was made on plaintext must stand behind, where often only ciphertext is left.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::MilterServer;
use FilterdTest::Signer;
use FilterdTest::Site;
use IO::Socket::INET;
use Test::More;

my @team = map { "u$_" } 1 .. 22;
my $team = join ', ', map { "$_\@example.com" } @team;
my $site = FilterdTest::Site->start(
    attach => [qw(smtpd_proxy_filter reinject virtual_transport)],
    keys => { rsa => 'curve' },
    users => ['plain', @team],
    sieve => 1,
    main => "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n"
        . "canonical_maps = inline:{ {login\@example.com = public.name\@example.com} }\n"
        . "virtual_alias_maps = inline:{ {team\@example.com = $team} }\n",
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my $GTUBE = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X';
my $reinject = 'reinject/unix';
my %has_key = (rsa => 'yes', plain => 'no');

# A client that Postfix takes for a stranger, or for one of its own host.
sub client {
    my ($address) = @_;
    no warnings 'redefine';
    local *FilterdTest::Client::dial = sub {
        return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_[0], LocalAddr => $address, Timeout => 30);
    };
    return $postfix->client;
}

my ($number, %sent) = (0);

# Sends spam with these header lines to both, and returns what came; folder: where it must be; sealed: how it is
# marked for who has a key.
sub through {
    my ($name, $header, %o) = @_;
    my $case = 'case' . ++$number;
    my $body = $o{body} // "Buy now $GTUBE";
    my $text = "$header\r\nX-Case: $case\r\nTo: somebody\@example.com\r\n\r\n$body\r\n";
    my $c = client($o{client} // '127.0.0.2');
    my $reply = $c->deliver($text, $o{sender} // 's@sender.test', map { "$_\@example.com" } sort keys %has_key);
    $c->quit;
    like($reply, qr/^250/, "$name: taken");
    my %mail;
    for my $user (sort keys %has_key) {
        my $folder = $o{folder} // 'Junk';
        poll(sub { ($mail{$user}) = grep { (header($_, 'X-Case') // '') eq $case } $dovecot->mails("$user\@example.com", $folder) });
        ok($mail{$user}, "$name: to $user, in " . ($folder || 'INBOX')) or next;
        my $mark = $has_key{$user} eq 'yes' ? $o{sealed} // 'yes' : 'no';
        is(header($mail{$user}, 'X-Filterd-Encrypted'), $mark, "$name: sealed: $mark");
        is(scalar headers($mail{$user}, "X-Filterd-$_"), 1, "$name: one $_") for qw(Result Signature Encrypted);
        is(scalar headers($mail{$user}, 'X-Filterd-Proof'), 0, "$name: no proof");
        my ($id) = $mail{$user} =~ /^Received:.*?\(Postfix\).*?\bid (\w+)/ms;
        $filterd->logs(qr/qid=$id from=\S* to=<$user\@/, "$name: the second leg has said what it did");
    }
    return \%mail;
}

# Why a second leg judged anew since the last call; each has said its last word when this is called.
my $read = 0;
sub anew {
    my @lines = map { /judged anew, X-Filterd-Proof does not hold: (.*)/ ? $1 : () } split /\n/, substr $filterd->log_text, $read;
    $read = length $filterd->log_text;
    return join '; ', @lines;
}

# With these settings at reinjection.
sub at_reinjection {
    my (@settings) = @_;
    $postfix->command('postconf', '-P', map { "$reinject/$_" } @settings);
    $postfix->reload;
}

my $from = "From: S <s\@sender.test>\r\nDate: Mon, 30 Nov 2026 05:00:00 +0000\r\nMessage-ID: <1\@b.test>";

subtest 'a NUL in the header' => sub {
    through('none', "$from\r\nSubject: hello there");
    through('Subject', "$from\r\nSubject: hello\0 there");
    through('Subject, before a fold', "$from\r\nSubject: hello\0\r\n there");
    through('a long line', "$from\r\nSubject: hello\0" . 'x' x 5000);
    through('another', "$from\r\nX-Y: x\0y");
    through('From', $from =~ s/S </S\0 </r . "\r\nSubject: x");
    through('Reply-To', "$from\r\nReply-To: <a\@b.test>\0");
    through('Content-Type', "$from\r\nContent-Type: text/plain\0; charset=utf-8");
    is(anew(), '', 'none was judged anew');
};

subtest 'more than Postfix leaves of a field' => sub {
    my $long = join "\r\n\t", ('many words ' x 6) x 2000;
    through('Subject', "$from\r\nSubject: $long");
    through('From', $from =~ s/S </$long </r);
    through('Reply-To', "$from\r\nReply-To: $long <a\@b.test>");
    through('one line', "$from\r\nSubject: " . 'x' x 130_000);
    is(anew(), '', 'none was judged anew');
};

subtest 'as many fields as are read' => sub {
    through('1,995 fields', join "\r\n", $from, 'Subject: many', ('X-Many: a') x 1990);
    is(anew(), '', 'none was judged anew');
};

subtest 'what Postfix writes for a local client' => sub {
    my $mail = through('no From', 'Subject: from cron', client => '127.0.0.1', sender => 'root@example.com');
    is(header($mail->{$_}, 'From'), 'root@example.com', "$_: added") for sort keys %has_key;
    $mail = through('a name alone', "From: Cron <root>\r\nSubject: x", client => '127.0.0.1');
    like(header($mail->{$_}, 'From'), qr/root\@mail\.example\.com/, "$_: completed") for sort keys %has_key;
    $mail = through('by canonical_maps', "From: login\@example.com\r\nSubject: x", client => '127.0.0.1');
    like(header($mail->{$_}, 'From'), qr/public\.name\@example\.com/, "$_: replaced") for sort keys %has_key;
    is(anew(), '', 'none was judged anew');
};

subtest 'what it writes for all' => sub {
    $postfix->command('postconf', '-e', 'always_add_missing_headers = yes', 'remote_header_rewrite_domain = domain.invalid');
    $postfix->reload;
    my $mail = through('no From', 'Subject: from nobody');
    like(header($mail->{$_}, 'From'), qr/s\@sender\.test/, "$_: added") for sort keys %has_key;
    $mail = through('a name alone', "From: boss\r\nSubject: x");
    like(header($mail->{$_}, 'From'), qr/boss\@domain\.invalid/, "$_: completed") for sort keys %has_key;
    is(anew(), '', 'none was judged anew');
    $postfix->command('postconf', '-e', 'always_add_missing_headers = no', 'remote_header_rewrite_domain =');
    $postfix->reload;
};

subtest 'an alias of 22 users' => sub {
    my $key = $t->dir . '/team.asc';
    spew($key, $site->{keys}{rsa}->public);
    $filterd->ctl(qw(key import --force), "$_\@example.com", $key) for @team;
    $filterd->ctl(qw(alias import --postfix -C), "$postfix->{dir}/etc");
    $postfix->send(mail_like(subject => 'to all', text => $GTUBE), 'a@sender.test', 'team@example.com');
    my $spam = 0;
    for my $user (@team) {
        my ($mail) = $dovecot->wait_mails(1, "$user\@example.com", 'Junk');
        $spam++ if $mail && header($mail, 'X-Filterd-Encrypted') eq 'yes' && header($mail, 'X-Filterd-Result') eq 'Spam';
    }
    is($spam, 22, 'each has it in Junk, sealed');
    is(anew(), '', 'none was judged anew');
};

subtest 'OpenDKIM at reinjection' => sub {
    my $signer = FilterdTest::Signer->new($t, domain => 'example.com');
    $signer->key('mail', 'rsa:2048');
    my $conf = $t->dir . '/opendkim.conf';
    spew($conf, join "\n", 'Syslog no', 'Background no', 'Mode sv', 'Domain example.com', 'Selector mail',
        'KeyFile ' . $signer->file('mail'), 'Socket inet:' . $t->port('opendkim') . '@127.0.0.1', 'AuthservID mail.example.com',
        'RequireSafeKeys no', 'AlwaysAddARHeader yes', 'Nameservers 127.0.0.1', 'UserID root', '');
    $t->spawn($t->log_file('opendkim'), '/usr/sbin/opendkim', '-f', '-x', $conf);
    poll(sub { FilterdTest::Client::listens($t->port('opendkim')) }) or die slurp($t->log_file('opendkim'));
    at_reinjection('smtpd_milters=inet:127.0.0.1:' . $t->port('opendkim'),
        'receive_override_options=no_unknown_recipient_checks,no_header_body_checks', 'milter_default_action=tempfail');
    my $mail = through('of our domain', $from =~ s/s\@sender\.test/ceo\@example.com/r . "\r\nSubject: signed", client => '127.0.0.1');
    is(scalar headers($mail->{$_}, 'DKIM-Signature'), 1, "$_: it is signed") for sort keys %has_key;
    through('of another', "$from\r\nSubject: verified");
    is(anew(), '', 'none was judged anew');
};

subtest 'any milter at reinjection' => sub {
    my $milter = FilterdTest::MilterServer->start($t, 'editor');
    at_reinjection("smtpd_milters=inet:$milter->{at}");
    for my $edit ((map { "insert $_ X-Milter: a" } 0 .. 4, 7, 100), 'add X-Milter: a', 'insert 0 Authentication-Results: other.test; none',
        'delete 1 Authentication-Results', 'change 1 Reply-To: other@sender.test', 'change 1 X-Case: case0', 'insert 1 Received: by milter') {
        $milter->edits($edit);
        my $header = "$from\r\nSubject: edited\r\nReply-To: <a\@b.test>";
        $edit =~ /X-Case/ ? $number && next : through($edit, $header);
    }
    is(anew(), '', 'none was judged anew');
    for (['change 1 Subject: other', 'its Subject was changed'], ['insert 1 From: other@sender.test', 'its From was changed'],
        ['change 1 Content-Type: text/html', 'a field that describes its body was changed']) {
        my ($edit, $why) = @$_;
        $milter->edits($edit);
        through($edit, "$from\r\nSubject: edited\r\nContent-Type: text/plain");
        is(anew(), $why, "$edit: without a key it was judged anew");
    }
    $milter->edits('change 1 X-Filterd-Result: Innocent');
    through('a line of ours', "$from\r\nSubject: edited", body => 'an ordinary letter', folder => '',
        sealed => 'already');
    like(anew(), qr/^(?:a line of filterd's own was changed(?:; )?){2}$/, 'both were judged anew');
};

ok($postfix->drained, 'nothing is left in the queue');
done_testing;
