#!/usr/bin/perl
# filterctl check of the host around filterd, and of the Dovecot that runs: each fault is told in plain words.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Site;
use Test::More;

my $site = FilterdTest::Site->start(keys => { alice => 'curve' }, sieve => 1);
my ($t, $filterd, $dovecot) = @$site{qw(t filterd dovecot)};
my $conf = slurp($dovecot->{conf});

# The lines of "check" about a subject; of Dovecot's settings as text, if given.
sub findings {
    my ($subject, $text) = @_;
    my $file = $dovecot->{conf};
    if (defined $text) {
        $file = $t->dir . '/other.conf';
        spew($file, $text);
        # As old as the real one: it is no later change.
        utime((stat $dovecot->{conf})[8, 9], $file);
    }
    my (undef, $out) = $filterd->try_ctl(undef, 'check', '--dovecot', $file);
    return join '', map { "$_\n" } grep { /^\w+\t\Q$subject\E\t/ } split /\n/, $out;
}

sub finds {
    my ($name, $subject, $want, $text) = @_;
    my $found = findings($subject, $text);
    ok($found =~ $want && $found =~ tr/\n// == 1, $name) or diag $found;
}

finds('all is well with Dovecot as shipped', 'dovecot', qr/^ok\t.*moves between folders train/);
finds('no IMAPSieve', 'dovecot', qr/^bad\t.*IMAPSieve does not run filterd's script/, $conf =~ s/^.*imap_sieve.*$//mr);
finds('no programs', 'dovecot', qr/^bad\t.*Sieve has no vnd\.dovecot\.pipe/, $conf =~ s/sieve_extprograms(?: = yes)?//r);
finds('the wrong folder of programs', 'dovecot', qr{^bad\t.*/nowhere/filterd-retrain}, $conf =~ s{^(\s*sieve_pipe_bin_dir = ).*$}{$1/nowhere}mr);
finds('a junk folder that nobody knows', 'dovecot', qr/^warning\t.*no mailbox is marked special_use/, $conf =~ s/mailbox Junk/mailbox Muell/r);
finds('one that is marked', 'dovecot', qr/^ok\t/, $conf =~ s/mailbox Junk \{/mailbox Muell {\n    special_use = \\Junk/r);
my $crypt = FilterdTest::Dovecot::series() eq '2.3' ? "mail_plugins = mail_crypt\n" : "mail_plugins {\n  mail_crypt = yes\n}\n";
my $zlib = FilterdTest::Dovecot::series() eq '2.3' ? "mail_plugins = zlib\n" : "mail_plugins {\n  mail_compress = yes\n}\n";
finds('mail that is stored encrypted', 'dovecot', qr/^warning\t.*mail_crypt/, "$conf$crypt");
finds('mail that is stored compressed', 'dovecot', qr/^warning\t.*compressed/, "$conf$zlib");

my ($learn) = $conf =~ m{(/\S+)/learn\.sieve};
my @was = (stat "$learn/learn.svbin")[8, 9];
utime $was[0], $was[1] - 100, "$learn/learn.svbin";
utime $was[0], $was[1] - 50, "$learn/learn.sieve";
finds('a script that was changed since', 'dovecot', qr{^bad\t.*/learn\.sieve was changed after it was compiled});
utime $was[0], $was[1] - 200, "$learn/learn.sieve";
utime $was[0], $was[1], $dovecot->{conf};
finds('settings that were', 'dovecot', qr{^warning\t.*/learn\.sieve was compiled before});
rename "$learn/learn.svbin", "$learn/kept";
finds('one that is not compiled', 'dovecot', qr{^bad\t.*/learn\.sieve is not compiled});
rename "$learn/kept", "$learn/learn.svbin";
utime @was, "$learn/learn.svbin";
rename "$learn/learn.sieve", "$learn/kept";
finds('one that is not there', 'dovecot', qr{^bad\t.*/learn\.sieve: No such file});
rename "$learn/kept", "$learn/learn.sieve";

is(findings('settings'), '', 'settings that the daemon has');
$filterd->settings('classifier.settle_days' => 20);
finds('some that it has not read', 'settings', qr{^warning\t.*filterd\.conf was changed since filterd read it});
$filterd->reload;
ok(poll(sub { findings('settings') eq '' }), 'then it has');
mkdir $t->dir . '/etc/conf.d';
my $more = $t->dir . '/etc/conf.d/10-more.conf';
spew($more, "[spam]\naction = tag\n");
finds('a file beside it', 'settings', qr{^warning\t.*conf\.d/10-more\.conf was changed since});
unlink $more;
$filterd->reload;
ok(poll(sub { findings('settings') eq '' }), 'that one is read, too');

finds('a key that is closed', 'site key', qr/^ok\t/);
my ($key) = slurp($filterd->{conf}) =~ /^site_key = (\S+)/m;
chmod 0440, $key;
finds('one that its group may read', 'site key', qr/^bad\t.*\(mode 0440\): chmod 0400/);
chmod 0400, $key;
is(findings('train_users'), '', 'a mail user');
$filterd->settings('control.train_users' => 'nosuchuser');
finds('one that does not exist', 'train_users', qr/^bad\t.*there is no user nosuchuser/);

# A state of its own mount, which no fstab has.
my $mounted = $t->dir . '/mounted';
mkdir $mounted;
is(system('mount', '-t', 'tmpfs', 'tmpfs', $mounted), 0, 'mounted');
$t->at_end(sub { system('umount', $mounted) });
$filterd->settings('control.train_users' => undef, 'filterd.state_dir' => "$mounted/state",
    map { ("filterd.$_" => $t->dir . "/etc/other.$_") } qw(site_key state_id));
$filterd->ctl('init');
finds('a state on a mount that is made by hand', 'mount', qr/^ok\t.*lies on \S+\/mounted \(tmpfs\), which is mounted by hand/);
$filterd->settings('filterd.state_id' => "$mounted/state.id");
finds('and its id, too', 'mount', qr/^bad\t.*state_dir and state_id lie on/);

done_testing;
