/* Packs and unpacks questions and answers. Called by spf_helper.c and spf_process.c. */
#include "rules/auth/spf_packet.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

bool spf_packet_write(GString *out, guint32 number, const struct spf_question *q)
{
    const char *parts[] = {q->address, q->helo, q->sender};
    g_string_truncate(out, 0);
    g_string_append_len(out, (const char *)&number, sizeof number);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        const char *text = parts[i] ? parts[i] : "";
        g_string_append_len(out, text, (gssize)strlen(text) + 1);
    }
    return out->len <= SPF_PACKET_QUESTION_MAX;
}

bool spf_packet_read(const char *data, size_t len, guint32 *number_r, struct spf_question *q_r)
{
    const char **parts[] = {&q_r->address, &q_r->helo, &q_r->sender};
    if (len < sizeof *number_r || len > SPF_PACKET_QUESTION_MAX)
        return false;
    memcpy(number_r, data, sizeof *number_r);
    data += sizeof *number_r;
    len -= sizeof *number_r;
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        const char *nul = memchr(data, 0, len);
        if (!nul)
            return false;
        *parts[i] = data;
        len -= (size_t)(nul + 1 - data);
        data = nul + 1;
    }
    return len == 0;
}

bool spf_packet_tidy(struct spf_packet_answer *a, size_t len)
{
    struct spf_result *r = &a->result;
    int code;
    unsigned char by_helo;
    if (len != sizeof *a)
        return false;
    /* Any bytes may be in the bool and the enum: read them as integers first. */
    memcpy(&code, &r->code, sizeof code);
    memcpy(&by_helo, &r->by_helo, sizeof by_helo);
    r->code = code < 0 || code > SPF_CODE_PERMERROR || a->signal ? SPF_CODE_TEMPERROR
                                                                 : (enum spf_code)code;
    r->by_helo = by_helo != 0;
    r->domain[sizeof r->domain - 1] = 0;
    r->reason[sizeof r->reason - 1] = 0;
    if (a->signal)
        snprintf(r->reason, sizeof r->reason, "the check died (signal %d)", a->signal);
    g_strcanon(r->domain, "abcdefghijklmnopqrstuvwxyz0123456789-_.", '?');
    for (char *p = r->reason; *p; p++)
        if (*p < 0x20 || *p > 0x7e)
            *p = '?';
    return true;
}
