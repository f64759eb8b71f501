/* The input is a message with fields of an earlier leg: its proof is read and judged, its lines are taken
 * over. And it is a copy that gets a proof. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "base/sitekey.h"
#include "filterd/pipeline/handoff.h"
#include "gpg/outside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The message as a copy of ours, sealed and open: its proof holds for it. */
static void as_copy(const struct sitekey *key, const char *raw, size_t size, GPtrArray *users)
{
    struct message *m = message_new(raw, size);
    static const char line[] = "X-Filterd-Result: Innocent\r\n";
    for (int how = 0; how < 3; how++) {
        struct bytes added = {0}, copy = {0}, mail = {0};
        bytes_adds(&added, line);
        bytes_add(&copy, added.data, added.len);
        for (size_t i = 0; i < m->header_count; i++)
            if (!header_is(&m->headers[i], "X-Filterd-Proof"))
                bytes_add(&copy, m->headers[i].start, m->headers[i].len);
        bytes_adds(&copy, "\r\n\r\n");
        bytes_add(&copy, m->body, m->body_len);
        const struct handoff_copy c = {.copy = &copy, .added = &added, .users = users, .sender = "bob",
                                       .sealed = how == 1, .local = how == 2};
        g_autofree char *field = handoff_field(key, &c);
        bytes_adds(&mail, field);
        bytes_add(&mail, copy.data, copy.len);
        struct message *back = message_new_roomy((char *)mail.data, mail.len);
        struct handoff *p = handoff_new(key, (char *)mail.data, mail.len);
        handoff_compare(p, back, "bob", 10);
        if (handoff_fault(p, users))
            abort();
        handoff_free(&p);
        message_free(&back);
        bytes_free(&mail);
        bytes_free(&copy);
        bytes_free(&added);
    }
    message_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sitekey key = {{1}};
    struct outside out = {0};
    g_autofree char *raw = g_memdup2(data, size);
    struct handoff *p = handoff_new(&key, raw, size);
    struct message *m = message_new_roomy(raw, size);
    GPtrArray *users = g_ptr_array_new();
    g_ptr_array_add(users, (char *)"ann@example.com");
    handoff_is_in(raw ? raw : "", size);
    if (p) {
        handoff_compare(p, m, "bob", 10);
        handoff_outside(p, "yes", &out);
    }
    if (handoff_is_ours(p) || !handoff_fault(p, users)) /* nobody guesses a MAC */
        abort();
    as_copy(&key, raw, size, users);
    g_ptr_array_unref(users);
    handoff_free(&p);
    message_free(&m);
    outside_clear(&out);
    return 0;
}
