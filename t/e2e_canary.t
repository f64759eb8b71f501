#!/usr/bin/perl
# No plaintext on disk: everything that is written while mail passes lies on an ext4 image, whose
# raw blocks are then searched for every form of what was in the messages. Wants root and a loop
# device, and fails without them; CANARY=N sends N messages each way.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Canary;
use FilterdTest::Site;
use Test::More;

my $IMAGE_MB = 128;
my $to = 'user@example.com';
my %ways = (
    'before the queue' => [qw(smtpd_proxy_filter reinject)],
    'content_filter' => [qw(content_filter reinject)],
    'virtual_transport' => ['virtual_transport'],
    'pipe' => [qw(pipe reinject)],
    'milter' => ['milter'],
);

sub files_below {
    my (@dirs) = @_;
    my @files;
    for my $path (map { glob "$_/{*,.[!.]*}" } @dirs) {
        push @files, -d $path ? files_below($path) : -f $path ? $path : ();
    }
    return @files;
}

# Sends N messages that way; then what the files of filterd, and the raw image, hold of them.
sub search {
    my ($way, $n) = @_;
    my $canary = FilterdTest::Canary->new;
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
    my $own = $canary->count_in(files_below(map { $t->dir . "/$_" } qw(state run tmp)), $t->log_file('filterd'));
    my $image = $t->unmount;
    return ($own, $canary->count_in($image));
}

for my $way (sort { $b =~ /before/ <=> $a =~ /before/ || $a cmp $b } keys %ways) {
    my $n = $ENV{CANARY} || ($way =~ /before/ ? 200 : 25);
    my ($own, $image) = search($way, $n);
    my $subjects = delete $image->{subject};
    my $content = join ', ', map { "$_ $image->{$_}" } sort keys %$image;
    diag("$way, $n messages, found on the raw disk: $content; subjects: $subjects");
    is_deeply($own, FilterdTest::Canary->none, "$way: nothing in filterd's files and its log");
    is_deeply([grep { $image->{$_} } keys %$image], [], "$way: no body, attachment or its name on the disk")
        if $way =~ /before/;
    cmp_ok($image->{text}, '>', 0, 'content_filter: and the search does find what lies there') if $way eq 'content_filter';
}

done_testing;
