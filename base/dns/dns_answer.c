/* Answers of the resolver. Made by dnswire.c and resolver.c, kept by resolver_cache.c, read by the rules. */
#include "base/dns/dns_answer.h"

static void record_free(gpointer data)
{
    struct dns_record *r = data;
    g_free(r->text);
    g_free(r);
}

struct dns_answer *dns_answer_new(enum dns_status status)
{
    struct dns_answer *a = g_rc_box_new0(struct dns_answer);
    a->status = status;
    a->records = g_ptr_array_new_with_free_func(record_free);
    return a;
}

static void answer_clear(gpointer data)
{
    g_ptr_array_unref(((struct dns_answer *)data)->records);
}

void dns_answer_free(struct dns_answer **a)
{
    if (*a)
        g_rc_box_release_full(*a, answer_clear);
    *a = NULL;
}
