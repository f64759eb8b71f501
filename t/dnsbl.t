#!/usr/bin/perl
# DNS lists, asked by filterctl, with real servers (rbldnsd and nsd).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Dns;
use IO::Socket::INET;
use Test::More;

my $t = FilterdTest->new;
$ENV{MAIL_CONFIG} = $t->dir . "/none"; # whatever Postfix this host has
my $dns = FilterdTest::Dns->start(t => $t,
    lists => {
        'bl.test' => ['192.0.2.66', '192.0.2.67 127.0.0.3 a reason', '2001:db8::66', '198.51.100.0/24 127.0.0.99'],
        'six.test' => ['2001:db8:66::/48 127.0.0.2'],
        'wl.test' => ['192.0.2.80 127.0.15.2', '192.0.2.66 127.0.15.2'],
        'dbl.test' => ['.spam.example', 'xn--bcher-kva.com 127.0.0.4', '.spammer.co.uk 127.0.0.6'],
        'refused.test' => ['! * 127.255.255.254'],
        'empty.test' => ['! 192.0.2.1'],
        'everything.test' => ['! *', '192.0.2.66'],
        'parked.test' => ['! * 198.51.100.1'],
    },
    zones => {
        'nsd.test' => "2.0.0.127 A 127.0.0.2\n66.2.0.192 A 127.0.0.2\n66.2.0.192 A 127.0.0.3\n",
        'grabbed.test' => "* A 127.0.0.2\n",
    });

my $conf = $t->dir . '/filterd.conf';
our $server = $dns->server;
our $timeout_ms = 30_000; # where an answer comes: only a bound

# The settings with these lists; [ZONE, LINES...] each.
sub lists {
    my @lists = @_;
    spew($t->dir . '/lists', join '', map { my ($zone, @lines) = @$_; "[$zone]\n" . join '', map { "$_\n" } @lines } @lists);
    spew($conf, "[filterd]\nhostname=mx.example.org\nstate_dir=@{[$t->dir]}/state\n"
        . "[dns]\nserver=$server\ntimeout_ms=$timeout_ms\n[dnsbl]\nlists=@{[$t->dir]}/lists\n");
}

sub ctl { return $t->try_run(undef, 'timeout', 50, FilterdTest::build() . '/filterctl', '-c', $conf, @_) }

my @spam = ('127.0.0.2=spam 1.5 sends spam', '127.0.0.3=worse 2');
my @bl = ('bl.test', 'asks=ip4 ip6', @spam);
my @six = ('six.test', 'asks=ip6', '127.0.0.2=net 1');
my @wl = ('wl.test', 'asks=ip4', '127.0.*.2=medium -1');
my @dbl = ('dbl.test', 'asks=helo uri', '127.0.0.2=bad 1', '&4=grey 0.5');
my @error = ('asks=ip4', '127.0.0.2=x 1', '127.255.255.252-255=error asked through an open resolver');

sub says {
    my ($subject, $want, $what) = @_;
    my ($status, $out, $err) = ctl('lookup', 'dnsbl', $subject);
    is($status, 0, "$what: exit") or diag($err);
    like($out, $want, $what);
}

