#!/usr/bin/perl
# filterctl alias import --postfix: the aliases in Postfix's own tables become known to filterd.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Daemon;
use FilterdTest::Keys;
use Test::More;

my $t = FilterdTest->new;
my $etc = $t->dir . '/postfix';
my $filterd = FilterdTest::Daemon->start($t, idle => 1, set => { 'deliver.next_hop' => 'maildir:' . $t->dir . '/box',
    'filterd.domains' => 'example.com, lists.example' });
$filterd->import_key(FilterdTest::Keys->new($t, "$_\@example.com", 'curve')) for qw(ann bob);
$filterd->ctl(qw(user set cleo@example.com mode=toe));

sub postfix {
    my (%set) = @_;
    mkdir $etc;
    spew("$etc/master.cf", "pickup unix n - n 60 1 pickup\n");
    spew("$etc/main.cf", "compatibility_level = 3.6\n" . join '', map { "$_ = $set{$_}\n" } sort keys %set);
}

spew("$etc.virtual", <<'END');
team@example.com ann@example.com, bob@example.com
deep@example.com deeper@example.com
deeper@example.com DEEPEST@lists.example
deepest@lists.example ann+x@example.com
loop@example.com loop2@example.com
loop2@example.com loop@example.com
ann@example.com ann@example.com
bob@example.com bob@example.com, ann@example.com
half@example.com ann@example.com, cleo@example.com
out@example.com ann@example.com, friend@elsewhere.example
gone@example.com friend@elsewhere.example
cleo2@example.com cleo@example.com
far@example.com dora@other.example
lists.example anything
@lists.example ann@example.com
END
# Each step leads to the next one twice: 2^25 ways to the end.
spew("$etc.ways", join '', map { my $n = $_ + 1; "way$_\@example.com l$n\@example.com r$n\@example.com\n"
            . join '', map { "$_$n\@example.com " . ($n < 25 ? "way$n" : 'ann') . "\@example.com\n" } qw(l r) } 0 .. 24);
spew("$etc.aliases", <<'END');
root: ann
Admins: root, bob
pipe: ann, "|/usr/bin/filter -x"
file: /var/mail/file, ann
list: :include:/etc/list, ann
END
spew("$etc.re", "/^(info|sales)\@example.com\$/ bob\@example.com\n/^a.n\@example\\.com\$/ ann\@example.com\n");
my %tables = (
    mydestination => 'example.com, localhost, localhost.$mydomain', myorigin => 'example.com',
    virtual_mailbox_domains => 'lists.example, inline:{other.example=x}',
    virtual_alias_maps => "inline:{ {one\@example.com = ann\@example.com} }, proxy:hash:$etc.virtual texthash:$etc.ways regexp:$etc.re",
    alias_maps => "hash:$etc.aliases",
    recipient_canonical_maps => 'inline:{ {bee@example.com = bob@example.com}, {new@example.com = one@example.com} }',
    canonical_maps => 'inline:{ {ann = Ann.Able@example.com}, {Ann.Able = ann}, {old@lists.example = New} }',
);
postfix(%tables);
$t->run('/usr/sbin/postmap', '-c', $etc, "hash:$etc.virtual");
$t->run('/usr/sbin/postalias', '-c', $etc, "hash:$etc.aliases");

sub import_it { return $filterd->ctl(qw(alias import --postfix -C), $etc, @_) }
sub rows { return map { [split /\t/] } split /\n/, $_[0] }

my %want = (
    'team@example.com' => 'ann@example.com bob@example.com', 'bob@example.com' => 'ann@example.com bob@example.com',
    'deep@example.com' => 'ann@example.com', 'deeper@example.com' => 'ann@example.com',
    'deepest@lists.example' => 'ann@example.com', 'one@example.com' => 'ann@example.com',
    'root@example.com' => 'ann@example.com', 'admins@example.com' => 'ann@example.com bob@example.com',
    'bee@example.com' => 'ann@example.com bob@example.com', 'new@example.com' => 'ann@example.com',
    'old@lists.example' => 'ann@example.com',
    (map { ("$_\@example.com" => 'ann@example.com') } map { ("way$_", 'l' . ($_ + 1), 'r' . ($_ + 1)) } 0 .. 24),
    'info@example.com' => 'ann@example.com bob@example.com', 'sales@example.com' => 'ann@example.com bob@example.com',
);

