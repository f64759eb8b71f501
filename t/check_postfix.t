#!/usr/bin/perl
# filterctl check of Postfix's settings: whatever does not fit filterd is told in plain words.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest;
use FilterdTest::Daemon;
use FilterdTest::Keys;
use Test::More;

my $t = FilterdTest->new;
my $etc = $t->dir . '/postfix';
my $filterd = FilterdTest::Daemon->start($t, idle => 1, set => { 'filterd.domains' => 'example.com', 'dns.timeout_ms' => 50 },
    snippets => ['content_filter']);
$filterd->settings('listener milter.protocol' => 'milter', 'listener milter.address' => 'inet:127.0.0.1:' . $t->port('milter'));
$filterd->import_key(FilterdTest::Keys->new($t, "$_\@example.com", 'curve')) for qw(ann bob);

my $BASE = <<'END';
compatibility_level = 3.6
smtpd_forbid_bare_newline = yes
mydestination =
myorigin = example.com
virtual_mailbox_domains = example.com
alias_maps =
END
my $MASTER = "smtp inet n - n - - smtpd\npickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nlmtp unix - - n - - lmtp\n";
my @two = qw(smtpd_proxy_filter reinject virtual_transport);

my $subject = 'postfix';

# What "check" says of Postfix with these snippets; set: main.cf lines. edit: changes master.cf.
sub findings {
    my ($snippets, $set, $edit) = @_;
    local $_ = $MASTER . join '', map { $t->snippet($_, 'master.cf') } @$snippets;
    $edit->() if $edit;
    mkdir $etc;
    spew("$etc/master.cf", $_);
    spew("$etc/main.cf", "queue_directory = $etc/queue\n" . $BASE . join('', map { $t->snippet($_, 'main.cf') } @$snippets) . ($set // ''));
    utime time, time - 10, "$etc/main.cf"; # Postfix's programs wait while it is younger than two seconds
    my ($status, $out, $err) = $filterd->try_ctl(undef, 'check', '--postfix', $etc);
    is($err, '', 'no complaint');
    return join '', map { "$_\n" } grep { /^\w+\t$subject\t/ } split /\n/, $out;
}

sub finds {
    my ($name, $want, @how) = @_;
    subtest $name => sub {
        my $found = findings(@how);
        is($found =~ tr/\n//, 1, 'one finding') or diag $found;
        like($found, $want, 'it is');
    };
}

finds('two legs as shipped', qr/^ok\tpostfix\ttwo legs: /, \@two);
finds('between Postfix and the mailbox', qr/^ok\tpostfix\tits settings fit/, ['virtual_transport']);
finds('before the queue alone', qr/^warning\t.*no virtual_transport or mailbox_transport.*bounces/,
    [qw(smtpd_proxy_filter reinject)]);
finds('after the queue alone', qr/^warning\t.*no virtual_transport/, [qw(content_filter reinject)]);
finds('speed_adjust', qr/^bad\t.*speed_adjust writes .* plaintext/, \@two, "smtpd_proxy_options = speed_adjust\n");
finds('a milter in front', qr/^warning\t.*smtp\/inet: smtpd_milters=inet:127\.0\.0\.1:8891 sees no content/, \@two,
    "smtpd_milters = inet:127.0.0.1:8891\n");
finds('too short a wait', qr/^bad\t.*smtpd_proxy_timeout=30s is too short/, \@two, "smtpd_proxy_timeout = 30s\n");
finds('too many processes', qr/^warning\t.*may open 520 sessions at once, filterd has workers=120/, \@two,
    "default_process_limit = 500\n");
finds('any number of processes', qr/^warning\t.*no process limit/, \@two, '',
    sub { s/^smtp inet n - n - - /smtp inet n - n - 0 / });
finds('long lines broken', qr/^warning\t.*filterd\/unix: lmtp_line_length_limit=99[08] breaks/, \@two, '',
    sub { s/ -o lmtp_line_length_limit=0// });
finds('a client not told', qr/^warning\t.*without lmtp_send_xforward_command=yes/, \@two, '',
    sub { s/-o lmtp_send_xforward_command=yes // });
finds('no such service', qr/^bad\t.*no service filterd\/unix/, \@two, '', sub { s/^filterd unix/other unix/m });
finds('a loop', qr/^bad\t.*reinject|^bad\t.*for ever: add -o content_filter=/, [qw(content_filter reinject)],
    "virtual_transport = filterd:unix:filterd/queue.sock\n", sub { s/-o content_filter= // });
finds('a loop before the queue', qr/^bad\t.*add -o smtpd_proxy_filter=/, \@two, '', sub { s/-o smtpd_proxy_filter= // });
finds('aliases not expanded', qr/^warning\t.*no_address_mappings leaves aliases/, [qw(content_filter reinject)],
    "virtual_transport = filterd:unix:filterd/queue.sock\n",
    sub { s/^(smtp inet.*\n)/$1  -o receive_override_options=no_address_mappings\n/ });
finds('larger mail', qr/^warning\t.*message_size_limit=60000000 is more/, \@two, "message_size_limit = 60000000\n");
finds('mail of any size', qr/^warning\t.*message_size_limit=0 is more/, \@two, "message_size_limit = 0\n");
# A proof between the legs lives as long as mail may be queued.
finds('a patient queue', qr/^warning\t.*maximal_queue_lifetime=10d, .* set \[deliver\] queue_days to 11 at least/, \@two, "maximal_queue_lifetime = 10d\n");
finds('a queue of weeks', qr/^warning\t.* set \[deliver\] queue_days to 15 at least/, \@two, "maximal_queue_lifetime = 2w\n");
finds('of days by default', qr/^warning\t.* set \[deliver\] queue_days to 31 at least/, \@two, "maximal_queue_lifetime = 30\n");
finds('one that fits', qr/^ok\t/, \@two, "maximal_queue_lifetime = 216h\n");
finds('one that is nothing to a single leg', qr/^ok\t/, ['virtual_transport'], "maximal_queue_lifetime = 30d\n");

# Sealed mail is up to 1.4 times as large.
my $less = qr/is less than 1\.4 times what Postfix takes in front.*: set it to/;
my $small = sub { s/^(sealed-cleanup .*\n) +-o message_size_limit=.*\n/$1/m };
finds('too small a cleanup', qr{^warning\t.*sealed-cleanup/unix: message_size_limit=10240000 $less 14336000 at least}, \@two, '', $small);
finds('too small a way back', qr{^warning\t.*reinject/unix: message_size_limit=14335999 $less 14336000 at least}, \@two, '',
    sub { s/-o message_size_limit=73400320/-o message_size_limit=14335999/ });
finds('a front with a limit of its own', qr{^warning\t.*sealed-cleanup/unix: message_size_limit=10240000 $less 28000000 at least}, \@two,
    '', sub { $small->(); s/^smtp inet.*\n/$&  -o message_size_limit=20000000\n/m });
finds('no such cleanup', qr{^bad\t.*cleanup_service_name=sealed-cleanup, but master\.cf has no service sealed-cleanup/unix}, \@two, '',
    sub { s/^sealed-cleanup /other-cleanup /m });
finds('the cleanup of all', qr{^warning\t.*\bcleanup/unix: message_size_limit=10240000 $less}, [qw(content_filter reinject virtual_transport)],
    "virtual_transport = filterd:unix:filterd/queue.sock\n", sub { s/-o cleanup_service_name=\S+// });
finds('any size on the way back', qr/^ok\t/, \@two, '', sub { s/-o message_size_limit=73400320/-o message_size_limit=0/g });
finds('as much as filterd takes', qr/^ok\t/, \@two, "message_size_limit = 52428800\n");
finds('mailboxes of Postfix', qr{^warning\t.*local\(8\): mailbox_size_limit=51200000 $less 56000000 at least}, \@two,
    "message_size_limit = 40000000\nmydestination = localhost\n");
subtest 'maildirs of Postfix' => sub {
    my $found = findings([qw(smtpd_proxy_filter reinject)], "message_size_limit = 40000000\nvirtual_transport = virtual\n");
    like($found, qr{^warning\t.*virtual\(8\): virtual_mailbox_limit=51200000 $less 56000000 at least}m, 'are too small');
};
finds('smuggling', qr/^warning\t.*smtpd_forbid_bare_newline=no/, \@two, "smtpd_forbid_bare_newline = no\n");
finds('a way back that forgets the client', qr/^warning\t.*smtpd_authorized_xforward_hosts/, \@two, '',
    sub { s/-o smtpd_authorized_xforward_hosts=\S+ // });
finds('local mail past filterd', qr/^warning\t.*mail for example\.com, which is in mydestination/, \@two,
    "mydestination = example.com, localhost\nvirtual_mailbox_domains =\n");
finds('a name that is not known', qr/^bad\t.*mydestination has box\.test, which filterd takes for foreign.*local_names/, \@two,
    "mydestination = mail.example.com, box.test, localhost.example.com, localhost\n");
finds('names that cannot be listed', qr/^warning\t.*mydestination names regexp:\S+names, which cannot be listed/, \@two,
    "mydestination = regexp:$etc/names\n", sub { spew("$etc/names", "/x/ y\n") });
finds('names in a table', qr/^bad\t.*mydestination has box\.test, /, \@two, "mydestination = inline:{ box.test=1, localhost=1 }\n");
finds('another delimiter', qr/^bad\t.*recipient_delimiter=-\+, filterd's is "\+": mail to user-extension/, \@two, "recipient_delimiter = -+\n");
finds('a milter that signs what comes back', qr{^bad\t.*reinject/unix shows inbound mail to smtpd_milters=inet:127\.0\.0\.1:8891, .*sign}, \@two, '',
    sub { s{-o smtpd_milters=}{-o smtpd_milters=inet:127.0.0.1:8891}; s/,no_milters// });
$subject = 'ways back';
finds('aliases expanded nowhere', qr/^bad\t.*no_address_mappings, and aliases/, \@two, '',
    sub { s/(receive_override_options=)/$1no_address_mappings,/ });
$subject = 'routes';
finds('no way past it', qr/^ok\t.*no mail goes past filterd/, \@two);
finds('a transport past the second leg', qr{^bad\t.*transport_maps sends example\.com to virtual:, past}, \@two,
    "transport_maps = inline:{ example.com=virtual: }\n");
finds('a transport of one user', qr{^bad\t.*transport_maps sends ann\@example\.com to virtual:, past}, \@two,
    "transport_maps = inline:{ ann\@example.com=virtual: }\n");
finds('one that leads to it', qr/^ok\t/, \@two, "transport_maps = inline:{ example.com=filterd:unix:filterd/lmtp.sock }\n");
finds('local mail by virtual(8)', qr/^bad\t.*local_transport=virtual delivers/, \@two, "local_transport = virtual\n");
spew($t->dir . '/access.pcre', "# FILTER nothing\n/./ FILTER dspam:unix:/run/dspam\n");
finds('a FILTER that is disabled', qr{^warning\t.*smtp/inet: smtpd_proxy_filter disables the FILTER in pcre:\S+access\.pcre \(smtpd_client_restrictions\)},
    \@two, "smtpd_client_restrictions = check_client_access pcre:${\ $t->dir}/access.pcre\n");
finds('header_checks that are bypassed', qr{^warning\t.*smtp/inet: header_checks=pcre:/x are bypassed: take no_header_body_checks out of reinject/unix},
    \@two, "header_checks = pcre:/x\n");
finds('those of a cleanup', qr{^warning\t.*smtp/inet: header_checks=pcre:/y of its cleanup are bypassed: give reinject/unix}, \@two, '',
    sub { s/^(smtp inet.*\n)/$1  -o cleanup_service_name=mycleanup\n/m; $_ .= "mycleanup unix n - n - 0 cleanup\n  -o header_checks=pcre:\/y\n" });
finds('submission that is judged', qr{^bad\t.*submission/inet leads our own users' mail to \[listener smtp\].*role=submission}, \@two, '',
    sub { $_ .= "submission inet n - n - 10 smtpd\n  -o smtpd_sasl_auth_enable=yes\n" });
my @queued = qw(smtpd_proxy_filter reinject content_filter);
finds('bounces past a filter of the queue', qr{^bad\t.*bounce/unix: content_filter does not see .* bounces}, \@queued, '',
    sub { $_ .= "bounce unix - - n - 0 bounce\n" });
finds('bounces that it gets', qr/^ok\t/, \@queued, '', sub { $_ .= "bounce unix - - n - 0 bounce\n"
    . "  -o internal_mail_filter_classes=bounce -o cleanup_service_name=bounced\nbounced unix n - n - 0 cleanup\n"
    . "  -o {header_checks=static:{FILTER filterd:unix:filterd/queue.sock}}\n" });
finds('recipients rewritten', qr/^warning\t.*recipient_canonical_maps=inline:\S+.* rewrites recipients/, \@two,
    "recipient_canonical_maps = inline:{a=b}\n");
finds('copies for others', qr/^warning\t.*always_bcc=archive\@example\.com: these copies/, \@two, "always_bcc = archive\@example.com\n");
finds('masquerading', qr/^warning\t.*masquerade_domains=example\.com rewrites recipients/, \@two,
    "masquerade_domains = example.com\nmasquerade_classes = envelope_recipient\n");
spew($t->dir . '/includes', "list: :include:/etc/members\n");
finds('members in a file', qr/^warning\t.*texthash:\S+includes has :include:/, \@two, "alias_maps = texthash:${\ $t->dir}/includes\n");
$subject = 'postfix';
finds('a socket below the queue', qr/^bad\t.*no service other\/unix/, [qw(smtpd_proxy_filter reinject)],
    "virtual_transport = other:unix:filterd/lmtp.sock\n");
finds('nothing of filterd', qr/^warning\t.*nothing in main\.cf and master\.cf leads/, []);

subtest 'a milter' => sub {
    my $found = findings(['virtual_transport'], 'smtpd_milters = inet:127.0.0.1:' . $t->port('milter') . "\n");
    like($found, qr/^warning\t.*as a milter filterd comes after Postfix's queue file/m, 'comes late');
    like($found, qr{^warning\t.*\bcleanup/unix: message_size_limit=10240000 $less}m, 'and makes more than cleanup takes');
    $found = findings(['virtual_transport', 'milter'], 'smtpd_milters = inet:127.0.0.1:' . $t->port('milter') . "\n");
    unlike($found, qr/$less/, 'as shipped it fits');
};

my $team = "virtual_alias_maps = inline:{ {team\@example.com = ann\@example.com, bob\@example.com} }\n";
finds('aliases not known', qr/^warning\t.*1 aliases lead .*\(team\@example\.com\): filterctl alias import/, \@two, $team);
$filterd->ctl('alias', 'import', '--postfix', '-C', $etc);
finds('aliases known', qr/^ok\t/, \@two, $team);
my $rest = "virtual_alias_maps = inline:{ {\@example.com = ann\@example.com} }\n";
finds('a catch-all that is not known', qr/^warning\t.*what is for nobody else in \@example\.com goes to users with keys/, \@two, $rest);
$filterd->ctl(qw(alias add @example.com ann@example.com));
finds('one that is', qr/^ok\t/, \@two, $rest);
$filterd->ctl(qw(alias remove @example.com));
$filterd->ctl(qw(user set ann@example.com encrypt=no));
finds('an alias that nobody gets', qr/^warning\t.*only some have a key.*: team\@example\.com/, \@two, $team);

subtest 'no Postfix' => sub {
    local $ENV{MAIL_CONFIG} = $t->dir . '/none';
    like($filterd->try_ctl(undef, 'check') && ($filterd->try_ctl(undef, 'check'))[1], qr/^ok\tpostfix\tno Postfix here$/m, 'is well');
    like(($filterd->try_ctl(undef, 'check', '--postfix', '/nowhere'))[1], qr/^bad\tpostfix\tpostconf: /m, 'but not where one is named');
};

# As a newer Postfix told it, by a postconf that only repeats it.
subtest 'recorded from Postfix 3.9' => sub {
    my $bin = $t->dir . '/recorded';
    mkdir $bin;
    my %said = (
        '-x' => "compatibility_level = 3.9\ndefault_process_limit = 100\ndefault_destination_concurrency_limit = 20\n"
            . "message_size_limit = 10240000\nmydestination = \nmyorigin = example.com\nsmtpd_forbid_bare_newline = normalize\n"
            . "smtpd_proxy_filter = unix:filterd/smtp.sock\nqueue_directory = $t->{dir}/postfix/queue\nsmtpd_proxy_options = \nsmtpd_proxy_timeout = 100s\n"
            . "virtual_transport = filterd:unix:$t->{dir}/postfix/queue/filterd/lmtp.sock\nvirtual_mailbox_domains = example.com\n"
            . "lmtp_line_length_limit = 998\nsmtpd_milters = \ncontent_filter = \n",
        '-Fx' => "smtp/inet/service = smtp\nsmtp/inet/process_limit = -\nsmtp/inet/command = smtpd\n"
            . "filterd/unix/process_limit = 10\nfilterd/unix/command = lmtp -o lmtp_send_xforward_command=yes\n",
        '-Px' => "filterd/unix/lmtp_send_xforward_command = yes\n",
    );
    spew("$bin/said$_", $said{$_}) for keys %said;
    spew("$bin/postconf", "#!/bin/sh\nexec cat $bin/said\$1\n", 0755);
    local $ENV{PATH} = "$bin:$ENV{PATH}";
    my ($status, $out) = $filterd->try_ctl(undef, 'check', '--postfix', $etc);
    my @found = grep { /\tpostfix\t/ } split /\n/, $out;
    is(scalar @found, 1, 'one finding') or diag $out;
    like($found[0], qr/lmtp_line_length_limit=998 breaks long lines/, 'it is');
};

done_testing;
