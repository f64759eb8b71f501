#!/usr/bin/perl
# DKIM with real signatures and keys in a real zone; each known trap once.

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
my $s = FilterdTest::Signer->new($t, domain => 'example.org');
$s->key('rsa', 'rsa:2048');
$s->key('big', 'rsa:4096');
$s->key('ed', 'ed25519');
$s->key('weak', 'rsa:1024');
$s->key('tiny', 'rsa:512');
$s->key('under', 'rsa:1016');
$s->key('own', 'rsa:1024', 't=s; ');
$s->key('try', 'rsa:1024', 't=y; ');
my $zone = $s->zone(revoked => 'v=DKIM1; k=rsa; p=', nokey => 'v=DKIM1; k=rsa', junk => 'nothing',
    huge => $s->record('rsa') . '; n=' . 'x' x 1200,
    two => $s->record('rsa')) . 'two._domainkey ' . FilterdTest::Signer::txt($s->record('big')) . "\n";
my $dns = FilterdTest::Dns->start(t => $t, zones => { 'example.org' => $zone });
my $filterd = FilterdTest::Daemon->start($t, idle => 1,
    set => { 'dns.server' => $dns->server, 'dns.timeout_ms' => 1500, 'limits.header_count' => 3000 });

my $mail = <<'END';
Received: from a.example.org by mx.example.com; Sat, 21 Nov 2026 10:00:00 +0000
From: Jane Doe <jane@example.org>
To: bob@example.com
Subject: A letter
Date: Sat, 21 Nov 2026 10:00:00 +0000
Message-ID: <1@example.org>

Dear  Bob,

	this is the   letter. 


END

# The results of a message's signatures: lines "word reason".
sub results {
    my ($message) = @_;
    my $file = $t->dir . '/message';
    spew($file, $message);
    my ($status, $out, $err) = $t->try_run(undef, $t->dir . '/bin/filterctl', qw(lookup dkim), $file);
    return ("exit $status", $err) if $status;
    return map { /^(\w+)\t.* b=[^ :]{0,8}(?:: (.*))?\z/ ? $1 . (defined $2 ? " $2" : '') : $_ } split /\n/, $out;
}

sub gives {
    my ($message, $expected, $name) = @_;
    is_deeply([results($message)], ref $expected ? $expected : [$expected], $name);
}

# ---- good ones ----

gives($mail, "none\tno signature", 'not signed');
gives($s->sign($mail, 'rsa', method => $_), 'pass', "rsa-sha256, $_")
    for 'simple/simple', 'simple/relaxed', 'relaxed/simple', 'relaxed/relaxed', 'simple';
