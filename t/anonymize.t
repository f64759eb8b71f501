#!/usr/bin/perl
# Tables of header_checks: the same fields go through Postfix's reader of such tables and through ours.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Daemon;
use Test::More;

my $t = FilterdTest->new;
my $filterd = FilterdTest::Daemon->start($t, idle => 1);
my $table = $t->dir . '/table.pcre';

# What Postfix finds for one field: "" for nothing.
sub postfix_says {
    my ($field) = @_;
    my ($status, $out, $err) = $t->try_run("$field\n\n", qw(/usr/sbin/postmap -h -q -), "pcre:$table");
    die "postmap: $err" if $err =~ /\S/;
    $field =~ s/^([^:\s]*)\s+:/$1:/;
    return $out =~ /^\Q$field\E\t(.*)\n\z/s ? $1 : '';
}

# What cleanup(8) would make of the field then.
sub expected {
    my ($field) = @_;
    my ($verb, $text) = postfix_says($field) =~ /^(\S*)\s*(.*)/s;
    return $text if lc $verb eq 'replace';
    return $verb =~ /^(ignore|strip)$/i ? '' : $field;
}

# All fields in one message, between lines that show where each has gone.
sub ours {
    my (@fields) = @_;
    my $head = join '', map { "X-Mark-$_: x\n$fields[$_]\n" } 0 .. $#fields;
    my ($status, $out, $err) = $t->try_run("${head}X-Mark-end: x\n\nbody\n",
        $t->dir . '/bin/filterd-pipe', '-o', '-', '--', 'nobody@example.com');
    die "filterd-pipe: exit $status $err" if $status;
    $out =~ s/\r\n/\n/g;
    return map { $out =~ /^X-Mark-$_: x\n(.*?)\n?^X-Mark-/ms ? $1 : 'lost' } 0 .. $#fields;
}

# skip: fields of that name are not compared.
sub same {
    my ($name, $text, $skip, @fields) = @_;
    spew($table, $text, 0644);
    $filterd->settings('anonymize.inbound' => $table);
    my @ours = ours(@fields);
    subtest $name => sub {
        for my $i (0 .. $#fields) {
            is($ours[$i], expected($fields[$i]), $fields[$i] =~ s/\n/\\n/gr)
                if !$skip || $fields[$i] !~ $skip;
        }
    };
}

my @fields = (
    'Received: from [192.0.2.7] (host.example [192.0.2.7])
	(using TLSv1.3 with cipher X (256/256 bits))
	(Authenticated sender: alice@example.com)
	by mail.example.com (Postfix) with ESMTPSA id 4711
	for <bob@example.net>; Sat, 21 Nov 2026 12:00:00 +0000 (UTC)',
    'Received: from a by b with SMTP; Sat, 21 Nov 2026 11:00:00 +0000',
    'User-Agent: Mozilla/5.0', 'user-agent : Mutt', 'X-Mailer: x y', 'X-Mailer:', "X-Mailer:\n folded\n twice",
    'X-Enigmail-Version: 2.1', 'X-Originating-IP: [192.0.2.1]', 'X-Sender: alice@example.com',
    'MIME-Version: 1.0 (Mac OS X Mail 9.3 (3124))', 'Mime-Version: 1.0', 'X-PHP-Originating-Script: 0:x.php',
    'X-MIME-Autoconverted: from 8bit', 'Subject: X-Mailer: not one', 'X-Umlaut: \xc3\xa4', 'X-A: $1 ${2}',
    'X-B: foo bar foo', "X-C: one\n\ttwo\n three", 'X-D: 1/2', 'X-Long: ' . 'abcdefgh ' x 100, 'X-E: abab',
    'X-F: end ', 'To: "a, b" <c@d>',
);

same('the tutorials', <<'END', undef, @fields);
# privacy
/^\s*(Received: from)[^\n]*(.*)/ REPLACE $1 [127.0.0.1] (localhost [127.0.0.1])$2
/^\s*User-Agent/        IGNORE
/^\s*X-Enigmail/        IGNORE
/^\s*X-Mailer/          IGNORE
/^\s*X-Originating-IP/  IGNORE
/^\s*Mime-Version: 1.0.*/ REPLACE Mime-Version: 1.0
END

same('flags, negation, blocks, groups', <<'END', undef, @fields);
/^user-agent:/i     IGNORE only if lower
/^X-C: one..two/    REPLACE X-C: dot
/^X-C: one.{2}two/s REPLACE X-C: no dotall
/^ three$/m         REPLACE X-C: a line of its own
if /^X-/
if !/^X-[A-F]/
/^X-(Mailer|Umlaut):
 \s*(.)?/           REPLACE X-$1: <$2>
endif
# comment
|^X-D: (\d)/(\d)|   REPLACE X-D: $(2)\$(1) costs $$5
/^X-E: ((a)(b))+$/x REPLACE X-E: ${1}${2}${3}
/^X-E: (a|(z))(b)/  REPLACE X-E: [$1][$2][$3]
/END\s$/            DUNNO
/^x-b: (.*?) /      STRIP it
/(foo).*\1/U        REPLACE X-B: $1
endif
!/^(X-|Received)/   REPLACE X-Other: other
/by\ b\ with/xA     IGNORE
/ d \s :/x          IGNORE
/long: (abc\w+ ){9}/E REPLACE X-Long: $1
if /^received/
/^Received:\s+(.*?)\n(.*)$/ REPLACE Received: $1
	$2
endif
END

for my $which (qw(inbound submission)) {
    same("the shipped table, $which", slurp("$FilterdTest::ROOT/rules/anonymize-$which.pcre"),
        qr/^Received/i, @fields); # "if topmost" is ours alone
}

# What one reader cannot use the other does not accept either.
for my $bad ('/a', '/a/q IGNORE', '/(a/ IGNORE', '/a/ REPLACE X: $1', '!/(a)/ REPLACE X: $1', '/(a)/ REPLACE X: ${x}',
    '/(a)/ REPLACE X: $0', 'endif', 'if', "if /a/\n/b/ IGNORE", 'a: IGNORE', '/(a)/ REPLACE X: ${1', '/(a)/ REPLACE $ x') {
    spew($table, "$bad\n", 0644);
    my (undef, undef, $theirs) = $t->try_run(undef, qw(/usr/sbin/postmap -q a), "pcre:$table");
    my ($status, undef, $err) = $t->try_run(undef, $t->dir . '/bin/filterd', '-t');
    like($theirs, qr/warning|fatal/, "Postfix warns of: $bad");
    is($status, 78, 'and filterd -t refuses it');
    like($err, qr/^filterd: \Q$table\E:1: /, 'with file and line');
}

done_testing;
