/* Packs and unpacks the export file. Called by model_store_user.c. */
#include "filterd/keeper/export.h"

#include <gcrypt.h>
#include <string.h>

#include "base/address.h"

#define MAGIC "filterd-export "
#define VERSION "1\n"

enum {
    MAGIC_LEN = sizeof MAGIC - 1,
    HEAD = MAGIC_LEN + sizeof VERSION - 1,
    CHECK = 32,
    HISTORY_MAX = 100 * 1000,
};

struct export *export_new(const char *user)
{
    struct export *e = g_new0(struct export, 1);
    e->user = g_strdup(user);
    e->settings = g_ptr_array_new_with_free_func(g_free);
    e->aliases = g_ptr_array_new_with_free_func(g_free);
    e->history = g_array_new(FALSE, TRUE, sizeof(struct export_record));
    e->learner = g_new0(struct learner, 1);
    return e;
}

void export_free(struct export **e)
{
    if (!*e)
        return;
    g_free((*e)->user);
    g_ptr_array_unref((*e)->settings);
    g_ptr_array_unref((*e)->aliases);
    g_array_unref((*e)->history);
    g_free((*e)->learner);
    g_free(*e);
    *e = NULL;
}

static void check_of(const unsigned char *file, size_t len, const struct sitekey *key,
                     unsigned char check_r[CHECK])
{
    unsigned char own[16];
    gcry_md_hd_t md;
    sitekey_derive(key, "export", "", own);
    if (gcry_md_open(&md, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC) ||
        gcry_md_setkey(md, own, sizeof own))
        g_error("libgcrypt has no HMAC-SHA256");
    gcry_md_write(md, file, HEAD);
    gcry_md_write(md, file + HEAD + CHECK, len - HEAD - CHECK);
    memcpy(check_r, gcry_md_read(md, GCRY_MD_SHA256), CHECK);
    gcry_md_close(md);
    explicit_bzero(own, sizeof own);
}

void export_sign(GByteArray *file, const struct sitekey *key)
{
    unsigned char check[CHECK];
    g_assert(file->len >= HEAD + CHECK);
    check_of(file->data, file->len, key, check);
    memcpy(file->data + HEAD, check, CHECK);
}

static bool is_signed(const unsigned char *file, size_t len, const struct sitekey *key)
{
    unsigned char check[CHECK], differ = 0;
    check_of(file, len, key, check);
    for (size_t i = 0; i < CHECK; i++)
        differ |= check[i] ^ file[HEAD + i];
    return differ == 0;
}

/* ---- packing ---- */

static GVariant *settings_value(const struct export *e)
{
    GVariantBuilder b;
    g_variant_builder_init(&b, G_VARIANT_TYPE("a{ss}"));
    for (guint i = 0; i + 1 < e->settings->len; i += 2)
        g_variant_builder_add(&b, "{ss}", e->settings->pdata[i], e->settings->pdata[i + 1]);
    return g_variant_builder_end(&b);
}

static GVariant *history_value(const struct export *e)
{
    GVariantBuilder b;
    g_variant_builder_init(&b, G_VARIANT_TYPE("a(ssbi)"));
    for (guint i = 0; i < e->history->len; i++) {
        const struct export_record *h = &g_array_index(e->history, struct export_record, i);
        g_variant_builder_add(&b, "(ssbi)", h->day, h->kind, h->spam, h->heard);
    }
    return g_variant_builder_end(&b);
}

static GVariant *value_of(const struct export *e)
{
    const struct learner *l = e->learner;
    GVariant *parts[] = {
        g_variant_new_string(e->user),
        settings_value(e),
        g_variant_new_strv((const char *const *)e->aliases->pdata, (gssize)e->aliases->len),
        history_value(e),
        g_variant_new("(sx)", e->period_day, e->period_learnt),
        g_variant_new("(uuuu)", l->spam, l->ham, l->counted_spam, l->counted_ham),
        g_variant_new_fixed_array(G_VARIANT_TYPE_INT16, l->weights, LEARNER_BUCKETS, 2),
        g_variant_new_fixed_array(G_VARIANT_TYPE_UINT16, l->counts, 2 * LEARNER_BUCKETS, 2),
        g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, l->touched, sizeof l->touched, 1),
    };
    return g_variant_new_tuple(parts, G_N_ELEMENTS(parts));
}

/* Converts to or from little endian; takes over the reference to value. */
static GVariant *turn(GVariant *value)
{
    if (G_BYTE_ORDER == G_LITTLE_ENDIAN)
        return value;
    GVariant *turned = g_variant_byteswap(value);
    g_variant_unref(value);
    return turned;
}

GByteArray *export_pack(const struct export *e, const struct sitekey *key)
{
    static const unsigned char no_check[CHECK] = {0};
    GVariant *value = turn(g_variant_ref_sink(value_of(e)));
    GByteArray *file = g_byte_array_new();
    g_byte_array_append(file, (const guint8 *)MAGIC VERSION, HEAD);
    g_byte_array_append(file, no_check, CHECK);
    g_byte_array_append(file, g_variant_get_data(value), (guint)g_variant_get_size(value));
    export_sign(file, key);
    g_variant_unref(value);
    return file;
}

