package FilterdTest::Sites;

# The five usual kinds of mail site, A to E in FilterdTest/Sites: each has its users in SQL tables that Postfix and
# Dovecot ask, submission with SASL, most of them OpenDKIM, and what filterd is to replace. They run on a host of
# their own (FilterdTest::OwnHost) with the usual ports. Here is what they have in common; "filterctl setup" attaches filterd.
#
# A site's class says, as methods: server (FilterdTest::MariaDb or PostgreSql), database (name, reader, password),
# tables (SQL), maps (files in Postfix's folder: name => text), main and master (Postfix's, before filterd comes),
# dovecot (settings beside the common ones), login_sql (Dovecot's questions), junk (the folder of spam), aliases
# (address => login).

use strict;
use warnings;
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Dns;
use FilterdTest::Dovecot;
use FilterdTest::Keys;
use FilterdTest::MariaDb;
use FilterdTest::OwnHost;
use FilterdTest::Postfix;
use FilterdTest::PostgreSql;
use FilterdTest::Signer;
use FilterdTest::Sink;

# Addresses of the host: a stranger's and that of somebody at home.
our ($STRANGER, $HOME) = qw(203.0.113.9 198.51.100.77);
our $PASSWORD = 'secret';
my $IMAGE_MB = 256;
my $DKIM_PORT = 8891;

# ---- what a site's class may say otherwise ----

sub signs { return 1 }

# ann has a key, bob has none. login, and address if that is another.
sub people { return ({ login => 'ann@example.com', key => 'curve' }, { login => 'bob@example.com' }) }
sub catch_all { return undef }     # the login
sub junk { return 'Junk' }
sub submission_cleanup { return undef }  # the cleanup service with header_checks for submission
# What mail programs write of where somebody sits, and the site takes out.
sub traces { return "User-Agent: Mozilla/5.0\nX-Mailer: a mailer\nX-Originating-IP: [$HOME]\n" }
sub legs { return 2 }             # of mail from outside
sub greylists { return 0 }         # it had postgrey
sub store { return 'folder' }      # or mounted: with filterd's state on it; mail: mounted, with mail alone
sub set { return () }              # settings of filterd
sub replace { return }             # what is left to the owner to take out
sub tables { die 'tables' }

# ---- the site as it was ----

# Runs the test on a host of its own; first of all.
sub enter { FilterdTest::OwnHost::enter($STRANGER, $HOME) }

sub start {
    my ($class) = @_;
    my $t = FilterdTest->new(image_mb => $IMAGE_MB);
    my $self = bless { t => $t, etc => $t->dir . '/postfix/etc', queue => $t->dir . '/postfix/queue', vmail => $t->dir . '/vmail' }, $class;
    $self->make_fstab;
    $self->start_tables;
    $self->{dns} = FilterdTest::Dns->start;
    $self->{foreign} = FilterdTest::Sink->start($t, smtp => 'foreign');
    $self->make_store;
    $self->make_certificate;
    $self->configure_postfix;
    $self->start_signer if $self->signs;
    $self->configure_dovecot;
    $self->{filterd} = FilterdTest::Daemon->start($t, idle => 1, stateless => 1);
    $self->prepare;
    $self->{dovecot}->up(143, $t->dir . '/dovecot/run/lmtp');
    $t->at_end(sub { $self->{dovecot}->down });
    $self->{postfix}->up(25, 587, 465);
    $self->{filterd}->up;
    $self->set_up;
    return $self;
}

# The disk is one that is mounted when the host boots; the mounts are ours alone.
sub make_fstab {
    my ($self) = @_;
    my $dir = $self->{t}->dir;
    spew("$dir/fstab", "/dev/vdb $dir ext4 defaults 0 0\n");
    $self->{t}->run(qw(mount --bind), "$dir/fstab", '/etc/fstab');
}

# The table server lies outside of what is searched for plaintext, as it never sees mail; so do the users' keys, as
# they open it.
sub start_tables {
    my ($self) = @_;
    my ($name, $reader, $password) = $self->database;
    my $elsewhere = FilterdTest->new;
    $self->{keys}{ $_->{login} } = FilterdTest::Keys->new($elsewhere, $_->{login}, $_->{key})
        for grep { $_->{key} } $self->people;
    $self->{server} = ('FilterdTest::' . $self->server)->start($elsewhere,
        port => $self->server eq 'MariaDb' ? 3306 : 5432);
    $self->{server}->database($name, $self->tables, $reader, $password);
}

