#!/usr/bin/perl
# filterctl check --prove: it finds plaintext where a set-up leaves it, and only there.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Site;
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use POSIX ();
use Test::More;

my $to = 'user@example.com';
my $site;

sub start {
    my ($ways, $main) = @_;
    $site->{t}->stop if $site;
    $site = FilterdTest::Site->start(attach => $ways, keys => { user => 'curve' }, users => ['debug'], main => $main);
}

our @as; # a command in front of it

# Runs it: the exit code, and for each subject what is said of it.
sub said {
    my (@args) = @_;
    my $t = $site->{t};
    my ($status, $out, $err) = $t->try_run(undef, @as, $t->dir . '/bin/filterctl', 'check', '--prove', '--json',
        '--postfix', $t->dir . '/postfix/etc', '--smtp', '127.0.0.1:' . $t->port('smtp'), @args);
    diag("exit $status\n$out$err") if $ENV{SHOW};
    my %said = map { $_ => '' } qw(smtp queue filterd log mailbox disk delivery postfix subject sandbox core watch);
    my $lines = eval { decode_json($out) } || [];
    $said{ $_->{subject} } .= ($said{ $_->{subject} } ? "\n" : '') . "$_->{result}: $_->{text}" for @$lines;
    return { %said, exit => $status, err => $err };
}

subtest 'before the queue' => sub {
    start([qw(smtpd_proxy_filter reinject)]);
    my $s = said(); # the first user with a key is to get it
    cmp_ok($s->{exit}, '<', 2, 'nothing is bad');
    like($s->{smtp}, qr/^ok: .* for \Q$to\E/, 'handed in');
    like($s->{$_}, qr/^ok: [^\n]*\z/, "$_: ok") for qw(queue filterd log mailbox postfix core sandbox);
    like($s->{mailbox}, qr{^ok: \S*/home/\Q$to\E/Maildir/\S+: holds it sealed$}, 'found in the mailbox, sealed');
    is($s->{disk}, '', 'and nowhere else');
    is(scalar $site->{dovecot}->mails($to), 0, 'it is taken away again');
    $s = said('--keep', '--to', $to);
    is(scalar $site->{dovecot}->mails($to), 1, 'or kept');
};

# Starts it, sends the signal once CODE returns something true: how it ended, and what it said.
sub stopped {
    my ($signal, $code, @args) = @_;
    my $t = $site->{t};
    my $out = $t->log_file('stopped');
    spew($out, '');
    my $pid = $t->spawn($out, $t->dir . '/bin/filterctl', 'check', '--prove', '--to', $to, '--postfix',
        $t->dir . '/postfix/etc', @args);
    ok(poll($code), 'it is there');
    kill $signal, $pid;
    waitpid $pid, 0;
    return ($? & 127, slurp($out));
}

subtest 'interrupted' => sub {
    my ($t, $postfix, $dovecot) = @$site{qw(t postfix dovecot)};
    my @here = ('--smtp', '127.0.0.1:' . $t->port('smtp'));
    my $box = $t->dir . "/home/$to/Maildir";
    unlink glob "$box/{new,cur}/*";

    $postfix->command('postconf', '-e', 'smtpd_data_restrictions=check_recipient_access inline:{' . $to . '=HOLD}');
    $postfix->reload;
    my ($signal, $said) = stopped(INT => sub { scalar $postfix->queue }, @here);
    is($signal, POSIX::SIGINT(), 'while it is in the queue: it ends by that signal');
    like($said, qr/interrupted: nothing is proved; its message was removed \(1 files\)/, 'and says what it did');
    is(scalar(() = $postfix->queue), 0, 'the queue is empty');
    $postfix->command('postconf', '-e', 'smtpd_data_restrictions=');
    $postfix->reload;

    ($signal, $said) = stopped(TERM => sub { my @mails = glob "$box/new/*"; scalar @mails }, @here);
    is_deeply([glob "$box/{new,cur}/*"], [], 'as it arrives: the mailbox is empty');

    my $client;
    my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5);
    ($signal, $said) = stopped(INT => sub { $client = $silent->accept }, '--smtp', '127.0.0.1:' . $silent->sockport);
    is($signal, POSIX::SIGINT(), 'before it is handed in: by that signal');
    like($said, qr/to the greeting it says: interrupted/, 'and says so');
};

