/* Packs and unpacks the keeper's requests and answers. Called by the keeper and by its clients (workers,
 * filterctl, filterd-retrain), so that both ends use the same formats. */
#include "filterd/keeper/keeper_request.h"

#include <stddef.h>
#include <string.h>



enum {
    SIGNATURE_MAX = 64,
    NAME_BYTES = 1024, /* three times the longest address */
    FEATURES_MAX = 32 * 1024,
};

/* ---- the formats ---- */

enum kind { TEXT, NAME, SIGNATURE, CLASS, FLAG, NUMBER, COUNT, SECONDS, TEXTS, BYTES, FEATURES, BATCH };

struct keeper_field {
    const char *name;
    enum kind kind;
    bool optional;
    size_t at; /* offset in the struct */
};

#define WANTED(type, member, kind) {#member, kind, false, offsetof(struct type, member)}
#define OPTIONAL(type, member, kind) {#member, kind, true, offsetof(struct type, member)}
#define FORMAT(which, verb, type, ...)                                               \
    const struct keeper_format keeper_format_##which = {                             \
        verb, sizeof(struct type), (const struct keeper_field[]){__VA_ARGS__, {.name = NULL}}}
#define NOTHING(which, verb) \
    const struct keeper_format keeper_format_##which = {verb, 0, (const struct keeper_field[]){{.name = NULL}}}

NOTHING(ping, "ping");

FORMAT(record, "record", keeper_record,
       WANTED(keeper_record, user, NAME),
       WANTED(keeper_record, signature, SIGNATURE),
       WANTED(keeper_record, class, NAME),
       WANTED(keeper_record, features, FEATURES),
       OPTIONAL(keeper_record, score, NUMBER),
       OPTIONAL(keeper_record, rules, NUMBER),
       OPTIONAL(keeper_record, known_sender, NAME),
       OPTIONAL(keeper_record, named, FLAG));

FORMAT(confirm, "confirm", keeper_confirm,
       WANTED(keeper_confirm, user, NAME),
       WANTED(keeper_confirm, signature, SIGNATURE),
       OPTIONAL(keeper_confirm, mailbox, FLAG));

FORMAT(retrain, "retrain", keeper_retrain,
       WANTED(keeper_retrain, login, NAME),
       WANTED(keeper_retrain, class, CLASS),
       WANTED(keeper_retrain, signature, SIGNATURE));

FORMAT(learn, "learn", keeper_learn,
       WANTED(keeper_learn, user, NAME),
       WANTED(keeper_learn, class, CLASS),
       WANTED(keeper_learn, signature, SIGNATURE),
       WANTED(keeper_learn, features, FEATURES));

FORMAT(train, "train", keeper_train,
       WANTED(keeper_train, user, NAME),
       WANTED(keeper_train, class, CLASS),
       OPTIONAL(keeper_train, features, FEATURES),
       OPTIONAL(keeper_train, batch, BATCH));

FORMAT(alias_add, "alias-add", keeper_alias_add,
       WANTED(keeper_alias_add, address, NAME),
       WANTED(keeper_alias_add, user, NAME));

FORMAT(alias_set, "alias-set", keeper_alias_set,
       WANTED(keeper_alias_set, address, NAME),
       WANTED(keeper_alias_set, users, TEXTS));

FORMAT(alias_remove, "alias-remove", keeper_alias_remove,
       WANTED(keeper_alias_remove, address, NAME));

FORMAT(user_set, "user-set", keeper_user_set,
       WANTED(keeper_user_set, user, NAME),
       WANTED(keeper_user_set, name, NAME),
       OPTIONAL(keeper_user_set, value, TEXT));

FORMAT(key_note, "key-note", keeper_key_note,
       WANTED(keeper_key_note, user, NAME),
       WANTED(keeper_key_note, state, NAME));

FORMAT(user_remove, "user-remove", keeper_user_remove,
       WANTED(keeper_user_remove, user, NAME));

FORMAT(user_export, "user-export", keeper_user_export,
       WANTED(keeper_user_export, user, NAME));

FORMAT(user_import, "user-import", keeper_user_import,
       WANTED(keeper_user_import, user, NAME),
       WANTED(keeper_user_import, file, BYTES));

FORMAT(greylist, "greylist", greylist_triplet,
       WANTED(greylist_triplet, address, TEXT),
       WANTED(greylist_triplet, sender, TEXT),
       WANTED(greylist_triplet, recipient, TEXT),
       {"domain", TEXT, true, offsetof(struct greylist_triplet, proved_domain)});

