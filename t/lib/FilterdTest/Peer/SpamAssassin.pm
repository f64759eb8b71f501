package FilterdTest::Peer::SpamAssassin;

use strict;
use warnings;
use parent 'FilterdTest::Peer';
use FilterdTest;
use FilterdTest::Cpu;

my $RULES = '/usr/share/spamassassin';

sub name    { return 'spamassassin' }
sub version { require Mail::SpamAssassin; return Mail::SpamAssassin::Version() }

sub missing {
    return if eval { require Mail::SpamAssassin; 1 };
    return 'Mail::SpamAssassin is not installed';
}

sub about {
    return 'Bayes alone, in one process, nothing expires, scores from the first message on (as shipped:'
        . ' after 200 of each); spam over 0.6, unsure from 0.4 as its BAYES_50; "errors" learns also what'
        . ' lies between its BAYES_00 and BAYES_99'
}

# The lists that belong to Bayes and to finding URLs; no rules, no plugins but Bayes.
sub start {
    my ($self) = @_;
    require Mail::SpamAssassin;
    my $dir = "$self->{dir}.rules";
    mkdir $dir;
    spew("$dir/01.pre", "loadplugin Mail::SpamAssassin::Plugin::Bayes\n");
    symlink "$RULES/$_", "$dir/$_" for grep { -e "$RULES/$_" } qw(20_aux_tlds.cf 60_bayes_stopwords.cf);
    spew("$dir/99.cf", "use_bayes 1\nbayes_path $self->{dir}/bayes\nbayes_auto_learn 0\nbayes_auto_expire 0\n"
        . "bayes_min_ham_num 1\nbayes_min_spam_num 1\nlock_method flock\n");
    $self->{sa} = Mail::SpamAssassin->new({
        rules_filename => $dir, site_rules_filename => $dir, userprefs_filename => '/dev/null',
        userstate_dir => $self->{dir}, home_dir_for_helpers => $self->{dir}, dont_copy_prefs => 1,
        local_tests_only => 1 });
    $self->{sa}->init(1);
    ($self->{bayes}) = grep { ref eq 'Mail::SpamAssassin::Plugin::Bayes' } @{ $self->{sa}{plugins}{plugins} };
}

sub cpu_us { return FilterdTest::Cpu::of_self() }

sub judge {
    my ($self, $file) = @_;
    my $mail = $self->{sa}->parse(slurp($file), 0);
    my $status = Mail::SpamAssassin::PerMsgStatus->new($self->{sa}, $mail);
    my $p = $self->{bayes}->scan($status, $mail) // 0.5;
    $status->finish;
    $mail->finish;
    return (FilterdTest::Peer::logit($p), $p > 0.6 ? 'spam' : $p > 0.4 ? 'unsure' : 'ham');
}

sub thin {
    my ($self, $score) = @_;
    return abs($score) < log 99; # BAYES_00 and BAYES_99 are far enough
}

sub learn {
    my ($self, $file, $spam) = @_;
    my $mail = $self->{sa}->parse(slurp($file), 0);
    $self->{sa}->learn($mail, undef, $spam, 0)->finish;
    $mail->finish;
}

sub end {
    my ($self) = @_;
    $self->{sa}->finish;
}

1;
