#!/usr/bin/perl
# filterd-retrain's command line, its own words and dspam's, and what it sends: the test plays the daemon.

use strict;
use warnings;
use File::Temp qw(tempdir);
use FindBin;
use IO::Select;
use IO::Socket::UNIX;
use Test::More;

my $build = $ENV{BUILD} || 'build';
$build = "$FindBin::Bin/../$build" if $build !~ m{^/};
my $dir = tempdir(CLEANUP => 1);
my %at = (retrain => "$dir/control", learn => "$dir/control.learn");
my %daemon;

sub listen_in { $daemon{$_} = IO::Socket::UNIX->new(Local => $at{$_}, Listen => 9) or die "$_: $!" for keys %at }

sub exactly {
    my ($socket, $length) = @_;
    my $got = '';
    while (length $got < $length) {
        read $socket, $got, $length - length $got, length $got or last;
    }
    return $got;
}

sub frame {
    my ($socket) = @_;
    my $head = exactly($socket, 4);
    return length $head == 4 ? exactly($socket, unpack 'N', $head) : undef;
}

# What was said on a connection: the request's texts, and the message if one follows. Nothing is
# answered, as by a daemon that dies then.
sub hear {
    my ($kind) = @_;
    my $socket = $daemon{$kind}->accept;
    my %heard = (kind => $kind, request => join ' ', (frame($socket) // '') =~ /([\w.\@+-]{2,})\0/g);
    my $chunk;
    $heard{message} .= $chunk while $kind eq 'learn' && length($chunk = frame($socket) // '');
    $heard{whole} = defined $chunk;
    return \%heard;
}

# Exit status, output, what the daemon heard.
sub retrain {
    my ($input, @words) = @_;
    pipe my $out, my $out_end;
    pipe my $in_end, my $in;
    my $pid = fork // die $!;
    if (!$pid) {
        open STDIN, '<&', $in_end;
        open STDOUT, '>&', $out_end;
        open STDERR, '>&', $out_end;
        close $_ for $in, $in_end, $out, $out_end;
        exec "$build/filterd-retrain", '-s', "unix:$at{retrain}", @words;
        exit 127;
    }
    close $_ for $in_end, $out_end;
    my $feeder = fork // die $!;
    if (!$feeder) {
        print $in $input;
        exit 0;
    }
    close $in;
    my @heard;
    my $select = IO::Select->new($out, grep { defined } values %daemon);
    my $output = '';
    WAIT: while (my @ready = $select->can_read(20)) {
        for my $fh (@ready) {
            my ($kind) = grep { $daemon{$_} && $fh == $daemon{$_} } keys %daemon;
            push @heard, hear($kind) if $kind;
            last WAIT if !$kind && !sysread $out, $output, 65536, length $output;
        }
    }
    waitpid $pid, 0;
    my $status = $? >> 8;
    waitpid $feeder, 0;
    return ($status, $output, @heard);
}

my $id = 'AbCdEfGhIjKlMnOpQrStUvWx';
my $mail = "Received: by x\r\nX-Filterd-Signature: $id\r\nSubject: x\r\n\r\ntext\r\n";
my $bare = $mail =~ s/^X-Filterd.*\r\n//mr;
listen_in();

sub heard_as {
    my ($input, $class, $words, $name) = @_;
    my ($status, $output, @heard) = retrain($input, @$words);
    $name //= "@$words";
    is("$status$output", 0, "$name: exit 0, not a word") or diag($output);
    is_deeply([map { $_->{kind} } @heard], ['retrain'], 'the keeper was asked');
    like($heard[0]{request}, qr/^retrain (?=.*login \w?u\@x.example)(?=.*class $class)(?=.*$id)/, $class);
}

subtest 'words that are understood' => sub {
    heard_as($mail, 'spam', [qw(spam u@x.example)]);
    heard_as($mail, 'ham', [qw(ham u@x.example)]);
    heard_as($mail, 'spam', [qw(--user u@x.example --class=spam --source=error)]);
    heard_as($mail, 'ham', [qw(--class=innocent --source=error --user u@x.example)]);
    heard_as($mail, 'ham', [qw(--class nonspam --source corpus --user=u@x.example)]);
    heard_as($mail, 'spam', [qw(--client --mode=teft --source=inoculation --class=spam --user u@x.example)]);
    heard_as($mail, 'spam', [qw(--addspam --user u@x.example)]);
    heard_as($mail, 'ham', [qw(--falsepositive --user u@x.example --)]);
    heard_as('', 'ham', ['--source=error', '--stdout', '--class=innocent', "--signature=$id", '--deliver=',
        '--user', 'u@x.example'], 'as dovecot-antispam calls dspam');
    heard_as('', 'spam', ['--deliver=innocent,spam', qw(--feature=noise --profile=a --process --debug),
        qw(--mail-from=a@b --rcpt-to c@d --user u@x.example --class=spam --signature), $id]);
};

subtest 'several users' => sub {
    my ($status, $output, @heard) = retrain($bare, qw(--user u@x.example v@x.example --class=spam));
    is("$status$output", 0, 'exit 0');
    is_deeply([sort map { $_->{request} =~ /(\w)\@/ } @heard], [qw(u v)], 'for both');
    is($_->{message}, $bare, 'with the message') for @heard;
};

subtest 'where the signature is looked for' => sub {
    heard_as($mail =~ s/\r\n/\n/gr, 'spam', [qw(spam u@x.example)], 'bare line ends');
    heard_as("x-filterd-signature : $id\r\n\r\n", 'spam', [qw(spam u@x.example)], 'any case');
    heard_as("X-DSPAM-Signature: $id\r\n$bare", 'spam', [qw(spam u@x.example)], 'under the old name');
    heard_as("X-DSPAM-Signature: 1,50b350ec22971206812616\r\n$mail", 'spam', [qw(spam u@x.example)], "below dspam's");
    heard_as("X-Filterd-Signature: $id\r\nX-Filterd-Signature: other\r\n$bare", 'spam',
        [qw(spam u@x.example)], 'the first');
    heard_as("X-Filterd-Signature:\r\n\t$id\r\n$bare", 'spam', [qw(spam u@x.example)], 'folded');
    for my $input ("X-Filterd-Signature: ../x\r\n$bare", "X-Filterd-Signature:\r\n$bare") {
        my ($status, $output, @heard) = retrain($input, qw(spam u@x.example));
        is("$status$output" . @heard, '00', 'what cannot be ours is left');
    }
};

subtest 'without a signature' => sub {
    for my $input ($bare, "\r\n", "X-DSPAM-Signature: 50b350ec22971206812616\r\n$bare",
        $bare . "X-Filterd-Signature: $id\r\n", "$bare\0" . 'x' x 1_000_000, 'no header' x 50_000) {
        my ($status, $output, @heard) = retrain($input, qw(--user u@x.example --class=innocent));
        is("$status$output", 0, 'exit 0, not a word');
        is_deeply([map { $_->{kind} } @heard], ['learn'], 'a worker was asked');
        like($heard[0]{request}, qr/^learn (?=.*login u\@x.example)(?=.*class ham)/, 'for this user');
        ok(($heard[0]{message} // '') eq $input, 'with the message');
        ok($heard[0]{whole}, 'and its end');
    }
    is(join(' ', (retrain('', qw(spam u@x.example)))[0, 1]), '0 ', 'nothing at all');
    is(join(' ', retrain($bare, qw(--mode=notrain --class=spam --user u@x.example))), '0 ', 'notrain');
};

subtest 'nonsense' => sub {
    for my $words ([], ['spam'], ['junk', 'u@x.example'], [qw(--class=junk --user u@x.example)],
        [qw(--class=spam --class=innocent --user u)], [qw(--user --class=spam)], [qw(--class=spam --user)],
        [qw(spam u --source=rumour)], [qw(spam u --mode=unlearn)], [qw(spam u --mode=)],
        [qw(spam u --deliver=here)], [qw(spam u --classify)], [qw(spam u --daemon)], [qw(spam u -x)],
        ['spam', ''], ['spam', "\xff"], [qw(spam u -s unix:relative)], [qw(spam u --signatures=x)]) {
        my ($status, $output, @heard) = retrain($mail, @$words);
        is($status, 64, "\"@$words\": EX_USAGE");
        like($output, qr/^filterd-retrain: [^\n]*\n\z/, 'one line');
        is(@heard, 0, 'nothing was asked');
    }
    my ($status, $output) = retrain('', '--help');
    is($status, 0, '--help');
    like($output, qr/spam\|ham USER/, 'helps');
};

subtest 'nobody there' => sub {
    %daemon = ();
    for my $input ($mail, $bare, $bare . 'x' x 1_000_000) {
        is(join(' ', retrain($input, qw(spam u@x.example))), '0 ', 'exit 0, and all is read');
    }
};

done_testing;
