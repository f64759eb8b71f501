#!/usr/bin/perl
# SPF against a real name server: records that libspf2 alone gets wrong or dies of, the limits of RFC 7208,
# and which questions go out at the same time. The whole RFC suite: t/spf_suite.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Dns;
use Test::More;

# Strings of a TXT record end at 255 bytes.
sub txt { return join ' ', map { "\"$_\"" } unpack '(a255)*', $_[0] }

my $x2034 = 'x' x 2034;
my $zone = <<"END";
pass     TXT "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"
fail     TXT "v=spf1 -all"
soft     TXT "v=spf1 ~all"
neutral  TXT "v=spf1 ?all"
none     TXT "something else"
broken   TXT "v=spf1 ip4:192.0.2.1 moo -all"
two      TXT "v=spf1 +all"
two      TXT "v=spf1 -all"
split    TXT "v=spf1 ip4:192.0" ".2.1 -all"
spf99    SPF "v=spf1 +all"
mapped   TXT "v=spf1 ip6:::ffff:192.0.2.1 -all"
redirect TXT "v=spf1 ip4:192.0.2.1 redirect:pass.example"
cidr     TXT "v=spf1 ip4:192.0.2.1/032 -all"
null     TXT "v=spf1 a:host.example\\000"
host     A   192.0.2.1
zero     TXT "v=spf1 -a:other.example/0 +all"
other    A   198.51.100.1
exp      TXT "v=spf1 ~all exp=why.example"
why      TXT @{[ txt('%{s}' x 200) ]}
macro    TXT "v=spf1 exists:%{l}.%{ir}.%{v}.%{d2}.macro.example -all"
*.macro  A   127.0.0.2
long     TXT @{[ txt("v=spf1 -all x=$x2034") ]}
huge     TXT @{[ txt("v=spf1 +all x=${x2034}x") ]}
vast     TXT @{[ txt('v=spf1 +all ' . 'a ' x 5000) ]}
beside   TXT "v=spf1 -all"
beside   TXT @{[ txt('y' x 6000) ]}
mx       TXT "v=spf1 mx -all"
mx       MX  1 host
many     TXT "v=spf1 mx -all"
@{[ join "\n", map { "many MX $_ m$_.example.\nm$_ A 192.0.2.1" } 1 .. 11 ]}
nullmx   TXT "v=spf1 mx ?all"
nullmx   MX  0 .
ptr      TXT "v=spf1 ptr -all"
in.ptr   A   192.0.2.77
loop     TXT "v=spf1 include:loop.example +all"
turn     TXT "v=spf1 redirect=turn.example"
tree     TXT "v=spf1 include:b1.example include:b1.example include:b1.example ?all"
@{[ join "\n", map { my $n = $_ + 1; qq(b$_ TXT "v=spf1 include:b$n.example include:b$n.example include:b$n.example ?all") } 1 .. 6 ]}
b7       TXT "v=spf1 ?all"
ten      TXT "v=spf1 @{[ 'a:other.example ' x 10 ]} +all"
eleven   TXT "v=spf1 @{[ 'a:other.example ' x 11 ]} +all"
void     TXT "v=spf1 a:v1.example a:v2.example +all"
voids    TXT "v=spf1 a:v1.example a:v2.example a:v3.example +all"
alias    CNAME pass
wide     TXT "v=spf1 @{[ map { qq(a:w$_.example ) } 1 .. 8 ]} mx -all"
@{[ join "\n", map { "w$_ A 198.51.100.$_\nwide MX $_ h$_.example.\nh$_ A 192.0.2.$_" } 1 .. 8 ]}
END
my %zones = (example => $zone, '2.0.192.in-addr.arpa' => "77 PTR in.ptr.example.\n78 PTR in.ptr.example.\n");

my $PATIENCE_MS = 30_000; # where an answer comes: only a bound

my $t = FilterdTest->new;
my $dns = FilterdTest::Dns->start(t => $t, zones => \%zones);

