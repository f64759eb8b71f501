#!/usr/bin/perl
# filterctl check --prove: it finds plaintext where a set-up leaves it, and nowhere else.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Dovecot;
use FilterdTest::Site;
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use File::Path qw(remove_tree);
use POSIX ();
use Test::More;

my $to = 'user@example.com';
my $site;
# Where nothing is looked through but what is known to be the log.
my $log_dir = "/dev/shm/fdprove$$";
mkdir $log_dir or die "$log_dir: $!";
END { remove_tree($log_dir) if $log_dir }

sub start {
    my ($ways, $main, $dovecot) = @_;
    $site->{t}->stop if $site;
    $site = FilterdTest::Site->start(attach => $ways, keys => { user => 'curve' }, users => ['debug'], main => $main,
        dovecot => $dovecot);
}

our @as; # a command in front of it

# Runs it: the exit code, and for each subject what is said of it.
sub said {
    my (@args) = @_;
    my $t = $site->{t};
    my ($status, $out, $err) = $t->try_run(undef, @as, $t->dir . '/bin/filterctl', 'check', '--prove', '--json',
        '--postfix', $t->dir . '/postfix/etc', '--smtp', '127.0.0.1:' . $t->port('smtp'), @args);
    diag("exit $status\n$out$err") if $ENV{SHOW};
    my %said = map { $_ => '' } qw(smtp queue filterd log mailbox disk delivery postfix subject sandbox core swap watch);
    my $lines = eval { decode_json($out) } || [];
    $said{ $_->{subject} } .= ($said{ $_->{subject} } ? "\n" : '') . "$_->{result}: $_->{text}" for @$lines;
    return { %said, exit => $status, err => $err };
}

# A command that lets the next one see these files or folders in place of the machine's.
sub instead {
    my (@pairs) = @_;
    return ('/usr/bin/unshare', '-m', '/bin/sh', '-e', '-c', 'mount --make-rprivate /; '
        . 'while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done; shift; exec "$@"', 'sh', @pairs, '--');
}

# The same with a text for each file.
sub pretend {
    my (%text) = @_;
    my $n = 0;
    my %file = map { ($_ => $site->{t}->dir . '/instead' . $n++) } sort keys %text;
    spew($file{$_}, $text{$_}) for keys %text;
    return instead(map { ($file{$_}, $_) } sort keys %text);
}

my $SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

subtest 'before the queue' => sub {
    start([qw(smtpd_proxy_filter reinject)]);
    my $s = said(); # the first user with a key is to get it
    cmp_ok($s->{exit}, '<', 2, 'nothing is bad');
    like($s->{smtp}, qr/^ok: .* for \Q$to\E/, 'handed in');
    like($s->{$_}, qr/^ok: [^\n]*\z/, "$_: ok") for qw(queue filterd log mailbox postfix core sandbox);
    like($s->{mailbox}, qr{^ok: \S*/home/\Q$to\E/Maildir/\S+: holds it sealed$}, 'found in the mailbox, sealed');
    is($s->{disk}, '', 'and nowhere else');
    is(scalar $site->{dovecot}->mails($to), 0, 'it is taken away again');
    like($s->{subject}, qr/^ok: readable in/, 'the subject is no fault');
    $s = said('--keep', '--to', $to);
    is(scalar $site->{dovecot}->mails($to), 1, 'or kept');
};

