/* The DNS queries and answers of one SPF check. Called by spf.c and spf_terms.c. */
#include "rules/auth/spf_lookup.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/dns/dns_answer.h"

/* approximate memory of a record without its text */
#define RECORD_BYTES (sizeof(struct dns_record) + 32)

struct question {
    struct spf_lookup *lookup;
    struct dns_answer *answer; /* NULL: not answered yet */
};

struct spf_lookup {
    struct resolver *resolver;
    GHashTable *questions;          /* "TYPE name" -> struct question */
    const struct question *awaited; /* the first missing answer that this run needed; NULL: none */
    guint open;                     /* questions without an answer */
    guint runs;
    size_t bytes;               /* memory of the answers kept */
    struct dns_answer *nothing; /* returned while an answer is missing */
    bool stopped;
    void (*woken)(void *arg);
    void *arg;
};

static struct dns_record *copy_record(const struct dns_record *from)
{
    struct dns_record *to = g_new(struct dns_record, 1);
    *to = *from;
    if (from->text) {
        to->text = g_malloc(from->len + 1);
        memcpy(to->text, from->text, from->len);
        to->text[from->len] = 0;
    }
    return to;
}

static void free_record(gpointer record)
{
    g_free(((struct dns_record *)record)->text);
    g_free(record);
}

static struct dns_answer *answer_new(enum dns_status status)
{
    struct dns_answer *a = g_new0(struct dns_answer, 1);
    a->status = status;
    a->records = g_ptr_array_new_with_free_func(free_record);
    return a;
}

static size_t bytes_of(const struct dns_answer *answer)
{
    size_t sum = 0;
    for (guint i = 0; i < answer->records->len; i++)
        sum += RECORD_BYTES + ((const struct dns_record *)answer->records->pdata[i])->len;
    return sum;
}

/* Copies an answer, which the resolver lends only for its call, and counts its size: a sender's answers must
 * not fill the memory of the process that all workers share. */
static struct dns_answer *keep(struct spf_lookup *l, const struct dns_answer *answer)
{
    const size_t bytes = bytes_of(answer);
    if (l->bytes + bytes > SPF_LOOKUP_BYTES)
        return answer_new(DNS_TEMP);
    l->bytes += bytes;
    struct dns_answer *kept = answer_new(answer->status);
    kept->no_such_name = answer->no_such_name;
    for (guint i = 0; i < answer->records->len; i++)
        g_ptr_array_add(kept->records, copy_record(answer->records->pdata[i]));
    return kept;
}

/* Called by the resolver. */
static void take_answer(const struct dns_answer *answer, void *arg)
{
    struct question *q = arg;
    struct spf_lookup *l = q->lookup;
    q->answer = keep(l, answer);
    l->open--;
    if (l->awaited && (l->runs > SPF_LOOKUP_RUNS ? l->open == 0 : l->awaited == q))
        l->woken(l->arg);
}

static void free_answer(struct dns_answer *answer)
{
    if (answer)
        g_ptr_array_unref(answer->records);
    g_free(answer);
}

static void free_question(gpointer question)
{
    g_autofree struct question *q = question;
    resolver_forget(q->lookup->resolver, q);
    free_answer(q->answer);
}

struct spf_lookup *spf_lookup_new(struct resolver *r, void (*woken)(void *arg), void *arg)
{
    struct spf_lookup *l = g_new0(struct spf_lookup, 1);
    l->resolver = r;
    l->questions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_question);
    l->nothing = answer_new(DNS_TEMP);
    l->woken = woken;
    l->arg = arg;
    return l;
}

void spf_lookup_free(struct spf_lookup **l)
{
    if (!*l)
        return;
    g_hash_table_unref((*l)->questions);
    free_answer((*l)->nothing);
    g_clear_pointer(l, g_free);
}

void spf_lookup_begin(struct spf_lookup *l)
{
    l->awaited = NULL;
    l->runs++;
}

static struct question *ask_once(struct spf_lookup *l, const char *name, enum dns_type type)
{
    g_autofree char *folded = g_ascii_strdown(name, -1);
    g_autofree char *key = g_strdup_printf("%d %s", (int)type, folded);
    struct question *q = g_hash_table_lookup(l->questions, key);
    if (q)
        return q;
    q = g_new0(struct question, 1);
    q->lookup = l;
    l->open++;
    g_hash_table_insert(l->questions, g_steal_pointer(&key), q);
    resolver_ask(l->resolver, folded, type, take_answer, q);
    return q;
}

void spf_lookup_start(struct spf_lookup *l, const char *name, enum dns_type type)
{
    ask_once(l, name, type);
}

const struct dns_answer *spf_lookup_get(struct spf_lookup *l, const char *name, enum dns_type type)
{
    struct question *q = ask_once(l, name, type);
    if (q->answer)
        return q->answer;
    if (!l->stopped) {
        if (!l->awaited)
            l->awaited = q;
        return l->nothing;
    }
    resolver_forget(l->resolver, q);
    l->open--;
    q->answer = answer_new(DNS_TEMP);
    return q->answer;
}

bool spf_lookup_is_waiting(const struct spf_lookup *l)
{
    return l->awaited != NULL;
}

void spf_lookup_stop(struct spf_lookup *l)
{
    l->stopped = true;
}