sub settings {
    my ($server, $ms) = @_;
    my $dir = $t->dir;
    spew("$dir/conf", "[filterd]\nhostname=mx.example.org\nstate_dir=$dir\n[dns]\nserver=$server\ntimeout_ms=$ms\n");
}

sub spf {
    my ($sender, %o) = @_;
    open my $out, '-|', 'timeout', $FilterdTest::PATIENCE, $t->build . '/filterctl', '-c', $t->dir . '/conf', 'lookup', 'spf', '--',
        $o{from} // '192.0.2.1', $o{helo} // 'mail.example', $sender or die "$!\n";
    chomp(my $line = <$out> // '');
    close $out;
    return $o{whole} ? $line : ($line =~ /^(\w+)/)[0];
}

settings($dns->server, $PATIENCE_MS);
my @cases = (
    pass => 'pass', fail => 'fail', soft => 'softfail', neutral => 'neutral', none => 'none',
    missing => 'none', broken => 'permerror', two => 'permerror', split => 'pass', spf99 => 'none',
    alias => 'pass',
    # libspf2 says pass
    null => 'permerror', redirect => 'permerror', cidr => 'permerror', many => 'permerror',
    zero => 'fail',
    # libspf2 dies, or may
    exp => 'softfail', long => 'fail', huge => 'permerror', vast => 'permerror', beside => 'fail',
    # limits
    loop => 'permerror', turn => 'permerror', tree => 'permerror', ten => 'pass',
    eleven => 'permerror', void => 'pass', voids => 'permerror',
    macro => 'pass', mx => 'pass', nullmx => 'neutral', ptr => 'fail', wide => 'pass',
);
while (my ($name, $wanted) = splice @cases, 0, 2) {
    is(spf("who\@$name.example"), $wanted, "$name: $wanted");
}
is(spf('who@mapped.example', from => '::ffff:192.0.2.1'), 'fail', 'a mapped client is no IPv6 client');
is(spf('who@pass.example', from => '::ffff:192.0.2.1'), 'pass', '... but an IPv4 one');
is(spf('who@pass.example', from => '2001:db8::1'), 'pass', 'IPv6');
is(spf('who@fail.example', from => '127.0.0.1'), 'none', 'this host is nobody to ask about');
is(spf('who@ptr.example', from => '192.0.2.77'), 'pass', 'a name that stands by its address');
is(spf('who@ptr.example', from => '192.0.2.78'), 'fail', 'a name that does not');
like(spf('', helo => 'pass.example', whole => 1), qr/^pass\thelo=pass\.example: /, 'the null sender: HELO');
like(spf('Who@PASS.example', whole => 1), qr/^pass\tmailfrom=pass\.example: /, 'else the sender');
is(spf("x" x 300 . '@fail.example'), 'fail', 'a long local part');
is(spf('"a\"b c"@macro.example'), 'pass', 'an odd local part is asked for as it is');
is(spf("who\@pass.example\r\nX: y"), 'none', 'no line break gets through');

my @asked = $dns->asked;
is((grep { /^why/ } @asked), 0, 'no explanation was ever asked for');
is((grep { /SPF/ } @asked), 0, 'nor a record of type SPF');

my $alive = 0;
for my $n (280 .. 300) {
    $alive++ if spf(('y' x $n) . '@exp.example') eq 'softfail';
}
is($alive, 21, 'explanations over long senders kill nobody');
$dns->stop;

$dns = FilterdTest::Dns->start(t => $t, zones => \%zones,
    together => [['wide.example MX', map { "w$_.example A" } 1 .. 8], [map { "h$_.example A" } 1 .. 8]]);
settings($dns->server, $PATIENCE_MS);
is(spf('who@wide.example', from => '192.0.2.8'), 'pass', 'nine terms, eight exchangers: three round trips, not nineteen');
$dns->silent(1);
settings($dns->server, 700);
is(spf('who@pass.example'), 'temperror', 'a dead server holds nobody up for ever');
$dns->stop;
done_testing;
