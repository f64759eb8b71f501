#!/usr/bin/perl
# A real clamd with signatures of our own: which messages it is asked about, what it finds and what it
# refuses.

use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use MIME::Base64 qw(encode_base64);
use Test::More;

my ($clamd) = grep { -x } '/usr/sbin/clamd', '/usr/local/sbin/clamd';
die "no clamd here: install clamav-daemon\n" if !$clamd;

my $t = FilterdTest->new;
my $dir = $t->dir;
my $socket = "$dir/run/clamd.sock";
# Neither is in any list: the first stands anywhere, the second is a whole file.
my $marker = 'FILTERD-TEST-MARKER-$H+H*';
my $whole = "a program of a kind\0" x 40;
mkdir "$dir/$_" for qw(signatures unpacked);
spew("$dir/signatures/own.ndb", 'Test.Filterd.Marker:0:*:' . unpack('H*', $marker) . "\n");
spew("$dir/signatures/own.hdb", join(':', md5_hex($whole), length $whole, 'Test.Filterd.File') . "\n");
spew("$dir/etc/clamd.conf", <<"END");
LocalSocket $socket
DatabaseDirectory $dir/signatures
TemporaryDirectory $dir/unpacked
StreamMaxLength 200K
User root
Foreground yes
END
my $pid = $t->spawn($t->log_file('clamd'), $clamd, '-F', '-c', "$dir/etc/clamd.conf");
ok(poll(sub { FilterdTest::Client::listens($socket) }, 30), 'clamd runs') or BAIL_OUT('no clamd');

my $filterd = FilterdTest::Daemon->start($t, idle => 1, set => { 'clamav.socket' => "unix:$socket" });

sub mail {
    my ($attachment) = @_;
    return "From: a\@b.example\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n"
        . "--b\nContent-Type: application/octet-stream; name=x.exe\nContent-Transfer-Encoding: base64\n\n"
        . encode_base64($attachment) . "--b--\n";
}

sub virus {
    my ($message) = @_;
    spew("$dir/mail", $message);
    my ($status, $out, $err) = $filterd->try_ctl(undef, qw(lookup virus), "$dir/mail");
    chomp $out;
    return "$status $out$err";
}

is(virus(mail('nothing of that kind')), "0 clean\t", 'clean');
like(virus("Subject: x\n\n$marker\n"), qr/^0 found\tTest\.Filterd\.Marker/, 'a pattern in the text');
like(virus(mail("some $marker bytes")), qr/^0 found\tTest\.Filterd\.Marker/, 'inside base64');
like(virus(mail($whole)), qr/^0 found\tTest\.Filterd\.File/, 'a file by its hash');
like(virus(mail('0' x 300_000)), qr/^75 error\tINSTREAM size limit exceeded\. ERROR/, 'too long for it: an error, not clean');
like(virus(mail('0' x 100_000)), qr/^0 clean\t/, 'several pieces of the stream');
my (undef, $out) = $filterd->try_ctl(undef, 'check');
like($out, qr/^ok\tclamd\tanswers on \Q$socket\E$/m, 'check: it answers');
like($out, qr/^(ok|warning)\tclamd\t.*(TemporaryDirectory|in memory)/m, 'check: and where it unpacks');
mkdir "$dir/box";
chown((getpwnam $FilterdTest::FILTERD_USER)[2, 3], "$dir/box");
chmod 0777, $socket;
$filterd->settings('listener lmtp.protocol' => 'lmtp', 'listener lmtp.address' => "unix:$dir/run/lmtp.sock",
    'listener lmtp.next_hop' => "maildir:$dir/box");
$filterd->up;

# What became of a message.
sub filtered {
    my ($message) = @_;
    my $c = FilterdTest::Client->new(lmtp => "$dir/run/lmtp.sock");
    like($c->deliver($message =~ s/\n/\r\n/gr, 'a@b.example', 'c@example.com'), qr/^250/, 'delivered');
    $c->quit;
    my ($file) = glob "$dir/box/new/*";
    my $text = slurp($file);
    unlink $file;
    return $text;
}

like(filtered(mail("some $marker bytes")), qr/^X-Filterd-Result: Virus$/m, 'and told');
unlike(filtered(mail('nothing')), qr/^X-Filterd-Result: Virus$/m, 'only where there is one');
FilterdTest::end_process($pid);
unlike(filtered(mail("some $marker bytes")), qr/^X-Filterd-Result: Virus$/m, 'mail goes on without the scanner');
like(virus(mail('x')), qr/^75 error\t/, 'gone: an error');
(undef, $out) = $filterd->try_ctl(undef, 'check');
like($out, qr/^bad\tclamd\t\Q$socket\E: /m, 'check: it is not there');

done_testing;
