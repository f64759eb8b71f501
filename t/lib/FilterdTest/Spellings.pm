package FilterdTest::Spellings;

# Writes a user's address in thousands of ways: as RFC 5321 and 5322 allow, as they once did, as Postfix
# rewrites, and with random damage. It knows neither which ways Postfix takes nor which filterd refuses.

use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);

# locals: names of hers, decoded. domains: of those, where she has them all. literals: of this machine.
# delimiters: characters. Its random numbers are its own, from seed: the same each time.
sub new {
    my ($class, %arg) = @_;
    return bless { %arg, seed => $arg{seed} & 0x7fffffff || 1 }, $class;
}

# A whole number below N (Park and Miller's generator).
sub below {
    my ($self, $n) = @_;
    $self->{seed} = $self->{seed} * 16807 % 2147483647;
    return int($self->{seed} / 2147483647 * $n);
}

sub pick {
    my ($self, @from) = @_;
    return $from[$self->below(scalar @from)];
}

sub often { return $_[0]->below(100) < $_[1] }

# Characters that fold to the same, by case or as Unicode has it: ſ is s, K (the sign of kelvin) is k.
sub recased {
    my ($self, $text) = @_;
    my %same = (s => ["\x{17f}"], k => ["\x{212a}"], "\x{df}" => ['ss', 'SS', "\x{1e9e}"], "\x{3c3}" => ["\x{3c2}"]);
    return $text if $self->often(30);
    my $odd = $self->often(25);
    return join '', map {
        my $same = $same{ lc $_ };
        $odd && $same && $self->often(60) ? $self->pick(@$same) : $self->often(50) ? uc : lc
    } split //, $text;
}

sub word { my ($self) = @_; return join '', map { $self->pick('a' .. 'z', 0 .. 9) } 0 .. $self->below(8) }

sub comment {
    my ($self) = @_;
    return $self->pick('(x)', '()', '(a (b) c)', '(\\))', '(")', '(\\")', '(@foreign.test)', '(<)', '(>)', "(\x{fc})");
}

sub blank { return $_[0]->pick('', '', '', '', ' ', '  ', "\t") }

# A local part as written.
sub local {
    my ($self) = @_;
    my $name = $self->recased($self->pick(@{ $self->{locals} }));
    $name .= $self->pick(split //, $self->{delimiters}) . $self->pick('', $self->word, $self->word . '-+' . $self->word)
        if $self->{delimiters} ne '' && $self->often(35);
    return $name if $self->often(45);
    my $at = $self->below(length $name);
    my ($first, $rest) = (substr($name, 0, $at), substr $name, $at);
    return $self->pick(
        qq("$name"), qq("$name"), qq($first"$rest"), qq("$first"$rest), qq("$first""$rest"), "$first\\$rest", qq("$first\\$rest"),
        qq("$first"."$rest"), $self->comment . $name, $name . $self->comment, $first . $self->comment . $rest, " $name", "$name ",
        qq(" $name"), qq("$name "), ".$name", "$name.", "$first.$rest", "$name..", "-$name", qq("$name\\""), qq("$name""), "'$name'", "\\$name", "$name\\",
    );
}

# A domain as written.
sub domain {
    my ($self) = @_;
    my $name = $self->recased($self->pick(@{ $self->{domains} }));
    my $literal = $self->pick(@{ $self->{literals} });
    return $name if $self->often(55);
    my $at = $self->below(length $name);
    my ($first, $rest) = (substr($name, 0, $at), substr $name, $at);
    return $self->pick(
        "$name.", "$name.", "$name..", ".$name", "[$literal]", "[$literal]", "[$literal].", $literal, "[$name]", "[\\$literal]", "[ $literal ]",
        qq("$name"), "\\$name", "$first\\$rest", $self->comment . $name, $name . $self->comment, "$first $rest", " $name", $name =~ s/\..*//r,
        $name =~ s/\./ . /gr, $name =~ s/\./\x{3002}/r, $name =~ s/\./\x{ff0e}/r, "$name\x{ad}", "[IPv6:::ffff:$literal]",
    );
}

# An address, or what Postfix may take for one; DEPTH bounds how often one is put into another.
sub address {
    my ($self, $depth) = @_;
    my ($local, $domain) = ($self->local, $self->domain);
    my $plain = "$local\@$domain";
    return $plain if $depth > 3 || $self->often(55);
    my $inner = $self->address($depth + 1);
    my $foreign = $self->pick('foreign.test', 'a.foreign.test', $domain);
    my $quoted = $inner =~ s/([\\"])/\\$1/gr;
    return $self->pick(
        $local, "$local\@", "$plain\@", "$plain\@$domain", "$inner\@$domain", qq("$quoted"\@$domain), qq("$quoted"), "\@$foreign:$inner",
        "\@$foreign,\@$domain:$inner", "\@$domain:$inner", $inner =~ s/\@/%/gr . "\@$domain", $inner =~ s/\@/%/gr, $inner =~ s/\@/%/r,
        "$domain!$local", "$domain!$local\@$domain", "$foreign!$domain!$local", "$domain!$inner", "$inner%$domain", qq("$domain!$local"\@$domain),
        "$inner;", ",$inner", ";$inner", "$inner,", ":$inner", "$local:$inner;", "x:$inner;", "$inner(", "$inner)", "<$inner>", "Alice <$inner>",
        "$inner $inner", "$inner\@$foreign", qq("$quoted"\@$foreign), $inner =~ s/\@/\@\@/r, "mailto:$inner", "$inner>", "<$inner",
    );
}

# One character of ADDRESS replaced, doubled, taken out or put in.
sub damaged {
    my ($self, $address) = @_;
    my $at = $self->below(length($address) + 1);
    my $what = $self->pick(split //, qq(<>()[]\@,;:\\".%!| \t+-_=/&\x7f\x{e9}\x{2028}\x{feff}));
    substr $address, $at, $self->below(2), $what;
    return $address;
}

sub parameters {
    my ($self) = @_;
    return '' if $self->often(70);
    return ' ' . $self->pick('ORCPT=rfc822;other+40foreign.test', 'NOTIFY=NEVER', 'NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+40b.test',
        'ORCPT=rfc822;x"@foreign.test>', 'ORCPT=rfc822;"', 'ORCPT=utf-8;\\x{e4}@foreign.test', 'ORCPT=x;(', 'NOTIFY=NEVER ORCPT=rfc822;<x>');
}

# What follows "RCPT TO:", in bytes.
sub next {
    my ($self) = @_;
    my $address = $self->address(0);
    $address = $self->damaged($address) while $self->often(12);
    my $path = $self->often(92) ? "<$address>" : $self->pick($address, " <$address>", "<$address> ", "x<$address>", "<$address>x", "< $address >");
    my $said = encode_utf8($path . $self->parameters);
    return $said =~ s/[\r\n\0]//gr;
}

1;
