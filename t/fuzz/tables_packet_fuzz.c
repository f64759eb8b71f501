/* What a captured worker may send the tables' process, what that may answer once a table server has captured it, and
 * an alias' value, which whoever writes the table may choose. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "filterd/tables/alias_members.h"
#include "filterd/tables/tables_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is the very packet that says it. */
static void question(const char *data, size_t size)
{
    guint32 number;
    enum users_tables_question what;
    const char *address;
    if (!tables_packet_read_question(data, size, &number, &what, &address))
        return;
    GString *again = g_string_new(NULL);
    if (!tables_packet_write_question(again, number, what, address) || again->len != size ||
        memcmp(again->str, data, size))
        abort();
    g_string_free(again, TRUE);
}

static void are_canonical(const GPtrArray *members)
{
    for (guint i = 0; members && i < members->len; i++) {
        g_autofree char *form = address_canonical(members->pdata[i]);
        if (!form || strcmp(form, members->pdata[i]))
            abort();
    }
}

static void answer(const char *data, size_t size)
{
    struct users_tables_answer a;
    guint32 number;
    enum users_result result;
    if (!tables_packet_read_answer(data, size, &number, &result, &a)) {
        if (a.members || a.alias || a.mailbox || a.key)
            abort();
        return;
    }
    if ((result == USERS_FOUND) != (a.alias || a.mailbox || a.key) || !a.members != !a.alias)
        abort();
    are_canonical(a.members);
    users_tables_answer_clear(&a);
}

static void members(const char *data, size_t size)
{
    g_autofree char *value = g_strndup(data ? data : "", size);
    GPtrArray *list = alias_members(value, &(struct alias_members_of){"kim+x@x.org", size % 2 ? "+x" : NULL, "my.org"});
    are_canonical(list);
    if (list)
        g_ptr_array_unref(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *copy = g_memdup2(data, size); /* of its very size, so that a byte beyond is found */
    question(copy, size);
    answer(copy, size);
    members(copy, size);
    return 0;
}
