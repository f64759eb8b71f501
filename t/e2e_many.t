#!/usr/bin/perl
# A hundred sessions at once, each with lists, SPF, DKIM, DMARC and links: each message is delivered once
# and judged right, no worker is lost. Then twenty with a dead name server: nobody waits for it twice.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Dns;
use FilterdTest::Keys;
use FilterdTest::Mail;
use FilterdTest::Signer;
use Test::More;

my ($SESSIONS, $DOMAINS, $USERS) = (100, 10, 10);
my $DEAD_SECONDS = 3;

my $t = FilterdTest->new;
my $signer = FilterdTest::Signer->new($t, domain => 'd0.example');
$signer->key('rsa', 'rsa:2048');
my $zone = qq(\@ TXT "v=spf1 ip4:192.0.2.0/24 -all"\n_dmarc TXT "v=DMARC1; p=quarantine"\n) . $signer->zone;
my $dns = FilterdTest::Dns->start(
    t => $t, delay_ms => 20,
    zones => { map { ("d$_.example" => $zone) } 0 .. $DOMAINS - 1 },
    lists => { 'bl.test' => ['198.51.100.0/25'], 'other.test' => ['203.0.113.1'], 'uri.test' => ['.pills.example'] },
);
my $lists = $t->dir . '/etc/lists.conf';
spew($lists, join('', map { "[$_]\nasks=ip4\n127.0.0.2=listed 1 listed\n" } qw(bl.test other.test))
    . "[uri.test]\nasks=uri\n127.0.0.2=listed 1 listed\n", 0644);
my $mail = $t->dir . '/mail';
mkdir $mail;
chown +(getpwnam $FilterdTest::FILTERD_USER)[2, 3], $mail;
my $filterd = FilterdTest::Daemon->start($t, set => {
    'filterd.workers' => 120,
    'listener lmtp.next_hop' => "maildir:$mail/%d/%n",
    'dns.server' => $dns->server, 'dns.timeout_ms' => 60000, # on a busy machine
    'dnsbl.lists' => $lists,
    'anonymize.inbound' => "$FilterdTest::ROOT/rules/anonymize-inbound.pcre",
});
my $key = FilterdTest::Keys->new($t, 'user0@example.com', 'curve');
$filterd->import_key($key);
$filterd->ctl(qw(user set), "user$_\@example.com", 'spam_action=tag') for 1 .. $USERS - 1;

# What session number N sends, and what has to be said about it.
sub session {
    my ($n, $id) = @_;
    my $domain = 'd' . $n % $DOMAINS . '.example';
    my %s = (n => $n, id => "$id.$n\@client.example", user => 'user' . $n % $USERS . '@example.com',
        sender => "sender$n\@$domain",
        spf => $n % 2 ? 'pass' : 'fail', dkim => ('pass', 'pass', 'fail', 'none')[$n % 4],
        listed => $n % 5 == 0, link => $n % 7 == 0);
    my $host = $n % 100;
    $s{client} = $n % 2 ? "192.0.2.$host" : '198.51.100.' . ($s{listed} ? $host : $host + 128);
    $s{dmarc} = $s{spf} eq 'pass' || $s{dkim} eq 'pass' ? 'pass' : 'fail';
    my $text = 'See http://' . ($s{link} ? "www$n.pills" : "www$n.books") . ".example/page$n today.\n" x 20;
    my $message = mail_like(from => "S <$s{sender}>", id => $s{id}, text => $text, more => "User-Agent: x\n");
    $message = $signer->sign($message, 'rsa', domain => $domain) if $s{dkim} ne 'none';
    $message =~ s/today/tomorrow/ if $s{dkim} eq 'fail';
    $s{message} = $message;
    return \%s;
}

