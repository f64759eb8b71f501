#!/usr/bin/perl
# From: whatever mail readers may show there counts, however it is written, for DMARC and
# for deny; allow wants one address that is proved.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Dns;
use FilterdTest::Mail;
use FilterdTest::Signer;
use FilterdTest::Site;
use Test::More;

my $world = FilterdTest->new;
my $signer = FilterdTest::Signer->new($world, domain => 'signed.test');
$signer->key('good', 'rsa:1024');
$signer->key('try', 'rsa:1024', 't=y; ');
my $dns = FilterdTest::Dns->start(t => $world, zones => {
    'mydomain.test' => qq(_dmarc TXT "v=DMARC1; p=reject"\n\@ TXT "v=spf1 ip4:192.0.2.1 -all"\n),
    'mild.test' => qq(_dmarc TXT "v=DMARC1; p=quarantine"\n),
    'junk.test' => qq(\@ TXT "v=spf1 ip4:198.51.100.9 -all"\n),
    'signed.test' => $signer->zone . qq(_dmarc TXT "v=DMARC1; p=reject"\n),
});
my $site = FilterdTest::Site->start(users => ['plain'],
    set => { 'dns.server' => $dns->server, 'dns.timeout_ms' => 20000, 'filterd.domains' => 'example.com, ours.test' });
my ($t, $filterd, $dovecot) = @$site{qw(t filterd dovecot)};
my ($user, $count) = ('plain@example.com', 0);

sub with_from {
    my ($from) = @_;
    return mail_like(subject => 'Your invoice') =~ s/^From: [^\r]*/From: $from/mr;
}

# What a message weighs by who seems to have sent it, its names, and all that explain says.
sub weight {
    my ($from) = @_;
    my $file = $t->dir . '/message';
    spew($file, ref $from ? $$from : with_from($from));
    my $out = $filterd->ctl('explain', '-u', $user, '--client', '198.51.100.9', '--helo', 'mail.junk.test',
        '--sender', 'x@junk.test', $file);
    my ($sum, @names) = (0);
    while ($out =~ /^ *([-+][\d.]+) +\S+ +((?:dmarc:[\w:]+)|from-\w+): /mg) {
        $sum += $1;
        push @names, $2;
    }
    return ($sum, "@names", $out);
}

