#!/usr/bin/perl
# Whoever Postfix delivers to, filterd knows: thousands of spellings of one user's address, before the queue, by
# milter and in two legs. Each that Postfix takes and delivers to her is sealed and judged, or was refused.
# SPELLINGS: how many are to be delivered before the queue, a fifth of that by milter and in two legs;
# SPELLINGS_SEED: of another row.

use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Encode qw(encode_utf8);
use FilterdTest;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::Site;
use FilterdTest::Spellings;
use Test::More;

my $WANTED = $ENV{SPELLINGS} // 150;
my $SEED = $ENV{SPELLINGS_SEED} // 4711;
my $BATCH = 100; # taken between two looks at the mailbox
my $TRIES = 400; # for each that is wanted: only a bound
my $RECORDED = 2000; # the keeper takes records of not many more for one user at once
my $ALICE = 'alice@example.com';
my ($U, $A) = ("b\x{fc}cher.test", 'xn--bcher-kva.test');

# All that Postfix has for itself. It delivers to her what comes for her aliases at any name of mydestination or
# a literal of its own, and there for her name alone.
my @aliases = ('sales', "gr\x{fc}\x{df}e", "\x{3c3}\x{3c3}");
my @machine = qw(localhost mail.example.com box.test localhost.example.com);
my $virtual = encode_utf8(join ' ',
    map { "{ $_ = $ALICE }" } 'alice', @aliases, (map { my $d = $_; map { "$_\@$d" } @aliases } 'example.com'),
    (map { my $d = $_; map { "$_\@$d" } 'alice', @aliases } $U, $A)) . ' { @old.test = @example.com }';
my $MAIN = encode_utf8(<<"END");
mydestination = @machine
local_recipient_maps =
virtual_mailbox_domains = example.com
virtual_alias_domains = $U $A old.test
END
$MAIN .= <<"END";
virtual_alias_maps = inline:{ $virtual }
myorigin = example.com
append_dot_mydomain = yes
proxy_interfaces = 203.0.113.7
recipient_delimiter = +-
smtpd_hard_error_limit = 1000000
smtpd_soft_error_limit = 1000000
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_milters =
non_smtpd_milters =
internal_mail_filter_classes =
local_transport = error:nobody has a mailbox of this machine
END

