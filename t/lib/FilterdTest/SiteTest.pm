package FilterdTest::SiteTest;

# What must hold on each of the sites A to E: who sends what from where, and what becomes of it. t/site_*.t run it.

use strict;
use warnings;
use FilterdTest;
use FilterdTest::Breaks;
use FilterdTest::Canary;
use FilterdTest::Client;
use FilterdTest::Mail;
use FilterdTest::Sites;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Test::More;

my $GTUBE = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X';
my ($ANN, $BOB) = qw(ann@example.com bob@example.com);
my $WORLD = 'someone@foreign.test';

sub run {
    my ($letter) = @_;
    FilterdTest::Sites::enter();
    my $class = "FilterdTest::Sites::$letter";
    eval "require $class" or die $@;
    my $self = bless { site => $class->start, canary => FilterdTest::Canary->new, number => 0, letter => $letter }, __PACKAGE__;
    my @names = qw(checked from_outside spam learnt submitted_here submitted_to_the_world submitted_to_both bounce local_mail);
    push @names, 'spam_filed_by_dovecot' if $self->{site}->can('dovecot_delivers');
    push @names, 'store_not_mounted' if $self->{site}->store ne 'folder';
    push @names, 'table_server_down';
    push @names, 'table_server_killed' if $letter =~ /[DE]/; # one of each kind
    push @names, 'broken' if $letter =~ /[AC]/;
    push @names, 'taken_back' if $letter =~ /[AD]/;
    push @names, 'nothing_on_disk';
    for my $name (@names) {
        subtest $name =~ tr/_/ /r => sub { $self->$name };
    }
    done_testing;
}

# ---- messages ----

# One that must never lie on the disk: its words are looked for at the end.
sub secret {
    my ($self) = @_;
    return $self->{canary}->message(++$self->{number});
}

sub id_of { return (header($_[0], 'Message-ID') =~ /<(.*)>/)[0] }

sub prefix {
    my %set = $_[0]{site}->set;
    return $set{'spam.header_prefix'} // 'X-Filterd';
}

# Waits for that message in a user's folder.
sub arrives {
    my ($self, $sent, $login, $folder) = @_;
    my ($id, $found) = id_of($sent);
    poll(sub { ($found) = grep { header($_, 'Message-ID') =~ /\Q$id\E/ } $self->{site}{dovecot}->mails($login, $folder) });
    ok($found, "it comes to $login, " . ($folder || 'INBOX'));
    return $found // '';
}

sub is_sealed {
    my ($self, $mail, $sent) = @_;
    is(header($mail, $self->prefix . '-Encrypted'), 'yes', 'sealed');
    like(header($mail, 'Content-Type'), qr{^multipart/encrypted;}i, 'as PGP/MIME');
    my $opened = $self->{site}{keys}{$ANN}->open_sealed($mail) // '';
    $sent ? ok($opened eq content_of($sent), 'its key opens it to what was sent') : ok($opened, 'its key opens it');
    return $opened;
}

# filterd's lines about a message that came from there, in order.
sub lines {
    my ($self, $from, $count) = @_;
    my $lines = sub { grep { /qid=\S+ from=<\Q$from\E>/ } split /\n/, $self->{site}{filterd}->log_text };
    poll(sub { $count <= (() = $lines->()) });
    return $lines->();
}

sub from { return 'sender' . $_[0]{number} . '@stranger.test' }

sub comes_from_outside {
    my ($self, $message, $to) = @_;
    my $c = $self->{site}->stranger;
    my $reply = $c->deliver($message, $self->from, $to);
    $c->quit;
    return $reply;
}

# ---- what filterctl says of it ----