/* ---- unpacking ---- */

static bool is_day(const char *text)
{
    static const char shape[] = "0000-00-00";
    for (size_t i = 0; i < sizeof shape; i++)
        if (shape[i] == '0' ? !g_ascii_isdigit(text[i]) : text[i] != shape[i])
            return false;
    return true;
}

static bool is_address(const char *text)
{
    g_autofree char *canonical = address_canonical(text);
    const bool is = g_strcmp0(canonical, text) == 0;
    return is;
}

static bool take_settings(struct export *e, GVariant *value)
{
    GVariantIter it;
    char *name, *text;
    g_variant_iter_init(&it, value);
    while (g_variant_iter_next(&it, "{ss}", &name, &text)) {
        g_ptr_array_add(e->settings, name);
        g_ptr_array_add(e->settings, text);
    }
    return true; /* settings are checked when they are written to users.db */
}

static bool take_aliases(struct export *e, GVariant *value)
{
    GVariantIter it;
    char *address;
    bool ok = true;
    g_variant_iter_init(&it, value);
    while (g_variant_iter_next(&it, "s", &address)) {
        ok = ok && is_address(address);
        g_ptr_array_add(e->aliases, address);
    }
    return ok;
}

static bool take_history(struct export *e, GVariant *value)
{
    GVariantIter it;
    const char *day, *kind;
    gboolean spam;
    gint32 heard;
    if (g_variant_n_children(value) > HISTORY_MAX)
        return false;
    g_variant_iter_init(&it, value);
    while (g_variant_iter_next(&it, "(&s&sbi)", &day, &kind, &spam, &heard)) {
        struct export_record h = {.spam = spam, .heard = heard};
        const bool ok = is_day(day) && g_strlcpy(h.kind, kind, sizeof h.kind) < sizeof h.kind;
        if (!ok)
            return false;
        g_strlcpy(h.day, day, sizeof h.day);
        g_array_append_val(e->history, h);
    }
    return true;
}

static bool take_period(struct export *e, GVariant *value)
{
    const char *day;
    g_variant_get(value, "(&sx)", &day, &e->period_learnt);
    g_strlcpy(e->period_day, day, sizeof e->period_day);
    return !*day || is_day(day);
}

static bool take_array(GVariant *value, void *to, size_t bytes, size_t each)
{
    gsize count;
    const void *data = g_variant_get_fixed_array(value, &count, each);
    if (count != bytes / each)
        return false;
    memcpy(to, data, bytes);
    return true;
}

static bool take_parts(struct export *e, GVariant *const parts[9])
{
    struct learner *l = e->learner;
    g_variant_get(parts[5], "(uuuu)", &l->spam, &l->ham, &l->counted_spam, &l->counted_ham);
    return is_address(e->user) && take_settings(e, parts[1]) && take_aliases(e, parts[2]) &&
           take_history(e, parts[3]) && take_period(e, parts[4]) &&
           take_array(parts[6], l->weights, sizeof l->weights, 2) &&
           take_array(parts[7], l->counts, sizeof l->counts, 2) &&
           take_array(parts[8], l->touched, sizeof l->touched, 1);
}

/* NULL if a part is malformed or inconsistent. */
static struct export *from_value(GVariant *value)
{
    GVariant *parts[9];
    if (!g_variant_is_normal_form(value))
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        parts[i] = g_variant_get_child_value(value, i);
    struct export *e = export_new(g_variant_get_string(parts[0], NULL));
    if (!take_parts(e, parts))
        export_free(&e);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        g_variant_unref(parts[i]);
    return e;
}

struct export *export_unpack(const void *data, size_t len, const struct sitekey *key,
                             char **error_r)
{
    const unsigned char *file = data;
    const char *wrong = NULL;
    if (len < HEAD + CHECK || len > EXPORT_MAX_BYTES || memcmp(file, MAGIC, MAGIC_LEN) != 0)
        wrong = "this is no export of a user";
    else if (memcmp(file + MAGIC_LEN, VERSION, HEAD - MAGIC_LEN) != 0)
        wrong = "this export is of a version that is not known here";
    else if (!is_signed(file, len, key))
        wrong = "this export is damaged, forged, or of a site with another key";
    struct export *e = NULL;
    if (!wrong) {
        void *copy = g_memdup2(file + HEAD + CHECK, len - HEAD - CHECK); /* GVariant needs aligned data */
        GVariant *value = g_variant_new_from_data(G_VARIANT_TYPE(EXPORT_TYPE), copy,
                                                  len - HEAD - CHECK, FALSE, g_free, copy);
        value = turn(g_variant_ref_sink(value));
        e = from_value(value);
        g_variant_unref(value);
        wrong = "what this export holds makes no sense";
    }
    if (!e)
        *error_r = g_strdup(wrong);
    return e;
}
