/* Compares the MTA's header with the finished copy's. Called by milter_session.c and, for the padding,
 * milter_apply.c. */
#include "filterd/session/milter_edits.h"

#include <string.h>

#include "base/mail/header.h"
#include "base/mail/message.h"

/* A replaced field stands about where the old one stood: do not search thousands for each. */
#define PAIR_SEARCH 64
#define BLANKS 70

struct plan {
    const struct header *old, *new;
    size_t old_count, new_count;
    const guint *numbers;         /* for each old field: its number among those of its name */
    const struct header **become; /* for each old field: the new field it becomes; NULL: delete it */
    bool *placed;                 /* for each new field: true if an old one becomes it */
    guint edits;
};

static bool same_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static guint field_hash(gconstpointer p)
{
    const struct header *h = p;
    guint hash = 5381;
    for (size_t i = 0; i < h->name_len; i++)
        hash = hash * 33 + (unsigned char)h->name[i];
    for (size_t i = 0; i < h->value_len; i++)
        hash = hash * 33 + (unsigned char)h->value[i];
    return hash;
}

static gboolean field_equal(gconstpointer a, gconstpointer b)
{
    const struct header *x = a, *y = b;
    return same_bytes(x->name, x->name_len, y->name, y->name_len) &&
           same_bytes(x->value, x->value_len, y->value, y->value_len);
}

static guint name_hash(gconstpointer p)
{
    const struct header *h = p;
    guint hash = 5381;
    for (size_t i = 0; i < h->name_len; i++)
        hash = hash * 33 + (guint)g_ascii_tolower(h->name[i]);
    return hash;
}

static gboolean name_equal(gconstpointer a, gconstpointer b)
{
    const struct header *x = a, *y = b;
    return x->name_len == y->name_len && g_ascii_strncasecmp(x->name, y->name, x->name_len) == 0;
}

/* An MTA finds a field by its name, in any case, and its number among the fields of that name. */
static guint *number_fields(const struct header *fields, size_t count)
{
    guint *numbers = g_new(guint, count + 1);
    GHashTable *seen = g_hash_table_new(name_hash, name_equal);
    for (size_t i = 0; i < count; i++) {
        const guint before = GPOINTER_TO_UINT(g_hash_table_lookup(seen, &fields[i]));
        numbers[i] = before + 1;
        g_hash_table_insert(seen, (gpointer)&fields[i], GUINT_TO_POINTER(before + 1));
    }
    g_hash_table_unref(seen);
    return numbers;
}

static bool is_kept(const struct plan *p, size_t old)
{
    return p->become[old] && field_equal(&p->old[old], p->become[old]);
}

/* Keeps fields that both headers have, in the same order: each new field takes the next old one equal to it. */
static void keep_equal(struct plan *p, size_t first_new)
{
    GHashTable *places = g_hash_table_new_full(field_hash, field_equal, NULL,
                                               (GDestroyNotify)g_queue_free);
    for (size_t i = 0; i < p->old_count; i++) {
        GQueue *q = g_hash_table_lookup(places, &p->old[i]);
        if (!q)
            g_hash_table_insert(places, (gpointer)&p->old[i], q = g_queue_new());
        g_queue_push_tail(q, GSIZE_TO_POINTER(i));
    }
    size_t next = 0;
    for (size_t k = first_new; k < p->new_count; k++) {
        GQueue *q = g_hash_table_lookup(places, &p->new[k]);
        while (q && q->length && GPOINTER_TO_SIZE(g_queue_peek_head(q)) < next)
            g_queue_pop_head(q);
        if (!q || !q->length)
            continue;
        const size_t i = GPOINTER_TO_SIZE(g_queue_pop_head(q));
        p->become[i] = &p->new[k];
        p->placed[k] = true;
        next = i + 1;
    }
    g_hash_table_unref(places);
}

/* Between two kept fields: an old field changes into the new one of the same name, in its place. */
static void pair_gap(struct plan *p, size_t old, size_t old_end, size_t k, size_t end)
{
    for (; k < end; k++) {
        const struct header *new = &p->new[k];
        /* In the milter protocol, changing a field to an empty value deletes it. */
        if (new->value_len == 0)
            continue;
        for (size_t i = old; i < old_end && i < old + PAIR_SEARCH; i++) {
            if (!name_equal(&p->old[i], new))
                continue;
            p->become[i] = new;
            p->placed[k] = true;
            old = i + 1;
            break;
        }
    }
}

