#!/usr/bin/perl
# Records of mail to addresses that no table names: invented ones leave no store of their own behind, and a user
# without a key whom filterd first meets by mail learns from the first move.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::Site;
use Test::More;

my $user = 'plain@example.com';

# A site whose Dovecot has a user that filterd has never heard of.
sub site {
    my $site = FilterdTest::Site->start(users => ['plain'], sieve => 1, @_);
    $site->{filterd}->ctl(qw(user remove), $user);
    return $site;
}

sub stores {
    my ($site) = @_;
    return join ' ', sort map { m{([^/]+)\.db$} } glob $site->{t}->dir . '/state/users/*.db';
}

# Whose records the common store has, on disk.
sub unclaimed {
    my ($site) = @_;
    $site->{filterd}->try_ctl(undef, 'explain', 'none'); # the keeper writes what waits before it answers
    return if !-e $site->{t}->dir . '/state/unclaimed.db';
    my $out = $site->{t}->run('/usr/bin/sqlite3', '-cmd', '.timeout 60000', $site->{t}->dir . '/state/unclaimed.db',
        'SELECT DISTINCT substr(signature, 1, instr(signature, char(10)) - 1) FROM record ORDER BY 1');
    return split /\n/, $out;
}

# Several recipients by LMTP: their replies.
sub deliver_to {
    my ($site, @to) = @_;
    my $lmtp = FilterdTest::Client->new(lmtp => $site->{t}->front('lmtp'));
    $lmtp->say('MAIL FROM:<someone@example.net>');
    $lmtp->say("RCPT TO:<$_>") for @to;
    my @replies = $lmtp->data(mail_like(), scalar @to);
    $lmtp->quit;
    return @replies;
}

subtest 'behind the queue' => sub {
    my $site = site(attach => ['virtual_transport']);
    my @invented = map { "rnd$_\@example.com" } 1 .. 300;
    my @replies = deliver_to($site, @invented);
    is(scalar(grep { /^550/ } @replies), 300, 'Dovecot refuses 300 invented recipients');
    is(stores($site), '', 'none of them has a store');
    is(scalar(unclaimed($site)), 300, 'their records lie together');
    is_deeply([map { substr $_, 0, 3 } deliver_to($site, $user)], ['250'], 'it takes mail for who exists');
    is(poll(sub { stores($site) }), $user, 'who then has a store');
    ok(!grep({ $_ eq $user } unclaimed($site)), 'with the record');
};

subtest 'over two legs' => sub {
    my $site = site(attach => [qw(smtpd_proxy_filter reinject virtual_transport)]);
    $site->{postfix}->send(mail_like(), 'someone@example.net', $user);
    my ($mail) = $site->{dovecot}->wait_mails(1, $user);
    ok(header($mail, 'X-Filterd-Signature'), 'delivered, with the signature of the first leg');
    ok($site->{filterd}->logs(qr/to=<\Q$user\E> .*result=kept/), 'the second keeps its verdict');
    is(poll(sub { stores($site) }), $user, 'and says that the mailbox took it');
};

subtest 'before the queue alone' => sub {
    my $site = site(attach => [qw(smtpd_proxy_filter reinject)]);
    $site->{postfix}->send(mail_like(id => "one$_\@example.net"), 'someone@example.net', $user) for 1, 2;
    $site->{dovecot}->wait_mails(2, $user);
    is(stores($site), '', 'nobody knows yet that the address exists');
    is(join(' ', unclaimed($site)), $user, 'its records lie with those of others');
    my ($id) = map { header($_, 'X-Filterd-Signature') } $site->{dovecot}->mails($user);
    like($site->{filterd}->ctl('explain', $id), qr/\Q$user\E/, 'filterctl finds them there');
    my $imap = $site->{dovecot}->imap($user);
    is($imap->imap_move('Message-ID', 'one1@', 'INBOX', 'Junk'), 1, 'the first message is moved to Junk');
    $imap->imap('LOGOUT');
    ok(poll(sub { $site->{filterd}->log_text =~ /retrain login=<\Q$user\E> class=spam signature=\w+ learnt$/m }), 'learnt');
    is(stores($site), $user, 'the user has a store');
    is(join(' ', unclaimed($site)), '', 'with all their records');
    like($site->{filterd}->ctl('stats', '--json', $user), qr/"spam":1,"ham":0,"moves":1,"records":2,/, 'and what was learnt');
};

done_testing;
