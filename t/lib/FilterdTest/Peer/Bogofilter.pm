package FilterdTest::Peer::Bogofilter;

use strict;
use warnings;
use parent 'FilterdTest::Peer';

sub name    { return 'bogofilter' }
sub program { return 'bogofilter' }
sub version { return `bogofilter -V` =~ /version (\S+)/ ? $1 : '?' }

sub about {
    return 'a process a message (-TT: 16 digits), its own cutoffs (spam 0.99, ham 0.45)'
}

sub start {
    my ($self) = @_;
    $self->{command} = ['bogofilter', '-C', '-d', $self->{dir}, '--db-transaction=no'];
}

my @CLASS = qw(spam ham unsure); # by exit code

sub judge {
    my ($self, $file) = @_;
    return (0, 'unsure') if !-e "$self->{dir}/wordlist.db";
    my ($text, $code) = $self->output('/dev/null', @{ $self->{command} }, '-TT', '-I', $file);
    die "bogofilter: exit $code\n" if $code > 2;
    return (FilterdTest::Peer::logit($text), $CLASS[$code]);
}

sub learn {
    my ($self, $file, $spam) = @_;
    $self->run('/dev/null', @{ $self->{command} }, $spam ? '-s' : '-n', '-I', $file);
}

sub bulk_judge {
    my ($self, @files) = @_;
    my ($text, $code) = $self->output('/dev/null', @{ $self->{command} }, '-TT', '-B', @files);
    die "bogofilter -B: exit $code\n" if $code > 2;
}

sub bulk_learn {
    my ($self, $spam, @files) = @_;
    $self->run('/dev/null', @{ $self->{command} }, $spam ? '-s' : '-n', '-B', @files);
}

1;
