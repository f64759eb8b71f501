package FilterdTest::Mta;

# What an MTA does with a message: offers it, and offers it again to the recipients that did not get it.

use strict;
use warnings;
use FilterdTest::Client;
use FilterdTest::Milter;

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

# The same with a milter in front: what it lets pass is given to TAKE with each recipient.
sub offer_milter {
    my ($at, $take, $message, $from, @to) = @_;
    my %reply = map { $_ => '' } @to;
    my $m = eval { FilterdTest::Milter->new($at) } or return \%reply;
    my $said = eval { $m->connect('mx.example.net', '192.0.2.7', 1234) };
    $said = eval { $m->say('M', "<$from>") } if ($said // '') eq 'continue';
    return { map { $_ => reply_of($said) } @to } if ($said // '') ne 'continue';
    $reply{$_} = reply_of(eval { $m->say('R', "<$_>") }) for @to;
    my @taken = grep { $reply{$_} =~ /^2/ } @to or return \%reply;
    my ($header, $body) = split /\r\n\r\n/, $message, 2;
    my @fields = map { [ split /:/, s/\r\n/\n/gr, 2 ] } split /\r\n(?![ \t])/, $header;
    $said = eval { $m->message($body, map { @$_ } @fields) };
    @reply{@taken} = (reply_of($said)) x @taken;
    my $mail = reply_of($said) =~ /^2/ ? $m->edited($body, @fields) : undef;
    $take->($_, $mail) for defined $mail ? @taken : ();
    eval { $m->quit };
    return \%reply;
}

# What the MTA would say for the milter's answer; '': it has gone, which is to mean later.
sub reply_of {
    my ($said) = @_;
    return '' if !defined $said || $said eq '';
    return $said eq 'continue' ? '250 2.0.0 Ok' : $said eq 't' ? '451 4.7.1 Later' : $said;
}

1;