lists(\@bl);
is((ctl('init'))[0], 0, 'a state');
subtest 'addresses' => sub {
    lists(\@bl, \@six, \@wl, \@dbl, ['nsd.test', 'asks=ip4', @spam]);
    says('192.0.2.66', qr{^listed\t(?=.*bl\.test/spam \+1\.5: 192\.0\.2\.66 is listed by bl\.test \(127\.0\.0\.2\): sends spam).*wl\.test/medium -1}, 'a list and an allow list');
    like((ctl(qw(lookup dnsbl 192.0.2.66)))[1], qr{nsd\.test/worse \+2.*nsd\.test/spam \+0:|nsd\.test/spam \+1\.5.*nsd\.test/worse \+0\.5:}, 'two answers of one list weigh as the stronger');
    says('192.0.2.67', qr{^listed\tbl\.test/worse \+2:}, 'another answer');
    says('192.0.2.80', qr{^allowed\twl\.test/medium -1:}, 'allowed');
    says('192.0.2.90', qr{^clean\t3 lists asked$}m, 'clean');
    says('198.51.100.1', qr{^clean\t}, 'an answer that means nothing');
    says('2001:db8::66', qr{^listed\tbl\.test/spam}, 'IPv6');
    says('2001:db8:66::1', qr{^listed\tsix\.test/net \+1}, 'a list of IPv6 alone');
    says('::ffff:192.0.2.67', qr{^listed\tbl\.test/worse}, 'IPv4 mapped into IPv6');
    my $before = $dns->asked;
    says($_, qr{^none\tnothing to ask}, "$_ is never asked for") for qw(10.1.2.3 127.0.0.1 ::1 fd00::1 fe80::1 192.168.1.1 localhost com);
    is(scalar $dns->asked, $before, 'and no server heard of them');
};

subtest 'domains' => sub {
    lists(\@bl, \@dbl);
    says('spam.example', qr{^listed\tdbl\.test/bad}, 'a domain');
    says('a.b.Spammer.CO.uk', qr{^listed\tdbl\.test/grey \+0\.5: spammer\.co\.uk is}, 'its registered domain, by bits');
    says("b\xc3\xbccher.com", qr{^listed\tdbl\.test/grey.*xn--bcher-kva\.com}, 'with letters that are not ASCII');
    says('honest.example', qr{^clean\t1 lists asked}, 'clean');
    is((grep { /\d\.dbl\.test A/ } $dns->asked), 0, 'a domain list is asked for no address');
};

# However a browser's link is written, the name that it opens is asked for.
subtest 'links of a message' => sub {
    my %links = ('http:/a%d.example/' => 'text/html', 'http:b%d.example' => 'text/html', 'https:\\c%d.example/' => 'text/html',
        "http://d\t%d.exam\nple/" => 'text/html', 'http&colon;&sol;&sol;e%d&period;example/' => 'text/html',
        '//f%d.example' => 'image/svg+xml', 'http://bank.example@g%%31%d.example:81' => 'text/html');
    lists(\@dbl);
    my $n = 0;
    for my $link (sort keys %links) {
        my $file = $t->dir . '/links.eml';
        my $href = sprintf $link, ++$n;
        spew($file, "From: a\@spam.example\nContent-Type: $links{$link}\n\n<svg><a href=\"$href\">x</a></svg>\n");
        my ($status, $out, $err) = ctl('explain', '--client', '192.0.2.90', $file);
        my ($letter) = $link =~ m{([a-g])\W*%};
        my $name = $letter . ($letter eq 'g' ? '1' : '') . "$n.example";
        is($status, 0, 'explain: exit') or diag($err);
        is((grep { /^\Q$name\E\.dbl\.test A/ } $dns->asked), 1, "$href: $name is asked for") or diag(grep { /example/ } $dns->asked);
        like($out, qr{dnsbl:dbl\.test/bad}, 'and what From names');
    }
};

