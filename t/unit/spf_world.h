/* A resolver that answers from a table: it takes the place of base/resolver in the test. */
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

struct resolver {
    int unused;
};

struct resolver *resolver_new(const struct settings *s, char **error_r)
{
    (void)s;
    (void)error_r;
    return g_new0(struct resolver, 1);
}

void resolver_free(struct resolver **r)
{
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

void resolver_ask(struct resolver *r, const char *name, enum dns_type type,
                  void (*fn)(const struct dns_answer *answer, void *arg), void *arg)
{
    struct dns_answer a = {.status = DNS_NONE, .records = g_ptr_array_new()};
    (void)r;
    world_asked++;
    if (world_hook)
        world_hook(name);
    for (const struct world_record *w = world; w && *w->name; w++) {
        if (w->type != type || strcasecmp(w->name, name))
            continue;
        a.status = w->text ? DNS_OK : DNS_TEMP;
        if (w->text)
            world_add(&a, w);
    }
    fn(&a, arg);
    for (guint i = 0; i < a.records->len; i++) {
        struct dns_record *record = a.records->pdata[i];
        g_free(record->text);
        g_free(record);
    }
    g_ptr_array_unref(a.records);
}

void resolver_forget(struct resolver *r, const void *arg)
{
    (void)r;
    (void)arg;
}

bool resolver_pump(struct resolver *r, int fd, int timeout_ms)
{
    (void)r;
    (void)fd;
    (void)timeout_ms;
    return true;
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
