package FilterdTest::Breaks;

# What people do to a site that breaks a promise of filterd's, and what "filterctl check" must say then: the exit code of a
# plugin, and a line that names it with what to change. SiteTest.pm runs one group after the other; before and after each
# group there is nothing to find fault with.

use strict;
use warnings;
use FilterdTest;
use FilterdTest::Dovecot;
use Test::More;

# ---- how to break it ----

sub main_cf {
    my (%set) = @_;
    return sub { $_[0]->main_cf(%set) };
}

sub service {
    my (@set) = @_;
    return sub { $_[0]->services(@set) };
}

# Code that changes $_, the text of a file.
sub edit {
    my ($file, $change) = @_;
    return sub {
        my ($site) = @_;
        my $path = $file eq 'dovecot' ? $site->{dovecot}{conf} : "$site->{etc}/$file";
        my @times = (stat $path)[8, 9];
        local $_ = my $was = slurp($path);
        $change->($site);
        die "$file has nothing to change\n" if $_ eq $was;
        spew($path, $_);
        utime @times, $path if $file eq 'dovecot'; # it is no later change
    };
}

sub master { return edit('master.cf', @_) }
sub dovecot { return edit('dovecot', @_) }

# A file beside Postfix's; its name.
sub table {
    my ($site, $name, $text) = @_;
    spew("$site->{etc}/$name", $text);
    return "$site->{etc}/$name";
}

# filterd's settings, by a file that is read last.
sub set {
    my ($text) = @_;
    return sub {
        my ($site) = @_;
        spew($site->{t}->dir . '/etc/conf.d/90-changed.conf', ref $text ? $text->($site) : $text);
    };
}

# Rights or owner of a file, as code that finds it.
sub closed {
    my ($mode, $file) = @_;
    return sub {
        my ($site) = @_;
        my $path = $file->($site);
        push @{ $site->{undo} }, [(stat $path)[2, 4, 5], $path];
        chmod $mode, $path;
    };
}

sub owned {
    my ($uid, $gid, $file) = @_;
    return sub {
        my ($site) = @_;
        my $path = $file->($site);
        push @{ $site->{undo} }, [(stat $path)[2, 4, 5], $path];
        chown $uid, $gid, $path;
    };
}

sub gone {
    my ($file) = @_;
    return sub {
        my ($site) = @_;
        my $path = $file->($site);
        rename $path, "$path.away" or die "$path: $!\n";
        push @{ $site->{back} }, $path;
    };
}

my $map = sub { (glob $_[0]{t}->dir . '/etc/maps/*alias*')[0] };
my $in = sub { my ($name) = @_; sub { $_[0]{t}->dir . "/$name" } };

# ---- what there is to find ----

