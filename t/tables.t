#!/usr/bin/perl
# Postfix's own tables, of each type beside "postmap -q": random keys, the same answers. TABLES_KEYS=5000 for many keys,
# TABLES_SEED for others. Then what becomes of tables that change, and of servers that go.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(decode encode_utf8);
use FilterdTest;
use FilterdTest::MariaDb;
use FilterdTest::PostgreSql;
use IPC::Open2;
use Test::More;

my $t = FilterdTest->new;
my $dir = $t->dir;
my $lookup = $t->build . '/t/lookup';
my $count = $ENV{TABLES_KEYS} // 250;
my $seed = srand($ENV{TABLES_SEED} // 14);

for my $kind (qw(yes no)) {
    mkdir "$dir/utf8_$kind";
    spew("$dir/utf8_$kind/master.cf", '');
    spew("$dir/utf8_$kind/main.cf", "compatibility_level = 3.6\nsmtputf8_enable = $kind\n");
}
$ENV{MAIL_CONFIG} = "$dir/utf8_yes";

# --- keys and rows

my @letters = (qw(a B c 9 . + - _ ' " \\ % ` @ $ / ; * ~), ' ', map { chr } 0xe9, 0xc9, 0xdf, 0x1e9e, 0x17f, 0x130, 0x131,
    0x65e5, 0x1f600, 0x301, 0x13a0, 0xfb00, 0x3a3, 0x3c2, 0x212a, 0x1c5);

sub word { return join '', map { $letters[rand @letters] } 1 .. rand $_[0] }

sub random_key {
    my $kind = rand;
    return word(7) if $kind < .25;
    return word(4) . '@' . word(4) . '@' . word(3) if $kind < .35;
    return word(5) . '@' . join '', map { (qw(a b C d .))[rand 5] } 1 .. rand 9;
}

my @keys = ('', '@', 'a@', '@b', 'a@b', 'A@B.C', '%s', '%u@%d', 'user@mail.example.com', 'u@..', 'u@a..b.', "o'brien\@x.org",
    'a\\', "a\\'b", '"q q"@x.org', "'; DROP TABLE a; --", "\\'; DROP TABLE a; --", 'x' x 5000, 'y@' . 'z.' x 800);
push @keys, random_key() while @keys < $count;
@keys = map { encode_utf8($_) } @keys;
for my $bad ("\xff", "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xc0\x80") { # not UTF-8
    push @keys, map { my $key = $_; substr $key, rand(1 + length $key), 0, $bad; $key } @keys[map { rand @keys } 1 .. 5];
}
# postmap takes a key of "-" for its input's name.
@keys = do { my %seen = ('-' => 1); grep { !$seen{$_}++ } @keys };

my @values = ('v@x.org', '', '@d', 'u@', 'plain', "q'u", ',', 'a,b', 'v%s', 'x@y@z', undef, '\\', "caf\xc3\xa9\@x.org");
my @rows;
for my $key (grep { length $_ < 500 } @keys) {
    my $text = eval { decode('UTF-8', my $copy = $key, Encode::FB_CROAK) } // next;
    my $folded = encode_utf8(CORE::fc($text));
    push @rows, [rand() < .9 ? $folded : $key, $values[rand @values], (undef, '', 'second')[rand 3]]
        for 1 .. (0, 1, 1, 1, 2, 3)[rand 6];
}

sub inserts {
    my ($quote) = @_;
    return join '', map { 'INSERT INTO a VALUES (' . join(', ', map { defined ? $quote->($_) : 'NULL' } @$_) . ", 1);\n" }
        @rows;
}

sub standard { return "'" . $_[0] =~ s/'/''/gr . "'" }

sub backslashed { return "'" . $_[0] =~ s/(['\\])/\\$1/gr . "'" }

# --- the tables

my $mysql = FilterdTest::MariaDb->start($t);
$mysql->database('site', "SET NAMES utf8mb4;\nCREATE TABLE a (k VARCHAR(600) COLLATE utf8mb4_bin, v TEXT, w TEXT, n INT);\n"
    . "CREATE PROCEDURE pr(IN x TEXT) READS SQL DATA SELECT v FROM a WHERE k = x ORDER BY v;\n"
    . "CREATE PROCEDURE nothing(IN x TEXT) DO 1;\n" . inserts(\&backslashed), 'reader', 'p w');
$mysql->sql("GRANT EXECUTE ON site.* TO 'reader'\@'$_';") for qw(localhost 127.0.0.1);
my $pgsql = FilterdTest::PostgreSql->start($t);
# Postfix before 3.8 takes Latin 1 from PostgreSQL, and so no value with an accent from any table.
my ($minor) = `postconf -h mail_version` =~ /^3\.(\d+)/;
$pgsql->database('site', "CREATE TABLE a (k TEXT, v TEXT, w TEXT, n INT);\n"
    . ($minor < 8 ? inserts(\&standard) =~ s/caf\xc3\xa9/cafe/gr : inserts(\&standard))
    . 'CREATE FUNCTION f(text) RETURNS text LANGUAGE sql AS $$ SELECT v FROM a WHERE k = $1 ORDER BY v LIMIT 1 $$;',
    'reader', 'p w');
$t->try_run("CREATE TABLE a (k, v, w, n);\nBEGIN;\n" . inserts(\&standard) . "COMMIT;\n", 'sqlite3', "$dir/a.sqlite");

my %head = (
    mysql => "hosts = unix:$mysql->{socket}\nuser = reader\npassword = p w\ndbname = site\n",
    pgsql => "hosts = unix:$pgsql->{dir}:$pgsql->{port}\nuser = reader\npassword = p w\ndbname = site\n",
    sqlite => "dbpath = $dir/a.sqlite\n",
);
$head{pgsql} =~ s/unix:\S+/inet:127.0.0.1:$pgsql->{port}/;

# A map file; the type's own lines before it, unless others are given.
sub map_file {
    my ($type, $name, $lines, $head) = @_;
    spew("$dir/$type.$name.cf", ($head // $head{$type}) . $lines);
    return "$type:$dir/$type.$name.cf";
}

my $by_key = "FROM a WHERE k = '%s' ORDER BY v, w";
my %sql = (
    plain => "query = SELECT v $by_key\n",
    columns => "query = SELECT v, w $by_key\n",
    echo => "query = SELECT '%s', '%u', '%d %%'\n",
    local => "query = SELECT '%u'\n",
    domain => "query = SELECT '%D'\n",
    labels => "query = SELECT '%2', '[%1]'\n",
    format => "query = SELECT v $by_key\nresult_format = %u-%d-%%\n",
    of_key => "query = SELECT v $by_key\nresult_format = smtp:[%s] (%U at %D, %1)\n",
    const => "query = SELECT v $by_key\nresult_format = const\n",
    domains => "query = SELECT '%s'\ndomain = b, !c.b, C.b, texthash:$dir/domains, $dir/more_domains\n",
    old => "select_field = v\ntable = a\nwhere_field = k\nadditional_conditions = AND n = 1\n   ORDER BY v\n",
    nothing => "query = SELECT 1 FROM a WHERE 1 = 0\n",
    twice => "query = SELECT 'x'\n# c\nquery = SELECT '\$y'\n",
);
spew("$dir/domains", "a.b x\nb.a y\n");
spew("$dir/more_domains", "d\nd.d, a\n");

my $source = "# a comment\n\n  \n\"b c\" 3\nD   5\n cont\nnokey\ne: 6\n\"f\"g 7\n\xc3\x89 8\nx\"y z\" 9\na\\\"b c\n\"un x\n"
    . "tr\\ k v\nvt\x0b2\ncr 1\r\n"
    . join '', map { my $key = lc $_->[0]; $key =~ /[\s"\\]|^#|^$/ ? () : "$key\t" . ($_->[1] || 'v') . "\n" }
    do { my %seen; grep { !$seen{lc $_->[0]}++ } @rows };
my @compiled = qw(hash btree lmdb cdb);
spew("$dir/text", $source . "bad\xff 4\nbv \xff\n");
for my $type (@compiled) {
    spew("$dir/$type", $source);
    $t->try_run(undef, 'postmap', "$type:$dir/$type");
}

my $patterns = <<'END';
/^.$/ one
/^x(.)y$/ got $1
/^n(o)?e$/ [$1]
!/^[a-z0-9@.+ "'\\-]*$/ negated
/^(.)@b$/ $1 at ${1} $$1 $(1)x
/^bad(.)$/ ${1
/^worse(.)$/ $2
/(unbalanced/ x
/^flag$/q x
|^(a.*)@(.)$| $2,$1
/^A/i case
if /@/
!/@.*@/ one at
if !/\./
/@(.*)@/ $1
endif
endif
IF /^%/
/^%(.)/ %$1
EndIf
endif
/^é(.*)/ acute $1.
xno rule
/^Q
END
spew("$dir/$_", $patterns) for qw(pcre regexp);

my @tables = (
    "texthash:$dir/text", (map { "$_:$dir/$_" } @compiled, qw(pcre regexp)),
    'inline:{a=1,b=2, {c = x y}, a=3,{ @b = catch }}', 'static:x', 'static:{ all of it }',
    'pcre:{ {if /a/} {/(a)([a-z@.])/ $2$1} {endif} {/b/ B} }', 'regexp:{{/^(b)/ $1}}',
    "unionmap:{ inline:{a\@b=1}, pcre:$dir/pcre, texthash:$dir/text }",
    "pipemap:{texthash:$dir/text, inline:{v=w, v\@x.org=z}}",
    (map { my $type = $_; map { map_file($type, $_, $sql{$_}) } sort keys %sql } qw(mysql pgsql sqlite)),
    map_file('mysql', 'tcp', $sql{plain}, $head{mysql} =~ s/unix:\S+/127.0.0.1:$mysql->{port}/r),
    map_file('mysql', 'procedure', "query = CALL pr('%s')\n"),
    map_file('mysql', 'no_rows', "query = CALL nothing('%s')\nrequire_result_set = no\n"),
    map_file('pgsql', 'function', "select_function = f\n"),
    map_file('pgsql', 'several', "query = SELECT '1'; SELECT '2'\n"),
    map_file('pgsql', 'socket', $sql{plain}, "hosts = unix:$pgsql->{dir}\ndbname = port=$pgsql->{port} dbname=site\nuser = reader\n"),
    map_file('pgsql', 'uri', $sql{plain}, "hosts = postgresql://reader:p%20w\@127.0.0.1:$pgsql->{port}/site\ndbname = site\n"),
);

# --- the same answers

# What postmap says: key => "found VALUE" or "none"; an empty value is a mistake for Postfix, so it is "temp". It ends at
# the first key that a table cannot answer (one that is not UTF-8, of a server that is told it were): the others are
# asked again without that one.
sub theirs {
    my ($table, @asked) = @_;
    my ($status, $out, $err) = $t->try_run(join('', map { "$_\n" } @asked), 'postmap', '-q', '-', $table);
    return { $asked[0] => 'temp' } if $err =~ /fatal/ && @asked == 1;
    return { map { %{ theirs($table, @$_) } } [splice @asked, 0, @asked / 2], \@asked } if $err =~ /fatal/;
    my %found;
    for my $key (@asked) {
        $found{$key} = $out =~ s/\A\Q$key\E\t([^\n]*)\n// ? length $1 ? "found $1" : 'temp' : 'none';
    }
    return \%found;
}

sub ours {
    my ($table, @asked) = @_;
    my ($status, $out, $err) = $t->try_run(join('', map { "$_\n" } @asked), $lookup, $table);
    my @answers = split /\n/, $out, -1;
    return { map { $asked[$_] => $answers[$_] // "nothing: $err" } 0 .. $#asked };
}

sub same {
    my ($table, $what) = @_;
    my @asked = $table =~ /^lmdb:/ ? grep { length $_ && length $_ < 500 } @keys : @keys; # others LMDB cannot have
    my ($theirs, $ours) = (theirs($table, @asked), ours($table, @asked));
    my $name = $table =~ s{\Q$dir\E/}{}gr;
    return fail("$name: postmap cannot read it") if !grep { $_ ne 'temp' } values %$theirs;
    my @differ = grep { $theirs->{$_} ne $ours->{$_} } @asked;
    my $found = grep { $_ ne 'none' } values %$theirs;
    ok(!@differ, sprintf '%s: %d keys, %d found%s', $name, scalar @asked, $found, $what // '')
        or diag("seed $seed\n", map { "key <$_>: <$theirs->{$_}>, here <$ours->{$_}>\n" } splice @differ, 0, 5);
}

same($_) for @tables;
is_deeply(ours("proxy:texthash:$dir/text", @keys), theirs("texthash:$dir/text", @keys), 'proxy: is taken off');
$ENV{MAIL_CONFIG} = "$dir/utf8_no";
same($_, ', smtputf8_enable = no') for "texthash:$dir/text", "hash:$dir/hash", "pcre:$dir/pcre", 'static:x',
    map { "$_:$dir/$_.plain.cf" } qw(mysql pgsql sqlite);
$ENV{MAIL_CONFIG} = "$dir/utf8_yes";

# --- what cannot be answered is neither found nor "none", in Postfix and here

for my $case ([mysql => limit => "query = SELECT 1 UNION SELECT 2\nexpansion_limit = 1\n"],
    [pgsql => limit => "query = SELECT 1 UNION SELECT 2\nexpansion_limit = 1\n"],
    [sqlite => limit => "query = SELECT 1 UNION SELECT 2\nexpansion_limit = 1\n"],
    [mysql => no_table => "query = SELECT x FROM nowhere\n"], [pgsql => no_table => "query = SELECT x FROM nowhere\n"],
    [sqlite => no_table => "query = SELECT x FROM nowhere\n"], [mysql => sets => "query = CALL nothing('%s')\n"],
    [pgsql => password => $sql{plain}, $head{pgsql} =~ s/p w/wrong/r],
    [mysql => password => $sql{plain}, $head{mysql} =~ s/p w/wrong/r],
    [pgsql => gone => $sql{plain}, $head{pgsql} =~ s/:\d+$/:1/mr], [mysql => gone => $sql{plain}, $head{mysql} =~ s/sock$/none/mr],
    [sqlite => gone => $sql{plain}, "dbpath = $dir/none\n"]) {
    my $table = map_file(@$case);
    my ($status, $out, $err) = $t->try_run(undef, 'postmap', '-q', 'secret@b', $table);
    ok($err =~ /fatal/ && $out eq '', "$case->[0], $case->[1]: postmap fails") or diag("$status $out $err");
    ($status, $out, $err) = $t->try_run("secret\@b\n", $lookup, $table);
    is($out, "temp\n", "$case->[0], $case->[1]: so does a lookup here");
    unlike($err, qr/secret|p w|wrong.*wrong/, 'and says neither the key nor the password');
}

# --- tables that change, servers that go

# Keeps asking the same process.
sub session {
    my ($table) = @_;
    my $pid = open2(my $out, my $in, 'sh', '-c', 'exec "$0" "$1" 2>>"$2"', $lookup, $table, $t->log_file('lookup'));
    $t->at_end(sub { close $in; waitpid $pid, 0 });
    return sub { my ($key) = @_; print $in "$key\n"; $in->flush; my $answer = <$out> // 'nothing'; chomp $answer; return $answer };
}

for my $type (@compiled) {
    my $ask = session("$type:$dir/$type.changes");
    is($ask->('new'), 'temp', "$type: not compiled yet");
    spew("$dir/$type.changes", "new 1\n");
    $t->run('postmap', "$type:$dir/$type.changes");
    ok(poll(sub { $ask->('new') eq 'found 1' }), "$type: compiled");
    spew("$dir/$type.changes", "new 2\n");
    $t->run('postmap', "$type:$dir/$type.changes");
    ok(poll(sub { $ask->('new') eq 'found 2' }), "$type: compiled anew");
    my ($file) = glob "$dir/$type.changes.*";
    spew($file, "no database\n");
    ok(poll(sub { $ask->('new') eq 'temp' }), "$type: damaged");
    unlink $file;
    is($ask->('new'), 'temp', "$type: gone");
}

for my $server ([mysql => $mysql], [pgsql => $pgsql]) {
    my ($type, $runs) = @$server;
    my $ask = session(map_file($type, 'goes', "query = SELECT 'here'\n"));
    is($ask->('x'), 'found here', "$type: the server answers");
    $runs->down;
    is($ask->('x'), 'temp', "$type: it has gone");
    is($ask->('x'), 'temp', "$type: it still has");
    $runs->up;
    ok(poll(sub { $ask->('x') eq 'found here' }), "$type: it is back");
    $runs->down;
    $runs->up;
    poll(sub { eval { $runs->sql('SELECT 1') } }); # it listens before it answers
    is($ask->('x'), 'found here', "$type: a restart between two lookups goes unnoticed");
}

# --- one value of a zero byte and what is not UTF-8, as a key in a column has

$mysql->sql("CREATE TABLE b (v BLOB); INSERT INTO b VALUES (x'990041ff');", 'site');
my $raw = map_file('mysql', 'raw', "query = SELECT v FROM b\n");
my (undef, $bytes) = $t->try_run("x\n", $lookup, 'raw', $raw);
is($bytes, "found \x99\0A\xff\n", 'all bytes of a value can be had');
is(ours($raw, 'x')->{x}, 'temp', 'but where a text is expected it is none');

# --- memory

for my $table ("hash:$dir/hash", "pcre:$dir/pcre", map { "$_:$dir/$_.echo.cf" } qw(mysql pgsql sqlite)) {
    my $times = $ENV{TABLES_LOOKUPS} // 3000;
    my ($status, $out) = $t->try_run("alice\@b\nnone\n", $lookup, 'repeat', $times, $table);
    ok($out =~ /^(-?\d+) KB more/ && $1 < 1024, sprintf '%s: %d lookups do not make it grow', $table =~ s/\Q$dir\E.//r, 2 * $times)
        or diag($out);
}

done_testing;
