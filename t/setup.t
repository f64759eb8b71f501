#!/usr/bin/perl
# filterctl setup: the changes that put filterd into a Postfix that knows nothing of it, with a submission service whose
# mail is rewritten by header_checks of its own; made once filterd answers, taken back unless somebody changed them.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Copies;
use FilterdTest::Mail;
use FilterdTest::OwnHost;
use FilterdTest::Sink;
use FilterdTest::Site;
use Test::More;

FilterdTest::OwnHost::enter(); # port 587 is what tells a service for users

my $site = FilterdTest::Site->start(keys => { alice => 'curve' }, users => ['bob']);
my ($t, $filterd, $dovecot) = @$site{qw(t filterd dovecot)};
$t->{ports}{submission} = 587;
my $world = FilterdTest::Sink->start($t, smtp => 'world');
spew($t->dir . '/subcleanup.pcre', "/^User-Agent:/ IGNORE\n/^Received: from client/ REPLACE Received: from [127.0.0.1] by home\n");
spew($t->dir . '/domains', "alias.test 1\n");
my $postfix = FilterdTest::Postfix->start($t,
    main => 'default_transport = smtp:[127.0.0.1]:' . $t->port('world') . "\nvirtual_alias_domains = proxy:texthash:${\ $t->dir}/domains\n",
    master => <<"END");
127.0.0.1:${\ $t->port('submission')} inet n - n - - smtpd
  -o smtpd_client_restrictions=permit_mynetworks,reject -o cleanup_service_name=subcleanup
subcleanup unix n - n - 0 cleanup
  -o header_checks=pcre:${\ $t->dir}/subcleanup.pcre
END
my @files = map { "$postfix->{dir}/etc/$_.cf" } qw(main master);
my $drop_in = $t->dir . '/etc/conf.d/50-setup.conf';
my $before = join '', map { slurp($_) } @files;
my @setup = ('setup', '--postfix', "$postfix->{dir}/etc", '--dovecot', $dovecot->{conf});

sub settings_now { return join '', map { slurp($_) } @files }

sub setup { return $filterd->try_ctl(undef, @setup, @_) }

