package FilterdTest::Faults;

# Orders to the preloaded t/faults/shim.c: whose n-th call of which kind fails, and how.

use strict;
use warnings;
use FilterdTest;
use POSIX ();

# The words of an enum in shim_page.h, lower case, in order.
sub words_of {
    my ($enum) = @_;
    my ($body) = slurp("$FilterdTest::ROOT/t/faults/shim_page.h") =~ /^enum $enum \{(.*?)\};/ms;
    $body =~ s{/\*.*?\*/}{}gs;
    return map { lc } grep { !/S$/ || /ACCESS/ } $body =~ /SHIM_(\w+)/g;
}

our @ROLES = words_of('shim_role');
our @KINDS = words_of('shim_kind');
my @ACTIONS = words_of('shim_action');
my %ROLE = map { $ROLES[$_] => $_ } 0 .. $#ROLES;
my %KIND = map { $KINDS[$_] => $_ } 0 .. $#KINDS;
my %ACTION = map { $ACTIONS[$_] => $_ } 0 .. $#ACTIONS;

my ($SEEN_AT, $MAGIC) = (72, 0x6661756c);
my $LATEST_AT = $SEEN_AT + 8 * @ROLES * @KINDS;
my $ORDER = 'L L L L L l L L Q Q L L L L q'; # as struct shim_page begins

sub new {
    my ($class, $t) = @_;
    my $self = bless { file => $t->dir . '/faults', order => 0 }, $class;
    spew($self->{file}, pack('L', $MAGIC) . "\0" x 8188, 0600);
    open $self->{fh}, '+<:raw', $self->{file} or die "$self->{file}: $!";
    return $self;
}

# For FilterdTest::Daemon's env.
sub env {
    my ($self) = @_;
    my @asan = $ENV{ASAN_OPTIONS} ? $ENV{ASAN_OPTIONS} : ();
    return ['LD_PRELOAD=' . FilterdTest::build() . '/t/shim.so', "FAULT_FILE=$self->{file}",
        'ASAN_OPTIONS=' . join ':', @asan, 'verify_asan_link_order=0'];
}

sub put {
    my ($self, $at, $bytes) = @_;
    sysseek $self->{fh}, $at, 0;
    syswrite $self->{fh}, $bytes;
}

sub get {
    my ($self, $at, $len) = @_;
    sysseek $self->{fh}, $at, 0;
    sysread $self->{fh}, my ($bytes), $len;
    return $bytes;
}

# roles, kinds: names. nth: which call (0: only count). action: fail, end, short, kill, hang (and
# alarms come soon, until the order is taken back). error:
# errno, or what SQLite returns. sticky: all later ones, too. early: workers from their start.
sub order {
    my ($self, %o) = @_;
    my ($roles, $kinds) = (0, 0);
    $roles |= 1 << ($ROLE{$_} // die "no process is called $_\n") for @{ $o{roles} };
    $kinds |= 1 << ($KIND{$_} // die "no kind of call is called $_\n") for @{ $o{kinds} };
    $self->clear;
    $self->put(8, pack 'L L L l L L Q Q L L L L q', $roles, $kinds, $ACTION{ $o{action} // 'go' },
        $o{error} // 0, $o{sticky} // 0, $o{early} // 0, $o{nth} // 0, (0) x 6);
    $self->put($SEEN_AT, "\0" x ($LATEST_AT - $SEEN_AT));
    $self->put(4, pack 'L', ++$self->{order});
}

sub clear {
    my ($self) = @_;
    $self->put(4, pack 'L', 0);
}

# What became of the order: how often it was carried out, by whom, at which kind of call, when.
sub fired {
    my ($self) = @_;
    my (undef, undef, undef, undef, undef, undef, undef, undef, undef, undef, $fired, $role, $kind, undef, $us)
        = unpack $ORDER, $self->get(0, $SEEN_AT);
    return $fired ? { times => $fired, role => $ROLES[$role], kind => $KINDS[$kind], at => $us / 1e6 } : undef;
}

# How many calls of which kind there were since the order: {role}{kind}.
sub seen {
    my ($self) = @_;
    my @n = unpack 'Q*', $self->get($SEEN_AT, $LATEST_AT - $SEEN_AT);
    my %seen;
    for my $role (@ROLES) {
        $seen{$role}{$_} = shift @n for @KINDS;
    }
    return \%seen;
}

# The process that took that role last.
sub pid {
    my ($self, $role) = @_;
    return unpack 'L', $self->get($LATEST_AT + 4 * $ROLE{$role}, 4);
}

1;