static void pair_changed(struct plan *p, size_t first_new)
{
    size_t old = 0, new = first_new;
    for (;;) {
        size_t old_end = old, new_end = new;
        while (old_end < p->old_count && !is_kept(p, old_end))
            old_end++;
        while (new_end < p->new_count && !p->placed[new_end])
            new_end++;
        pair_gap(p, old, old_end, new, new_end);
        if (old_end == p->old_count)
            return;
        old = old_end + 1;
        new = new_end + 1;
    }
}

static char *value_of(const struct header *h)
{
    char *value = g_malloc(h->value_len + 1);
    size_t n = 0;
    for (size_t i = 0; i < h->value_len; i++)
        if (h->value[i] != '\r' || i + 1 == h->value_len || h->value[i + 1] != '\n')
            value[n++] = h->value[i];
    value[n] = 0;
    return value;
}

static void add_edit(struct plan *p, GVariantBuilder *b, enum milter_edit_kind kind, guint index,
                     const struct header *h)
{
    g_autofree char *name = g_strndup(h->name, h->name_len);
    g_autofree char *value = kind == MILTER_EDIT_DELETE ? g_strdup("") : value_of(h);
    if (++p->edits <= MILTER_EDITS_MAX)
        g_variant_builder_add(b, "(yu^ay^ay)", (guchar)kind, index, name, value);
}

/* Edits from the last field to the first, so that the numbers of fields not yet edited stay true. */
static void write_plan(struct plan *p, GVariantBuilder *b, size_t added)
{
    for (size_t i = p->old_count; i-- > 0;)
        if (!p->become[i])
            add_edit(p, b, MILTER_EDIT_DELETE, p->numbers[i], &p->old[i]);
        else if (!is_kept(p, i))
            add_edit(p, b, MILTER_EDIT_CHANGE, p->numbers[i], p->become[i]);
    for (size_t k = added; k-- > 0;)
        add_edit(p, b, MILTER_EDIT_TOP, 0, &p->new[k]);
    for (size_t k = added; k < p->new_count; k++)
        if (!p->placed[k])
            add_edit(p, b, MILTER_EDIT_APPEND, 0, &p->new[k]);
}

/* How many fields start before end. */
static size_t fields_within(const struct header *fields, size_t count, const char *end)
{
    size_t n = 0;
    while (n < count && fields[n].start < end)
        n++;
    return n;
}

GVariant *milter_edits_new(const struct header *old, size_t count,
                           const struct milter_edits_copy *copy)
{
    struct plan p = {.old = old, .old_count = count};
    GVariantBuilder b;
    g_autofree struct header *new = NULL;
    if (!milter_edits_fields(copy->data, copy->len, NULL, &new, &p.new_count))
        return NULL;
    const size_t added = fields_within(new, p.new_count, (const char *)copy->data + copy->added);
    g_autofree guint *numbers = number_fields(old, count);
    p.new = new;
    p.numbers = numbers;
    p.become = g_new0(const struct header *, count + 1);
    p.placed = g_new0(bool, p.new_count + 1);
    keep_equal(&p, added);
    pair_changed(&p, added);
    g_variant_builder_init(&b, G_VARIANT_TYPE(MILTER_EDITS_TYPE));
    write_plan(&p, &b, added);
    GVariant *edits = g_variant_builder_end(&b);
    if (p.edits > MILTER_EDITS_MAX) {
        g_variant_unref(g_variant_ref_sink(edits));
        edits = NULL;
    }
    g_free(p.placed);
    g_free((gpointer)p.become);
    return edits;
}

size_t milter_edits_body(const void *data, size_t len)
{
    if (len >= 2 && memcmp(data, "\r\n", 2) == 0)
        return 2;
    const char *end = memmem(data, len, "\r\n\r\n", 4);
    return end ? (size_t)(end + 4 - (const char *)data) : len;
}

bool milter_edits_fields(const void *data, size_t len, struct limits_met *met, struct header **fields_r,
                         size_t *count_r)
{
    struct header *fields = message_scan_headers(data, len, met, count_r);
    const struct header *last = *count_r ? &fields[*count_r - 1] : NULL;
    const size_t end = last ? (size_t)(last->start + last->len - (const char *)data) : 0;
    const bool whole = end + 2 == milter_edits_body(data, len);
    if (!whole)
        g_clear_pointer(&fields, g_free);
    *fields_r = fields;
    return whole;
}

void milter_edits_pad(struct bytes *pad, size_t old_len, size_t new_len)
{
    char line[BLANKS + 2];
    const size_t enough = old_len + old_len / 64 + 64;
    memset(line, ' ', BLANKS);
    memcpy(line + BLANKS, "\r\n", 2);
    while (new_len + pad->len < enough)
        bytes_add(pad, line, sizeof line);
}
