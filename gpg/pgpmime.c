/* Writes the MIME structure of an encrypted message (RFC 3156). Called by seal.c. */
#include "gpg/pgpmime.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/mail/header.h"

/* Adds a line end if the last header field of a message without a body lacks it. */
static void add_header(const struct header *h, struct bytes *out)
{
    bytes_add(out, h->start, h->len);
    if (h->len && h->start[h->len - 1] != '\n')
        bytes_adds(out, "\r\n");
}

/* Header protection (RFC 9788) will wrap the text here: its header section goes before this head, its closing
 * delimiter after the body. */
void pgpmime_payload_head(const struct message *m, struct bytes *head)
{
    for (size_t i = 0; i < m->header_count; i++)
        if (header_starts(&m->headers[i], "Content-"))
            add_header(&m->headers[i], head);
    bytes_adds(head, "\r\n");
}

/* Random, one of 2^128: so the boundary cannot occur in the armored block or in a header, by chance or by
 * guessing. */
static void make_boundary(struct pgpmime *p)
{
    unsigned char random[16];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        abort();
    int n = snprintf(p->boundary, sizeof p->boundary, "filterd-");
    for (size_t i = 0; i < sizeof random; i++)
        n += snprintf(p->boundary + n, sizeof p->boundary - (size_t)n, "%02x", random[i]);
}

void pgpmime_open(struct pgpmime *p, const struct message *m, const struct outside *o,
                  struct bytes *out)
{
    make_boundary(p);
    bytes_add(out, o->added.data, o->added.len);
    for (size_t i = 0; i < m->header_count; i++)
        if (outside_of_sealed(o, &m->headers[i]))
            add_header(&m->headers[i], out);
    bytes_addf(out,
               "MIME-Version: 1.0\r\n"
               "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\";\r\n"
               "\tboundary=\"%s\"\r\n"
               "\r\n"
               "--%s\r\n"
               "Content-Type: application/pgp-encrypted\r\n"
               "Content-Description: PGP/MIME version identification\r\n"
               "\r\n"
               "Version: 1\r\n"
               "\r\n"
               "--%s\r\n"
               "Content-Type: application/octet-stream; name=\"encrypted.asc\"\r\n"
               "Content-Description: OpenPGP encrypted message\r\n"
               "Content-Disposition: inline; filename=\"encrypted.asc\"\r\n"
               "\r\n",
               p->boundary, p->boundary, p->boundary);
}

void pgpmime_close(const struct pgpmime *p, struct bytes *out)
{
    bytes_addf(out, "\r\n--%s--\r\n", p->boundary);
}
