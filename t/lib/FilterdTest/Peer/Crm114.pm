package FilterdTest::Peer::Crm114;

use strict;
use warnings;
use parent 'FilterdTest::Peer';
use FilterdTest;

# Its manual says pR of 10 to 30 makes OSBF the best it has; 40 did better than 20, 30 and 80 here.
my $FLAGS = 'osbf unique microgroom';
my $THICK = 40;
my $WORDS = '/[[:graph:]]+/';

sub name    { return 'crm114-osbf' }
sub program { return 'crm' }
sub version { return `crm -v 2>&1` =~ /version (\S+)/ ? $1 : '?' }

sub about {
    return "a process a message, <$FLAGS>, raw text; \"errors\" learns also what lies within pR $THICK"
}

sub start {
    my ($self) = @_;
    my $dir = $self->{dir};
    my $judge = "{ classify <$FLAGS> ($dir/ham.css | $dir/spam.css) (:stats:) %s $WORDS }";
    $self->script('judge', "isolate (:stats:) //\n" . sprintf($judge, '') . "\noutput /:*:stats:/\n");
    $self->script('judge_all', "isolate (:stats:) //\n" . over_all(sprintf $judge, '[:text:]'));
    for my $class (qw(ham spam)) {
        my $learn = "learn <$FLAGS> ($dir/$class.css) %s $WORDS";
        $self->script($class, sprintf $learn, '');
        $self->script("${class}_all", over_all(sprintf $learn, '[:text:]'));
        $self->run('/dev/null', 'crm', "$dir/$class.crm"); # an empty store
    }
}

sub script {
    my ($self, $name, $text) = @_;
    spew("$self->{dir}/$name.crm", "{\n$text\n}\n");
}

# The same for each file named on stdin.
sub over_all {
    my ($what) = @_;
    return "isolate (:text:) //\n{\nmatch <fromend nomultiline> (:file:) /.+/ [:_dw:]\n"
        . "input (:text:) [:*:file:]\n$what\nliaf\n}";
}

# pR is the log odds of ham, to base 10.
sub judge {
    my ($self, $file) = @_;
    my $text = $self->run($file, 'crm', "$self->{dir}/judge.crm");
    $text =~ /success probability: \S+ +pR: *(\S+)/ or die "crm: no pR: $text\n";
    return (-$1 * log 10, $1 < 0 ? 'spam' : 'ham');
}

sub thin {
    my ($self, $score) = @_;
    return abs($score / log 10) < $THICK;
}

sub learn {
    my ($self, $file, $spam) = @_;
    $self->run($file, 'crm', "$self->{dir}/" . ($spam ? 'spam' : 'ham') . '.crm');
}

sub over {
    my ($self, $script, @files) = @_;
    my $list = "$self->{dir}.list";
    spew($list, join '', map { "$_\n" } @files);
    $self->run($list, 'crm', "$self->{dir}/$script.crm");
    unlink $list;
}

sub bulk_judge {
    my ($self, @files) = @_;
    $self->over('judge_all', @files);
}

sub bulk_learn {
    my ($self, $spam, @files) = @_;
    $self->over($spam ? 'spam_all' : 'ham_all', @files);
}

1;
