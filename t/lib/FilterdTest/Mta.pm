package FilterdTest::Mta;

# What an MTA does with a message: offers it, and again to whoever has not got it yet.

use strict;
use warnings;
use FilterdTest::Client;

# One attempt. kind: lmtp or smtp; at: port or path. Returns {recipient => reply}, '' where the
# connection was cut off or there was none.
sub offer {
    my ($kind, $at, $message, $from, @to) = @_;
    my %reply = map { $_ => '' } @to;
    my $c = eval { FilterdTest::Client->new($kind => $at) } or return \%reply;
    my $said = $c->{hello};
    $said = $c->say('XFORWARD ADDR=192.0.2.7 NAME=mx.example.net HELO=mx.example.net') if $said =~ /^2.*^250.XFORWARD/ms;
    $said = $c->say("MAIL FROM:<$from>") if $said =~ /^2/;
    return { map { $_ => $said } @to } if $said !~ /^2/;
    for my $to (@to) {
        $reply{$to} = $c->say("RCPT TO:<$to>");
        return { map { $_ => '' } @to } if $reply{$to} eq '';
    }
    if (my @taken = grep { $reply{$_} =~ /^2/ } @to) {
        my @said = $c->data($message, scalar @taken);
        @said = ($said[0]) x @taken if @said < @taken;
        @reply{@taken} = @said;
    }
    $c->quit;
    return \%reply;
}

1;
