/* The input is the answer to a question, which its first byte chooses: DNS_OK means whole records of the
 * type that was asked for; any other status comes without records. */
#include <stdlib.h>
#include <string.h>

#include "base/dns/dns_answer.h"
#include "base/dns/dnswire.h"

static void check(const struct dns_answer *a, enum dns_type type)
{
    if ((a->status == DNS_OK) != (a->records->len > 0))
        abort();
    for (guint i = 0; i < a->records->len; i++) {
        const struct dns_record *r = a->records->pdata[i];
        const bool is_text = type != DNS_A && type != DNS_AAAA;
        if (is_text != (r->text != NULL) || (is_text && r->text[r->len]))
            abort();
        if (is_text && type != DNS_TXT && (strlen(r->text) != r->len || !r->len))
            abort();
    }
}

/* A name that came out of an answer goes back into a question, or is refused. */
static void check_question(const char *name)
{
    guint8 wire[DNSWIRE_QUESTION_BYTES];
    if (dnswire_question(wire, name, DNS_A, 1) > sizeof wire)
        abort();
}

/* Any bytes are held against a question, too: what passes has its id and name. */
static void check_match(const unsigned char *bytes, size_t len)
{
    guint8 wire[DNSWIRE_QUESTION_BYTES];
    const guint16 id = len > 1 ? (guint16)(bytes[0] << 8 | bytes[1]) : 0;
    size_t asked = dnswire_question(wire, "example.org", DNS_A, id);
    const bool with = dnswire_is_answer_to(wire, asked, bytes, len);
    asked = dnswire_without_edns(wire, asked);
    if (with != dnswire_is_answer_to(wire, asked, bytes, len) || (with && dnswire_id(bytes) != id))
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    static const enum dns_type types[] = {DNS_A, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA};
    static const char *const names[] = {"example.org", "example.org.", ".", "a.b.example"};
    g_autofree char *more = NULL;
    if (len < 1)
        return 0;
    check_match(bytes + 1, len - 1);
    const enum dns_type type = types[bytes[0] % G_N_ELEMENTS(types)];
    struct dns_answer *a =
        dnswire_answer(bytes + 1, len - 1, names[bytes[0] / 6 % G_N_ELEMENTS(names)], type, &more);
    check(a, type);
    if (more)
        check_question(more);
    dns_answer_free(&a);
    g_autofree char *text = g_strndup((const char *)bytes, len);
    check_question(text);
    return 0;
}
