package FilterdTest::Peer;

# A filter the benchmark runs beside ours. What is common to all: a store of its own in a folder
# that is thrown away, when a message is learnt, and the processor time of what was done.
#
# A peer has: name, program (found in PATH) or missing, version, about (what was chosen for it),
# start (an empty store), judge(file) -> (score, spam|ham|unsure), learn(file, is spam), and where
# its program offers it bulk_judge(files) and bulk_learn(is spam, files) in one process.

use strict;
use warnings;
use FilterdTest::Cpu;
use POSIX ();

sub new {
    my ($class, $dir, $regime) = @_;
    mkdir $dir or die "$dir: $!";
    my $self = bless { dir => $dir, regime => $regime }, $class;
    $self->start;
    return $self;
}

# every: all messages are learnt. errors: those judged wrong, unsure, or barely right.
sub regimes { return qw(every errors) }

sub wants {
    my ($self, $score, $class, $spam) = @_;
    return 1 if $self->{regime} eq 'every' || $class ne ($spam ? 'spam' : 'ham');
    return $self->thin($score);
}

sub thin { return 0 }

# Why it cannot run here; nothing if it can.
sub missing {
    my ($class) = @_;
    my $program = $class->program;
    return if grep { -x "$_/$program" } split /:/, $ENV{PATH} // '';
    return "$program is not installed";
}

# The processor time of its own work so far, in microseconds: that of the programs it started.
sub cpu_us { return FilterdTest::Cpu::of_children() }

sub bytes {
    my ($self) = @_;
    my $sum = 0;
    $sum += -s for grep { -f } glob "$self->{dir}/*";
    return $sum;
}

sub end { }

# What a program prints, and its exit code; no shell, stdin from FILE, stderr into the store's log.
sub output {
    my ($self, $in, @command) = @_;
    my $pid = open(my $out, '-|') // die "fork: $!";
    if (!$pid) {
        open STDIN, '<', $in or POSIX::_exit(127);
        open STDERR, '>>', "$self->{dir}.log";
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    local $/;
    my $text = <$out> // '';
    close $out;
    return ($text, $? & 127 ? 128 : $? >> 8);
}

# The same where exit code 0 alone is good.
sub run {
    my ($self, @with) = @_;
    my ($text, $code) = $self->output(@with);
    die "@with[1 .. $#with]: exit $code\n$text" if $code;
    return $text;
}

# The log odds of a probability; the ends are as far as a double goes.
sub logit {
    my ($p) = @_;
    my $least = 1e-17;
    return log(($p > $least ? $p : $least) / (1 - $p > $least ? 1 - $p : $least));
}

1;
