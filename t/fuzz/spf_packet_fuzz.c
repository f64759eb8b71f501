/* What a captured worker may send the SPF process, and a captured SPF process may answer. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rules/auth/spf_packet.h"
#include "rules/auth/spf_result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read as a question is the very packet that asks it. */
static void question(const char *data, size_t size)
{
    guint32 number;
    struct spf_question q;
    if (!spf_packet_read(data, size, &number, &q))
        return;
    GString *again = g_string_new(NULL);
    if (!spf_packet_write(again, number, &q) || again->len != size || memcmp(again->str, data, size))
        abort();
    g_string_free(again, TRUE);
}

static void answer(const uint8_t *data, size_t size)
{
    struct spf_packet_answer a;
    memset(&a, 0, sizeof a);
    memcpy(&a, data, MIN(size, sizeof a));
    if (!spf_packet_tidy(&a, size > sizeof a ? size : sizeof a))
        return;
    if (strlen(a.result.domain) >= sizeof a.result.domain ||
        strlen(a.result.reason) >= sizeof a.result.reason || !*spf_code_word(a.result.code))
        abort();
    for (const char *p = a.result.domain; *p; p++)
        if (*p <= 0x20 || *p > 0x7e)
            abort();
    for (const char *p = a.result.reason; *p; p++)
        if (*p < 0x20 || *p > 0x7e)
            abort();
    if (a.signal && a.result.code != SPF_CODE_TEMPERROR)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *copy = g_memdup2(data, size); /* of its very size, so that a byte beyond is found */
    question(copy, size);
    answer(data, size);
    return 0;
}
