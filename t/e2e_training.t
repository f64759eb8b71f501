#!/usr/bin/perl
# Learning from folder moves by signature: the stored mail is sealed.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my $user = 'rsa@example.com';
my $site = FilterdTest::Site->start(
    attach => ['virtual_transport'],
    keys => { rsa => 'rsa', curve => 'curve' },
    sieve => 1,
);
my ($t, $postfix, $dovecot, $filterd) = @$site{qw(t postfix dovecot filterd)};
my @topics = qw(garden harbour library mountain orchestra railway);

sub ham {
    my ($i) = @_;
    my $topic = $topics[$i];
    return mail_like(id => "ham$i\@work.example.net", from => 'Carol <carol@work.example.net>',
        subject => "Minutes about the $topic",
        text => "Hello all,\nhere are the minutes of our meeting about the $topic on Tuesday.\n"
            . "Please read the attached draft and tell me what to change.\nRegards, Carol");
}

sub spam {
    my ($i) = @_;
    my $price = 19 + 7 * $i;
    return mail_like(id => "spam$i\@pills.example.org", from => "Cheap Pharmacy <offer$i\@pills.example.org>",
        subject => "Cheap pills, $price% discount",
        text => "Buy cheap viagra and cialis pills now, only \$$price!\nNo prescription needed, discreet"
            . " shipping.\nClick http://pills.example.org/order$i to order your discount today.");
}

# The score filterd would give a message now, for this user.
sub score {
    my ($message) = @_;
    spew($t->dir . '/probe.eml', $message);
    my ($class, $score) = $filterd->ctl('classify', '-u', $user, $t->dir . '/probe.eml')
        =~ /^(\w+) p=\S+ score=(\S+)/ or die 'classify says nothing';
    return ($class, $score);
}

# Moves one message and waits until the score of a probe has changed because of it.
sub move_and_learn {
    my ($id, $from, $to) = @_;
    my $probe = spam(99);
    my (undef, $before) = score($probe);
    my $imap = $dovecot->imap($user);
    is($imap->imap_move('Message-ID', $id, $from, $to), 1, "$id from $from to $to");
    $imap->imap('LOGOUT');
    my ($class, $now);
    poll(sub { ($class, $now) = score($probe); $now != $before });
    return ($class, $now - $before);
}

for my $i (0 .. 5) {
    spew($t->dir . "/ham$i.eml", ham($i));
    $filterd->ctl(qw(train ham), $user, $t->dir . "/ham$i.eml");
}
for my $i (0 .. 4) {
    $postfix->send($_, 'someone@example.net', $user) for spam($i), ham($i);
}
is(scalar $dovecot->wait_mails(10, $user), 10, 'ham and spam lie in the inbox, nothing is known yet');
unlike($site->all_mail, qr/viagra|minutes of our meeting/, 'all sealed');
like($filterd->ctl('stats', $user), qr/^warning: \Q$user\E gets mail, but never corrected.*IMAPSieve/ms, 'nobody teaches');
like($filterd->ctl(qw(stats --json), $user), qr/"delivered":10,.*"silent":true/, 'ten deliveries in silence');

my $moves = 0;
subtest 'moves into Junk' => sub {
    my $class = '';
    while ($class ne 'Spam' && $moves < 5) {
        ($class, my $change) = move_and_learn('spam' . $moves++ . '@pills', 'INBOX', 'Junk');
        cmp_ok($change, '>', 0, 'the score of a similar message rises');
    }
    is($class, 'Spam', "learnt after $moves moves");
};
is_deeply([$filterd->retrained], [("spam $user") x $moves], 'filterd-retrain ran once for each');
unlike($filterd->ctl('stats', $user), qr/warning/, 'no silence any more');

$postfix->send(spam(5), 'someone@example.net', $user);
my ($filed) = grep { header($_, 'Message-ID') =~ /spam5/ } $dovecot->wait_mails($moves + 1, $user, 'Junk');
ok($filed, 'the next one lies in Junk') or diag($dovecot->mails($user));
is(header($filed // '', 'X-Filterd-Result'), 'Spam', 'as spam');
is(header($filed // '', 'X-Spam-Flag'), 'YES', 'flagged');
$postfix->send(ham(5), 'carol@work.example.net', $user);
my ($good) = grep { header($_, 'Message-ID') =~ /ham5/ } $dovecot->wait_mails(11 - $moves, $user);
ok($good, 'a letter like the good ones stays in the inbox');
isnt(header($good // '', 'X-Filterd-Result'), 'Spam', 'and is no spam');

subtest 'emptying Junk into Trash says nothing' => sub {
    my $before = $filterd->retrained;
    my $imap = $dovecot->imap($user);
    is($imap->imap_move('Message-ID', 'spam5@pills', 'Junk', 'Trash'), 1, 'moved to Trash');
    is(scalar $filterd->retrained, $before, 'nothing was trained');
};

subtest 'moves back' => sub {
    my $class = 'Spam';
    for my $i (0 .. $moves - 1) {
        ($class, my $change) = move_and_learn("spam$i\@pills", 'Junk', 'INBOX');
        cmp_ok($change, '<', 0, 'the score of a similar message falls');
    }
    isnt($class, 'Spam', 'unlearnt');
};
$postfix->send(spam(6), 'someone@example.net', $user);
my ($back) = poll(sub { grep { header($_, 'Message-ID') =~ /spam6/ } map { $dovecot->mails($user, $_) } '', 'Junk' });
my ($now) = grep { header($_, 'Message-ID') =~ /spam6/ } $dovecot->mails($user);
ok($now, 'the next one lies in the inbox again');
isnt(header($now // '', 'X-Filterd-Result'), 'Spam', 'no spam any more');
cmp_ok(header($now // '', 'X-Filterd-Probability'), '<', header($filed // '', 'X-Filterd-Probability'), 'less probable');
unlike($site->all_mail, qr/viagra/, 'and all of it was sealed throughout');

done_testing;