gives($s->sign($mail, 'ed', algorithm => 'ed25519-sha256'), 'pass', 'ed25519-sha256');
gives($s->sign($mail, 'big'), 'pass', '4096 bits');
gives($s->sign($mail, 'weak'), 'pass', '1024 bits');
gives($s->sign("From MAILER Sat Nov 21 10:00:00 2026\n$mail" =~ s/\AFrom .*\n//r, 'rsa')
    =~ s/\A/From MAILER Sat Nov 21 10:00:00 2026\r\n/r, 'pass', 'behind an mbox line');
gives($s->sign($mail =~ s/\n\n.*/\n\n/sr, 'rsa', method => $_), 'pass', "no body, $_")
    for 'simple/simple', 'relaxed/relaxed';
gives($s->sign($mail, 'rsa', tags => { x => time + 100, t => time - 5, i => 'jane@sub.example.org' }), 'pass',
    'times and an identity below the domain');
gives($s->sign($mail, 'try'), 'pass the key is for testing', 't=y');
gives($s->sign($mail, 'own', tags => { i => 'jane@example.org' }), 'pass', 't=s kept');
my $letter = $mail =~ s/\A.*?\n\n//sr;
(my $crlf = $letter) =~ s/\n/\r\n/g;
my $simple_length = length($crlf =~ s/(\r\n)+\z/\r\n/r);
gives($s->sign($mail, 'rsa', method => 'simple/simple', tags => { l => $simple_length }), 'pass',
    'l= is the whole body');
gives($s->sign($s->sign($mail, 'rsa'), 'ed', algorithm => 'ed25519-sha256'), ['pass', 'pass'], 'two');
gives($s->sign($mail =~ s/^Date: .*\n//mr, 'rsa'), 'pass', 'without a Date');
gives($s->sign($mail =~ s/^From: .*/From: Doe, Jane <jane\@example.org>/mr, 'rsa'), 'pass',
    'a From that is not quite one');
gives($s->sign($mail =~ s/^From: .*/From: "Jane <jane\@example.org>/mr, 'rsa'), 'pass', 'a From that is none');

# ---- altered ones ----

my $good = $s->sign($mail, 'rsa');
gives($good =~ s/letter\. /letter! /r, 'fail body hash did not verify', 'body altered');
gives($good =~ s/A letter/A LETTER/r, 'fail signature did not verify', 'header altered');
gives($good =~ s/s=rsa/s=big/r, 'fail signature did not verify', 'another key');
gives($s->sign($mail, 'ed', algorithm => 'ed25519-sha256') =~ s/A letter/A LETTER/r,
    'fail signature did not verify', 'ed25519, header altered');
gives($s->sign($mail, 'rsa', method => 'simple/simple') =~ s/Dear  /Dear /r, 'fail body hash did not verify',
    'simple: a blank');
gives($good =~ s/Dear  /Dear /r, 'pass', 'relaxed: a blank');

# ---- what must not pass though the library is content ----

gives($s->sign($mail, 'rsa', algorithm => 'rsa-sha1'), 'policy rsa-sha1 proves nothing', 'rsa-sha1');
gives($s->opendkim($mail, 'rsa'), 'policy rsa-sha1 proves nothing', 'signed by opendkim-testmsg, which knows no other');
gives($s->opendkim($mail, 'rsa') =~ s/A letter/A LETTER/r, 'fail signature did not verify', 'the same, altered');
gives($s->sign($mail, $_), 'policy key under 1024 bits', "$_ key") for 'tiny', 'under';
gives($s->sign($mail, 'rsa', tags => { l => 10 }), 'policy l= leaves a part of the body unsigned', 'l=');
gives($s->sign($mail, 'rsa', method => 'simple/simple', tags => { l => $simple_length - 1 }),
    'policy l= leaves a part of the body unsigned', 'l= one short');
gives($s->sign($mail, 'rsa', method => 'simple/simple', tags => { l => $simple_length }) . "more\r\n",
    'policy l= leaves a part of the body unsigned', 'text added behind l=');
gives($s->sign($mail, 'own', tags => { i => 'jane@sub.example.org' }),
    q(permerror identity is not the key's domain (t=s)), 't=s not kept');
gives("From: bank\@example.com\r\n$good", 'permerror more than one From', 'From doubled on top');
gives($good =~ s/^(From: .*\r\n)/$1From: bank\@example.com\r\n/mr, 'permerror more than one From',
    'From doubled below');
gives("Subject: You have won\r\n$good", 'permerror more than one Subject', 'Subject doubled');
gives($good =~ s/^(Subject: A letter)/$1\0, and a bill/mr, 'permerror NUL in the header', 'text behind NUL');
gives($s->sign($mail, 'rsa', headers => 'To:Subject') =~ s/^From: .*/From: bank\@example.com/mr,
    'permerror From is not signed', 'From not signed');
gives($s->sign($mail, 'rsa', tags => { x => time - 1000, t => time - 2000 }), 'fail signature has expired', 'expired');
gives($s->sign($mail, 'rsa', tags => { t => time + 5000 }), 'fail signature is of the future', 'future');
gives($s->sign($mail, 'rsa', tags => { l => 9999 }), 'fail body is shorter than l=', 'l= too large');
gives($s->sign($mail, 'rsa', tags => { l => '18446744073709551614' }), 'neutral l= is no length', 'l= wraps');
gives($s->sign($mail, 'rsa', tags => { i => 'jane@example.com' }), 'neutral identity not in the domain', 'i=');
gives($s->sign($mail, 'rsa', tags => { t => 'soon' }), 'neutral t= or x= is no time', 't= is no time');
gives($good =~ s/d=example/d=x.org; d=example/r, 'neutral syntax error', 'two d=');

# ---- keys ----

gives($good =~ s/s=rsa/s=gone/r, 'permerror no key', 'no such selector');
gives($good =~ s/s=rsa/s=revoked/r, 'permerror key was revoked', 'revoked');
gives($good =~ s/s=rsa/s=two/r, 'permerror more than one key', 'two keys');
like((results($good =~ s/s=rsa/s=$_/r))[0], qr/^permerror ./, "a key that is none: $_") for 'nokey', 'junk', 'huge';
like((results($good =~ s/s=rsa/s=ed/r))[0], qr/^permerror .*key/, 'the wrong kind of key');

# ---- many ----

my @asked = $dns->asked;
my $ten = $mail;
$ten = $s->sign($ten, $_ % 2 ? 'rsa' : 'weak') for 1 .. 10;
gives($ten, [('pass') x 10], 'ten signatures');
is_deeply([sort grep { /_domainkey/ } ($dns->asked)[@asked .. $dns->asked - 1]],
    ['rsa._domainkey.example.org TXT', 'weak._domainkey.example.org TXT'], 'each key is asked for once')
    or diag join ' | ', $dns->asked;
my $lengths = join '', map { $good =~ /\A(.*?\r\n)(?![\t ])/s ? $1 =~ s/;/; l=$_;/r : () } 1 .. 30;
is(scalar(() = results("$lengths$mail")), 10, 'of thirty ten are looked at');
my ($field) = $good =~ /\A(.*?\r\n)(?![\t ])/s;
my $tags = join '', map { " z$_=;" } 1 .. 40;
gives(($field =~ s/;/;$tags/r) . ($field =~ s/;/; z=@{['x' x 8200]};/r) . $good,
    ['fail signature did not verify', 'pass'], 'one over 8 KB is not looked at');
my $broken = $field =~ s/ d=[^;]*;//r;
gives($broken . ($field =~ s/s=rsa/s=gone/r) . $good, ['neutral no domain', 'permerror no key', 'pass'],
    'each for itself');

# The library writes behind its list when all fields are signed and one more is named.
for my $count (1 .. 12) {
    my @extra = map { "X-$_" } 1 .. $count;
    my $message = join('', map { "$_: x\n" } @extra) . "From: jane\@example.org\n\nHi\n";
    my $names = join ':', 'From', @extra, 'DKIM-Signature', ('Nothing') x 3;
    gives($s->sign($message, 'weak', headers => $names), 'fail signature did not verify',
        "all of $count fields and itself signed, and more");
}
my $fields = join '', map { "X-$_: x\r\n" } 1 .. 2100;
gives("$fields$good", 'permerror too many header fields', 'too many fields');

# ---- no answer ----

$dns->silent(1);
my $slow = $s->sign($mail, 'big') =~ s/s=big/s=silent/r;
gives($slow, 'temperror no answer for the key', 'the name server is silent');
gives($s->sign($slow, 'rsa', tags => { x => 5 }), ['fail signature has expired', 'temperror no answer for the key'],
    'an expired one needs no key');

done_testing();