# Whoever owns a mailbox may put anything in its place while root looks.
subtest 'a link where the mailbox was' => sub {
    my $box = $site->{t}->dir . "/home/$to/Maildir";
    unlink glob "$box/{new,cur}/*";
    mkdir "$box.other";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        my @new;
        for (1 .. 12_000) { # a minute at the most
            last if @new = map { m{([^/]+)\z} } glob "$box/new/*";
            select undef, undef, undef, 0.005;
        }
        spew("$box.other/$_", 'of somebody else') for @new;
        select undef, undef, undef, 0.05;
        rename "$box/new", "$box/kept";
        symlink "$box.other", "$box/new";
        POSIX::_exit(0);
    }
    said('--to', $to);
    waitpid $pid, 0;
    is(scalar(() = glob "$box.other/*"), 1, 'a file of that name elsewhere stays');
    unlink "$box/new";
    rename "$box/kept", "$box/new";
    unlink glob "$box/new/*";
};

subtest 'not as root' => sub {
    local @as = ('/usr/bin/setpriv', "--reuid=$FilterdTest::FILTERD_USER", '--clear-groups');
    my $s = said();
    is($s->{exit}, 1, 'warnings');
    like($s->{watch}, qr/^warning: this is not root: only/, 'it says what it could not see');
    like($s->{queue}, qr/^warning: .*cannot be looked into, as this is not root/, 'not the queue');
    like($s->{mailbox}, qr/^warning: Postfix has delivered it, but/, 'nor the mailbox');
    like($s->{filterd}, qr/^ok: nothing/, 'and goes on with the rest');
    $site->{dovecot}->wait_mails(1, $to);
};