# The word in X-Filterd-Result of a message that junk.test sends.
sub result {
    my ($message, $sender) = @_;
    my $c = $site->lmtp;
    $c->say('XFORWARD ADDR=198.51.100.9 NAME=mail.junk.test HELO=mail.junk.test');
    like($c->deliver($message, $sender // 'x@junk.test', $user), qr/^250/);
    return header(($dovecot->wait_mails(++$count, $user))[-1], 'X-Filterd-Result');
}

my %forged = (
    'as anybody would' => 'Bank <o@mydomain.test>',
    'a name that is an address' => 'o@mydomain.test <o@mydomain.test>',
    'a bracket too many' => 'Bank <o@mydomain.test>>',
    'a bracket too few' => 'Bank <o@mydomain.test',
    'before the null sender' => 'o@mydomain.test <>',
    'before it, and another' => 'o@mydomain.test <>, x@junk.test',
    'an open quote' => '"Bank <o@mydomain.test>',
    'an open comment' => '(Bank <o@mydomain.test>',
    'an open literal' => '[Bank <o@mydomain.test>',
    'a comment in the middle' => 'Bank <o@my(comment)domain.test>, o@mydomain(x).test',
    'two addresses' => 'Bank <o@mydomain.test>, x@junk.test',
    'two addresses, the other first' => 'x@junk.test, Bank <o@mydomain.test>',
    'two, without a comma' => '<x@junk.test> o@mydomain.test',
    'two fields' => "Bank <o\@mydomain.test>\r\nFrom: x\@junk.test",
    'two fields, the other first' => "x\@junk.test\r\nfrom : Bank <o\@mydomain.test>",
    'a group' => 'Bank: o@mydomain.test;',
    'the root' => 'Bank <o@mydomain.test.>',
    'capitals' => 'Bank <o@MyDomain.TEST>',
    'a subdomain beside' => 'o@mydomain.test, x@mail.junk.test',
    'encoded' => '=?utf-8?q?Bank_=3Co=40mydomain.test=3E?=',
    'two at signs' => 'Bank <o@mydomain.test@junk.test>',
    'a local part too long' => 'Bank <' . 'o' x 400 . '@mydomain.test>',
    'two roots' => 'Bank <o@mydomain.test..>',
    'in quotes, alone' => '"Bank <o@mydomain.test>"',
    'in quotes, nothing but it' => '"o@mydomain.test"',
    'in a comment, alone' => '(o@mydomain.test)',
    'in a comment behind a word' => 'Bank (o@mydomain.test)',
    'in quotes, before the null sender' => '"Bank <o@mydomain.test>" <>',
    'in quotes, and another' => '"Bank <o@mydomain.test>", x@junk.test',
    'in quotes, and another without a comma' => '"Bank <o@mydomain.test>" x@junk.test',
    'the name of a group' => '"o@mydomain.test": x@junk.test;',
    'encoded, and another' => '=?utf-8?q?Bank_=3Co=40mydomain.test=3E?=, x@junk.test',
    'encoded, and another without a comma' => '=?utf-8?q?Bank_=3Co=40mydomain.test=3E?= x@junk.test',
    'the encoded name of a group' => '=?utf-8?q?Bank_=3Co=40mydomain.test=3E?=: x@junk.test;',
    'a quoted domain' => 'o@"mydomain.test"',
    'a quoted domain in brackets' => 'Bank <o@"mydomain.test">',
    'a quoted end of the domain' => 'o@mydomain."test"',
    'a quoted middle of the domain' => 'Bank <o@my"domain".test>',
    'a backslash' => 'Bank <o@mydomain\\.test>',
    'a comment within' => 'Bank <o@my(x)domain.test>',
    'a comment within, no brackets' => 'o@my(x)domain.test',
    'a mark from left to right' => "Bank <o\@\xe2\x80\x8emydomain.test>",
    'a blank that does not break' => "Bank <o\@\xc2\xa0mydomain.test>",
    'a letter without a glyph' => "Bank <o\@my\xe3\x85\xa4domain.test>",
    'a wide sign for @' => "Bank <o\xef\xbc\xa0mydomain.test>",
    'a small sign for @' => "o\xef\xb9\xabmydomain.test",
    'behind a thousand' => join(",\r\n ", (map { "a$_\@junk.test" } 1 .. 1001), 'Bank <o@mydomain.test>'),
    'a field behind a thousand' => join(",\r\n ", map { "a$_\@junk.test" } 1 .. 1001) . "\r\nFrom: Bank <o\@mydomain.test>",
);
my @name = ('o@mydomain.test <x@junk.test>', '"o@mydomain.test" <x@junk.test>', 'x@junk.test (Bank <o@mydomain.test>)',
    '=?utf-8?q?o=40mydomain.test?= <x@junk.test>', '"\'o@mydomain.test\' via List" <x@junk.test>',
    "o\xef\xbc\xa0mydomain.test <x\@junk.test>", "\"\xe2\x80\xaetset.niamodym\@o\" <x\@junk.test>",
    '"o@mydomain.test"@junk.test', 'o@mydomain.test <x@junk.test>, y@junk.test');

subtest 'weights' => sub {
    for my $how (sort keys %forged) {
        my ($weight, $names, $out) = weight($forged{$how});
        cmp_ok($weight, '==', 2.5, $how) or diag($out);
    }
    my ($message) = with_from('Bank <o@mydomain.test>');
    cmp_ok((weight(\($message =~ s/mydomain/my\0domain/r)))[0], '==', 2.5, 'NUL in the domain');
    cmp_ok((weight(\($message =~ s/<o\@mydomain\.test>/o\@mydomain.test\0.junk.test/r)))[0], '==', 2.5, 'NUL behind it');
    my @more = (
        ['x@junk.test, y@mail.junk.test', 0, 'dmarc:permerror', 'two addresses of who sent it'],
        ['x@junk.test, y@nowhere.test', 0, 'dmarc:permerror', 'one without a policy'],
        ['x@junk.test, y@mild.test', 1.5, 'dmarc:fail:quarantine', 'one with a milder policy'],
        ['X <x@junk.test>>', 1.5, 'dmarc:permerror from-uncertain', 'a syntax error alone'],
        ['M <m@mild.test>>', 2.5, 'dmarc:fail:quarantine from-uncertain', 'both together: at most 2.5'],
        ['a@a.test, b@b.test, c@c.test, d@d.test', 2.5, 'dmarc:fail:reject', 'too many to ask'],
        ['mydomain.test <x@junk.test>', 0, 'dmarc:none', 'a name'],
        (map { [$_, 0, /,/ ? 'dmarc:permerror' : 'dmarc:none', "a name: $_"] } @name),
        (map { [s/mydomain/ours/r =~ s/niamodym/sruo/r, 1.5, (/,/ ? 'dmarc:permerror' : 'dmarc:none') . ' from-borrows', "a name of ours: $_"] } @name),
        ['"o@ours.test" <p@OURS.test>, x@junk.test', 0, 'dmarc:permerror', 'a name of ours and an address of ours'],
        ['o@mail.ours.test <m@mild.test>', 2.5, 'dmarc:fail:quarantine from-borrows', 'both together: at most 2.5, again'],
        ["\"o\@ours.test\" <x\@junk.test>\r\nFrom: x\@junk.test", 2.5, 'dmarc:permerror from-uncertain from-borrows', 'all three'],
        ['o@ours.test.junk.test <x@junk.test>', 0, 'dmarc:none', 'not ours'],
        ['=?utf-7?q?Bank_+ADw-o+AEA-mydomain.test+AD4-?=', 1.5, 'dmarc:permerror from-uncertain', 'a name alone that nobody can decode'],
        ['undisclosed:;', 0, 'dmarc:permerror', 'no address'],
    );
    for my $case (@more) {
        my ($from, $expected, $expected_names, $name) = @$case;
        my ($weight, $names, $out) = weight($from);
        is("$weight $names", "$expected $expected_names", $name) or diag($out);
    }
    my @before = $dns->asked;
    weight('x@junk.test, y@mild.test');
    is_deeply([grep { /^_dmarc/ } ($dns->asked)[@before .. $dns->asked - 1]], ['_dmarc.mild.test TXT'],
        'who is proved is not asked');
    spew($t->dir . '/message', with_from('X <x@junk.test>>'));
    unlike($filterd->ctl('explain', '-u', $user, $t->dir . '/message'), qr/from-uncertain/,
        'where no client is known nobody is judged by where mail comes from');
};

subtest 'deny' => sub {
    $filterd->ctl(qw(user set), $user, 'deny=mydomain.test');
    is(result(with_from($forged{$_})), 'Blocklisted', $_) for sort keys %forged;
    is(result(with_from($_)), 'Blocklisted', "a name: $_") for @name;
    is(result(with_from('x@junk.test'), 'o@mydomain.test.'), 'Blocklisted', 'the sender, with a trailing dot');
    $filterd->ctl(qw(user set), $user, "deny=b\xc3\xbccher.test,o\@mydomain.test");
    is(result(with_from($_)), 'Blocklisted', $_)
        for 'o@xn--bcher-kva.test', "o\@b\xc3\xbccher.test", '"o"@mydomain.test', 'a@junk.test, O@Mydomain.test.';
    isnt(result(with_from($_)), 'Blocklisted', "not $_")
        for 'p@mydomain.test', '"p@mydomain.test" <x@junk.test>', join(', ', map { "a$_\@junk.test" } 1 .. 999);
    $filterd->ctl(qw(user set), $user, 'deny=');
};

subtest 'allow' => sub {
    $filterd->ctl(qw(user set), $user, 'allow=junk.test,signed.test');
    is(result(with_from('X <x@junk.test>'), 'bounce@junk.test'), 'Whitelisted', 'one address that is proved');
    $filterd->ctl(qw(user set), $user, 'allow=boss@junk.test,signed.test');
    isnt(result(with_from($_)), 'Whitelisted', $_ =~ s/\r\n/ /r)
        for 'boss@junk.test, x@junk.test', "boss\@junk.test\r\nFrom: x\@junk.test", '"boss@junk.test', 'boss@junk.test>';
    $filterd->ctl(qw(user set), $user, 'allow=junk.test');
    isnt(result(with_from($_), 'bounce@junk.test'), 'Whitelisted', "not for $_")
        for 'boss@mydomain.test <x@junk.test>', '"boss@ours.test" <x@junk.test>', 'x@junk.test, y@junk.test';
    is(result(with_from($_), 'bounce@junk.test'), 'Whitelisted', "but for $_")
        for '"boss@mydomain.test" <x@junk.test>', 'x@mail.junk.test <x@junk.test>', 'Jane @ home <x@junk.test>';
    $filterd->ctl(qw(user set), $user, 'allow=signed.test');
    my $message = with_from('S <s@signed.test>');
    is(result($signer->sign($message, 'good')), 'Whitelisted', 'a signature');
    isnt(result($signer->sign($message, 'try')), 'Whitelisted', 'one by a key for testing (t=y)');
    isnt(result($signer->sign(with_from("$_ <s\@signed.test>"), 'good')), 'Whitelisted', "under the name $_")
        for 'boss@mydomain.test', '"boss@ours.test"';
    $filterd->ctl(qw(user set), $user, 'allow=boss@junk.test');
    isnt(result(with_from("$_ <x\@junk.test>")), 'Whitelisted', "as the name $_") for '"boss@junk.test"', 'boss@junk.test';
    my $records = sub {
        my ($known) = @_;
        my $of = $known ? ' WHERE correspondent IS NOT NULL' : '';
        return $t->run('sqlite3', '-cmd', '.timeout 60000', $t->dir . "/state/users/$user.db",
            "SELECT count(*) FROM record$of") + 0;
    };
    ok(poll(sub { $records->(0) == $count }), 'all of them are recorded');
    is($records->(1), 1, 'only the one that is proved counts for a known correspondent');
};

# The same through a real Postfix, whose cleanup and whose milter protocol take the header apart on the way.
sub attached {
    my (@attach) = @_;
    my $there = FilterdTest::Site->start(attach => \@attach, users => ['plain'],
        main => "smtpd_authorized_xclient_hosts = 127.0.0.0/8\nmynetworks = 127.0.0.0/8, 198.51.100.0/24\n"
            . "local_header_rewrite_clients =\n",
        set => { 'dns.server' => $dns->server, 'dns.timeout_ms' => 20000, 'filterd.domains' => 'example.com, ours.test' });
    my $got = 0;
    my $c = $there->{postfix}->client;
    like($c->say('XCLIENT ADDR=198.51.100.9 NAME=mail.junk.test'), qr/^220/, 'from where it comes') or return;
    $c->say('EHLO mail.junk.test');
    my $is = sub {
        my ($expected, $name, $from) = @_;
        like($c->deliver(with_from($from), 'x@junk.test', $user), qr/^250/) or return;
        my $result = header(($there->{dovecot}->wait_mails(++$got, $user))[-1], 'X-Filterd-Result');
        is($expected eq $result ? $expected : $result eq 'Blocklisted' || $result eq 'Whitelisted' ? $result : '', $expected, $name);
    };
    $there->{filterd}->ctl(qw(user set), $user, 'allow=junk.test');
    $is->('Whitelisted', "allowed: $_", $_) for 'X <x@junk.test>', '"boss@mydomain.test" <x@junk.test>';
    $is->('', "not allowed: $_", $_) for 'boss@mydomain.test <x@junk.test>', '"boss@ours.test" <x@junk.test>', 'x@junk.test, y@junk.test';
    $there->{filterd}->ctl(qw(user set), $user, 'allow=', 'deny=mydomain.test');
    $is->('', 'not denied', 'X <x@junk.test>');
    $is->('Blocklisted', $_, $forged{$_}) for sort keys %forged;
    $is->('Blocklisted', "a name: $_", $_) for @name;
    $is->('Blocklisted', 'NUL', "Bank <o\@my\0domain.test>") if "@attach" !~ /milter/;
    $c->quit;
}

subtest 'milter' => sub { attached('milter') };
subtest 'before the queue' => sub { attached(qw(smtpd_proxy_filter reinject)) };

done_testing;
