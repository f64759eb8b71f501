package FilterdTest::Log;

# For objects with a log_text: waits for log lines, as one comes some time after what it tells of.

use strict;
use warnings;
use FilterdTest;
use Test::More;

# A test: the log holds it.
sub logs {
    my ($self, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    poll(sub { $self->log_text =~ $pattern });
    return like($self->log_text, $pattern, $name);
}

# How often it holds the pattern (one without groups), after waiting for so many.
sub logged {
    my ($self, $pattern, $count) = @_;
    my $found = sub { scalar(() = $self->log_text =~ /$pattern/g) };
    poll(sub { $found->() >= $count });
    return $found->();
}

1;
