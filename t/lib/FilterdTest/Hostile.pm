package FilterdTest::Hostile;

# Messages made to hurt their readers: a list of ideas, each at any size, and mutations of them. All follows
# from the seed, so a number always means the same message.

use strict;
use warnings;

my $state;

# A generator of our own, as Perl's may change with its version.
sub dice {
    my ($n) = @_;
    $state = ($state * 1103515245 + 12345) & 0x7fffffff;
    return int(($state >> 8) * $n / 0x800000);
}

sub pick { return $_[dice(scalar @_)] }

sub crlf {
    my ($text) = @_;
    $text =~ s/\r?\n/\r\n/g;
    return $text;
}

# TEXT as often as fits into N bytes, at least once.
sub fill {
    my ($n, $text) = @_;
    my $times = int($n / length $text);
    return $text x ($times || 1);
}

# With a counter in each.
sub series {
    my ($n, $format) = @_;
    my ($out, $i) = ('', 0);
    $out .= $format =~ s/%d/$i/gr, $i++ while length $out < $n;
    return $out;
}

sub noise {
    my ($n) = @_;
    my $block = join '', map { chr dice(256) } 1 .. 997;
    return $n < 997 ? substr($block, 0, $n) : fill($n, $block);
}

# Without line ends, so that it is clean mail.
sub clean_noise { return noise($_[0]) =~ tr/\r\n/./r }

sub base64_noise {
    my ($n) = @_;
    my @alphabet = ('A' .. 'Z', 'a' .. 'z', 0 .. 9, '+', '/');
    return fill($n, join '', map({ $alphabet[dice(64)] } 1 .. 76), "\n");
}

my $HEAD = "From: Mallory <mallory\@example.net>\nTo: you\@example.com\nSubject: hello\n"
    . "Date: Mon, 02 Nov 2026 10:00:00 +0000\nMessage-ID: <1\@example.net>\n";

