/* What a message says about an earlier leg: read, judged and its lines taken over. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mail/message.h"
#include "base/sitekey.h"
#include "filterd/pipeline/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sitekey key = {{1}};
    struct bytes out = {0};
    char *raw = g_memdup2(data, size);
    struct message *m = message_new(raw ? raw : "", size);
    struct proof *p = proof_new(&key, m);
    GPtrArray *users = g_ptr_array_new();
    g_ptr_array_add(users, (char *)"ann@example.com");
    proof_is_in(raw ? raw : "", size);
    if (proof_holds(p, users)) /* nobody guesses a MAC */
        abort();
    if (p) {
        proof_lines(p, "yes", &out);
        proof_hide(p, true);
        proof_hide(p, false);
    }
    g_ptr_array_unref(users);
    proof_free(&p);
    message_free(&m);
    bytes_free(&out);
    g_free(raw);
    return 0;
}