# One for each thing that the check is to find on a site whose mailboxes are Dovecot's by virtual_transport, with dspam's
# FILTER before.
sub usual {
    my $two = FilterdTest::Dovecot::series() ne '2.3';
    my $crypt = $two ? "mail_plugins {\n  mail_crypt = yes\n}\n" : "mail_plugins = mail_crypt\n";
    my $zlib = $two ? "mail_plugins {\n  mail_compress = yes\n}\n" : "mail_plugins = zlib\n";
    return (
        ['routes',
            ['a transport past the second leg', 2, qr{^bad\troutes\ttransport_maps sends example\.com to virtual:.*: take it out}m,
                main_cf(transport_maps => 'inline:{example.com=virtual:}')],
            ['local mail past it', 2, qr{^bad\troutes\tlocal_transport=virtual delivers .*let it lead to filterd}m,
                main_cf(local_transport => 'virtual')],
            ['FILTER', 1, qr{^warning\troutes\tsmtp/inet: smtpd_proxy_filter disables the FILTER in pcre:\S+dspam_filter_access .*: take it out}m,
                sub { $_[0]->main_cf(smtpd_client_restrictions => "check_client_access pcre:$_[0]{etc}/dspam_filter_access") }],
            ['header_checks', 1, qr{^warning\troutes\tsubmission/inet: header_checks=pcre:\S+ of its cleanup are bypassed: give reinject-submitted/unix}m,
                sub {
                    master(sub { $_ .= "subcleanup unix n - n - 0 cleanup\n  -o header_checks=pcre:/x\n" })->($_[0]);
                    $_[0]->services('submission/inet/cleanup_service_name' => 'subcleanup');
                }],
            ['submission that is judged', 2, qr{^bad\troutes\tsubmission/inet leads our own users' mail to \[listener smtp\].*role=submission}m,
                service('submission/inet/smtpd_proxy_filter' => 'unix:filterd/smtp.sock')],
            ['a signer behind', 2, qr{^bad\tpostfix\treinject/unix shows inbound mail to smtpd_milters=inet:\S+, .*: add -o smtpd_milters=}m,
                sub { $_[0]->services('reinject/unix/smtpd_milters' => $_[0]->signer_at, 'reinject/unix/receive_override_options' => '') }]],
        ['sizes',
            ['larger mail', 2, qr{^warning\tpostfix\tmessage_size_limit=60000000 is more than filterd's}m, main_cf(message_size_limit => 60000000)],
            ['a way back that is too small', 1, qr{^warning\tpostfix\tsealed-cleanup/unix: message_size_limit=10240000 .*: set it to 14336000 at least}m,
                service('sealed-cleanup/unix/message_size_limit' => 10240000)]],
        ['tables',
            ['a map that is closed', 2, qr{^bad\tusers\t\[users\] aliases: filterd may not read \S+ .*chmod 640}m, closed(0600, $map)],
            ['one that is gone', 2, qr{^bad\tusers\t\[users\] aliases: \S+: No such file}m, gone($map)],
            ['a catch-all', 1, qr{^warning\tpostfix\twhat is for nobody else in \@example\.com .*: filterctl alias add}m,
                main_cf(virtual_alias_maps => 'inline:{{@example.com=ann@example.com}}')]],
        ['Dovecot',
            ['no IMAPSieve', 2, qr{^bad\tdovecot\tIMAPSieve does not run .*: include filterd's snippet}m, dovecot(sub { s/^.*imap_sieve.*\n//m })],
            ['a script that is not compiled', 2, qr{^bad\tdovecot\t(\S+/learn\.sieve) is not compiled, .*: sievec .* \1$}m, gone($in->('sieve/learn.svbin'))],
            ['one that was changed since', 2, qr{^bad\tdovecot\t(\S+/learn\.sieve) was changed after it was compiled: sievec .* \1$}m,
                sub {
                    my $script = $_[0]{t}->dir . '/sieve/learn.sieve';
                    $_[0]{sieve_times} = [(stat $script)[8, 9], $script];
                    utime time, time + 100, $script;
                }],
            ['settings that were', 1, qr{^warning\tdovecot\t\S+/learn\.sieve was compiled before Dovecot's Sieve settings .*: reload Dovecot, then sievec}m,
                sub {
                    my $conf = $_[0]{dovecot}{conf};
                    $_[0]{sieve_times} = [(stat $conf)[8, 9], $conf];
                    utime time, time + 100, $conf;
                }],
            ['no junk folder', 1, qr{^warning\tdovecot\tno mailbox is marked special_use}m,
                dovecot(sub { s/^.*special_use = .Junk\n//mg; s/mailbox (Spam|Junk) /mailbox X$1 /g })],
            ['a namespace of another prefix', 1, qr{^warning\tdovecot\tthe namespace has a prefix other than INBOX: mark the junk folder}m,
                dovecot(sub { s/^.*special_use = .Junk\n//mg; s/inbox = yes\n/$&  separator = .\n  prefix = Mail.\n/ })],
            ['zlib', 1, qr{^warning\tdovecot\tmail is stored compressed}m, dovecot(sub { $_ .= $zlib })],
            ['mail_crypt', 1, qr{^warning\tdovecot\tmail is stored encrypted}m, dovecot(sub { $_ .= $crypt })]],
        ['host',
            ['a key that others may read', 2, qr{^bad\tsite key\t\S+ may be read by others .*: chmod 0400}m, closed(0440, $in->('etc/site.key'))],
            ['who does not exist may train', 2, qr{^bad\ttrain_users\tthere is no user nosuchuser .*: name Dovecot's mail user}m,
                set("[control]\ntrain_users = nosuchuser\n")],
            ['another than Dovecot\'s mail user may', 2, qr{^bad\ttrain_users\tDovecot runs as $FilterdTest::MAIL_USER .*: add $FilterdTest::MAIL_USER to}m,
                set("[control]\ntrain_users = daemon\n")],
            ['settings that the daemon has not read', 1, qr{^warning\tsettings\t\S+90-changed\.conf was changed since filterd read it: systemctl reload}m,
                set("[spam]\nsubject_tag = x\n")],
            ['an id on the mount that comes later', 2, qr{^bad\tmount\tstate_dir and state_id lie on .*: set state_id to a file elsewhere}m,
                sub {
                    my $id = "$_[0]{vmail}/state.id";
                    spew($id, slurp($_[0]{t}->dir . '/etc/state.id'));
                    set("[filterd]\nstate_id = $id\n")->($_[0]);
                }]],
    );
}

# More of the same kinds, on a site with mydestination, mailbox_transport and header_checks of its own.
sub more {
    my $two_three = FilterdTest::Dovecot::series() eq '2.3';
    return (
        ['routes',
            ['everything by one transport', 2, qr{^bad\troutes\ttransport_maps sends example\.com to smtp:\S+, past .*: take it out}m,
                main_cf(transport_maps => 'inline:{*=smtp:[127.0.0.1]:2525}')],
            ['one user by a pattern', 2, qr{^bad\troutes\ttransport_maps sends ann\@example\.com to virtual:}m,
                sub { $_[0]->main_cf(transport_maps => 'pcre:' . table($_[0], 'ways', "/^ann\@/ virtual:\n")) }],
            ['a table that is not there', 2, qr{^bad\troutes\ttransport_maps names texthash:/nowhere, which cannot be read .*: mend or remove}m,
                main_cf(transport_maps => 'texthash:/nowhere')],
            ['mailbox_transport_maps', 2, qr{^bad\troutes\tmailbox_transport_maps sends ann to lmtp:\S+, past mailbox_transport: take it out}m,
                main_cf(mailbox_transport_maps => 'inline:{ann=lmtp:unix:private/dovecot-lmtp}')],
            ['an option of local(8)', 2, qr{^bad\troutes\tlocal/unix/mailbox_transport=lmtp:\S+ delivers past filterd: take this -o out}m,
                service('local/unix/mailbox_transport' => 'lmtp:unix:private/dovecot-lmtp')],
            ['an option of who resolves', 2, qr{^bad\troutes\trewrite/unix/local_transport=virtual delivers mail for example\.com}m,
                service('rewrite/unix/local_transport' => 'virtual')],
            ['a domain that is relayed', 2, qr{^bad\troutes\trelay_transport=smtp:\S+ delivers mail for example\.com \(relay_domains\) past filterd}m,
                main_cf(mydestination => 'localhost', relay_domains => 'example.com', relay_transport => 'smtp:[127.0.0.1]:2525')],
            ['FILTER in a class', 1, qr{^warning\troutes\tsmtp/inet: smtpd_proxy_filter disables the FILTER in static:}m,
                main_cf(smtpd_restriction_classes => 'ask_dspam', ask_dspam => 'check_client_access static:{FILTER dspam:x}',
                    smtpd_sender_restrictions => 'ask_dspam')],
            ['checks of bodies', 1, qr{^warning\troutes\tsmtp/inet: body_checks=pcre:/x are bypassed, .*: take them out}m, main_cf(body_checks => 'pcre:/x')],
            ['header_checks for all', 1, qr{^warning\troutes\tsmtp/inet: header_checks=pcre:/x are bypassed: take no_header_body_checks out of reinject/unix}m,
                main_cf(header_checks => 'pcre:/x')],
            ['a cleanup that rewrites nothing', 1, qr{^warning\troutes\tsubmission/inet: header_checks=\S+ of its cleanup are bypassed: give reinject-submitted/unix}m,
                service('reinject-submitted/unix/cleanup_service_name' => 'sealed-cleanup')]],
        ['fronts',
            ['port 25 without filterd', 2, qr{^bad\tfronts\tsmtp/inet takes mail from outside .*: postconf -P 'smtp/inet/smtpd_proxy_filter=unix:filterd/smtp\.sock'}m,
                service('smtp/inet/smtpd_proxy_filter' => '')],
            ['another port', 2, qr{^bad\tfronts\t2525/inet takes mail from outside .*: postconf -P '2525/inet/smtpd_proxy_filter=}m,
                master(sub { $_ .= "2525 inet n - n - - smtpd\n" })],
            ['postscreen in front', 2, qr{^bad\tfronts\tsmtpd/pass takes mail from outside .*: postconf -P 'smtpd/pass/smtpd_proxy_filter=}m,
                master(sub { s/^smtp +inet.*\n(?: .*\n)+/smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n/m })],
            ['a second submission', 2, qr{^bad\tfronts\t10587/inet: our own users' mail .*judged like a stranger's: postconf -P '10587/inet/smtpd_proxy_filter=unix:filterd/submission\.sock'}m,
                master(sub { $_ .= "10587 inet n - n - - smtpd\n  -o smtpd_client_restrictions=permit_sasl_authenticated,reject\n" })],
            ['one that inherits', 2, qr{^bad\troutes\tsmtps/inet leads our own users' mail to \[listener smtp\].*role=submission}m,
                sub {
                    $_[0]->main_cf(smtpd_proxy_filter => 'unix:filterd/smtp.sock');
                    $_[0]->postconf('-PX', 'smtps/inet/smtpd_proxy_filter');
                }],
            ['submission past filterd', 2, qr{^bad\tfronts\tsubmission/inet: our own users' mail comes to filterd behind the queue}m,
                service('submission/inet/smtpd_proxy_filter' => '')]],
        ['ways back',
            ['aliases that nobody expands', 2, qr{^bad\tways back\treinject/unix: no_address_mappings, .*: take it out}m,
                service('reinject/unix/receive_override_options' => 'no_unknown_recipient_checks,no_address_mappings,no_milters')],
            ['mail that is not signed', 1, qr{^warning\tways back\treinject-submitted/unix: smtpd_milters=\S+ sees none of our users' mail: .* take no_milters away}m,
                service('reinject-submitted/unix/receive_override_options' => 'no_unknown_recipient_checks,no_milters')],
            ['headers that Postfix changes', 1, qr{^warning\tways back\treinject/unix: local_header_rewrite_clients=permit_mynetworks .*: add -o local_header}m,
                service('reinject/unix/local_header_rewrite_clients' => 'permit_mynetworks')],
            ['no way back', 2, qr{^bad\tways back\t\[listener smtp\] has next_hop=\S+/public/reinject, but master\.cf has no smtpd "reinject unix}m,
                master(sub { s/^reinject +unix.*\n(?: .*\n)+//m })],
            ['a chroot', 2, qr{^bad\tways back\tsmtp/inet is chrooted .*cannot reach \S+/smtp\.sock: .*chroot column to n}m,
                sub {
                    master(sub { s/^(smtp +inet +n +- +)n/$1y/m })->($_[0]);
                    $_[0]->services('smtp/inet/smtpd_proxy_filter' => "unix:$_[0]{queue}/filterd/smtp.sock");
                }],
            ['a socket of another group', 2, qr{^bad\tways back\tsmtp/inet: Postfix's user postfix may not connect to unix:\S+: set \[listener smtp\] group=postfix}m,
                owned(-1, 8, sub { "$_[0]{queue}/filterd/smtp.sock" })],
            ['a wait in minutes', 2, qr{^bad\tpostfix\tsmtp/inet: smtpd_proxy_timeout=1m is too short .*: set it to 100s}m, main_cf(smtpd_proxy_timeout => '1m')],
            ['mailboxes smaller than a message', 2, qr{^bad\tpostfix\tmailbox_size_limit=5000000 .*: set it to 14336000 at least}m,
                main_cf(mailbox_size_limit => 5000000)],
            ['messages of any size', 2, qr{^bad\tpostfix\tmailbox_size_limit=51200000, but message_size_limit=0 .*: set mailbox_size_limit to 0}m,
                main_cf(message_size_limit => 0)]],
        ['tables',
            ['a copy that is old', 2, qr{^bad\tusers\t\S+ was changed since filterd's copy \S+ was made: .*"filterctl setup --apply"}m,
                sub {
                    my ($file) = glob "$_[0]{etc}/pgsql-aliases.cf";
                    $_[0]{changed} = [$file, slurp($file)];
                    open(my $f, '>>', $file) or die;
                    print $f "expansion_limit = 7\n";
                    close $f;
                }],
            ['aliases that cannot be read', 2, qr{^bad\tpostfix\ttexthash:/nowhere cannot be read .*: mend or remove}m,
                main_cf(virtual_alias_maps => 'texthash:/nowhere')],
            ['a domain more', 2, qr{^bad\tpostfix\tPostfix delivers mail for other\.test, .*: add it to \[filterd\] domains}m,
                main_cf(virtual_mailbox_domains => 'other.test', virtual_transport => 'filterd:unix:filterd/lmtp.sock')]],
        ['Dovecot',
            $two_three ? (
                ['a folder that nobody has', 2, qr{^bad\tdovecot\tIMAPSieve runs filterd's script for INBOX\.Junk, .*: set imapsieve_mailbox\*_name to \*}m,
                    dovecot(sub { s/imapsieve_mailbox1_name = \*/imapsieve_mailbox1_name = INBOX.Junk/ })],
                ['one way alone', 2, qr{^bad\tdovecot\tIMAPSieve runs filterd's script only for what comes into a folder: set}m,
                    dovecot(sub { s/imapsieve_mailbox1_name = \*/imapsieve_mailbox1_name = Junk/ })],
                ['uploads alone', 2, qr{^bad\tdovecot\tIMAPSieve runs .* not for what is moved: add COPY}m,
                    dovecot(sub { s/COPY APPEND/APPEND/ })],
            ) : (),
            ['an extension less', 2, qr{^bad\tdovecot\tSieve has no vnd\.dovecot\.environment .*: include filterd's snippet}m,
                dovecot(sub { s/ \+vnd\.dovecot\.environment\b|^ *vnd\.dovecot\.environment = yes\n//mg })],
            ['no Sieve in LMTP', 1, qr{^warning\tdovecot\tLMTP runs no Sieve .*: include filterd's snippet}m,
                dovecot(sub { s/^ +(?:mail_plugins = \$mail_plugins sieve|sieve = yes)$//mg })],
            ['a script that is gone', 2, qr{^bad\tdovecot\t\S+/learn\.sieve: No such file}m, gone($in->('sieve/learn.sieve'))],
            ['one that users may not read', 2, qr{^bad\tdovecot\tDovecot's mail user \S+ may not read \S+/learn\.svbin, .*: chmod a\+r}m,
                closed(0600, $in->('sieve/learn.svbin'))],
            ['a closed folder of programs', 2, qr{^bad\tdovecot\tDovecot's mail user \S+ may not run \S+/filterd-retrain, .*: chmod a\+rx}m,
                closed(0700, $in->('bin'))]],
        ['host',
            ['settings that filterd may not read', 2, qr{^bad\tsettings\t\S+/filterd\.conf: filterd's user \S+ may not read it .*: chown}m,
                closed(0600, $in->('etc/filterd.conf'))],
            ['keys that it may not read', 2, qr{^bad\tstate\t\S+/keys: filterd's user \S+ may not write to it .*: chown}m,
                owned(0, 0, $in->('state/keys'))],
            ['those of one user', 2, qr{^bad\tstate\t\S+/keys/ann\@example\.com: filterd's user \S+ may not read it .*: this user's mail waits: chown}m,
                owned(0, 0, $in->('state/keys/ann@example.com'))],
            ['a key that is gone', 2, qr{^bad\tsite key\t\S+ is not there, .*: bring it back}m, gone($in->('etc/site.key'))]],
    );
}

# ---- the test ----

sub check {
    my ($site) = @_;
    my ($status, $out, $err) = $site->{filterd}->try_ctl(undef, 'check', $site->where);
    return ($status, join '', map { "$_\n" } grep { !/^ok\t/ } split(/\n/, $out), split(/\n/, $err));
}

sub files { return ("$_[0]{etc}/main.cf", "$_[0]{etc}/master.cf", $_[0]{dovecot}{conf}) }

sub restore {
    my ($site, %was) = @_;
    for my $file (keys %was) {
        my ($text, @times) = @{ $was{$file} };
        spew($file, $text) if slurp($file) ne $text;
        utime @times, $file;
    }
    for (splice @{ $site->{undo} ||= [] }) {
        my ($mode, $uid, $gid, $path) = @$_;
        chown $uid, $gid, $path;
        chmod $mode & 07777, $path;
    }
    rename "$_.away", $_ for splice @{ $site->{back} ||= [] };
    my ($atime, $mtime, $script) = @{ delete $site->{sieve_times} || [] };
    utime $atime, $mtime, $script if $script;
    my ($changed, $text) = @{ delete $site->{changed} || [] };
    if ($changed) {
        open(my $f, '>', $changed) or die; # its rights stay
        print $f $text;
        close $f;
    }
    unlink "$site->{vmail}/state.id";
    $site->{filterd}->reload if unlink $site->{t}->dir . '/etc/conf.d/90-changed.conf';
}

sub run_group {
    my ($site, $group, @breaks) = @_;
    for my $break (@breaks) {
        my ($name, $level, $want, $do) = @$break;
        my %was = map { $_ => [slurp($_), (stat $_)[8, 9]] } files($site);
        $do->($site);
        # Postfix's programs wait while main.cf is younger than two seconds.
        slurp($_) ne $was{$_}[0] && utime time, time - 10, $_ for "$site->{etc}/main.cf";
        my ($status, $said) = check($site);
        ok($status == $level && $said =~ $want, "$group: $name") or diag "exit $status\n$said";
        restore($site, %was);
    }
    my ($status, $said);
    poll(sub { ($status, $said) = check($site); $status == 0 }); # the daemon reads its settings
    is("$status$said", '0', "$group: all is well again");
}

sub run {
    my ($site, @groups) = @_;
    run_group($site, @$_) for @groups;
}

1;
