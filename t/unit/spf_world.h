/* A resolver that answers from a table: it takes the place of base/resolver in the test. And one check, run
 * to its end. */
#ifndef T_UNIT_SPF_WORLD_H
#define T_UNIT_SPF_WORLD_H

#include <arpa/inet.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/dns/dns_answer.h"
#include "base/dns/resolver.h"
#include "rules/auth/spf.h"
#include "rules/auth/spf_result.h"
#include <poll.h>

struct world_record {
    const char *name;
    enum dns_type type;
    const char *text;
    size_t len; /* of a TXT with NUL; 0: strlen */
};

/* The test's own. name "" ends it; text NULL: no answer. */
static const struct world_record *world;
/* Asked of the world, in all and per name as it came. */
static unsigned world_asked;
/* What else happens when a name is asked for. */
static void (*world_hook)(const char *name);
/* What else happens before it is answered. */
static void (*world_made)(const char *name);
/* When answers come: all at once; or one by one, each when somebody waits, the newest question's first, so
 * that what is awaited is mostly answered last, or the oldest's. */
static enum { WORLD_AT_ONCE, WORLD_NEWEST, WORLD_OLDEST } world_order;
/* True for a name that is never answered; NULL: there is none. */
static bool (*world_is_silent)(const char *name);
/* How often the last check was run. */
static unsigned world_runs;

struct world_question {
    char *name;
    enum dns_type type;
    void (*fn)(const struct dns_answer *answer, void *arg);
    void *arg;
};

struct resolver {
    GQueue asked; /* of struct world_question*; the newest in front */
};

struct resolver *resolver_new(const struct settings *s, char **error_r)
{
    (void)s;
    (void)error_r;
    return g_new0(struct resolver, 1);
}

static void world_question_free(gpointer question)
{
    struct world_question *q = question;
    g_free(q->name);
    g_free(q);
}

void resolver_free(struct resolver **r)
{
    g_queue_clear_full(&(*r)->asked, world_question_free);
    g_clear_pointer(r, g_free);
}

static void world_add(struct dns_answer *a, const struct world_record *w)
{
    struct dns_record *r = g_new0(struct dns_record, 1);
    if (w->type == DNS_A || w->type == DNS_AAAA) {
        inet_pton(w->type == DNS_A ? AF_INET : AF_INET6, w->text, r->address);
    } else {
        r->len = w->len ? w->len : strlen(w->text);
        r->text = g_malloc(r->len + 1);
        memcpy(r->text, w->text, r->len);
        r->text[r->len] = 0;
    }
    g_ptr_array_add(a->records, r);
}

static void world_answer(const struct world_question *q)
{
    struct dns_answer a = {.status = DNS_NONE, .records = g_ptr_array_new()};
    if (world_made)
        world_made(q->name);
    for (const struct world_record *w = world; w && *w->name; w++) {
        if (w->type != q->type || strcasecmp(w->name, q->name))
            continue;
        a.status = w->text ? DNS_OK : DNS_TEMP;
        if (w->text)
            world_add(&a, w);
    }
    q->fn(&a, q->arg);
    for (guint i = 0; i < a.records->len; i++) {
        struct dns_record *record = a.records->pdata[i];
        g_free(record->text);
        g_free(record);
    }
    g_ptr_array_unref(a.records);
}

/* False: nothing is asked. */
static bool world_answer_one(struct resolver *r)
{
    struct world_question *q = world_order == WORLD_OLDEST ? g_queue_pop_tail(&r->asked)
                                                           : g_queue_pop_head(&r->asked);
    if (!q)
        return false;
    world_answer(q);
    world_question_free(q);
    return true;
}

void resolver_ask(struct resolver *r, const char *name, enum dns_type type,
                  void (*fn)(const struct dns_answer *answer, void *arg), void *arg)
{
    struct world_question *q = g_new(struct world_question, 1);
    *q = (struct world_question){g_strdup(name), type, fn, arg};
    world_asked++;
    if (world_hook)
        world_hook(name);
    if (world_is_silent && world_is_silent(name)) {
        world_question_free(q);
        return;
    }
    g_queue_push_head(&r->asked, q);
    if (world_order == WORLD_AT_ONCE)
        world_answer_one(r);
}

void resolver_forget(struct resolver *r, const void *arg)
{
    for (GList *l = r->asked.head, *next; l; l = next) {
        struct world_question *q = l->data;
        next = l->next;
        if (q->arg == arg) {
            world_question_free(q);
            g_queue_delete_link(&r->asked, l);
        }
    }
}

bool resolver_pump(struct resolver *r, int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, world_answer_one(r) ? 0 : timeout_ms) > 0;
}

static inline void world_wake(void *woken)
{
    *(bool *)woken = true;
}

/* Where nothing more is answered the check's time is over. */
static inline struct spf_result world_check(struct resolver *r, const struct spf_question *q)
{
    struct spf_result result;
    bool woken = false;
    struct spf_check *c = spf_check_new(r, q, world_wake, &woken);
    for (world_runs = 1; !spf_check_run(c, &result); world_runs++) {
        while (!woken && world_answer_one(r))
            continue;
        if (!woken)
            spf_check_stop(c);
        woken = false;
    }
    spf_check_free(&c);
    return result;
}

guint resolver_outstanding(const struct resolver *r)
{
    (void)r;
    return 0;
}

bool resolver_is_down(const struct resolver *r)
{
    (void)r;
    return false;
}

struct dns_answer *resolver_ask_now(struct resolver *r, const char *name, enum dns_type type,
                                    int timeout_ms)
{
    (void)r;
    (void)name;
    (void)type;
    (void)timeout_ms;
    return NULL;
}

void dns_answer_free(struct dns_answer **a)
{
    (void)a;
}

#endif