subtest 'speed_adjust' => sub {
    $site->{postfix}->command('postconf', '-e', 'smtpd_proxy_options=speed_adjust');
    $site->{postfix}->reload;
    my $s = said('--to', $to);
    is($s->{exit}, 2, 'is bad');
    like($s->{postfix}, qr/^bad: .*speed_adjust/m, 'it is set');
    like($s->{queue}, qr/^bad: .*held it in plaintext \(text, base64 part, quoted-printable part, attachment/, 'and its file was seen');
    $site->{postfix}->command('postconf', '-e', 'smtpd_proxy_options=');
    $site->{postfix}->reload;
};

subtest 'the key is gone' => sub {
    $site->{filterd}->ctl(qw(key remove), $to);
    $site->{filterd}->ctl(qw(user set), $to, 'encrypt=');
    my $s = said('--to', $to);
    is($s->{exit}, 2, 'is bad');
    like($s->{mailbox}, qr{^bad: \S+/Maildir/\S+: holds it in plaintext \(text, }m, 'the mailbox has it in plaintext');
    $s = said();
    like($s->{err}, qr/no user has a key/, 'and nobody is left to send to');
};

subtest 'filterd is down' => sub {
    $site->{filterd}->down;
    my $s = said('--to', $to);
    is($s->{exit}, 2, 'is bad');
    like($s->{smtp}, qr/^bad: .*: to (?:RCPT|DATA|the message).* it says: 4\d\d /, 'at which command, with the reply');
};

subtest 'content_filter' => sub {
    start([qw(content_filter reinject)]);
    my $s = said('--to', $to);
    is($s->{exit}, 1, 'a warning');
    like($s->{queue}, qr{^warning: Postfix's queue, on a disk.* plaintext \(text, base64 part, .*/queue/}, 'the queue held it');
    like($s->{postfix}, qr/^warning: content_filter: a queue file/, 'as is to be expected');
    like($s->{mailbox}, qr/^ok: [^\n]+: holds it sealed\z/, 'the mailbox has it sealed');
};

subtest 'a copy for debugging' => sub {
    $site->{postfix}->command('postconf', '-e', 'always_bcc=debug@example.com');
    $site->{postfix}->reload;
    my $s = said('--to', $to);
    is($s->{exit}, 2, 'is bad');
    like($s->{mailbox}, qr{^bad: \S+/debug\@example.com/Maildir/\S+: holds it in plaintext}m, 'where the copy went');
    like($s->{mailbox}, qr{^ok: \S+/\Q$to\E/Maildir/\S+: holds it sealed}m, 'its own is sealed');
    like($s->{postfix}, qr/^warning: always_bcc is set/m, 'and why');
    is(scalar $site->{dovecot}->mails('debug@example.com'), 0, 'the copy is taken away');
};

subtest 'a program that writes what it gets in other forms' => sub {
    my $t = $site->{t};
    my ($dir, $spy) = map { $t->dir . "/$_" } qw(spy bin/spy);
    mkdir $dir;
    chmod 0777, $dir;
    spew($spy, <<"END", 0755);
#!/usr/bin/perl
use MIME::Base64;
my \$mail = join '', <STDIN>;
my %form = (utf16 => join("\\0", split //, \$mail), hex => unpack('H*', \$mail), base64 => encode_base64("x\$mail", ''), gone => \$mail);
for (keys %form) { open my \$fh, '>', "$dir/\$_.\$\$"; print \$fh \$form{\$_}; close \$fh }
unlink "$dir/gone.\$\$"; # it comes once more, sealed: another file
END
    $site->{postfix}->command('postconf', '-M', "spy/unix=spy unix - n n - - pipe flags=q user=$FilterdTest::FILTERD_USER argv=$spy");
    $site->{postfix}->command('postconf', '-e', 'always_bcc=spy@spy.test', 'transport_maps=inline:{spy.test=spy:}');
    $site->{postfix}->reload;
    my $s = said('--to', $to);
    is($s->{exit}, 2, 'is bad');
    like($s->{disk}, qr{^bad: $dir/$_\.\d+: holds it in plaintext \(text, }m, $_) for qw(utf16 hex base64);
    like($s->{mailbox}, qr{^bad: $dir/gone\.\d+(?: \(deleted\))?: holds it in plaintext \(text, }m, 'though it is gone');
    $site->{postfix}->command('postconf', '-e', 'always_bcc=');
    $site->{postfix}->reload;
};

subtest 'stuck' => sub {
    $site->{filterd}->down;
    my $s = said('--to', $to);
    is($s->{exit}, 2, 'is bad');
    like($s->{delivery}, qr/^bad: it got stuck in Postfix: deferred \(connect to .*refused/, 'where, and why');
    is(scalar(my @left = $site->{postfix}->queue), 0, 'nothing is left in the queue');
    local @as = ('/usr/bin/setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin');
    $s = said('--to', $to);
    like($s->{watch}, qr/^warning: the kernel tells nothing/, 'without the right to hear of writes');
    like($s->{queue}, qr/^warning: .* held it in plaintext/, 'the queue is looked through');
    $site->{filterd}->up;
};

subtest 'virtual_transport' => sub {
    start(['virtual_transport']);
    my $s = said('--to', $to);
    is($s->{exit}, 1, 'a warning');
    like($s->{queue}, qr/^warning: /, 'the queue held it');
    like($s->{mailbox}, qr/^ok: [^\n]+: holds it sealed\z/, 'the mailbox has it sealed');
};

subtest 'milter' => sub {
    start(['milter']);
    my $s = said('--to', $to);
    is($s->{exit}, 1, 'a warning');
    like($s->{postfix}, qr/^warning: milter: the queue file/, 'of what it is known for');
    like($s->{mailbox}, qr/^ok: [^\n]+: holds it sealed\z/, 'the mailbox has it sealed');
};

subtest 'nothing runs' => sub {
    $site->{postfix}->command('postfix', 'stop');
    my $s = said('--to', $to);
    is($s->{exit}, 2, 'is bad');
    like($s->{smtp}, qr/^bad: .*refused/, 'and says so');
    is((said('--to', 'nobody'))->{exit}, 67, 'an address that is none');
    is((said('--two', 'nobody'))->{exit}, 64, 'an option that is none');
};

done_testing;
