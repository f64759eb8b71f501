/* The list of hits and its sums. Called by all checks, by verdict.c and by greylisting. */
#include "rules/hits.h"

#include <stdbool.h>
#include <string.h>

enum { NAME_MAX_BYTES = 100 };
#define VOICE_MAX 6.0
#define DECIDES 100.0

static void hit_free(gpointer data)
{
    struct hit *h = data;
    g_free(h->name);
    g_free(h->reason);
    g_free(h);
}

GPtrArray *hits_new(void)
{
    return g_ptr_array_new_with_free_func(hit_free);
}

void hits_add(GPtrArray *hits, const char *name, double weight, const char *reason)
{
    g_autofree char *clean = g_strndup(name, NAME_MAX_BYTES);
    for (char *p = clean; *p; p++)
        if (!g_ascii_isgraph(*p))
            *p = '?';
    for (guint i = 0; i < hits->len; i++)
        if (strcmp(((struct hit *)hits->pdata[i])->name, clean) == 0)
            return;
    struct hit *h = g_new0(struct hit, 1);
    h->name = g_steal_pointer(&clean);
    h->weight = weight;
    h->reason = g_strdup(reason ? reason : "");
    g_ptr_array_add(hits, h);
}

void hits_find(GPtrArray *hits, enum finding f)
{
    hits_add(hits, findings_name(f), findings_weight(f), findings_reason(f));
}

static bool is_form(const struct hit *h)
{
    return g_str_has_prefix(h->name, "form:");
}

char **hits_facts(const GPtrArray *hits)
{
    GPtrArray *names = g_ptr_array_new();
    for (guint i = 0; i < hits->len; i++) {
        const struct hit *h = hits->pdata[i];
        if (!is_form(h))
            g_ptr_array_add(names, g_strdup(h->name));
    }
    g_ptr_array_add(names, NULL);
    return (char **)(void *)g_ptr_array_free(names, FALSE);
}

double hits_weight(const GPtrArray *hits)
{
    double sum = 0;
    for (guint i = 0; i < hits->len; i++)
        sum += ((const struct hit *)hits->pdata[i])->weight;
    return sum;
}

double hits_doubt(const GPtrArray *hits)
{
    double sum = 0;
    for (guint i = 0; i < hits->len; i++)
        sum += is_form(hits->pdata[i]) ? 0 : ((const struct hit *)hits->pdata[i])->weight;
    return sum;
}

double hits_voice(double weight)
{
    return weight > DECIDES ? weight : CLAMP(weight, -VOICE_MAX, VOICE_MAX);
}
