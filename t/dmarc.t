#!/usr/bin/perl
# DMARC with policies in real zones and real signatures; the domain that SPF proved is given by hand.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Daemon;
use FilterdTest::Dns;
use FilterdTest::Signer;
use Test::More;

my $t = FilterdTest->new;
my %signer = map { $_ => FilterdTest::Signer->new($t, domain => $_) } qw(example.org other.test);
$signer{'example.org'}->key('one', 'rsa:1024');
$signer{'other.test'}->key('two', 'rsa:1024');

my $sub = $signer{'example.org'}->zone =~ s/^one\._domainkey/one._domainkey.mail/r;
my $dns = FilterdTest::Dns->start(t => $t, zones => {
    'example.org' => $signer{'example.org'}->zone . $sub . <<'END',
_dmarc TXT "v=DMARC1; p=reject; sp=quarantine; rua=mailto:x@example.org; fo=1"
_dmarc.strict TXT "v=DMARC1; p=reject; adkim=s; aspf=s"
_dmarc.none TXT "v=DMARC1; p=none"
_dmarc.two TXT "v=DMARC1; p=none"
_dmarc.two TXT "v=DMARC1; p=reject"
_dmarc.mixed TXT "some text"
_dmarc.mixed TXT "v=DMARC1; " "p=reject"
_dmarc.alias CNAME _dmarc.none
_dmarc.long TXT ("v=DMARC1; p=reject; x=" "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
END
    'other.test' => $signer{'other.test'}->zone,
    'co.uk' => "_dmarc TXT \"v=DMARC1; p=reject\"\nshop A 192.0.2.1\n",
});
my $filterd = FilterdTest::Daemon->start($t, idle => 1,
    set => { 'dns.server' => $dns->server, 'dns.timeout_ms' => 1500 });

sub mail {
    my ($from) = @_;
    return "From: $from\r\nTo: bob\@example.com\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
        . "Message-ID: <1\@x>\r\nSubject: x\r\n\r\nHi\r\n";
}

# "word policy" of a message, SPF having proved a domain or none.
sub verdict {
    my ($message, $spf) = @_;
    my $file = $t->dir . '/message';
    spew($file, $message);
    my ($status, $out) = $t->try_run(undef, $t->dir . '/bin/filterctl', qw(lookup dmarc), $file, $spf // ());
    return $out =~ /^(\w+)\tfrom=\S* policy=(\w+): ./ ? "$1 $2" : "exit $status $out";
}

sub unsigned { my ($from, $spf, $expected, $name) = @_; is(verdict(mail($from), $spf), $expected, $name) }

sub signed {
    my ($from, $by, $expected, $name, %o) = @_;
    my ($selector, $signer) = $by =~ /other/ ? ('two', $signer{'other.test'}) : ('one', $signer{'example.org'});
    my $message = $signer->sign(mail($from), $selector, domain => $by);
    $message =~ s/Subject: x/Subject: y/ if $o{broken};
    is(verdict($message), $expected, $name);
}

unsigned('jane@example.org', undef, 'fail reject', 'nothing proved');
unsigned('jane@example.org', 'example.org', 'pass reject', 'SPF');
unsigned('jane@example.org', 'bounces.example.org', 'pass reject', 'SPF of a subdomain');
unsigned('jane@example.org', 'other.test', 'fail reject', 'SPF of another');
unsigned('jane@sub.example.org', undef, 'fail quarantine', 'sp= for a subdomain');
unsigned('jane@a.sub.example.org', 'example.org', 'pass quarantine', 'two levels below');
signed('jane@example.org', 'example.org', 'pass reject', 'DKIM');
signed('jane@sub.example.org', 'mail.example.org', 'pass quarantine', 'DKIM of a sister');
signed('jane@example.org', 'example.org', 'fail reject', 'DKIM, broken', broken => 1);
signed('jane@example.org', 'other.test', 'fail reject', 'DKIM of another');
signed('"x@example.org" <jane@other.test>', 'example.org', 'none none', 'no policy');
signed('jane@strict.example.org', 'example.org', 'fail reject', 'adkim=s');
unsigned('jane@strict.example.org', 'example.org', 'fail reject', 'aspf=s');
unsigned('jane@strict.example.org', 'strict.example.org', 'pass reject', 'aspf=s, the same');
unsigned('jane@none.example.org', undef, 'fail none', 'a policy of its own');
unsigned('jane@alias.example.org', undef, 'fail none', 'a policy by CNAME');
unsigned('jane@two.example.org', undef, 'none none', 'two policies are none');
unsigned('jane@mixed.example.org', undef, 'fail reject', 'other texts are passed over');
unsigned('jane@long.example.org', undef, 'fail reject', 'a policy in two strings');
unsigned('jane@shop.co.uk', undef, 'none none', 'a public suffix speaks for nobody else');
unsigned('jane@nowhere.test', 'nowhere.test', 'none none', 'no such domain');
unsigned('jane@example.org, joe@other.test', 'example.org', 'permerror none', 'two addresses');
unsigned("jane\@example.org\r\nFrom: joe\@other.test", 'example.org', 'permerror none', 'two From');
unsigned('undisclosed:;', 'example.org', 'permerror none', 'no address');

unsigned('jane@a.b.c.example.org', undef, 'fail quarantine', 'far below');
is_deeply([sort grep { /_dmarc/ } ($dns->asked)[-2 .. -1]],
    ['_dmarc.a.b.c.example.org TXT', '_dmarc.example.org TXT'], 'two names are asked for, at once');

$dns->silent(1);
unsigned('jane@example.org', 'example.org', 'temperror none', 'the name server is silent');

done_testing();