#define DIGESTS WANTED(keeper_digests, digests, BYTES)
FORMAT(spent_known, "proof-known", keeper_digests, DIGESTS);
FORMAT(spent, "proof-spent", keeper_digests, DIGESTS);
#define ATTEMPT WANTED(keeper_delivered, attempt, BYTES)
#define COPIES ATTEMPT, WANTED(keeper_delivered, copies, BYTES), WANTED(keeper_delivered, origins, BYTES)
FORMAT(delivered_known, "retry-known", keeper_delivered, COPIES);
FORMAT(delivered, "retry-served", keeper_delivered, COPIES);
FORMAT(delivered_forget, "retry-forget", keeper_delivered, ATTEMPT);
FORMAT(delivered_failed, "retry-failed", keeper_delivered, COPIES);

FORMAT(learn_text, "learn", keeper_retrain,
       WANTED(keeper_retrain, login, NAME),
       WANTED(keeper_retrain, class, CLASS));

NOTHING(nothing, "");
FORMAT(trained, "train", keeper_trained, WANTED(keeper_trained, right, COUNT));
FORMAT(exported, "user-export", keeper_exported, OPTIONAL(keeper_exported, file, BYTES));
FORMAT(wait, "greylist", keeper_wait, WANTED(keeper_wait, wait, SECONDS));
FORMAT(known, "retry-known", keeper_known, OPTIONAL(keeper_known, known, BYTES));

/* ---- each kind of member: pack_ returns NULL to leave it out, take_ unpacks it ---- */

static GVariant *pack_text(const void *member)
{
    const char *text = *(const char *const *)member;
    return text ? g_variant_new_string(text) : NULL;
}

static bool take_text(GVariant *value, void *member)
{
    *(const char **)member = g_variant_get_string(value, NULL);
    return true;
}

static bool take_name(GVariant *value, void *member)
{
    return take_text(value, member) && **(const char **)member && strlen(*(const char **)member) <= NAME_BYTES;
}

static bool take_signature(GVariant *value, void *member)
{
    gsize len;
    const char *signature = g_variant_get_string(value, &len);
    for (gsize i = 0; i < len; i++)
        if (!g_ascii_isalnum(signature[i]))
            return false;
    *(const char **)member = signature;
    return len > 0 && len <= SIGNATURE_MAX;
}

/* People and dspam's programs also say "innocent" for ham. */
static bool take_class(GVariant *value, void *member)
{
    static const char *const words[][2] = {{"spam", "spam"}, {"ham", "ham"}, {"innocent", "ham"}};
    const char *said = g_variant_get_string(value, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_ascii_strcasecmp(said, words[i][0]))
            continue;
        *(const char **)member = words[i][1];
        return true;
    }
    return false;
}

static GVariant *pack_flag(const void *member)
{
    return *(const gboolean *)member ? g_variant_new_boolean(TRUE) : NULL;
}

static bool take_flag(GVariant *value, void *member)
{
    *(gboolean *)member = g_variant_get_boolean(value);
    return true;
}

static GVariant *pack_number(const void *member)
{
    return g_variant_new_double(*(const double *)member);
}

static bool take_number(GVariant *value, void *member)
{
    *(double *)member = g_variant_get_double(value);
    return true;
}

static GVariant *pack_count(const void *member)
{
    return g_variant_new_uint32(*(const guint32 *)member);
}

static bool take_count(GVariant *value, void *member)
{
    *(guint32 *)member = g_variant_get_uint32(value);
    return true;
}

static GVariant *pack_seconds(const void *member)
{
    return g_variant_new_int32(*(const gint32 *)member);
}

static bool take_seconds(GVariant *value, void *member)
{
    *(gint32 *)member = g_variant_get_int32(value);
    return true;
}

static GVariant *pack_texts(const void *member)
{
    char *const *texts = *(char *const *const *)member;
    return texts ? g_variant_new_strv((const char *const *)texts, -1) : NULL;
}

static bool take_texts(GVariant *value, void *member)
{
    char **texts = g_variant_dup_strv(value, NULL);
    *(char ***)member = texts;
    return *texts != NULL;
}

static void clear_texts(void *member)
{
    g_clear_pointer((char ***)member, g_strfreev);
}

static GVariant *pack_bytes(const void *member)
{
    GBytes *bytes = *(GBytes *const *)member;
    return bytes ? g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, bytes, TRUE) : NULL;
}

static bool take_bytes(GVariant *value, void *member)
{
    *(GBytes **)member = g_variant_get_data_as_bytes(value);
    return true;
}

static void clear_bytes(void *member)
{
    g_clear_pointer((GBytes **)member, g_bytes_unref);
}

static GVariant *features_value(const GArray *features)
{
    return g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, features->data, features->len,
                                     sizeof(guint32));
}

static GArray *features_of(GVariant *value)
{
    gsize count;
    const guint32 *data = g_variant_get_fixed_array(value, &count, sizeof(guint32));
    if (count > FEATURES_MAX)
        return NULL;
    GArray *features = g_array_sized_new(FALSE, FALSE, sizeof(guint32), (guint)count + 1);
    if (count > 0)
        g_array_append_vals(features, data, (guint)count);
    return features;
}