subtest 'lists of no use' => sub {
    lists(\@bl, ['refused.test', @error], ['empty.test', @error], ['everything.test', @error],
        ['parked.test', @error], ['grabbed.test', @error]);
    my ($status, $out) = ctl('check');
    is($status, 2, 'check: something is bad');
    like($out, qr{^ok\tdns\t\Q$server\E: answers$}m, 'the server answers');
    like($out, qr{^ok\tdnsbl bl\.test\t}m, 'a list that lives');
    like($out, qr{^bad\tdnsbl refused\.test\t.*127\.255\.255\.254: asked through an open resolver$}m, 'refused');
    like($out, qr{^bad\tdnsbl empty\.test\t.*does not list 127\.0\.0\.2$}m, 'empty');
    like($out, qr{^bad\tdnsbl $_\.test\t.*lists everything}m, "$_ lists everything") for qw(everything grabbed);
    like($out, qr{^bad\tdnsbl parked\.test\t.*198\.51\.100\.1: it is no list any more$}m, 'gone');
    is(() = $out =~ /\n/g, 10, 'one line each, and one about the state, the key and Postfix');
    says('192.0.2.66', qr{^listed\tbl\.test/spam \+1\.5: [^;]*; refused\.test does not count:}, 'none of them counts');
    my (undef, $hits) = ctl(qw(lookup dnsbl 192.0.2.66));
    unlike($hits, qr{everything\.test/|parked\.test/|grabbed\.test/|refused\.test/}, 'not even where they list everybody');
    (undef, my $json) = ctl('--json', 'check');
    like($json, qr{\A\[\{"result":"ok".*\}\]\n\z}s, 'JSON');
    like($json, qr{"result":"bad","subject":"dnsbl empty\.test","text":"}, 'with the same words');
};

subtest 'all is well' => sub {
    lists(\@bl, \@six, \@dbl);
    is((ctl('check'))[0], 0, 'check: exit 0');
    my (undef, $out) = ctl('--json', 'lookup', 'dnsbl', '192.0.2.66');
    like($out, qr{\A\{"result":"listed","reason":"bl\.test/spam .*"\}\n\z}, 'JSON');
};

subtest 'wrong tables' => sub {
    lists(['bl.test', 'asks=ip4', '127.0.0.2=spam lots']);
    my ($status, undef, $err) = ctl(qw(lookup dnsbl 192.0.2.66));
    is($status, 78, 'settings');
    like($err, qr{/lists:3: \[bl\.test\] 127\.0\.0\.2: expected NAME WEIGHT}, 'file and line');
    my ($checked, $out) = ctl('check');
    is($checked, 2, 'check finds it, too');
    like($out, qr{^bad\tdnsbl\t.*/lists:3: }m, 'file and line');
    is((ctl(qw(lookup dnsbl)))[0], 64, 'usage');
    is((ctl(qw(lookup nothing 1)))[0], 64, 'usage');
};

# Twelve lists, each also put to the test: one round trip, not twelve and not two.
subtest 'all at once' => sub {
    my @names = map { "l$_.test" } 1 .. 12;
    my $slow = FilterdTest::Dns->start(t => $t, lists => { map { $_ => ['192.0.2.66'] } @names },
        together => [[map { ("66.2.0.192.$_ A", "1.0.0.127.$_ A") } @names]]);
    local $server = $slow->server;
    lists(map { [$_, 'asks=ip4', '127.0.0.2=spam 0.1'] } @names);
    says('192.0.2.66', qr{^listed\t(?:l\d+\.test/spam \+0\.1: [^;]*(?:; |$)){12}}m, 'twelve lists');
    my %asked = map { $_ => 1 } $slow->asked; # on a busy machine one may be asked again
    is((grep { /^66\.2\.0\.192\./ } keys %asked), 12, 'each of them');
    $slow->stop;
};

subtest 'a server that is silent, and none' => sub {
    local $timeout_ms = 1500;
    lists(\@bl, \@wl, \@dbl);
    $dns->silent(1);
    my ($status, $out) = ctl(qw(lookup dnsbl 192.0.2.66));
    is($status, 75, 'try again');
    like($out, qr{^timeout\t}, 'timeout');
    ($status, $out) = ctl('check');
    is($status, 2, 'check: bad');
    like($out, qr{^bad\tdns\tno answer from \Q$server\E}m, 'no answer');
    like($out, qr{^warning\tdnsbl bl\.test\t}m, 'of the lists nothing is known');
    $dns->silent(0);
    $dns->stop;
    # Nobody there, who says so: what is waited for would be longer than ctl's own patience.
    $timeout_ms = 60_000;
    lists(\@bl);
    is((ctl(qw(lookup dnsbl 192.0.2.66)))[0], 75, 'nobody there is known at once');
};

done_testing;