subtest 'it says what to change, and why' => sub {
    my ($status, $out, $err) = setup();
    is("$status$err", '0', 'exit 0');
    like($out, qr/^# \S.+\npostconf -c '\S+' -e 'virtual_transport=filterd:unix:filterd\/lmtp\.sock'$/m, 'the second leg');
    like($out, qr/-P '127\.0\.0\.1:${\ $t->port('smtp')}\/inet\/smtpd_proxy_filter=unix:filterd\/smtp\.sock'$/m, 'the first, at its service');
    like($out, qr/-P '127\.0\.0\.1:${\ $t->port('submission')}\/inet\/smtpd_proxy_filter=unix:filterd\/submission\.sock'$/m,
        'submission at a listener of its own');
    like($out, qr/^#    role = submission$/m, 'whose role filterd knows');
    like($out, qr/^#    domains = example\.com\n/m, 'the domains that Postfix lists');
    like($out, qr/^#    domains = texthash:\S+\/domains$/m, 'and the table of others');
    unlike($out, qr/-e 'smtpd_proxy_filter/, 'nothing that submission would inherit');
    is(settings_now(), $before, 'and changes nothing');
    ok(!-e $drop_in, 'nor filterd');
    ($status, $out) = setup('--json');
    like($out, qr/\A\{"steps":\[\{"command":"postconf .*"settings":"# Made by .*\}\n\z/s, 'as JSON, too');
};

subtest 'it makes the changes when filterd answers' => sub {
    my ($status, $out, $err) = setup('--apply');
    is($status, 75, 'not before');
    like($err, qr/^filterctl: filterd does not answer at unix:\S+submission\.sock yet: "systemctl reload-or-restart filterd", then again/,
        'what to do');
    is(settings_now(), $before, 'Postfix is as it was');
    ok(-s $drop_in, 'filterd has its settings');
    $filterd->reload;
    ok(poll(sub { ($status, $out, $err) = setup('--apply'); $status == 0 }), 'then it does') or diag("$status $out $err");
    like((setup())[1], qr/^# Postfix is set up already\.$/m, 'there is nothing more to do');
    is((setup('--apply'))[0], 0, 'once more does no harm');
    my (undef, $check) = $filterd->try_ctl(undef, 'check', '--postfix', "$postfix->{dir}/etc");
    like($check, qr/^ok\tpostfix\ttwo legs/m, 'check is content') or diag($check);
};

# One mail to USER over a port; the copy that comes.
sub through {
    my ($port, $user, $mail) = @_;
    my $n = $dovecot->mails("$user\@example.com");
    my $c = FilterdTest::Client->new(smtp => $t->port($port));
    like($c->deliver($mail, 'bob@example.com', "$user\@example.com"), qr/^250/, "$port: taken for $user");
    $c->quit;
    my @mails = $dovecot->wait_mails($n + 1, "$user\@example.com");
    return $mails[-1];
}

subtest 'what comes from outside is judged, and sealed before it is queued' => sub {
    my $mail = through(smtp => 'alice', mail_like(from => 'eve@example.net'));
    is(FilterdTest::Copies::trouble_of($mail, undef, 1), '', 'sealed');
    ok(header($mail, 'X-Filterd-Result'), 'judged');
    $filterd->logs(qr/result=kept/, 'by the first leg: the second keeps its verdict');
    $mail = through(smtp => 'bob', mail_like(from => 'eve@example.net'));
    ok(header($mail, 'X-Filterd-Result'), 'judged for who has no key');
};

subtest 'what our users submit' => sub {
    my $mail = through(submission => 'alice', mail_like(more => "User-Agent: Home 1.0\n"));
    is(FilterdTest::Copies::trouble_of($mail, undef, 1), '', 'to one of us: sealed');
    ok(!header($mail, 'X-Filterd-Result'), 'not judged');
    unlike($mail, qr/^Received: from client/m, 'header_checks of their cleanup are applied');
    my $c = FilterdTest::Client->new(smtp => $t->port('submission'));
    like($c->deliver(mail_like(more => "User-Agent: Home 1.0\n"), 'bob@example.com', 'carol@example.org'), qr/^250/, 'to the world: taken');
    $c->quit;
    my @sent;
    ok(poll(sub { @sent = $world->taken('carol@example.org'); @sent == 1 }), 'and sent');
    like($sent[0], qr/${\ canary()}/, 'not sealed');
    unlike($sent[0], qr/^(?:X-Filterd|User-Agent|Received: from client)/m, 'no field of ours, no home address') or diag($sent[0]);
};

subtest 'it takes them back' => sub {
    my $after = slurp($files[0]);
    spew($files[0], "$after# by hand\n");
    my ($status, $out, $err) = setup('--undo');
    is($status, 65, 'not what somebody changed');
    like($out, qr/^\+# by hand$/m, 'that is shown');
    is(slurp($files[0]), "$after# by hand\n", 'and stays');
    # A run after that: what it changes goes back to what somebody has made of the first run's files.
    spew($files[0], $after =~ s/^virtual_transport = .*\n/virtual_transport = lmtp:unix:${\ $t->dir}\/dovecot.lmtp\n/mr . "# by hand\n");
    my $theirs = slurp($files[0]);
    is((setup('--apply'))[0], 0, 'a second run');
    isnt(slurp($files[0]), $theirs, 'changes what is missing');
    ($status, $out, $err) = setup('--undo');
    is($status, 0, 'and is taken back');
    is(slurp($files[0]), $theirs, 'to what was before it');
    like($err, qr/the run before the last is still in place/, 'the first is told of');
    ok(-e $drop_in, 'and filterd keeps its settings');
    spew($files[0], $after);
    is((setup('--undo'))[0], 0, 'the first run goes, too');
    is(settings_now(), $before, 'Postfix is as it was');
    ok(!-e $drop_in, 'filterd, too');
    is((setup('--undo'))[0], 66, 'there is nothing more to take back');
};

done_testing;