static GVariant *pack_features(const void *member)
{
    const GArray *features = *(GArray *const *)member;
    return features ? features_value(features) : NULL;
}

static bool take_features(GVariant *value, void *member)
{
    return (*(GArray **)member = features_of(value)) != NULL;
}

static void clear_features(void *member)
{
    g_clear_pointer((GArray **)member, g_array_unref);
}

static GVariant *pack_batch(const void *member)
{
    const GPtrArray *batch = *(GPtrArray *const *)member;
    GVariantBuilder b;
    if (!batch)
        return NULL;
    g_variant_builder_init(&b, G_VARIANT_TYPE("aau"));
    for (guint i = 0; i < batch->len; i++)
        g_variant_builder_add_value(&b, features_value(batch->pdata[i]));
    return g_variant_builder_end(&b);
}

static bool take_batch(GVariant *value, void *member)
{
    GPtrArray *batch = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    const gsize count = g_variant_n_children(value);
    bool ok = true;
    for (gsize i = 0; i < count && ok; i++) {
        GVariant *one = g_variant_get_child_value(value, i);
        GArray *features = features_of(one);
        g_variant_unref(one);
        if ((ok = features != NULL))
            g_ptr_array_add(batch, features);
    }
    *(GPtrArray **)member = batch;
    return ok;
}

static void clear_batch(void *member)
{
    g_clear_pointer((GPtrArray **)member, g_ptr_array_unref);
}

static const struct {
    const char *type;
    const char *wanted; /* what is expected, for the error text */
    GVariant *(*pack)(const void *member);
    bool (*take)(GVariant *value, void *member);
    void (*clear)(void *member); /* NULL: the struct owns nothing here */
} kinds[] = {
    [TEXT] = {"s", "a text", pack_text, take_text, NULL},
    [NAME] = {"s", "a text, not empty and not too long", pack_text, take_name, NULL},
    [SIGNATURE] = {"s", "a signature of letters and digits", pack_text, take_signature, NULL},
    [CLASS] = {"s", "spam or ham", pack_text, take_class, NULL},
    [FLAG] = {"b", "true or false", pack_flag, take_flag, NULL},
    [NUMBER] = {"d", "a number", pack_number, take_number, NULL},
    [COUNT] = {"u", "a count", pack_count, take_count, NULL},
    [SECONDS] = {"i", "a number of seconds", pack_seconds, take_seconds, NULL},
    [TEXTS] = {"as", "a list of texts that is not empty", pack_texts, take_texts, clear_texts},
    [BYTES] = {"ay", "bytes", pack_bytes, take_bytes, clear_bytes},
    [FEATURES] = {"au", "a list of features, not too long", pack_features, take_features,
                  clear_features},
    [BATCH] = {"aau", "lists of features, not too long", pack_batch, take_batch, clear_batch},
};

/* ---- a whole struct ---- */

GVariant *keeper_format_pack(const struct keeper_format *f, const void *from)
{
    GVariantBuilder b;
    g_variant_builder_init(&b, G_VARIANT_TYPE_VARDICT);
    for (const struct keeper_field *m = f->fields; m->name; m++) {
        GVariant *value = kinds[m->kind].pack((const char *)from + m->at);
        if (value)
            g_variant_builder_add(&b, "{sv}", m->name, value);
    }
    return g_variant_builder_end(&b);
}

/* The dictionary keeps the value alive, so members may be lent from it. */
static bool take_member(const struct keeper_field *m, GVariant *dictionary, void *to)
{
    GVariant *value = g_variant_lookup_value(dictionary, m->name, NULL);
    if (!value)
        return m->optional;
    const bool ok = g_variant_is_of_type(value, G_VARIANT_TYPE(kinds[m->kind].type)) &&
                    kinds[m->kind].take(value, (char *)to + m->at);
    g_variant_unref(value);
    return ok;
}

bool keeper_format_unpack(const struct keeper_format *f, GVariant *dictionary, void *to,
                          char **error_r)
{
    const struct keeper_field *wrong = NULL;
    memset(to, 0, f->bytes);
    for (const struct keeper_field *m = f->fields; m->name; m++)
        if (!take_member(m, dictionary, to) && !wrong)
            wrong = m;
    if (wrong && error_r)
        *error_r = g_strdup_printf("%s: %s is wanted, %s", f->verb, wrong->name,
                                   kinds[wrong->kind].wanted);
    return !wrong;
}

void keeper_format_clear(const struct keeper_format *f, void *unpacked)
{
    for (const struct keeper_field *m = f->fields; m->name; m++)
        if (kinds[m->kind].clear)
            kinds[m->kind].clear((char *)unpacked + m->at);
}
