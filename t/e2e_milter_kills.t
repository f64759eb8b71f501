#!/usr/bin/perl
# filterd as a milter while its workers and milter processes are killed: what Postfix accepted arrives once,
# sealed; anything else was a 4xx. MESSAGES=N sends N (default 40).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;
use Time::HiRes qw(sleep);

my $LANES = 4;
my $each = ($ENV{MESSAGES} || 40) / $LANES;
my $site = FilterdTest::Site->start(
    attach => ['milter'],
    keys => { rsa => 'rsa', curve => 'curve' },
    users => ['plain'],
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};

sub children {
    my ($name) = @_;
    return split /\n/, ($t->try_run(undef, '/usr/bin/pgrep', '-P', $filterd->{pid}, "^$name"))[1];
}

sub recipients {
    my ($number) = @_;
    return (['plain'], ['rsa'], ['rsa', 'curve'])[$number % 3];
}

# One message until it is taken; how many attempts that was.
sub send_until_taken {
    my ($mail, @to) = @_;
    for my $attempt (1 .. 1000) {
        my $reply = eval {
            my $c = $postfix->client;
            my $said = $c->deliver($mail, 'alice@example.net', map { "$_\@example.com" } @to);
            $c->quit;
            $said;
        } // '';
        return $attempt if $reply =~ /^250/;
        die "refused for good: $reply\n" if $reply =~ /^5/;
        sleep 0.05;
    }
    die "never taken\n";
}

sub lane {
    my ($lane) = @_;
    my $attempts = 0;
    for my $n (1 .. $each) {
        $attempts += send_until_taken(mail_like(id => "$lane.$n\@kills"), @{ recipients($n) });
    }
    spew($t->dir . "/lane$lane", $attempts);
}

for my $lane (1 .. $LANES) {
    $t->spawn_code(sub { lane($lane) });
}
my $kills = 0;
poll(sub {
    my @victims = children($kills % 5 ? 'filterd-worker' : 'filterd-milter');
    $kills += kill 'KILL', $victims[rand @victims] if @victims;
    sleep 0.1;
    !grep { !-s $t->dir . "/lane$_" } 1 .. $LANES;
}, 600);
my @attempts = map { slurp($t->dir . "/lane$_") || 0 } 1 .. $LANES;
is(scalar(grep { $_ >= $each } @attempts), $LANES, 'all were taken in the end');
diag("$kills kills, " . join('+', @attempts) . ' attempts for ' . $each * $LANES . ' messages');
ok($postfix->drained, 'and delivered');

for my $user (qw(plain rsa curve)) {
    my @numbers = grep { my $n = $_; grep { $_ eq $user } @{ recipients($n) } } 1 .. $each;
    my %times = map { my $lane = $_; map { ("<$lane.$_\@kills>" => 0) } @numbers } 1 .. $LANES;
    my $wanted = keys %times;
    my @mails = $dovecot->mails("$user\@example.com");
    $times{ header($_, 'Message-ID') }++ for @mails;
    is(scalar(grep { $_ == 1 } values %times), $wanted, "$user: each of $wanted once");
    my $key = $site->{keys}{$user} or next;
    is(scalar(grep { /${\ canary()}/ } @mails), 0, "$user: nothing in the clear");
    is(scalar(grep { ($key->open_sealed($_) // '') !~ /${\ canary()}/ } @mails), 0, "$user: all open");
}

done_testing;
