#!/usr/bin/perl
# No plaintext on disk: all that is written while mail passes lies on an ext4 image, whose raw blocks are
# searched for every form of the messages' words. In each image a message of ours is written and deleted,
# too, which the search must find. Needs root and a loop device, and fails without them; CANARY=N sends N
# messages each way.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Canary;
use FilterdTest::Site;
use Test::More;

my $IMAGE_MB = 256; # a Postfix that takes sealed mail of 73 MB wants half as much again free
my $to = 'user@example.com';
my %ways = (
    'two legs' => [qw(smtpd_proxy_filter reinject virtual_transport)],
    'before the queue' => [qw(smtpd_proxy_filter reinject)],
    'content_filter' => [qw(content_filter reinject)],
    'virtual_transport' => ['virtual_transport'],
    'pipe' => ['pipe'],
    'milter' => ['milter'],
);
# Here nothing but sealed messages may reach the disk, with messages enough to tell.
my %clean = ('two legs' => 200, 'before the queue' => 50);

sub files_below {
    my (@dirs) = @_;
    my @files;
    for my $path (map { glob "$_/{*,.[!.]*}" } @dirs) {
        push @files, -d $path ? files_below($path) : -f $path ? $path : ();
    }
    return @files;
}

# A message that is written to a file there and deleted at once.
sub plant {
    my ($canary, $file) = @_;
    spew($file, $canary->message(0));
    unlink $file or die "$file: $!";
}

# Sends N messages that way; then what the files of filterd, and the raw image, hold of them, and the
# image of what was planted there.
sub search {
    my ($way, $n) = @_;
    my ($canary, $control) = map { FilterdTest::Canary->new } 1 .. 2;
    my $site = FilterdTest::Site->start(image_mb => $IMAGE_MB, attach => $ways{$way}, keys => { user => 'curve' });
    my ($t, $postfix, $dovecot) = @$site{qw(t postfix dovecot)};
    chown scalar getpwnam($FilterdTest::FILTERD_USER), -1, $t->dir . '/etc/site.key' if $way eq 'pipe';
    my $c = $postfix->client;
    for my $i (1 .. $n) {
        my $reply = $c->deliver($canary->message($i), 'alice@example.net', $to);
        like($reply, qr/^250 /, "$way: message $i") if $reply !~ /^250 /;
    }
    $c->quit;
    ok($postfix->drained, "$way: the queue is empty");
    my @mails = $dovecot->wait_mails($n, $to);
    is(scalar(grep { /BEGIN PGP MESSAGE/ } @mails), $n, "$way: $n messages came, sealed");
    my $passed = sub { 2 * $n == (() = $site->{filterd}->log_text =~ /qid=.* to=<\Q$to\E>/g) };
    ok(poll($passed), "$way: each passed filterd twice") if $way eq 'two legs';
    my ($log, @dirs) = ($t->log_file('filterd'), map { $t->dir . "/$_" } qw(state run tmp));
    my $own = poll(sub { eval { $canary->count_in(files_below(@dirs), $log) } }) # a file may go meanwhile
        or die $@;
    plant($control, $t->dir . '/state/control');
    my $image = $t->unmount;
    return ($own, map { $_->count_in($image) } $canary, $control);
}

for my $way (sort { exists $clean{$b} <=> exists $clean{$a} || $a cmp $b } keys %ways) {
    my $n = $ENV{CANARY} || $clean{$way} || 25;
    my ($own, $image, $control) = search($way, $n);
    my $subjects = delete $image->{subject};
    my $content = join ', ', map { "$_ $image->{$_}" } sort keys %$image;
    diag("$way, $n messages, found on the raw disk: $content; subjects: $subjects");
    is_deeply($own, FilterdTest::Canary->none, "$way: nothing in filterd's files and its log");
    is_deeply([grep { $image->{$_} } keys %$image], [], "$way: no body, attachment or its name on the disk")
        if $clean{$way};
    is_deeply([grep { !$control->{$_} } keys %$control], [], "$way: and the search finds what was planted");
    cmp_ok($image->{text}, '>', 0, "$way: and what lies in the queue") if $way eq 'content_filter';
}

done_testing;