# All at once: one step of everybody, then the next.
sub send_all {
    my (@sessions) = @_;
    $_->{c} ||= FilterdTest::Client->new(lmtp => $t->front('lmtp')) for @sessions;
    for my $step (sub { "XFORWARD ADDR=$_->{client} NAME=host$_->{n}.example.net HELO=host$_->{n}.example.net" },
        sub { "MAIL FROM:<$_->{sender}>" }, sub { "RCPT TO:<$_->{user}>" }, sub { 'DATA' }) {
        $_->{c}->put($step->() . "\r\n") for @sessions;
        $_->{said} = $_->{c}->reply for @sessions;
        my @odd = grep { $_ !~ /^[23]/ } map { $_->{said} } @sessions;
        is_deeply(\@odd, [], 'everybody goes on');
    }
    $_->{c}->put(FilterdTest::Client::dot_stuffed($_->{message}) . ".\r\n") for @sessions;
    $_->{said} = $_->{c}->reply for @sessions;
    is(scalar(grep { $_->{said} =~ /^250 / } @sessions), scalar @sessions, 'all are taken');
}

# The log's line about each, told by the sender.
sub lines_of {
    my (@sessions) = @_;
    my %line;
    poll(sub {
        %line = map { /from=<([^>]*)>/ ? ($1 => $_) : () } grep { /result=/ } split /\n/, $filterd->log_text;
        @sessions == grep { $line{ $_->{sender} } } @sessions;
    });
    return \%line;
}

sub delivered_once {
    my (@sessions) = @_;
    my %copies;
    for my $file (glob "$mail/example.com/*/new/*") {
        my ($user, $id) = ($file =~ m{/(user\d+)/new/}, header(slurp($file) =~ s/\r?\n/\r\n/gr, 'Message-ID'));
        $copies{"$user\@example.com $id"}++;
    }
    my @wrong = grep { ($copies{"$_->{user} <$_->{id}>"} // 0) != 1 } @sessions;
    is(join(' ', map { $_->{id} } @wrong), '', 'one copy for each');
}

sub all_is_well {
    unlike($filterd->log_text, qr/Sanitizer|runtime error|ended by signal|ended with code|tempfailed/,
        'no worker died, nothing was reported');
}

subtest "$SESSIONS sessions" => sub {
    my @sessions = map { session($_, 'many') } 0 .. $SESSIONS - 1;
    send_all(@sessions);
    delivered_once(@sessions);
    my ($line, @wrong) = (lines_of(@sessions));
    for my $s (@sessions) {
        my $found = join ',', ($s->{listed} && $s->{spf} eq 'fail' ? 'bl.test=127.0.0.2' : ()),
            ($s->{link} ? 'uri.test=127.0.0.2' : ());
        # Lists are told in the order in which they answered.
        my $told = $line->{ $s->{sender} } // 'no line';
        $told =~ s/dnsbl=\K\S+/join ',', sort split m{,}, $&/e;
        my $expected = 'dnsbl=' . ($found || 'none') . " spf=$s->{spf} dkim=$s->{dkim} dmarc=$s->{dmarc} dns=ok ";
        push @wrong, "$expected: $told" if $told !~ / \Q$expected\E/;
    }
    is(join("\n", @wrong), '', 'lists, SPF, DKIM and DMARC are right for each');
    my ($sealed) = glob "$mail/example.com/user0/new/*";
    ok(defined $key->open_sealed(slurp($sealed)), 'sealed where there is a key');
    $_->{c}->quit for @sessions;
    all_is_well();
};

subtest 'the name server is dead' => sub {
    is($filterd->down, 0, 'filterd ends');
    $filterd->settings('dns.timeout_ms' => $DEAD_SECONDS * 1000);
    $filterd->up;
    $dns->silent(1);
    my $before = $dns->asked;
    my @sessions = map { session($_, 'dead') } 200 .. 219;
    send_all(@sessions);
    my $asked = $dns->asked;
    cmp_ok($asked, '>', $before, 'it was asked');
    my @later = map { session($_, 'later') } 300 .. 319;
    $later[$_]{c} = $sessions[$_]{c} for 0 .. $#later;
    send_all(@later);
    is(scalar $dns->asked, $asked, 'for the next ones it is asked nothing: they do not wait');
    delivered_once(@sessions, @later);
    my $line = lines_of(@sessions, @later);
    is(scalar(grep { $line->{ $_->{sender} } =~ / spf=temperror .* dns=timeout / } @sessions, @later), 40,
        'and all are told from those that were looked up');
    $_->{c}->quit for @later;
    all_is_well();
};

done_testing;
