#!/usr/bin/perl
# A host whose gpg uses keyboxd, which from GnuPG 2.3 on hides filterd's keys: filterd must say so, and
# neither take the user for one without a key nor start as if it could seal.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Keys;
use Test::More;

my $t = FilterdTest->new;
my $dir = $t->dir;
my $user = 'ann@example.com';
my $key = FilterdTest::Keys->new($t, $user, 'curve');
my ($version) = $t->run('gpg', '--version') =~ /\Agpg \(GnuPG\) (\d+\.\d+)/;
my $hides = $version >= 2.3;

spew("$dir/etc/ann.asc", $key->public);
spew("$dir/etc/filterd.conf", <<"CONF");
[filterd]
hostname = mx.example.com
state_dir = $dir/state
log = stderr
[listener one]
protocol = lmtp
address = unix:$dir/run/lmtp.sock
[deliver]
next_hop = maildir:$dir/box
CONF
mkdir "$dir/state", 0700;

# In a mount namespace of its own, with /etc/gnupg as given.
my $made = mkdir '/etc/gnupg';
END { rmdir '/etc/gnupg' if $made }

sub with {
    my ($common, @command) = @_;
    spew("$dir/common.conf", $common);
    return $t->try_run('', 'unshare', '-m', 'sh', '-c',
        "mount -t tmpfs tmpfs /etc/gnupg && cp '$dir/common.conf' /etc/gnupg/ && exec \"\$@\"", 'sh', @command);
}

sub ctl { return ($t->build . '/filterctl', '-c', "$dir/etc/filterd.conf", @_) }

$t->run(ctl('init'));
my ($status, $out, $err) = with("# use-keyboxd\n", ctl(qw(key import --force), $user, "$dir/etc/ann.asc"));
is($status, 0, 'a comment hides nothing') or diag($err);

diag("GnuPG $version knows no keyboxd: only that it does no harm is tried") if !$hides;
($status, $out, $err) = with("use-keyboxd\n", ctl(qw(key import --force), $user, "$dir/etc/ann.asc"));
is($status == 0, !$hides, 'a key is imported only if gpg can show it') or diag("$status $err");
like($err, $hides ? qr{\Afilterctl: \S+ /etc/gnupg/common\.conf: use-keyboxd hides [^\n]+\n\z} : qr/\A\z/, 'the cause is named');
($status, $out, $err) = with("  use-keyboxd # all\n", $t->build . '/filterd', '-c', "$dir/etc/filterd.conf", '-t');
is($status, 0, 'settings are good or not, whatever gpg does') or diag($err);
($status, $out, $err) = with("use-keyboxd\n", ctl(qw(key list)));
like("$out$err", $hides ? qr/use-keyboxd|no key can be read/ : qr/good/, 'listed as what it is');
if ($hides) {
    ($status, $out, $err) = with("use-keyboxd\n", 'timeout', 30, $t->build . '/filterd', '-c', "$dir/etc/filterd.conf");
    isnt($status, 0, 'the daemon does not start') or diag($err);
    like($err, qr/use-keyboxd hides/, 'and says why');
}
done_testing;