subtest 'what it would do' => sub {
    my @rows = rows(import_it('--dry-run'));
    my %would = map { $_->[1] => $_->[2] } grep { $_->[0] eq 'would import' } @rows;
    my @usual = grep { /\@lists\.example$/ && !/^(?:deepest|old)\@/ } keys %would;
    is_deeply([delete @would{@usual}], [map { 'ann@example.com' } @usual], 'usual names below a catch-all');
    is_deeply(\%would, \%want, 'aliases to any depth, by any table, for users with keys');
    my %skipped = map { $_->[1] => $_->[2] } grep { $_->[0] eq 'skipped' } @rows;
    like($skipped{'half@example.com'}, qr/only some of ann\@example\.com cleo\@example\.com have a key/, 'a mix');
    like($skipped{'out@example.com'}, qr/and to friend\@elsewhere\.example as well/, 'what leads outside');
    like($skipped{'pipe@example.com'}, qr/a command/, 'a command');
    like($skipped{'file@example.com'}, qr/a file/, 'a file');
    like($skipped{'list@example.com'}, qr/an :include: list/, 'a list');
    like($skipped{'@lists.example'}, qr/a whole domain/, 'a catch-all');
    ok(!(grep { "@$_" =~ /gone|cleo2|anything/ } @rows), 'nothing of what concerns nobody with a key');
    is_deeply([map { $_->[1] } grep { $_->[0] eq 'asked' } @rows], ["regexp:$etc.re"], 'a table that cannot be listed');
    is($filterd->ctl(qw(alias list)), '', 'nothing is done');
};

sub known {
    my %known;
    $known{ $_->[0] } = join ' ', $known{ $_->[0] } // (), $_->[1] for rows($filterd->ctl(qw(alias list)));
    delete @known{ grep { /\@lists\.example$/ && !/^(?:deepest|old)\@/ } keys %known };
    return \%known;
}

subtest 'done' => sub {
    my @rows = rows(import_it());
    is(scalar(grep { $_->[0] eq 'imported' && exists $want{ $_->[1] } } @rows), scalar keys %want, 'all of them');
    is_deeply(known(), \%want, 'known now');
    my @again = rows(import_it());
    is(scalar(grep { $_->[0] eq 'imported' } @again), 0, 'once more: nothing to do');
    is(scalar(grep { $_->[0] eq 'known' && exists $want{ $_->[1] } } @again), scalar keys %want, 'they are known');
    like($filterd->ctl(qw(--json alias import --postfix -C), $etc), qr/^\[\{"result":"\w+","address":"\S+","text":"\S.*"\},\n.*\]\n\z/s, 'JSON');
};

subtest 'later' => sub {
    $tables{virtual_alias_maps} =~ s/\Qproxy:hash:$etc.virtual\E/inline:{ {team\@example.com=bob\@example.com} }, pcre:$etc.none/;
    delete $tables{alias_maps};
    postfix(%tables);
    my ($only) = grep { $_->[0] eq 'only here' && $_->[1] eq 'bob@example.com' } rows(import_it('--dry-run'));
    is($only->[2], 'ann@example.com bob@example.com', 'what is gone from Postfix is named');
    $filterd->ctl(qw(alias remove bob@example.com));
    my @rows = rows(import_it());
    is(known()->{'team@example.com'}, 'bob@example.com', 'who has left is not a member any more');
    is(known()->{'deep@example.com'}, 'ann@example.com', 'and stays');
    like((grep { $_->[1] eq "pcre:$etc.none" } @rows)[0][2] // '', qr/./, 'a table that cannot be read is named');
};

subtest 'all of them' => sub {
    postfix(%tables, virtual_alias_maps => "hash:$etc.virtual", alias_maps => '');
    import_it('--all');
    is(known()->{'cleo2@example.com'}, 'cleo@example.com', 'also for users without keys');
    is(known()->{'far@example.com'}, 'dora@other.example', 'in a domain that a table lists');
    is(known()->{'gone@example.com'}, undef, 'but not those of others');
};

subtest 'a domain that is another name' => sub {
    postfix(%tables, virtual_alias_maps => 'inline:{ {@old.example = @example.com}, {@older.example = @elsewhere.example} }', alias_maps => '');
    my ($row) = grep { $_->[1] eq '@old.example' } rows(import_it());
    is("@$row", 'imported @old.example @example.com', 'imported');
    is(known()->{'@old.example'}, '@example.com', 'known now');
    is(known()->{'@older.example'}, undef, 'but not one of others');
    ($row) = grep { $_->[1] eq '@old.example' } rows(import_it());
    is($row->[0], 'known', 'once more: nothing to do');
    $filterd->ctl(qw(alias remove @old.example));
};

subtest 'wrong' => sub {
    is(($filterd->try_ctl(undef, qw(alias import)))[0], 64, 'from where?');
    is(($filterd->try_ctl(undef, qw(alias import --postfix -C /nowhere)))[0], 69, 'no Postfix there');
};

done_testing;