# Nothing to find fault with, once it is set up.
sub checked {
    my ($self) = @_;
    my $site = $self->{site};
    my ($status, $out, $err) = $site->{filterd}->try_ctl(undef, 'check', $site->where);
    is($status, 0, 'check is content') or diag $out;
    is_deeply([grep { !/^ok\t/ } split(/\n/, $out), split(/\n/, $err)], [], 'with all of it');
    like(($site->{filterd}->try_ctl(undef, 'setup', $site->where))[1], qr/^# Postfix is set up already\.$/m, 'nothing is left to set up');
    unlike(slurp($site->{t}->log_file('postfix')), qr/fatal/, "nothing of it is an error in Postfix's log");
    # Not on gocryptfs: Dovecot was refused its folders there twice, after a proof.
    return if $site->{store_mounted} && FilterdTest::Sites::has_fuse();
    $self->proved;
}

# What this host's swap is like is not the site's doing.
sub proved {
    my ($self) = @_;
    my $site = $self->{site};
    my ($status, $out, $err) = $site->{filterd}->try_ctl(undef, qw(check --prove --to), $site->address('ann'), '--postfix', $site->{etc});
    my @other = grep { !/^ok\t|^warning\tswap\t/ } split(/\n/, $out), split(/\n/, $err);
    is_deeply(\@other, [], 'check --prove, too');
    is($status, $out =~ /^warning\tswap\t/m ? 1 : 0, 'by its exit code') or diag $out, $err;
    like($out, qr/^ok\tmailbox\t.*holds it sealed$/m, 'it came sealed');
    like($out, qr/^ok\tqueue\tnothing of it in plaintext/m, 'past a queue that had nothing');
}

# What check says when somebody has done this or that to the site.
sub broken {
    my ($self) = @_;
    FilterdTest::Breaks::run($self->{site}, $self->{letter} eq 'A' ? FilterdTest::Breaks::usual() : FilterdTest::Breaks::more());
}

sub taken_back {
    my ($self) = @_;
    my $site = $self->{site};
    my ($status, $out, $err) = $site->{filterd}->try_ctl(undef, 'setup', '--undo', $site->where);
    is("$status$out$err", '0', 'undone');
    ok($site->postfix_settings eq $site->{before}, 'Postfix is as it was before');
    is_deeply([glob $site->{t}->dir . '/etc/{conf.d,maps,setup}/*'], [], 'nothing of it is left');
}

# ---- mail ----

# To whom, as users of the site write it.
sub from_outside {
    my ($self) = @_;
    my $site = $self->{site};
    my %aliases = $site->aliases;
    my $address = $site->address('ann');
    my %to = (
        'a user with a key' => $address,
        'an extension' => $address =~ s/@/+shop@/r,
        'an alias' => (keys %aliases)[0],
    );
    for my $name (sort keys %to) {
        my $sent = $self->secret;
        like($self->comes_from_outside($sent, $to{$name}), qr/^250/, "to $name: taken");
        my $mail = $self->arrives($sent, $ANN);
        $self->is_sealed($mail, $sent);
        is(scalar headers($mail, $self->prefix . "-$_"), 1, "one $_") for qw(Result Signature Encrypted);
        my @lines = $self->lines($self->from, $site->legs);
        like($lines[0], qr/ client=\Q$FilterdTest::Sites::STRANGER\E .* result=(?:Innocent|Unsure) .* sealed=yes /, 'judged and sealed in front');
        like($lines[1], qr/ result=kept .* sealed=already /, 'and known behind') if $site->legs == 2;
    }
    $self->catch_all if $site->catch_all;
    $self->{number}++;
    my $open = mail_like(from => $ANN); # which is a lie
    like($self->comes_from_outside($open, $site->address('bob')), qr/^250/, 'to a user without a key: taken');
    my $mail = $self->arrives($open, $BOB);
    ok(content_of($mail) eq content_of($open), 'as it was sent');
    ok(header($mail, $self->prefix . '-Result'), 'judged');
    is(header($mail, 'DKIM-Signature'), '', 'what a stranger wrote in our name is not signed');
    like($self->comes_from_outside(mail_like(), 'nobody@example.com'), qr/^550 5\.1\.1 /, 'to nobody: refused') if !$site->catch_all;
}

# The row @domain.
sub catch_all {
    my ($self) = @_;
    $self->{number}++;
    my $sent = $self->secret;
    like($self->comes_from_outside($sent, 'nobody@example.com'), qr/^250/, 'to the catch-all: taken');
    $self->is_sealed($self->arrives($sent, $self->{site}->catch_all), $sent);
    like(($self->lines($self->from, $self->{site}->legs))[0], qr/ sealed=yes /, 'in front');
}

sub spam {
    my ($self) = @_;
    $self->{number}++;
    my $sent = mail_like(text => $GTUBE);
    like($self->comes_from_outside($sent, $self->{site}->address('ann')), qr/^250/, 'taken');
    my $mail = $self->arrives($sent, $ANN, $self->{site}->junk);
    $self->is_sealed($mail, $sent);
    is(header($mail, $self->prefix . '-Result'), 'Spam', 'as spam');
}

# As the note of "filterctl setup" says it.
sub spam_filed_by_dovecot {
    my ($self) = @_;
    my $site = $self->{site};
    my $setup = sub { ($site->{filterd}->try_ctl(undef, 'setup', $site->where))[1] };
    like($setup->(), qr/^# Look at this yourself: virtual\(8\) runs no Sieve script.*lmtp:unix:private\/dovecot-lmtp/m, 'setup says what to do');
    my $undo = $site->dovecot_delivers;
    my ($status, $out) = $site->{filterd}->try_ctl(undef, 'check', $site->where);
    is($status, 0, 'check is content with it') or diag $out;
    $self->{number}++;
    my $sent = mail_like(text => $GTUBE);
    like($self->comes_from_outside($sent, $site->address('ann')), qr/^250/, 'taken');
    $self->is_sealed($self->arrives($sent, $ANN, 'Junk'), $sent);
    $undo->();
}

# By the name that logs in, whatever the address was.
sub learnt {
    my ($self) = @_;
    my $site = $self->{site};
    my %aliases = $site->aliases;
    my $sent = $self->secret;
    like($self->comes_from_outside($sent, (keys %aliases)[0]), qr/^250/, 'taken');
    my $signature = header($self->arrives($sent, $ANN), $self->prefix . '-Signature');
    my $junk = $site->junk || 'Junk';
    for (['INBOX', $junk, 'spam'], [$junk, 'INBOX', 'ham']) {
        my ($from, $to, $class) = @$_;
        my $imap = $site->{dovecot}->imap($ANN);
        is($imap->imap_move('Message-ID', id_of($sent), $from, $to), 1, "moved from $from to $to");
        $imap->imap('LOGOUT');
        $site->{filterd}->logs(qr/retrain login=<\Q$ANN\E> class=$class signature=\Q$signature\E learnt$/m, "learnt as $class");
    }
    my $imap = $site->{dovecot}->imap($ANN);
    eval { $imap->imap('CREATE Trash') }; # if it is not there
    is($imap->imap_move('Message-ID', id_of($sent), 'INBOX', 'Trash'), 1, 'moved to Trash');
    $imap->imap('LOGOUT');
    is_deeply([$site->{filterd}->retrained], ["spam $ANN", "ham $ANN"], 'which says nothing');
}

# Submitted by bob, who has logged in at home.
sub submit {
    my ($self, $message, $to, $wrapped) = @_;
    my $c = $self->{site}->logged_in($BOB, $wrapped);
    my $reply = $c->deliver($message, $BOB, $to);
    $c->quit;
    like($reply, qr/^250/, "submitted to $to: taken");
}

sub tells_nothing {
    my ($mail) = @_;
    my ($head) = split /\r\n\r\n/, $mail, 2;
    unlike($head, qr/\Q$FilterdTest::Sites::HOME\E/, 'the home address is gone');
}

# Programs' names and addresses that the site takes out of what is submitted.
sub is_without_traces {
    my ($self, $mail) = @_;
    tells_nothing($mail);
    my @left = grep { header($mail, $_) ne '' } $self->{site}->traces =~ /^([^:\s]+):/mg;
    is_deeply(\@left, [], "nor what the user's program wrote");
}

sub submitted_here {
    my ($self) = @_;
    my $site = $self->{site};
    my %aliases = $site->aliases;
    my $sent = mail_like(from => $BOB, more => $site->traces, text => $GTUBE);
    $self->submit($sent, $site->address('ann'));
    my $mail = $self->arrives($sent, $ANN);
    $self->is_sealed($mail, $sent);
    is(header($mail, $self->prefix . '-Result'), '', 'not judged');
    $self->is_without_traces($mail);
    my @lines = grep { / to=<\Q${\ $site->address('ann')}\E>| to=<\Q$ANN\E>/ } $self->lines($BOB, $site->legs);
    like($lines[0], qr/ result=- .* sealed=yes /, 'in front');
    like($lines[1], qr/ result=(?:-|kept) .* sealed=already /, 'and behind') || diag @lines if $site->legs == 2;
    my $open = mail_like(from => $BOB, more => $site->traces, text => $GTUBE);
    $self->submit($open, $BOB, 'wrapped');
    $mail = $self->arrives($open, $BOB);
    ok(content_of($mail) eq content_of($open), 'without a key: as it was sent');
    is(header($mail, $self->prefix . '-Result'), '', 'not judged either');
    $self->is_without_traces($mail);
    my $aliased = mail_like(from => $BOB);
    $self->submit($aliased, (keys %aliases)[0]);
    $self->is_sealed($self->arrives($aliased, $ANN), $aliased);
    $self->not_greylisted if $site->greylists;
}

# Whom nobody knows has to come again; our users have not.
sub not_greylisted {
    my ($self) = @_;
    my $site = $self->{site};
    my $stranger = sub {
        $self->{number}++;
        return $self->comes_from_outside(mail_like(), $site->address('bob'));
    };
    $site->{filterd}->settings('greylist.enabled' => 'yes');
    $site->{filterd}->reload;
    ok(poll(sub { $stranger->() =~ /^45\d / }), 'strangers have to come again');
    my $sent = mail_like(from => $BOB, text => $GTUBE);
    $self->submit($sent, $site->address('ann'));
    $self->is_sealed($self->arrives($sent, $ANN), $sent);
    $site->{filterd}->settings('greylist.enabled' => undef);
    $site->{filterd}->reload;
    ok(poll(sub { $stranger->() =~ /^250/ }), 'once it is switched off, nobody has');
}

sub submitted_to_the_world {
    my ($self) = @_;
    my $site = $self->{site};
    my $sent = mail_like(from => $BOB, more => $site->traces);
    $self->submit($sent, $WORLD);
    ok(poll(sub { $site->{foreign}->count($WORLD) }), 'it leaves');
    my ($mail) = $site->{foreign}->taken($WORLD);
    ok(content_of($mail) eq content_of($sent), 'as it was sent');
    $self->is_without_traces($mail);
    $self->is_signed($mail) if $site->signs;
    my ($head) = split /\r\n\r\n/, $mail, 2;
    my @ours = $head =~ /^((?:\Q${\ $self->prefix}\E|X-Spam|Authentication-Results|Received-SPF)[^:]*):/mgi;
    is_deeply(\@ours, [], 'without a field of ours');
}

# One message to both: a copy for each.
sub submitted_to_both {
    my ($self) = @_;
    my $site = $self->{site};
    my $sent = mail_like(from => $BOB, more => $site->traces);
    my $c = $site->logged_in($BOB);
    like($c->deliver($sent, $BOB, $site->address('ann'), 'other@foreign.test'), qr/^250/, 'taken');
    $c->quit;
    $self->is_sealed($self->arrives($sent, $ANN), $sent);
    ok(poll(sub { $site->{foreign}->count('other@foreign.test') }), 'it leaves');
    my ($mail) = $site->{foreign}->taken('other@foreign.test');
    ok(content_of($mail) eq content_of($sent), 'as it was sent');
    $self->is_without_traces($mail);
}

# The signature holds, of what leaves.
sub is_signed {
    my ($self, $mail) = @_;
    my $record = $self->{site}{signer}->record('mail');
    Mail::DKIM::DNS::resolver(bless { record => $record }, __PACKAGE__ . '::Resolver');
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT($mail);
    $verifier->CLOSE;
    is($verifier->result_detail, 'pass', 'signed');
}

sub bounce {
    my ($self) = @_;
    my $site = $self->{site};
    my $nobody = 'nobody@foreign.test';
    $site->{foreign}->rules("rcpt $nobody" => '550 5.1.1 No such user');
    my $sent = mail_like(from => $site->address('ann'));
    my $c = $site->logged_in($ANN);
    like($c->deliver($sent, $site->address('ann'), $nobody), qr/^250/, 'taken');
    $c->quit;
    my $bounce;
    poll(sub { ($bounce) = grep { header($_, 'Subject') =~ /^Undelivered/ } $site->{dovecot}->mails($ANN) });
    ok($bounce, 'it comes') or return;
    like($self->is_sealed($bounce), qr/\Q${\ id_of($sent)}\E/, 'it is about that message');
    $site->{foreign}->rules;
}

# As cron sends it, too.
sub local_mail {
    my ($self) = @_;
    my $site = $self->{site};
    my %aliases = $site->aliases;
    for my $to ($site->address('ann'), (keys %aliases)[0]) {
        my $sent = mail_like(from => 'root@example.com');
        my ($status, $out, $err) = $site->{postfix}->sendmail($sent, 'root@example.com', $to);
        is($status, 0, "to $to: taken") or diag $out, $err;
        $self->is_sealed($self->arrives($sent, $ANN), $sent);
    }
}

# ---- when something is away ----

sub table_server_down {
    my ($self) = @_;
    my $site = $self->{site};
    $site->{server}->down;
    my $sent = $self->secret;
    like($self->comes_from_outside($sent, $site->address('ann')), qr/^4/, 'from outside: deferred');
    $site->{server}->up;
    $site->{postfix}->down; # who asked in vain would ask again in a minute
    $site->{postfix}->up(25);
    my $reply;
    ok(poll(sub { ($reply = $self->comes_from_outside($sent, $site->address('ann'))) =~ /^250/ }), 'later it is taken') or diag $reply;
    ok(poll(sub { $site->{postfix}->flush; !$site->{postfix}->queue }), 'and delivered'); # Dovecot may wait, too
    $self->is_sealed($self->arrives($sent, $ANN), $sent);
}

# Mail that comes while the table server is killed and started: what is put off comes again, until it is taken. Each goes
# to an address that nobody has asked for, but for bob's.
sub table_server_killed {
    my ($self) = @_;
    my $site = $self->{site};
    my $answers = $site->{t}->dir . '/answers';
    my ($user, $domain) = split /@/, $site->address('ann');
    my @mails = map { ([$ANN, "$user+$_\@$domain", $self->secret], [$BOB, $BOB, mail_like()]) } 1 .. 12;
    my @local = map { mail_like(from => 'root@example.com') } 1 .. 3;
    my $sender = $site->{t}->spawn_code(sub {
        for my $n (0 .. $#mails) {
            my (undef, $to, $mail) = @{ $mails[$n] };
            my $reply;
            poll(sub { ($reply = $self->comes_from_outside($mail, $to)) !~ /^4/ });
            $site->{postfix}->sendmail($local[$n / 8], 'root@example.com', $site->address('ann')) if $n % 8 == 4;
            open(my $out, '>>', $answers) or die;
            print $out "$reply\n";
        }
    });
    my $taken = sub { scalar(() = slurp($answers) =~ /^250/mg) };
    for my $after (3, 11, 19) {
        ok(poll(sub { $taken->() >= $after }), "$after are taken: it is killed");
        $site->{server}->killed;
        sleep 1; # some come meanwhile
        $site->{server}->up;
        # Its processes would ask again in a minute only. Those that deliver may wait for Dovecot as long.
        $site->{postfix}->command('postfix', 'reload');
    }
    waitpid $sender, 0;
    is($taken->(), scalar @mails, 'each is taken in the end');
    $site->{postfix}->down; # who asked in vain would ask again in a minute
    $site->{postfix}->up(25);
    ok(poll(sub { $site->{postfix}->flush; !$site->{postfix}->queue }), 'and delivered');
    $self->all_came(@mails, map { [$ANN, undef, $_] } @local);
}

# Whose mail of the list [login, address, message] is not there, or not as it should be.
sub all_came {
    my ($self, @mails) = @_;
    my $came = sub {
        my ($login, $id) = @_;
        return grep { header($_, 'Message-ID') =~ /\Q$id\E/ } $self->{site}{dovecot}->mails($login);
    };
    my @missing = grep { my $mail = $_; !poll(sub { $came->($mail->[0], id_of($mail->[2])) }, 5) } @mails;
    is(scalar @missing, 0, 'none is lost');
    my @plain = grep { $_->[0] eq $ANN && grep { header($_, 'Content-Type') !~ m{^multipart/encrypted;}i } $came->($ANN, id_of($_->[2])) } @mails;
    is(scalar @plain, 0, 'none that has to be sealed is not');
}

# As after a boot, before the owner has mounted it. Local mail waits in the queue.
sub store_not_mounted {
    my ($self) = @_;
    my $site = $self->{site};
    my ($filterd, $postfix) = @$site{qw(filterd postfix)};
    my $on_it = $site->store eq 'mounted';
    $filterd->down if $on_it;
    $site->unmount_store;
    is((my (undef, undef, $err) = $site->{t}->try_run(undef, 'timeout', $FilterdTest::PATIENCE, $site->{t}->dir . '/bin/filterd'))[0], 75,
        'filterd does not start') if $on_it;
    my $sent = $self->secret;
    my $reply = $self->comes_from_outside($sent, $site->address('ann'));
    like($reply, $on_it ? qr/^4/ : qr/^250/, 'from outside: ' . ($on_it ? 'deferred' : 'taken'));
    my $local = mail_like(from => 'root@example.com');
    is(($postfix->sendmail($local, 'root@example.com', $site->address('ann')))[0], 0, 'local mail is taken');
    my $waiting = $on_it ? 1 : 2;
    my $deferred = sub { scalar(() = ($postfix->command('postqueue', '-j'))[1] =~ /"queue_name": "deferred"/g) };
    ok(poll(sub { $deferred->() == $waiting }), 'what is in the queue waits');
    is_deeply([glob "$site->{vmail}/{*,.[!.]*}"], [], 'nothing was written where the store will be');
    $site->mount_store;
    $filterd->up if $on_it;
    like($self->comes_from_outside($sent, $site->address('ann')), qr/^250/, 'then it is taken') if $on_it;
    ok(poll(sub { $postfix->flush; !$postfix->queue }), 'and all is delivered');
    $self->is_sealed($self->arrives($_, $ANN), $_) for $sent, $local;
}

# All that was written of the secret messages, or written and deleted.
sub nothing_on_disk {
    my ($self) = @_;
    my $site = $self->{site};
    ok($site->{postfix}->drained, 'the queue is empty');
    my $control = FilterdTest::Canary->new;
    my $file = $site->{t}->dir . '/control';
    spew($file, $control->message(0));
    unlink $file;
    my $image = $site->{t}->unmount;
    my ($found, $planted) = map { $_->count_in($image) } $self->{canary}, $control;
    delete $found->{subject};
    is_deeply([grep { $found->{$_} } sort keys %$found], [], "nothing of $self->{number} messages");
    is_deeply([grep { !$planted->{$_} } sort keys %$planted], [], 'what was planted is found');
}

# All that Mail::DKIM asks a name server for: that one record.
package FilterdTest::SiteTest::Resolver;

sub send { return $_[0] }
sub header { return $_[0] }
sub rcode { return 'NOERROR' }
sub answer { return $_[0] }
sub type { return 'TXT' }
sub char_str_list { return $_[0]{record} }
sub txtdata { return $_[0]{record} }

1;
