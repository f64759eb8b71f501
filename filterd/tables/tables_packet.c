/* Packs and unpacks questions and answers. Called by tables_client.c and tables_process.c. */
#include "filterd/tables/tables_packet.h"

#include <string.h>

#include "base/address.h"

struct head {
    guint32 number;
    unsigned char result, alias, mailbox, key;
};

char *tables_packet_name(enum users_tables_question question, const char *address)
{
    static const char letters[] = {[USERS_TABLES_ALL] = 'a', [USERS_TABLES_MAILBOX] = 'm',
                                   [USERS_TABLES_IS_DOMAIN] = 'd', [USERS_TABLES_KEY] = 'k',
                                   [USERS_TABLES_KEYED] = 'h'};
    return g_strdup_printf("%c%s", letters[question], address);
}

bool tables_packet_write_question(GString *out, guint32 number, enum users_tables_question question,
                                  const char *address)
{
    g_string_truncate(out, 0);
    g_string_append_len(out, (const char *)&number, sizeof number);
    g_string_append_c(out, (char)question);
    g_string_append_len(out, address, (gssize)strlen(address) + 1);
    return out->len <= TABLES_PACKET_QUESTION_MAX;
}

static bool is_canonical(const char *address)
{
    g_autofree char *form = address_canonical(address);
    return form && !strcmp(form, address);
}

bool tables_packet_read_question(const char *data, size_t len, guint32 *number_r,
                                 enum users_tables_question *question_r, const char **address_r)
{
    const size_t before = sizeof *number_r + 1;
    if (len <= before || len > TABLES_PACKET_QUESTION_MAX || memchr(data + before, 0, len - before) != data + len - 1)
        return false;
    memcpy(number_r, data, sizeof *number_r);
    const unsigned char question = (unsigned char)data[sizeof *number_r];
    *question_r = question <= USERS_TABLES_LAST_QUESTION ? (enum users_tables_question)question : USERS_TABLES_ALL;
    *address_r = data + before;
    return question <= USERS_TABLES_LAST_QUESTION && g_utf8_validate(*address_r, -1, NULL) && is_canonical(*address_r);
}

void tables_packet_write_answer(GString *out, guint32 number, enum users_result result,
                                const struct users_tables_answer *a)
{
    struct head h = {.number = number, .result = (unsigned char)result, .alias = (unsigned char)a->alias,
                     .mailbox = (unsigned char)a->mailbox, .key = (unsigned char)a->key};
    g_string_truncate(out, 0);
    g_string_append_len(out, (const char *)&h, sizeof h);
    for (guint i = 0; a->members && i < a->members->len; i++)
        g_string_append_len(out, a->members->pdata[i], (gssize)strlen(a->members->pdata[i]) + 1);
    if (out->len > TABLES_PACKET_ANSWER_MAX)
        tables_packet_write_answer(out, number, USERS_TEMP, &(struct users_tables_answer){0});
}

static bool take_members(const char *data, size_t len, GPtrArray *members)
{
    while (len) {
        const char *nul = memchr(data, 0, len);
        if (!nul || !g_utf8_validate(data, -1, NULL) || !is_canonical(data))
            return false;
        g_ptr_array_add(members, g_strdup(data));
        len -= (size_t)(nul + 1 - data);
        data = nul + 1;
    }
    return true;
}

bool tables_packet_read_answer(const char *data, size_t len, guint32 *number_r, enum users_result *result_r,
                               struct users_tables_answer *a_r)
{
    struct head h;
    *a_r = (struct users_tables_answer){0};
    if (len < sizeof h || len > TABLES_PACKET_ANSWER_MAX)
        return false;
    memcpy(&h, data, sizeof h);
    const bool found = h.alias != USERS_TABLES_NONE || h.mailbox != USERS_TABLES_NONE || h.key != USERS_TABLES_KEY_NONE;
    if (h.result > USERS_UNKNOWN || h.alias > USERS_TABLES_DOMAIN || h.mailbox > USERS_TABLES_DOMAIN ||
        h.key > USERS_TABLES_KEY_REFUSED || found != (h.result == USERS_FOUND) || (h.alias == USERS_TABLES_NONE && len > sizeof h))
        return false;
    *number_r = h.number;
    *result_r = (enum users_result)h.result;
    *a_r = (struct users_tables_answer){(enum users_tables_form)h.alias, (enum users_tables_form)h.mailbox,
                                        (enum users_tables_key)h.key, NULL};
    if (h.alias != USERS_TABLES_NONE)
        a_r->members = g_ptr_array_new_with_free_func(g_free);
    if (!a_r->members || take_members(data + sizeof h, len - sizeof h, a_r->members))
        return true;
    users_tables_answer_clear(a_r);
    return false;
}