sub with_head { return crlf("$HEAD$_[0]\n$_[1]\n") }
sub with_fields { return with_head($_[0] =~ s/\n*\z/\n/r, $_[1] // 'text') }

sub with_type {
    my ($type, $body, $encoding) = @_;
    $type .= "\nContent-Transfer-Encoding: $encoding" if $encoding;
    return with_head("MIME-Version: 1.0\nContent-Type: $type\n", $body);
}

sub html { return with_type('text/html; charset=utf-8', "<html><body>$_[0]</body></html>") }
sub text { return with_type('text/plain; charset=utf-8', $_[0]) }
sub mixed { return with_type('multipart/mixed; boundary="b"', $_[0]) }

# LEVELS levels of FORMAT, then what is innermost.
sub nested {
    my ($n, $format, $levels) = @_;
    my $out = '';
    for (my $i = 1; $levels ? $i <= $levels : length $out < $n; $i++) {
        $out .= $format =~ s/%d/$i/gr;
    }
    return $out;
}

my $ARMOR = "-----BEGIN PGP MESSAGE-----\n\n";
my $ARMOR_END = "-----END PGP MESSAGE-----\n";

sub pgpmime {
    my ($second, $first) = @_;
    return with_type('multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"',
        ($first // "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n")
        . "--b\nContent-Type: application/octet-stream\n\n$second\n--b--");
}

sub base64 {
    my ($bytes) = @_;
    my $text = pack 'u', $bytes;
    my @lines = map { substr $_, 1 } split /\n/, $text;
    tr{` -_}{AA-Za-z0-9+/} for @lines;
    return join "\n", @lines, '';
}

# name => code that makes it about N bytes large
my @ideas = (
    # ---- the header ----
    'header-x'           => sub { with_fields(fill($_[0], "X: y\n")) },
    'header-names'       => sub { with_fields(series($_[0], "X-Name-%d: value %d\n")) },
    'header-one-line'    => sub { with_fields('X-Long: ' . 'a' x $_[0]) },
    'header-words'       => sub { with_fields('X-Words: ' . fill($_[0], 'word and ')) },
    'header-folded'      => sub { with_fields("X-F: a\n" . fill($_[0], " b\n")) },
    'header-folds-blank' => sub { with_fields("X-F: a\n" . fill($_[0], " \n")) },
    'header-tabs'        => sub { with_fields("X-F:" . fill($_[0], "\t")) },
    'header-subject'     => sub { with_fields('Subject: ' . fill($_[0], 'buy now ')) },
    'header-8bit'        => sub { with_fields("X-A: " . clean_noise($_[0] / 2) . "\nSubject: " . clean_noise($_[0] / 2)) },
    'header-nul'         => sub { with_fields("Subject: a\0b\nX-\0: x\nFrom\0: y\n" . fill($_[0], "X-N: \0\0\n")) },
    'header-no-colon'    => sub { crlf("this is no header\n$HEAD\n" . fill($_[0], "text\n")) },
    'header-blank-first' => sub { crlf(" $HEAD\n" . fill($_[0], "text\n")) },
    'header-colon-first' => sub { crlf(": x\n$HEAD\ntext\n") },
    'header-none'        => sub { crlf("\n" . fill($_[0], "text\n")) },
    'header-only'        => sub { crlf($HEAD . series($_[0], "X-%d: y\n")) },
    'header-mbox'        => sub { crlf("From x\@y Mon Nov 2 10:00:00 2026\n>From a\n$HEAD\ntext\n") },
    'header-late'        => sub {
        with_fields(fill(30000, "X-Pad: y\n") . "X-Filterd-Result: Innocent\nX-Spam-Flag: NO\n"
            . "Authentication-Results: mail.example.com; dkim=pass\n"
            . "Content-Type: multipart/encrypted; boundary=b\nSubject: late\n", fill($_[0], "late text\n"));
    },
    'header-large-then-late' => sub {
        with_fields("X-Pad: " . 'p' x 600_000 . "\nX-Filterd-Encrypted: already\nContent-Type: text/html\n", '<b>x</b>');
    },
    'header-forged' => sub {
        with_fields(fill($_[0] < 20000 ? $_[0] : 20000, "X-Filterd-Result: Innocent\nx-filterd-encrypted : already\n"
                . "X-SPAM-Flag:\n NO\nAuthentication-Results: (a (b) c) mail.example.com;\n dkim=pass header.d=example.net\n"));
    },
    'header-injection' => sub {
        with_fields("Subject: =?utf-8?q?x=0D=0AX-Filterd-Result:_Innocent=0D=0A=0D=0Abody?=\n"
            . "X-A: =?utf-8?b?DQpYLVNwYW0tRmxhZzogTk8NCg0K?=\nTo: \"=?utf-8?q?=0D=0A.=0D=0A?=\" <a\@b>");
    },
    'header-doubled' => sub {
        with_fields(fill($_[0] < 8000 ? $_[0] : 8000, "From: b\@c\nSubject: again\nDate: x\nContent-Type: text/html\n"
                . "Content-Type: text/plain\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: 8bit\nMIME-Version: 1.0\n"),
            '<b>dGV4dA==</b>');
    },
    'mime-version' => sub {
        with_fields("MIME-Version: (a (b) 1\n .0\nMime-version : 2.0\nMIME-Version:\nmime-Version: " . '(' x $_[0]);
    },
    'message-id'  => sub { crlf("From: a\@b\nMessage-ID: <" . 'i' x $_[0] . "\@x>\n\ntext\n") },
    'references'  => sub { with_fields('References: ' . series($_[0], "<%d\@example.net>\n ") . '<x@y>') },
    'received'    => sub {
        with_fields(series($_[0], "Received: from a%d (b [192.0.2.1]) by c with ESMTP id %d; Mon, 02 Nov 2026 10:00:00 +0000\n"));
    },
    'received-long' => sub { with_fields('Received: ' . fill($_[0], 'from [192.0.2.1] (') . ';') },
    'received-brackets' => sub { with_fields(fill($_[0], 'Received: ' . '[' x 5000 . "\n")) },
    # ---- encoded words ----
    'words'          => sub { with_fields('Subject: ' . fill($_[0], '=?utf-8?q?a?= ')) },
    'words-folded'   => sub { with_fields('Subject: ' . fill($_[0], "=?utf-8?b?YWJj?=\n ") . 'x') },
    'words-charsets' => sub { with_fields('From: ' . fill($_[0], '=?utf-8?q?a?= =?iso-2022-jp?b?GyRC?= =?gb18030?q?=81?= ') . '<a@b>') },
    'words-opened'   => sub { with_fields('Subject: ' . fill($_[0], '=?')) },
    'words-unclosed' => sub { with_fields('Subject: ' . fill($_[0], '=?utf-8?b?')) },
    'words-equals'   => sub { with_fields('Subject: ' . fill($_[0], '=?=a?q? ')) },
    'words-marks'    => sub { with_fields('Subject: ' . fill($_[0], '?=?')) },
    'words-many'     => sub { with_fields(fill($_[0], 'Subject: ' . fill(4000, '=?a?q? ') . "\n")) },
    'words-equals-many' => sub { with_fields(fill($_[0], 'From: ' . fill(60000, '=?=a?q? ') . "\n")) },
    'words-endless' => sub { with_fields(fill($_[0], 'Subject: ' . fill(99000, '=?=a?q?b=?=') . "\n")) },
    'words-open-many' => sub { with_fields(fill($_[0], 'Reply-To: ' . fill(99000, '=?=?q?b ') . "\n")) },
    'words-in-part'  => sub { mixed(fill($_[0], "--b\nContent-Type: text/plain; name=\"" . fill(20000, '=?utf-8?q?a?= ') . "\"\n\nx\n")) },
    # ---- addresses ----
    'from-comments'   => sub { with_fields('From: ' . '(' x $_[0]) },
    'from-commented'  => sub { with_fields('From: ' . fill($_[0], '(a)') . ' a@b') },
    'from-quotes'     => sub { with_fields('From: ' . '"' x $_[0]) },
    'from-backslash'  => sub { with_fields('From: "' . '\\' x $_[0]) },
    'from-words'      => sub { with_fields('From: ' . fill($_[0], 'a ') . '<a@b>') },
    'from-angles'     => sub { with_fields('From: ' . '<' x $_[0]) },
    'from-brackets'   => sub { with_fields('From: a@' . '[' x $_[0]) },
    'from-ats'        => sub { with_fields('From: ' . 'a@' x ($_[0] / 2)) },
    'from-many'       => sub { crlf(fill($_[0], "From: " . fill(30000, 'a@b.c, ') . "\n") . "\ntext\n") },
    'from-list'       => sub { with_fields('From: ' . series($_[0], 'a%d@example.org, ')) },
    'from-idn'        => sub { with_fields('From: a@' . fill($_[0] < 60000 ? $_[0] : 60000, "\xc3\xa4.")) },
    'to-groups'       => sub { with_fields('To: ' . fill($_[0], 'g:')) },
    'to-list'         => sub { with_fields('To: ' . series($_[0], "user%d\@example.org,\n ") . 'x@y') },
    'to-commas'       => sub { with_fields('To: ' . ',' x $_[0]) },
    'inner-groups'    => sub { mixed(fill($_[0], "--b\nContent-Type: message/rfc822\n\nTo: " . 'g:' x 4990 . "\n\nx\n")) },
    'inner-groups-deep' => sub { mixed("--b\nContent-Type: message/rfc822\n\nTo: " . 'g:' x ($_[0] / 2) . "\n\nx") },
    'inner-comments'  => sub { mixed(fill($_[0], "--b\nContent-Type: message/rfc822\n\nTo: " . '(' x 60000 . "\n\nx\n")) },
    'inner-addresses' => sub { mixed(fill($_[0], "--b\nContent-Type: message/rfc822\n\nTo: " . fill(60000, 'a@b, ') . "\n\nx\n")) },
    'inner-quotes'    => sub { mixed(fill($_[0], "--b\nContent-Type: message/rfc822\n\nFrom: " . '"' x 60000 . "\n\nx\n")) },
    'inner-words'     => sub { mixed(fill($_[0], "--b\nContent-Type: message/rfc822\n\nFrom: " . fill(60000, '=?utf-8?q?a?= ') . " <a\@b>\n\nx\n")) },
    'inner-routes'    => sub { mixed(fill($_[0], "--b\nContent-Type: message/rfc822\n\nFrom: <" . fill(60000, '@a,') . ":a\@b>\n\nx\n")) },
    # ---- what proves the sender ----
    'authres'          => sub { with_fields(fill($_[0], "Authentication-Results: mail.example.com; spf=pass\n")) },
    'authres-comments' => sub { with_fields('Authentication-Results: ' . '(' x $_[0]) },
    'authres-quoted'   => sub { with_fields('Authentication-Results: "' . '\\"' x ($_[0] / 2)) },
    'dkim-many'        => sub {
        with_fields(series($_[0] / 2, "DKIM-Signature: v=1; a=rsa-sha256; d=d%d.example; s=s; h=from; bh=AAAA; b=AAAA; l=%d\n"),
            fill($_[0] / 2, "text\n"));
    },
    'dkim-tags'  => sub { with_fields('DKIM-Signature: v=1; ' . series($_[0], 't%d=x; ')) },
    'dkim-tags-8k' => sub { with_fields(fill($_[0], 'DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; bh=A; b=A; h=from; ' . series(7900, 't%d=x; ') . "\n")) },
    'dkim-names' => sub {
        with_fields(fill(60000, 'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; bh=A; b=A; h=from'
                . fill(3900, ':x') . "\n") . fill($_[0], "X: y\n"));
    },
    'dkim-blanks' => sub {
        with_fields("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; h=from:x; bh=A; b=A\nX: " . ' ' x ($_[0] / 2),
            fill($_[0] / 2, ' '));
    },
    'dkim-empty-lines' => sub {
        with_fields("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; h=from; bh=A; b=A", fill($_[0], "\n") . 'x');
    },
    # ---- structure ----
    'nest-mixed'    => sub { with_type('multipart/mixed; boundary=b0', "--b0\n" . nested($_[0], "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", $_[1])) },
    'nest-same'     => sub { mixed("--b\n" . nested($_[0], "Content-Type: multipart/mixed; boundary=b\n\n--b\n", $_[1])) },
    'nest-message'  => sub { with_type('message/rfc822', nested($_[0], "Content-Type: message/rfc822\n\n", $_[1])) },
    'nest-both'     => sub { with_type('message/rfc822', nested($_[0], "Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", $_[1])) },
    'nest-digest'   => sub { with_type('multipart/digest; boundary=b0', "--b0\n\n" . nested($_[0], "Content-Type: multipart/digest; boundary=b%d\n\n--b%d\n\n", $_[1])) },
    'nest-long'     => sub { with_type('multipart/mixed; boundary=b0', "--b0\n" . nested($_[0], "Content-Type: multipart/mixed; boundary=" . 'l' x 60 . "%d\n\n--" . 'l' x 60 . "%d\n")) },
    'parts-empty'   => sub { mixed(nested($_[0], "--b\n\n", $_[1])) },
    'parts-small'   => sub { mixed(nested($_[0], "--b\nContent-Type: text/plain\n\nword\n", $_[1])) },
    'parts-heads'   => sub { mixed(fill($_[0], "--b\nA: b\n")) },
    'parts-html'    => sub { mixed(fill($_[0], "--b\nContent-Type: text/html\n\n<a href=http://a.example/>x</a>\n")) },
    'parts-base64'  => sub { mixed(fill($_[0], "--b\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\nd29yZA==\n")) },
    'parts-dashes'  => sub { mixed(fill($_[0], "--\n")) },
    'parts-closers' => sub { mixed(fill($_[0], "--b--\n")) },
    'parts-message' => sub { mixed(fill($_[0], "--b\nContent-Type: message/rfc822\n\nFrom: a\@b\n\nx\n")) },
    'parts-header'  => sub { mixed("--b\n" . fill($_[0], "A: b\n") . "\nx\n--b--") },
    'parts-line'    => sub { mixed("--b\nX-A: " . 'a' x $_[0] . "\n\nx\n--b--") },
    'parts-params'  => sub { mixed("--b\nContent-Type: text/plain" . series($_[0] < 90000 ? $_[0] : 90000, '; a%d=b') . "\n\nx\n--b--") },
    'parts-params-many' => sub { mixed(fill($_[0], "--b\nContent-Type: text/plain" . series(90000, '; a%d=b') . "\n\nx\n")) },
    'parts-name'    => sub { mixed(fill($_[0], "--b\nContent-Disposition: attachment; filename=\"" . 'n' x 50000 . "\"\n\nx\n")) },
    'parts-rfc2231' => sub { mixed(fill($_[0], "--b\nContent-Disposition: attachment" . series(90000, '; filename*%d*=%41') . "\n\nx\n")) },
    'parts-8bit'    => sub { mixed("--b\nContent-Type: text/plain; \xc3\xa4=\xc3\xa4; x=" . clean_noise(300) . "\n\n" . clean_noise($_[0]) . "\n--b--") },
    'type-params'   => sub { with_type('text/plain' . series($_[0], '; a%d=b'), 'x') },
    'type-rfc2231'  => sub { with_type('text/plain' . series($_[0] < 90000 ? $_[0] : 90000, '; charset*%d*=%41'), 'x') },
    'type-name'     => sub { with_type('multipart/mixed; ' . 'n' x 71 . "=\xc3\xa4; boundary=b", "--b\n\nx\n--b--") },
    'type-names'    => sub { with_type('multipart/mixed; boundary=b', fill($_[0], "--b\nContent-Type: a/b;\n " . 'n' x 71 . "*=x\n\nx\n")) },
    'type-odd'      => sub { with_type("multipart / mixed (c) ;\n boundary = \"b\" (d", "--b\n\nx\n--b--") },
    'type-slashes'  => sub { with_type('/' x $_[0], 'x') },
    'type-nul'      => sub { with_type("text/html\0; charset=\0utf-8", '<b>x</b>') },
    'boundary-none'   => sub { with_type('multipart/mixed', fill($_[0], "--b\n\ntext\n")) },
    'boundary-empty'  => sub { with_type('multipart/mixed; boundary=""', fill($_[0], "--\n\ntext\n")) },
    'boundary-long'   => sub { my $b = 'b' x 5000; with_type("multipart/mixed; boundary=$b", fill($_[0], "--$b\n\nx\n")) },
    'boundary-prefix' => sub { with_type('multipart/mixed; boundary=b', "--b\nContent-Type: multipart/mixed; boundary=bb\n\n" . fill($_[0], "--bb\n\nx\n--b\n\ny\n")) },
    'boundary-never'  => sub { mixed(fill($_[0], "text without any\n")) },
    'boundary-open'   => sub { mixed("--b\nContent-Type: text/plain\n\n" . fill($_[0], "text\n")) },
    'boundary-8bit'   => sub { with_type("multipart/mixed; boundary=\"\xc3\xa4\"", fill($_[0], "--\xc3\xa4\n\ntext\n")) },
    'boundary-two'    => sub { with_type('multipart/mixed; boundary=a; boundary=b', fill($_[0], "--a\n\nx\n--b\n\ny\n")) },
    'preamble'        => sub { mixed(fill($_[0], "words before\n") . "--b\n\nx\n--b--") },
    'epilogue'        => sub { mixed("--b\n\nx\n--b--\n" . fill($_[0], "words behind\n")) },
    'partial'         => sub { with_type("message/partial; number=1; total=99999999999; id=\"x\"", "Content-Type: text/html\n\n" . fill($_[0], "<b>x\n")) },
    'external'        => sub { with_type("message/external-body; access-type=URL; URL=\"http://a.example/\"", "Content-Type: text/html\n\n" . fill($_[0], "x\n")) },
    'delivery-status' => sub { with_type("multipart/report; report-type=delivery-status; boundary=b", "--b\nContent-Type: message/delivery-status\n\n" . fill($_[0], "Action: failed\n\n") . '--b--') },
    'disposition'     => sub { with_type("text/plain\nContent-Disposition: attachment; filename=\"../../etc/passwd\0.exe\"\nContent-ID: <>\nContent-Description: " . 'd' x $_[0], 'x') },
    # ---- bodies ----
    'empty'         => sub { '' },
    'newlines'      => sub { fill($_[0], "\r\n") },
    'dots'          => sub { crlf("$HEAD\n" . fill($_[0], ".\n..\n.a\n")) },
    'one-line'      => sub { with_head('', 'a' x $_[0]) },
    'spaces'        => sub { text(' ' x $_[0]) },
    'words-short'   => sub { text(fill($_[0], 'a b c d ')) },
    'words-dotted'  => sub { text(fill($_[0], 'v.i.a.g.r.a ')) },
    'words-long'    => sub { text('w' x $_[0]) },
    'signs'         => sub { text(fill($_[0], '+/=a')) },
    'signs-runs'    => sub { text(fill($_[0], 'a+b/c=d+e/f=g+h/i=j+k/l=m+n/o=p+q/r=s+ ')) },
    'zero-width'    => sub { text(fill($_[0], "a\xe2\x80\x8b\xe2\x80\x8d")) },
    'combining'     => sub { text('a' . fill($_[0], "\xcc\x81")) },
    'homoglyphs'    => sub { text(fill($_[0], "p\xd0\xb0ypal \xef\xbd\x81\xef\xbd\x82 ")) },
    'wide'          => sub { text(fill($_[0], "\xe4\xb8\xad\xe6\x96\x87")) },
    'noise'         => sub { text(clean_noise($_[0])) },
    'nul'           => sub { text("\0" x $_[0]) },
    'nul-text'      => sub { text(fill($_[0], "a\0b ")) },
    'base64-text'   => sub { text(base64_noise($_[0])) },
    'base64-line'   => sub { with_type('text/plain', base64_noise($_[0]) =~ tr/\n//dr, 'base64') },
    'base64-equals' => sub { with_type('text/plain', '=' x $_[0], 'base64') },
    'base64-dirty'  => sub { with_type('text/html', fill($_[0], "PGI+\0=x!PC9iPg==\n"), 'base64') },
    'base64-words'  => sub { with_type('text/plain', base64(fill($_[0] * 3 / 4, 'buy pills now ')), 'base64') },
    'base64-short'  => sub { text(fill($_[0], base64_noise(76) . "x\n")) },
    'qp-equals'     => sub { with_type('text/plain', '=' x $_[0], 'quoted-printable') },
    'qp-soft'       => sub { with_type('text/plain', fill($_[0], "=\n"), 'quoted-printable') },
    'qp-all'        => sub { with_type('text/html', fill($_[0], '=3C=62=3E'), 'quoted-printable') },
    'encoding-odd'  => sub { with_type('text/plain', fill($_[0], "d29yZA==\n"), ' base64 (' . '(' x 1000) },
    'encoding-long' => sub { with_type('text/plain', 'x', 'x' x $_[0]) },
    'uuencode'      => sub { text(fill($_[0], "begin 644 a.exe\nM" . 'A' x 60 . "\n`\nend\n")) },
    'uuencode-open' => sub { text("begin 644 a.exe\n" . fill($_[0], 'M' . 'A' x 60 . "\n")) },
    'uuencode-begins' => sub { text(fill($_[0], "begin 644 a\n")) },
    'yenc'          => sub { text("=ybegin line=128 size=1 name=a.exe\n" . clean_noise($_[0]) . "\n=yend size=1") },
    'tnef'          => sub { with_type('application/ms-tnef; name=winmail.dat', base64("\x78\x9f\x3e\x22" . noise($_[0] * 0.7)), 'base64') },
    'calendar'      => sub { with_type('text/calendar; method=REQUEST', "BEGIN:VCALENDAR\n" . fill($_[0], "BEGIN:VEVENT\nATTENDEE;CN=x:mailto:a\@b\n") . 'END:VCALENDAR') },
    'rtf'           => sub { with_type('application/rtf', '{\\rtf1' . '{' x $_[0]) },
    'charset-utf16' => sub { with_type('text/plain; charset=utf-16', fill($_[0], 'plain ascii ')) },
    'charset-utf16-odd' => sub { with_type('text/plain; charset=utf-16', fill($_[0], "\0a\xd8\0")) },
    'charset-utf7'  => sub { with_type('text/plain; charset=utf-7', fill($_[0], '+ADw-')) },
    'charset-jp'    => sub { with_type('text/plain; charset=iso-2022-jp', fill($_[0], "\e\$B\e(B\e")) },
    'charset-gb'    => sub { with_type('text/plain; charset=gb18030', fill($_[0], "\x81\x30\x81\xff")) },
    'charset-kr'    => sub { with_type('text/plain; charset=euc-kr', "\xff" x $_[0]) },
    'charset-big5'  => sub { with_type('text/plain; charset=big5', fill($_[0], "\xa4\x01\x80")) },
    'charset-none'  => sub { with_type('text/plain; charset=' . 'x' x 60000, fill($_[0], "\xff\xfe")) },
    'charset-false' => sub { with_type('text/plain; charset=utf-8', fill($_[0], "\xe9t\xe9 ")) },
    # ---- HTML ----
    'html-entities' => sub { html(fill($_[0], '&amp;&#x41;&#65;&lt')) },
    'html-ampersands' => sub { html('&' x $_[0]) },
    'html-numbers'  => sub { html('&#' . '1' x $_[0]) },
    'html-tags'     => sub { html(fill($_[0], '<b>')) },
    'html-deep'     => sub { html(fill($_[0], '<div>')) },
    'html-styled'   => sub { html(fill($_[0], '<div style="color:red">')) },
    'html-fonts'    => sub { html(fill($_[0], '<font color=white>x<font color=black>y')) },
    'html-closing'  => sub { html(fill($_[0], '</div>')) },
    'html-less'     => sub { html('<' x $_[0]) },
    'html-comments' => sub { html(fill($_[0], 'a<!--b-->c')) },
    'html-comment-open' => sub { html(fill($_[0], '<!--')) },
    'html-attributes'   => sub { html('<a ' . fill($_[0], 'a=b ')) },
    'html-quotes'   => sub { html(fill($_[0], '<a href="')) },
    'html-quotes-one' => sub { html('<a ' . fill($_[0], q(a="'b='))) },
    'html-css'      => sub { html('<p style="' . fill($_[0], 'color:#fff;font:0px a;') . '">x') },
    'html-css-many' => sub { html(fill($_[0], '<p style="' . fill(1900, 'color:;;{}/*') . '">x')) },
    'html-style'    => sub { html('<style>' . fill($_[0], '.a{display:none}')) },
    'html-scripts'  => sub { html(fill($_[0], '<script>')) },
    'html-links'    => sub { html(series($_[0], '<a href="http://h%d.example/">http://other.example</a>')) },
    'html-link-open' => sub { html('<a href="http://a.example">' . fill($_[0], 'word')) },
    'html-images'   => sub { html(fill($_[0], '<img src=cid:x width=1 height=1 alt="a b c">')) },
    'html-data'     => sub { html('<img src="data:image/png;base64,' . base64_noise($_[0]) . '">') },
    'urls'          => sub { text(series($_[0], 'http://h%d.example/ ')) },
    'urls-in-parts' => sub { mixed(series($_[0], "--b\nContent-Type: text/html\n\n" . join(' ', map { "http://h$_.%d.example/" } 1 .. 20) . "\n")) },
    'urls-in-header' => sub { with_fields(fill($_[0], 'List-Unsubscribe: ' . series(90000, '<http://h%d.example/>, ') . "\n")) },
    'urls-user'     => sub { text(fill($_[0], 'http://u:p@')) },
    'urls-colons'   => sub { text(fill($_[0], '://')) },
    'urls-slashes'  => sub { text('http:' . '/' x $_[0]) },
    'urls-ats'      => sub { text('@' x $_[0]) },
    'urls-www'      => sub { text(fill($_[0], 'www.')) },
    'urls-long'     => sub { text('http://' . fill($_[0], 'a.') . 'example/') },
    'urls-escaped'  => sub { text(fill($_[0], 'http&#58;//%77%77%77%2e')) },
    'urls-numbers'  => sub { text(fill($_[0], 'http://0x7f.1/ http://3232235777/ ')) },
    'urls-idn'      => sub { text(series($_[0], "http://\xc3\xa4%d.example/ ")) },
    'urls-idn-refused' => sub { text(fill($_[0], "a\@\xc3\xa4.xn--\xc3\xa4 ")) },
    'urls-idn-parts' => sub { mixed(series($_[0], "--b\nContent-Type: text/plain; charset=utf-8\n\n" . join(' ', map { "a\@\xc3\xa4$_%d.b" } 1 .. 40) . "\n")) },
    'urls-idn-long' => sub { text('http://' . fill($_[0], "\xc3\xa4.") . 'example/') },
    'html-named'    => sub { html(fill($_[0], '&CounterClockwiseContourIntegral;&notit;&zzz')) },
    'html-srcset'   => sub { html('<img srcset="' . series($_[0], '//h%d.example/(, ') . '">') },
    'html-urls-css' => sub { html('<style>' . series($_[0], 'url(\\68ttp://h%d.example/)@import ') . '</style>') },
    'html-urls-breaks' => sub { html('<a href="ht' . fill($_[0], "\t \n") . 'tp://h.example/">') },
    'html-urls-ignored' => sub { html('<a href="http://a' . fill($_[0], "\xc2\xad") . '.example/">') },
    'html-cdata'    => sub { html('<svg>' . fill($_[0], '<![CDATA[')) },
    'svg'           => sub { with_type('image/svg+xml', '<svg>' . series($_[0], '<a xlink:href="//h%d.example/"><text>w<tspan>o</tspan></text></a>')) },
    # ---- what pretends to be encrypted ----
    'pgp-text'      => sub { pgpmime(fill($_[0], "plain text\n")) },
    'pgp-armored-text' => sub { pgpmime($ARMOR . base64(fill($_[0] * 0.7, 'secret ')) . $ARMOR_END) },
    'pgp-literal'   => sub { pgpmime($ARMOR . base64("\xcb\x0eb\0\0\0\0\0hello you" . 'x' x ($_[0] * 0.7)) . $ARMOR_END) },
    'pgp-pkesk-only' => sub { pgpmime($ARMOR . base64(fill($_[0] * 0.7, "\xc1\x0d\x03" . 'k' x 12)) . $ARMOR_END) },
    'pgp-partial'   => sub { pgpmime($ARMOR . base64("\xc1\x0d\x03" . 'k' x 12 . "\xd2" . fill($_[0] * 0.7, "\xe0\x01")) . $ARMOR_END) },
    'pgp-lengths'   => sub { pgpmime($ARMOR . base64("\xc1\xff\xff\xff\xff\xff\x03" . 'x' x ($_[0] * 0.7)) . $ARMOR_END) },
    'pgp-three'     => sub { pgpmime("${ARMOR}AAAA\n$ARMOR_END--b\nContent-Type: text/plain\n\n" . fill($_[0], "a third part\n")) },
    'pgp-after'     => sub { pgpmime("${ARMOR}AAAA\n$ARMOR_END" . fill($_[0], "after it\n")) },
    'pgp-armors'    => sub { pgpmime(fill($_[0], $ARMOR)) },
    'pgp-headers'   => sub { pgpmime("-----BEGIN PGP MESSAGE-----\n" . fill($_[0], "Comment: x\n") . "\n$ARMOR_END") },
    'pgp-preamble'  => sub { pgpmime("${ARMOR}AAAA\n$ARMOR_END", fill($_[0], "read me\n") . "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n") },
    'pgp-inline'    => sub { text("see below\n$ARMOR" . base64_noise($_[0]) . "$ARMOR_END and after") },
    'pgp-inline-whole' => sub { text($ARMOR . base64_noise($_[0]) . '=AAAA' . "\n$ARMOR_END") },
    'pgp-inline-begins' => sub { text(fill($_[0], $ARMOR)) },
    'pgp-inline-dashes' => sub { text(fill($_[0], "- -----BEGIN PGP MESSAGE-----\n-----END\n")) },
    'pgp-signed'    => sub { text("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA1\n\n" . fill($_[0], "- -- text\n")) },
    'smime-text'    => sub { with_type('application/pkcs7-mime; smime-type=enveloped-data', fill($_[0], "plain text\n")) },
    'smime-base64'  => sub { with_type('application/pkcs7-mime; smime-type=enveloped-data', base64(fill($_[0] * 0.7, 'plain text')), 'base64') },
    'smime-nested'  => sub { with_type('application/pkcs7-mime', base64(fill($_[0] * 0.7, "\x30\x80")), 'base64') },
    'smime-lengths' => sub { with_type('application/x-pkcs7-mime', base64("\x30\x84\xff\xff\xff\xff\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x84\xff" . 'x' x ($_[0] * 0.7)), 'base64') },
    'smime-signed'  => sub { with_type('application/pkcs7-mime; smime-type=signed-data', base64("\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" . 'x' x ($_[0] * 0.7)), 'base64') },
    # ---- bare CR and LF: not clean mail ----
    'bare-lf'       => sub { with_head('', 'x') . fill($_[0], "line\n") . "\r\n" },
    'bare-cr'       => sub { with_head('', 'x') . fill($_[0], "line\r") . "x\r\n" },
    'bare-crcrlf'   => sub { with_head('', 'x') . fill($_[0], "line\r\r\n") },
    'bare-header'   => sub { $HEAD =~ s/\n/\r\n/gr . "X-A: b\nX-Filterd-Result: Innocent\r\n\r\ntext\r\n" },
    'bare-gap'      => sub { $HEAD =~ s/\n/\r\n/gr . "X-A: b\n\nSubject: body\r\n\r\ntext\r\n" },
    'bare-all'      => sub { $HEAD . fill($_[0], "X: y\n") . "\n" . "text\n" . "\r\n" },
    'bare-dot'      => sub { with_head('', "x\r\n") . "\n.\r\nMAIL FROM:<a\@b>\r\n\r.\rQUIT\r\n" },
    'bare-mixed'    => sub { with_head("X: " . fill($_[0], "\r\t\n "), 'x') =~ s/y: /y:\r /r . "\r\n" },
);

my %code = @ideas;
my @names = @ideas[grep { $_ % 2 == 0 } 0 .. $#ideas];

# The large ones of their own, by their number of levels, parts or bytes.
my @giants = (
    [ 'nest-mixed', 0, 100_000 ], [ 'nest-message', 0, 100_000 ], [ 'nest-both', 0, 100_000 ],
    [ 'parts-empty', 0, 100_000 ], [ 'parts-small', 0, 100_000 ],
    [ 'header-x', 7_500_000 ], [ 'header-names', 2_500_000 ], [ 'header-one-line', 10_000_000 ],
    map { [ $_, 25_000_000 ] } qw(one-line base64-words parts-empty html-entities spaces newlines bare-lf),
);

sub names { return @names }
sub giants { return @giants }

# One idea: name, about so many bytes (and levels, for what has some).
sub made {
    my ($name, $bytes, $levels) = @_;
    $state = 4711;
    return ended($code{$name}->($bytes, $levels));
}

# As SMTP carries it, a message ends with a line end.
sub ended {
    my ($text) = @_;
    return $text =~ /\r\n\z/ ? $text : "$text\r\n";
}

sub is_bare { return $_[0] =~ /(?<!\r)\n|\r(?!\n)/ ? 1 : 0 }

# Who brings it, by its length: a name in HELO that SPF must bear, and a sender.
sub client {
    my ($text) = @_;
    my @helos = ('mail.example.net', '%{i}%{h}.example.net', '[' x 3000, 'a.' x 1900, '%{' x 1900, 'x' x 3900,
        '+0A+00+FF.example', '::ffff:192.0.2.1', '.', 'a' x 63 . '.' . 'b' x 64, '+C3+A4.example', '_spf.%{d}');
    my $n = length $text;
    return ($helos[$n % @helos], $n % 3 ? 'sender@example.net' : '');
}

# ---- mutations ----

my @words = ("--b\r\n", "--b--\r\n", "\r\n\r\n", "Content-Type: multipart/mixed; boundary=b\r\n",
    "Content-Type: message/rfc822\r\n\r\n", "Content-Transfer-Encoding: base64\r\n", "\0", "=?utf-8?q?",
    "?=", '"', '(', '<', '&#', '<!--', "\xff", "\xe2\x80\x8b", ' ' x 200, "\t", ';', ':', "From: a\@b\r\n",
    "X-Filterd-Result: Innocent\r\n", "begin 644 x\r\n", "-----BEGIN PGP MESSAGE-----\r\n", '=', "=\r\n", '.',
    "\r\n.\r\n", 'g:', "DKIM-Signature: v=1;\r\n", 'http://');

sub span {
    my ($text) = @_;
    my $at = dice(length($text) + 1);
    my $most = length($text) - $at;
    return ($at, $most ? dice($most < 400 ? $most : 400) : 0);
}

my @changes = (
    sub { my ($at, $n) = span($_[0]); substr($_[0], $at, $n) = clean_noise($n) },
    sub { my ($at, $n) = span($_[0]); substr($_[0], $at, $n) = '' },
    sub { my ($at, $n) = span($_[0]); substr($_[0], $at, 0) = substr($_[0], $at, $n) x dice(200) },
    sub { my ($at) = span($_[0]); substr($_[0], $at, 0) = pick(@words) x (dice(4) ? 1 : dice(3000)) },
    sub { my ($at) = span($_[0]); substr($_[0], $at, 0) = pick(@words) },
    sub { my ($at) = span($_[0]); $_[0] = substr $_[0], 0, $at },
    sub { my ($at) = span($_[0]); $_[0] = substr($_[0], $at) . substr($_[0], 0, $at) },
    sub {
        my @lines = split /^/, $_[0];
        @lines[dice(scalar @lines), 0] = @lines[0, dice(scalar @lines)] if @lines > 1;
        $_[0] = join '', grep { defined } @lines;
    },
);

# The Nth mutation: two ideas of a few KB spliced, or one, and up to five changes. One in twelve
# keeps whatever bare CR and LF it has.
sub mutation {
    my ($n) = @_;
    $state = ($n * 2654435761 + 99991) & 0x7fffffff;
    dice(2) for 1 .. 5;
    my $keep = $state;
    my ($one, $other, $size) = (pick(@names), pick(@names), 500 + dice(6000));
    my $splice = !dice(3);
    $keep = $state;
    my $text = $code{$one}->($size);
    if ($splice) {
        my $tail = $code{$other}->($size);
        $text = substr($text, 0, length($text) / 2) . substr($tail, length($tail) / 2);
    }
    $text = substr $text, 0, 200_000;
    $state = $keep;
    $changes[dice(scalar @changes)]->($text) for 0 .. dice(5);
    if (dice(12)) {
        $text =~ s/\r+\n?|\n/\r\n/g;
    }
    return ended(substr $text, 0, 1_000_000);
}

1;