subtest 'swap and cores' => sub {
    my $f = $site->{filterd};
    my @pids = ($f->processes('worker'), $f->processes('keeper'));
    cmp_ok(scalar @pids, '>=', 2, 'there are a worker and a keeper');
    my $limits = sub {
        my ($most) = @_;
        return map { ("/proc/$_/limits" => slurp("/proc/$_/limits") =~ s/^(Max core file size +)\S+/$1$most/mr) } @pids;
    };
    my @swap = map { "$_ partition 1048572 0 -2\n" } '/dev/zram0', '/nowhere/swap';
    local @as = pretend('/proc/swaps' => join('', $SWAPS, @swap), $limits->(0), '/proc/sys/kernel/core_pattern' => "|/bin/false\n");
    my $s = said('--to', $to);
    is($s->{exit}, 2, 'is bad');
    like($s->{swap}, qr{^warning: /nowhere/swap is on a disk that is not encrypted: [^\n]*\z}, 'swap, and only what is on a disk');
    like($s->{core}, qr/^bad: ${\ scalar @pids} of \d+ processes of filterd can leave a core.*: core_pattern is a program's/, 'a program gets cores, whatever the limit');
    @as = pretend('/proc/swaps' => $SWAPS . $swap[0], $limits->(0), '/proc/sys/kernel/core_pattern' => "core\n");
    $s = said('--to', $to);
    like($s->{swap}, qr/^ok: encrypted, or in memory\z/, 'in memory');
    like($s->{core}, qr/^ok: none of/, 'a limit of 0 does for files');
    my ($open) = slurp("/proc/$pids[0]/status") =~ s/^Seccomp:\s*\K2/0/mr;
    @as = pretend('/proc/swaps' => $SWAPS, $limits->('unlimited'), "/proc/$pids[0]/status" => $open);
    $s = said('--to', $to);
    like($s->{swap}, qr/^ok: there is none\z/, 'no swap');
    like($s->{core}, qr/^bad: ${\ scalar @pids} of \d+ processes of filterd can leave a core[^:]*\z/, 'no limit');
    like($s->{sandbox}, qr/^warning: of (\d+) processes of filterd \1 can gain no privileges, (?!\1)\d+ have/, 'system calls of one are not filtered');

    my ($ended) = slurp("/proc/$pids[0]/status") =~ s/^State:\s*\K.*/Z (zombie)/mr;
    @as = pretend("/proc/$pids[0]/limits" => '', "/proc/$pids[0]/status" => $ended);
    $s = said('--to', $to);
    like($s->{$_}, qr/^ok: [^\n]*\z/, "$_: one that has ended since holds nothing") for qw(core sandbox);
    @as = pretend("/proc/$pids[0]/limits" => '');
    $s = said('--to', $to);
    like($s->{core}, qr/^ok: [^\n]*\z/, 'nor does one that cannot be looked into count as the worst');
    like($s->{sandbox}, qr/^warning: 1 processes of filterd are there, but cannot be looked into: nothing is proved of them\nok: of/, 'of one that is hidden nothing is said');
};

subtest 'nothing to be seen in /proc' => sub {
    my $empty = $site->{t}->dir . '/empty';
    mkdir $empty;
    local @as = instead($empty, '/proc');
    my $s = said('--to', $to);
    like($s->{$_}, qr/^warning: [^\n]*nothing is proved of/, "$_: it says so") for qw(swap sandbox);
    is($s->{core}, '', 'and nothing else');
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

# A mail program marks and files it before the proof has ended: it is another path by then, where nothing is
# looked through.
subtest 'moved meanwhile' => sub {
    my $home = $site->{t}->dir . "/home/$to";
    my $box = "$log_dir/home/Maildir";
    $site->{t}->run('/bin/cp', '-a', $home, "$log_dir/home");
    rename $home, "$home.away";
    symlink "$log_dir/home", $home;
    chmod 0755, $log_dir;
    unlink glob "$box/{new,cur}/*";
    $site->{t}->run('/bin/mkdir', '-p', map { "$box/.Filed/$_" } qw(new cur tmp));
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        my @new;
        for (1 .. 12_000) { # a minute at the most
            last if @new = map { m{([^/]+)\z} } glob "$box/new/*";
            select undef, undef, undef, 0.005;
        }
        select undef, undef, undef, 0.1; # by then it was seen
        rename "$box/new/$_", "$box/.Filed/cur/$_:2,S" for @new;
        POSIX::_exit(@new ? 0 : 1);
    }
    said('--to', $to);
    waitpid $pid, 0;
    is($?, 0, 'it was moved');
    is(scalar(() = glob "$box/{new,cur,.Filed/new,.Filed/cur}/*"), 0, 'and is taken away all the same');
    unlink $home;
    rename "$home.away", $home;
};

# Postfix makes its log for root alone since 3.9, before for all: here it is what is said.
subtest 'not as root' => sub {
    local @as = ('/usr/bin/setpriv', "--reuid=$FilterdTest::FILTERD_USER", '--clear-groups');
    my $log = $site->{t}->dir . '/postfix.log';
    chmod 0644, $log;
    my $s = said();
    is($s->{exit}, 1, 'warnings');
    like($s->{watch}, qr/^warning: this is not root: only/, 'it says what it could not see');
    like($s->{queue}, qr{^warning: .*cannot be looked into, as this is not root, \S+/queue/\w+: Permission denied: nothing}, 'not the queue');
    like($s->{mailbox}, qr/^warning: Postfix has delivered it, but/, 'nor the mailbox');
    like($s->{$_}, qr/^ok: nothing/, "and goes on with the rest: $_") for qw(filterd log);
    $site->{dovecot}->wait_mails(1, $to);

    chmod 0600, $log;
    $s = said();
    is($s->{exit}, 1, 'with a log for root alone: warnings');
    my $unread = qr/^warning: Postfix's log \Q$log\E cannot be read \(Permission denied; this is not root\): /;
    like($s->{log}, qr/${unread}nothing is proved of it\z/, 'nothing is said of the log');
    like($s->{delivery}, qr/${unread}it is not known whether it arrived\z/, 'nor of the delivery');
    is($s->{mailbox}, '', 'nor of the mailbox');
    $site->{dovecot}->wait_mails(2, $to);
    chmod 0644, $log;

    @as = ('/usr/bin/setpriv', "--reuid=$FilterdTest::MAIL_USER", '--clear-groups');
    chmod 0700, $site->{t}->dir . '/state';
    $s = said('--to', $to); # the mailbox is this user's
    like($s->{filterd}, qr{^warning: filterd's own folders cannot be looked into, as this is not root, \S+/state: }, 'who may not look there either is told so');
    chmod 0755, $site->{t}->dir . '/state';
    unlink glob $site->{t}->dir . "/home/$to/Maildir/new/*";
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
    start([qw(content_filter reinject)], "maillog_file = $log_dir/mail.log\nmaillog_file_prefixes = /dev/shm\n");
    my $s = said('--to', $to);
    is($s->{exit}, 1, 'a warning');
    like($s->{queue}, qr{^warning: Postfix's queue, on a disk.* plaintext \(text, base64 part, .*/queue/}, 'the queue held it');
    like($s->{postfix}, qr/^warning: content_filter: a queue file/, 'as is to be expected');
    like($s->{mailbox}, qr/^ok: [^\n]+: holds it sealed\z/, 'the mailbox has it sealed');
};

subtest 'an encrypted disk' => sub {
    my $dir = $site->{t}->dir;
    my $dev = (stat $dir)[0];
    my $dm = sprintf '%s/block/%d:%d/dm', $dir, $dev >> 8 & 0xfff, $dev & 0xff | $dev >> 12 & 0xfff00;
    $site->{t}->run('/bin/mkdir', '-p', $dm);
    spew("$dm/uuid", "CRYPT-LUKS2-0123\n");
    spew("$dir/swaps", "$SWAPS$dir/swaps file 1048572 0 -2\n");
    local @as = instead("$dir/block", '/sys/dev/block', "$dir/swaps", '/proc/swaps');
    my $s = said('--to', $to);
    like($s->{queue}, qr/^ok: Postfix's queue, on an encrypted disk, held it in plaintext/, 'takes the queue');
    like($s->{swap}, qr/^ok: encrypted, or in memory\z/, 'and swap');
};

subtest 'the log' => sub {
    my ($t, $postfix) = @$site{qw(t postfix)};
    my $blind = ['/usr/bin/setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin']; # nobody tells of writes
    spew("$postfix->{dir}/etc/warn", "/^Subject:/ WARN\n");
    $postfix->command('postconf', '-e', "header_checks=regexp:$postfix->{dir}/etc/warn");
    $postfix->reload;
    local @as = @$blind;
    my $s = said('--to', $to);
    is($s->{exit}, 2, 'is bad');
    like($s->{log}, qr{^bad: plaintext in $log_dir/mail\.log \(subject\), as $log_dir/mail\.log\z}, 'the subject is logged');
    spew("$postfix->{dir}/etc/warn", "/^the way:/ WARN\n");
    $postfix->command('postconf', '-e', 'header_checks=', "body_checks=regexp:$postfix->{dir}/etc/warn");
    $postfix->reload;

    # As if it logged to the journal.
    my ($etc, $bin) = map { $t->dir . "/$_" } qw(journal journal/bin);
    mkdir $_ for $etc, $bin;
    spew("$etc/$_", slurp("$postfix->{dir}/etc/$_") =~ s/^maillog_file =.*\n//mr) for qw(main.cf master.cf);
    spew("$bin/journalctl", "#!/bin/sh\ncat $log_dir/mail.log\n", 0755);
    local $ENV{PATH} = "$bin:$ENV{PATH}";
    @as = (instead($bin, '/var/log'), @$blind);
    like(said('--to', $to, '--postfix', $etc)->{log}, qr/^bad: plaintext in the journal \(text\)/, 'a line of the text is, in the journal');
    spew("$bin/journalctl", "#!/bin/sh\n");
    @as = instead($bin, '/var/log');
    $s = said('--to', $to, '--postfix', $etc);
    like($s->{log}, qr/^warning: the journal knows nothing of the message: nothing is proved/, 'a log without it proves nothing');
    spew("$bin/journalctl", "#!/bin/sh\nexit 1\n");
    $s = said('--to', $to, '--postfix', $etc);
    like($s->{log}, qr/^warning: Postfix's log, the journal, cannot be read: nothing is proved of it\z/, 'nor one that cannot be read');
    spew("$etc/main.cf", slurp("$etc/main.cf") . "maillog_file = /dev/stdout\n");
    $s = said('--to', $to, '--postfix', $etc);
    like($s->{log}, qr{^warning: Postfix's log /dev/stdout cannot be read \(Operation not supported\): nothing}, 'nor what is no file');
    $postfix->command('postconf', '-e', 'body_checks=');
};

subtest 'a copy for debugging' => sub {
    $site->{postfix}->command('postconf', '-e', 'always_bcc=debug@example.com');
    $site->{postfix}->reload;
    my $s = said('--to', $to);
    is($s->{exit}, 2, 'is bad');
    like($s->{mailbox}, qr{^bad: \S+/debug\@example.com/Maildir/\S+: holds it in plaintext}m, 'where the copy went');
    like($s->{mailbox}, qr{^ok: \S+/\Q$to\E/Maildir/\S+: holds it sealed}m, 'its own is sealed');
    like($s->{postfix}, qr/^warning: always_bcc is set/m, 'and why');
    like($s->{log}, qr/^ok: nothing of it in plaintext/, 'nothing is logged, but what others left there');
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
my %form = ('../state/kept' => \$mail, utf16 => join("\\0", split //, \$mail), hex => unpack('H*', \$mail), base64 => encode_base64("x\$mail", ''), gone => \$mail);
for (keys %form) { open my \$fh, '>', "$dir/\$_.\$\$"; print \$fh \$form{\$_}; close \$fh }
unlink "$dir/gone.\$\$"; # it comes once more, sealed: another file
END
    $site->{postfix}->command('postconf', '-M', "spy/unix=spy unix - n n - - pipe flags=q user=$FilterdTest::FILTERD_USER argv=$spy");
    $site->{postfix}->command('postconf', '-e', 'always_bcc=spy@spy.test', 'transport_maps=inline:{spy.test=spy:}');
    $site->{postfix}->reload;
    my $s = said('--to', $to);
    is($s->{exit}, 2, 'is bad');
    like($s->{disk}, qr{^bad: $dir/$_\.\d+: holds it in plaintext \(text, }m, $_) for qw(utf16 hex base64);
    like($s->{filterd}, qr{^bad: plaintext in filterd's own folders \(text, .*\), as \S+/state/kept\.\d+\z}, 'in the state folder');
    like($s->{mailbox}, qr{^bad: $dir/gone\.\d+(?: \(deleted\))?: holds it in plaintext \(text, }m, 'though it is gone');
    $site->{postfix}->command('postconf', '-e', 'always_bcc=');
    $site->{postfix}->reload;
};

subtest 'stuck' => sub {
    $site->{filterd}->down;
    my $s = said('--to', $to);
    is($s->{exit}, 2, 'is bad');
    like($s->{delivery}, qr/^bad: it got stuck in Postfix: deferred \(connect to .*(?:refused|No such file)/, 'where, and why');
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
    my ($dir, $etc) = ($site->{t}->dir, "$site->{postfix}{dir}/etc");
    my ($milters) = ($site->{postfix}->command('postconf', '-h', 'smtpd_milters'))[1] =~ /(.*)/;
    $site->{postfix}->command('postconf', '-e', "smtpd_milters={$milters, command_timeout=9s}");
    $site->{postfix}->reload;
    like((said('--to', $to))->{postfix}, qr/^warning: milter: the queue file/, 'with settings of its own');
    # What only looks like ours.
    $site->{postfix}->command('postconf', '-M', 'filterd/unix=filterd unix - - n - - lmtp');
    $site->{postfix}->command('postconf', '-e', "smtpd_milters={$milters.old, default_action=accept}", "virtual_transport=filterd:unix:$dir/dovecot.lmtp");
    $site->{postfix}->reload;
    like((said('--to', $to))->{postfix}, qr/^bad: nothing in its settings leads mail for \S+ to filterd/, 'a socket and a transport of almost that name');
};

# A mailbox without files of its own for each message: only Dovecot can take it out. doveadm is the real one,
# told where the settings are.
subtest "in Dovecot's own format" => sub {
    start([qw(smtpd_proxy_filter reinject)], undef, FilterdTest::Dovecot::series() eq '2.3'
        ? "mail_location = mdbox:~/mdbox\n" : "mail_driver = mdbox\nmail_path = ~/mdbox\n");
    my $bin = $site->{t}->dir . '/own';
    mkdir $bin;
    spew("$bin/doveadm", qq(#!/bin/sh\nexec /usr/bin/doveadm -c $site->{dovecot}{conf} "\$@"\n), 0755);
    my $count = sub { scalar(() = $site->{t}->run("$bin/doveadm", qw(search -u), $to, qw(mailbox * ALL)) =~ /^/mg) };
    said('--keep', '--to', $to);
    is($count->(), 1, 'kept');
    local $ENV{PATH} = "$bin:$ENV{PATH}";
    said('--to', $to);
    is($count->(), 1, 'the next one is taken out, and nothing else');
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
