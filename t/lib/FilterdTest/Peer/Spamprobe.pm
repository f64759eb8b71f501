package FilterdTest::Peer::Spamprobe;

use strict;
use warnings;
use parent 'FilterdTest::Peer';

sub name    { return 'spamprobe' }
sub program { return 'spamprobe' }
sub version { return `spamprobe -V` =~ /v([\w.]+)/ ? $1 : '?' }

sub about {
    return 'a process a message, its own line (0.7) and digits (7); "errors" is its train-spam and train-good'
}

sub start {
    my ($self) = @_;
    $self->{command} = ['spamprobe', '-M', '-d', $self->{dir}];
    $self->run('/dev/null', @{ $self->{command} }, 'create-db');
}

sub judge {
    my ($self, $file) = @_;
    my $text = $self->run('/dev/null', @{ $self->{command} }, 'score', $file);
    $text =~ /^(SPAM|GOOD) ([\d.]+)/ or die "spamprobe: $text\n";
    return (FilterdTest::Peer::logit($2), $1 eq 'SPAM' ? 'spam' : 'ham');
}

# It sees by itself what need not be learnt.
sub wants { return 1 }

sub word {
    my ($self, $spam) = @_;
    return ($self->{regime} eq 'every' ? '' : 'train-') . ($spam ? 'spam' : 'good');
}

sub learn {
    my ($self, $file, $spam) = @_;
    $self->run('/dev/null', @{ $self->{command} }, $self->word($spam), $file);
}

sub bulk_judge {
    my ($self, @files) = @_;
    $self->run('/dev/null', @{ $self->{command} }, 'score', @files);
}

sub bulk_learn {
    my ($self, $spam, @files) = @_;
    $self->run('/dev/null', @{ $self->{command} }, $self->word($spam), @files);
}

1;
