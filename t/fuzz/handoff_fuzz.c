/* The input is a message with fields of an earlier leg: its proof is read and judged, its lines are taken
 * over. */
#include <stdlib.h>
#include <string.h>

#include "base/mail/message.h"
#include "base/sitekey.h"
#include "filterd/pipeline/handoff.h"
#include "gpg/outside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sitekey key = {{1}};
    struct outside out = {0};
    g_autofree char *raw = g_memdup2(data, size);
    struct message *m = message_new(raw ? raw : "", size);
    struct handoff *p = handoff_new(&key, m);
    GPtrArray *users = g_ptr_array_new();
    g_ptr_array_add(users, (char *)"ann@example.com");
    handoff_is_in(raw ? raw : "", size);
    if (handoff_holds(p, users)) /* nobody guesses a MAC */
        abort();
    if (p) {
        handoff_outside(p, "yes", &out);
        if (out.replaced < m->headers || out.replaced + out.replaced_count > m->headers + m->header_count)
            abort();
    }
    g_ptr_array_unref(users);
    handoff_free(&p);
    message_free(&m);
    outside_clear(&out);
    return 0;
}