sub site {
    my (%arg) = @_;
    my $site = FilterdTest::Site->start(
        attach => $arg{attach},
        keys => { alice => 'curve' },
        dovecot => "recipient_delimiter = +-\n",
        main => $MAIN . ($arg{main} // ''),
        set => { 'filterd.recipient_delimiter' => '+-', 'filterd.domains' => encode_utf8("example.com $U $A"),
            'filterd.local_names' => "@machine", map { ("$_.enabled" => 'no') } qw(spf dkim dmarc) },
    );
    my ($t, $postfix, $filterd) = @$site{qw(t postfix filterd)};
    my ($uid, $gid) = (getpwnam $FilterdTest::MAIL_USER)[2, 3];
    spew("$postfix->{dir}/etc/master.cf", slurp("$postfix->{dir}/etc/master.cf") . join '', map {
        '127.0.0.1:' . $t->port($_->[0]) . " inet n - n - - smtpd\n  " . $t->localized($_->[1]) . "\n"
    } @{ $arg{doors} });
    # Dovecot 2.3 takes no SMTPUTF8: where it is not the next hop of filterd, Postfix writes her mailbox itself.
    mkdir "$postfix->{dir}/box";
    chown $uid, $gid, "$postfix->{dir}/box";
    $postfix->command('postconf', '-e', "virtual_mailbox_base = $postfix->{dir}/box", "virtual_uid_maps = static:$uid",
        "virtual_gid_maps = static:$gid", 'virtual_minimum_uid = 1');
    $postfix->command('postconf', '-M', 'virtual/unix=virtual unix - n n - - virtual');
    $postfix->reload;
    for my $door (map { $_->[0] } @{ $arg{doors} }) {
        poll(sub { FilterdTest::Client::listens($t->port($door)) }) or BAIL_OUT("no door $door");
    }
    $filterd->ctl(qw(alias import --postfix -C), "$postfix->{dir}/etc");
    return $site;
}

sub first { my ($n, @list) = @_; return splice @list, 0, $n }

# What is wrong with a copy of hers; undef if nothing is.
sub fault {
    my ($mail) = @_;
    return 'in plaintext' if $mail =~ /${\ canary()}/;
    return 'not sealed' if header($mail, 'X-Filterd-Encrypted') !~ /^(?:yes|already)$/;
    return 'not judged' if !header($mail, 'X-Filterd-Result');
    return 'without a signature' if $WANTED <= $RECORDED && !header($mail, 'X-Filterd-Signature');
    return undef;
}

# All that has come to her.
sub mails {
    my ($site) = @_;
    return (map { slurp($_) =~ s/\r?\n/\r\n/gr } glob "$site->{postfix}{dir}/box/*/new/*"), $site->{dovecot}->mails($ALICE);
}

# Says spellings at DOOR until WANTED copies have come to her; how each was said, by its number.
sub deliver {
    my ($site, $door, $wanted, $words) = @_;
    my ($t, $postfix) = @$site{qw(t postfix)};
    my ($client, %said, %taken, $tried);
    my @before = mails($site);
    my %before = map { $_ => 1 } @before;
    my @came;
    for ($tried = 0; @came < $wanted && $tried < $TRIES * $wanted;) {
        my $goal = keys(%taken) + ($wanted < $BATCH ? $wanted : $BATCH);
        while (keys %taken < $goal && $tried++ < $TRIES * $wanted) {
            my $path = $words->next;
            next if $said{$path}++;
            $client //= FilterdTest::Client->new(smtp => $t->port($door));
            my $utf8 = $path =~ /[^\0-\x7f]/ && $words->often(80) ? ' SMTPUTF8' : '';
            # The null sender: what cannot be delivered does not come back.
            my $reply = $client->say("MAIL FROM:<>$utf8");
            $reply = $client->say("RCPT TO:$path") if $reply =~ /^2/;
            my $number = keys(%taken) + 1;
            ($reply) = $client->data("From: a\@x.test\r\nTo: x\r\nSubject: number $number\r\nMessage-ID: <$door$number\@x.test>\r\n"
                . "Date: Mon, 30 Nov 2026 05:00:00 +0000\r\n\r\n" . canary() . " $number\r\n", 1) if $reply =~ /^2/;
            $taken{$number} = $path if $reply =~ /^2/;
            undef $client if $reply =~ /^421|^$/ || ($reply !~ /^2/ && $client->say('RSET') !~ /^2/);
        }
        $postfix->drained or BAIL_OUT('the queue does not become empty');
        @came = grep { !$before{$_} } mails($site);
    }
    $client->quit if $client;
    return ($tried, \%taken, \@came);
}

sub all_is_sealed {
    my ($site, $name, $door, $wanted) = @_;
    my $words = FilterdTest::Spellings->new(seed => $SEED + length $name, locals => ['alice', @aliases],
        domains => ['example.com', 'old.test', $U, $A, @machine], literals => ['127.0.0.1', '203.0.113.7'], delimiters => '+-');
    subtest $name => sub {
        my ($tried, $taken, $mails) = deliver($site, $door, $wanted, $words);
        cmp_ok(scalar @$mails, '>=', $wanted, "$wanted came to her");
        diag("$name: $tried said, " . keys(%$taken) . ' taken, ' . @$mails . ' came to her');
        my %fault = map { my $why = fault($_); $why ? (header($_, 'Subject') =~ s/\D//gr => $why) : () } @$mails;
        my %count;
        $count{$_}++ for values %fault;
        is_deeply(\%count, {}, 'each of them sealed and judged')
            or diag(map { "RCPT TO:$taken->{$_} $fault{$_}\n" } first(30, sort { $a <=> $b } keys %fault));
        return $mails;
    };
}

{
    my $site = site(attach => [qw(smtpd_proxy_filter reinject milter)],
        main => "virtual_transport = virtual\nvirtual_mailbox_maps = inline:{ {$ALICE = alice/} }\n", doors => [
        [strict => '-o strict_rfc821_envelopes=yes'],
        [milter => '-o smtpd_proxy_filter= -o smtpd_milters=unix:filterd/milter.sock -o milter_default_action=tempfail'],
    ]);
    all_is_sealed($site, 'before the queue', smtp => $WANTED);
    all_is_sealed($site, 'before the queue, of a strict Postfix', strict => $WANTED / 5);
    all_is_sealed($site, 'by milter', milter => $WANTED / 5);
}

# Behind the queue filterd would seal what the first leg left in plaintext: the queue had it until then.
{
    my $site = site(attach => [qw(smtpd_proxy_filter reinject virtual_transport)], doors => []);
    all_is_sealed($site, 'two legs', smtp => $WANTED / 5);
    my @second = grep { /qid=\w{6,} .*dsn=2/ } split /\n/, $site->{filterd}->log_text;
    cmp_ok(scalar @second, '>=', $WANTED / 5, 'all passed the second');
    my @late = grep { !/ sealed=already / } @second;
    is(scalar @late, 0, 'none was in the queue in plaintext') or diag(join "\n", first(30, @late));
}

done_testing;