# SQL from outside, as the site's owner changes a table.
sub sql {
    my ($self, $sql) = @_;
    return $self->{server}->sql($sql, ($self->database)[0]);
}

# How the tables hold a password.
sub hashed { return crypt $PASSWORD, '$6$filterdtests$' }

# Rows of VALUES.
sub rows {
    my (@rows) = @_;
    return join ",\n", map { my $row = $_; '(' . join(', ', map { defined $_ ? "'" . s/'/''/gr . "'" : 'NULL' } @$row) . ')' } @rows;
}

sub make_store {
    my ($self) = @_;
    my ($t, $vmail) = @$self{qw(t vmail)};
    mkdir $vmail, 0755;
    return $self->own_store if $self->store eq 'folder';
    my $cipher = $t->dir . '/cipher';
    mkdir $cipher;
    spew($t->dir . '/password', "x\n");
    $t->run(qw(gocryptfs -init -q -scryptn 10 -passfile), $t->dir . '/password', $cipher) if has_fuse();
    $t->at_end(sub { $self->unmount_store if $self->{store_mounted} });
    $self->mount_store;
    $self->own_store;
}

# The mail user's: so an unmounted store is root's, and nobody writes below it.
sub own_store {
    my ($self) = @_;
    my ($uid, $gid) = (getpwnam $FilterdTest::MAIL_USER)[2, 3];
    mkdir "$self->{vmail}/$_" for qw(mail filterd);
    chown $uid, $gid, "$self->{vmail}/mail";
    chown scalar getpwnam($FilterdTest::FILTERD_USER), -1, "$self->{vmail}/filterd";
}

# gocryptfs refuses a folder to its owner for the moment between its making and its chown, which two of Dovecot's
# processes at once meet on a busy machine: SITES_FUSE=1 has it. Else a folder stands in; t/state.t always has the real one.
sub has_fuse { return $ENV{SITES_FUSE} && -e '/dev/fuse' }

# As the owner does it by hand after each boot.
sub mount_store {
    my ($self) = @_;
    my $dir = $self->{t}->dir;
    $self->{t}->run(has_fuse() ? (qw(gocryptfs -q -allow_other -passfile), "$dir/password") : qw(mount --bind),
        "$dir/cipher", $self->{vmail});
    $self->{store_mounted} = 1;
}

sub unmount_store {
    my ($self) = @_;
    poll(sub { system('umount', $self->{vmail}) == 0 }) or die "$self->{vmail} is held by somebody\n";
    $self->{store_mounted} = 0;
}

sub maildir {
    my ($self, $login) = @_;
    my ($user, $domain) = split /@/, $login;
    return "$self->{vmail}/mail/$domain/$user";
}

sub make_certificate {
    my ($self) = @_;
    my $dir = $self->{t}->dir;
    $self->{t}->run(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2),
        '-subj', '/CN=mail.example.com', '-keyout', "$dir/tls.key", '-out', "$dir/tls.crt");
}

# What all tutorials have. The world has one MX.
sub common_main {
    my ($self) = @_;
    my $dir = $self->{t}->dir;
    return <<"END" . ($self->signs ? <<"SIGNED" : '');
myhostname = mail.example.com
mynetworks = 127.0.0.0/8
recipient_delimiter = +
inet_interfaces = all
alias_maps =
relayhost = [127.0.0.1]:${\ $self->{t}->port('foreign')}
smtpd_tls_cert_file = $dir/tls.crt
smtpd_tls_key_file = $dir/tls.key
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_auth_enable = yes
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
END
milter_default_action = accept
milter_protocol = 6
smtpd_milters = ${\ $self->signer_at}
non_smtpd_milters = \$smtpd_milters
SIGNED
}

sub common_master {
    my ($self, $more) = @_;
    my $login = '-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject'
        . "\n  -o milter_macro_daemon_name=ORIGINATING" . ($more // '');
    return <<"END";
smtp inet n - n - - smtpd
submission inet n - n - - smtpd
  -o syslog_name=postfix/submission -o smtpd_tls_security_level=encrypt $login
smtps inet n - n - - smtpd
  -o syslog_name=postfix/smtps -o smtpd_tls_wrappermode=yes $login
END
}

# Map files with passwords are root's and Postfix's alone, as the tutorials have them.
sub configure_postfix {
    my ($self) = @_;
    $self->{postfix} = FilterdTest::Postfix->configure($self->{t}, bare => 1,
        main => $self->common_main . $self->main, master => $self->master);
    my ($uid, $gid) = (getpwnam 'postfix')[2, 3];
    mkdir "$self->{queue}/private", 0700;
    chown $uid, 0, "$self->{queue}/private";
    my %maps = $self->maps;
    for my $name (sort keys %maps) {
        spew("$self->{etc}/$name", $maps{$name}, 0640);
        chown 0, $gid, "$self->{etc}/$name";
    }
}

sub signer_at { return "inet:127.0.0.1:$DKIM_PORT" }

# OpenDKIM as it signs and verifies.
sub start_signer {
    my ($self) = @_;
    my $t = $self->{t};
    $self->{signer} = FilterdTest::Signer->new($t, domain => 'example.com');
    $self->{signer}->key('mail', 'rsa:2048');
    spew($t->dir . '/opendkim.conf', join "\n", 'Syslog no', 'Background no', 'Mode sv', 'Domain example.com', 'Selector mail',
        'KeyFile ' . $self->{signer}->file('mail'), "Socket inet:$DKIM_PORT\@127.0.0.1", 'RequireSafeKeys no',
        'Nameservers 127.0.0.1', 'UserID root', '');
    $t->spawn($t->log_file('opendkim'), '/usr/sbin/opendkim', '-f', '-x', $t->dir . '/opendkim.conf');
    poll(sub { FilterdTest::Client::listens($DKIM_PORT) }) or die slurp($t->log_file('opendkim'));
}

# ---- Dovecot ----

my %COMMON = ('2.3' => <<'END', '2.4' => <<'END');
mail_location = maildir:VMAIL/mail/%d/%n
disable_plaintext_auth = yes
END
mail_driver = maildir
mail_path = VMAIL/mail/%{user | domain}/%{user | username}
auth_allow_cleartext = no
END

sub configure_dovecot {
    my ($self) = @_;
    my ($t, $series) = ($self->{t}, FilterdTest::Dovecot::series());
    my $version = $series eq '2.4' ? "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n" : '';
    my $dir = "$self->{queue}/private";
    my $common = $COMMON{$series} =~ s/VMAIL/$self->{vmail}/gr . <<"END";
protocols = imap lmtp
auth_mechanisms = plain login
first_valid_uid = 0
mail_privileged_group = mail
service auth {
  unix_listener $dir/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
service lmtp {
  unix_listener $dir/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
protocol lmtp {
  ${\ ($series eq '2.3' ? 'mail_plugins = $mail_plugins sieve' : "mail_plugins {\n    sieve = yes\n  }")}
}
END
    $self->{dovecot} = FilterdTest::Dovecot->with($t,
        $version . FilterdTest::Dovecot::place($t) . $common . $self->login_settings . $self->dovecot($series),
        sub { $self->maildir(@_) });
}

# Who may log in, and where their mail is, by what login_sql says: password (a query), and home or a query for it. In
# them Dovecot 2.4 writes %{user} for %u.
sub login_settings {
    my ($self) = @_;
    my %sql = $self->login_sql;
    my ($name, $reader, $password) = $self->database;
    my $driver = $self->server eq 'MariaDb' ? 'mysql' : 'pgsql';
    my ($uid, $gid) = (getpwnam $FilterdTest::MAIL_USER)[2, 3];
    return $self->login_settings_23($driver, "uid=$uid gid=$gid", %sql) if FilterdTest::Dovecot::series() eq '2.3';
    my $named = sub { $_[0] =~ s/%u/%{user}/gr =~ s/%d/%{user | domain}/gr =~ s/%n/%{user | username}/gr };
    my $connect = $driver eq 'mysql' ? "  user = $reader\n  password = $password\n  dbname = $name\n"
        : "  parameters {\n    user = $reader\n    password = $password\n    dbname = $name\n  }\n";
    my $users = $sql{user} ? "userdb sql {\n  query = ${\ $named->($sql{user})}\n}\n"
        : "userdb static {\n  fields {\n    uid = $uid\n    gid = $gid\n    home = ${\ $named->($sql{home})}\n  }\n}\n";
    return "sql_driver = $driver\n$driver 127.0.0.1 {\n$connect}\n"
        . "passdb sql {\n  default_password_scheme = SHA512-CRYPT\n  query = ${\ $named->($sql{password})}\n}\n$users";
}

sub login_settings_23 {
    my ($self, $driver, $ids, %sql) = @_;
    my ($name, $reader, $password) = $self->database;
    my $file = $self->{t}->dir . '/dovecot-sql.conf.ext';
    spew($file, <<"END" . ($sql{user} ? "user_query = $sql{user}\n" : ''), 0600);
driver = $driver
connect = host=127.0.0.1 dbname=$name user=$reader password=$password
default_pass_scheme = SHA512-CRYPT
password_query = $sql{password}
END
    my $users = $sql{user} ? "  driver = sql\n  args = $file" : "  driver = static\n  args = $ids home=$sql{home}";
    return "passdb {\n  driver = sql\n  args = $file\n}\nuserdb {\n$users\n}\n";
}

# ---- filterd ----

# What is left to the owner: its state, keys, Dovecot's part, and to take out what it replaces.
sub prepare {
    my ($self) = @_;
    my ($t, $filterd) = @$self{qw(t filterd)};
    $filterd->settings($self->settings);
    $filterd->ctl('init');
    $filterd->import_key($self->{keys}{ $_->{login} }) for grep { $_->{key} } $self->people;
    $self->replace;
    spew($self->{dovecot}{conf}, slurp($self->{dovecot}{conf}) . FilterdTest::Dovecot::shipped($t));
    FilterdTest::Dovecot::compile($t, $self->{dovecot}{conf});
}

sub settings {
    my ($self) = @_;
    my $t = $self->{t};
    my $rules = $t->dir . '/etc/submission.pcre'; # where filterd's user can read it
    spew($rules, slurp("$FilterdTest::ROOT/rules/anonymize-submission.pcre"), 0644);
    return (
        $self->submission_cleanup ? () : ('anonymize.submission' => $rules),
        $self->store eq 'mounted' ? ('filterd.state_dir' => "$self->{vmail}/filterd") : (),
        'dns.server' => $self->{dns}->server,
        'filterd.domains' => undef, # setup knows them
        $self->set,
    );
}

# Postfix's and Dovecot's settings, as options of filterctl.
sub where {
    my ($self) = @_;
    return ('--postfix' => $self->{etc}, '--dovecot' => $self->{dovecot}{conf});
}

# As filterctl(1) says: apply writes filterd's settings, filterd takes them, apply changes Postfix.
sub set_up {
    my ($self) = @_;
    my ($filterd, $postfix) = @$self{qw(filterd postfix)};
    $self->{before} = $self->postfix_settings;
    my @apply = ('setup', '--apply', $self->where);
    my ($status, $out, $err) = $filterd->try_ctl(undef, @apply);
    die "setup: $status $out$err" if $status != 75;
    $filterd->reload;
    poll(sub { ($status, $out, $err) = $filterd->try_ctl(undef, @apply); $status == 0 }) or die "setup: $status $out$err";
    $postfix->reload;
}

sub postfix_settings {
    my ($self) = @_;
    return join '', map { slurp("$self->{etc}/$_.cf") } qw(main master);
}

# Settings of services in master.cf, "service/type/name" => value, and of main.cf.
sub services {
    my ($self, @set) = @_;
    while (my ($name, $value) = splice @set, 0, 2) {
        $self->postconf('-P', "$name=$value");
    }
}

sub main_cf {
    my ($self, %set) = @_;
    $self->postconf('-e', map { "$_=$set{$_}" } sort keys %set);
}

sub postconf {
    my ($self, @args) = @_;
    my ($status, $out, $err) = $self->{postfix}->command('postconf', @args);
    die "postconf @args: $status $out$err" if $status;
}

# ---- what tests ask ----

sub address {
    my ($self, $name) = @_;
    my ($person) = grep { $_->{login} eq "$name\@example.com" } $self->people;
    return $person->{address} // $person->{login};
}

# Someone from outside.
sub stranger { return FilterdTest::Client->new(smtp => 25, from => $STRANGER) }

# Someone who has logged in, from home; wrapped: on the port that begins with TLS.
sub logged_in {
    my ($self, $login, $wrapped) = @_;
    my $c = FilterdTest::Client->new(smtp => $wrapped ? 465 : 587, from => $HOME, tls => $wrapped);
    $c->starttls if !$wrapped;
    my $reply = $c->login($login, $PASSWORD);
    die "AUTH: $reply\n" if $reply !~ /^235/;
    return $c;
}

1;
