package FilterdTest::Site;

# A whole mail site: Postfix, filterd and Dovecot, users with and without keys.

use strict;
use warnings;
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Daemon;
use FilterdTest::Dovecot;
use FilterdTest::Keys;
use FilterdTest::Mail;
use FilterdTest::Postfix;

# attach: names below tools/postfix. keys: name => rsa or curve. users: names without keys.
# set: settings of filterd. sieve: IMAPSieve and the filing of spam. main: main.cf lines. dovecot:
# settings of Dovecot, or code that makes them. image_mb: as FilterdTest->new. env: as FilterdTest::Daemon->start.
sub start {
    my ($class, %arg) = @_;
    my $t = FilterdTest->new(image_mb => $arg{image_mb});
    my $self = bless { t => $t }, $class;
    my @names = (keys %{ $arg{keys} || {} }, @{ $arg{users} || [] });
    $self->{filterd} = FilterdTest::Daemon->start($t, snippets => $arg{attach}, set => $arg{set}, env => $arg{env});
    $self->{dovecot} = FilterdTest::Dovecot->start($t,
        users => [map { "$_\@example.com" } @names], sieve => $arg{sieve},
        more => ref $arg{dovecot} ? $arg{dovecot}->($t) : $arg{dovecot});
    $self->add_key($_, $arg{keys}{$_}) for sort keys %{ $arg{keys} || {} };
    $self->{filterd}->ctl(qw(user set), "$_\@example.com", 'spam_action=tag') for @{ $arg{users} || [] };
    $self->{postfix} = FilterdTest::Postfix->start($t, snippets => $arg{attach}, main => $arg{main})
        if $arg{attach};
    return $self;
}

# A key for NAME@example.com, made and registered.
sub add_key {
    my ($self, $name, $kind, $expire) = @_;
    my $key = FilterdTest::Keys->new($self->{t}, "$name\@example.com", $kind, $expire);
    $self->{filterd}->import_key($key);
    return $self->{keys}{$name} = $key;
}

# LMTP straight to filterd.
sub lmtp {
    my ($self) = @_;
    return FilterdTest::Client->new(lmtp => $self->{t}->front('lmtp'));
}

# Every message of every user, to be searched for what must not be there.
sub all_mail {
    my ($self) = @_;
    return join '', map { slurp($_) } glob "$self->{dovecot}{home}/*/Maildir/{,.*/}{new,cur,tmp}/*";
}

1;
