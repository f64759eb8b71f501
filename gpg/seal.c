/* Seals messages: encrypted, or passed with a reason. Called by the pipeline, by sessions and by the master. */
#include "gpg/seal.h"

#include <stdint.h>
#include <string.h>

#include "base/mail/header.h"
#include "gpg/engine.h"
#include "gpg/engine_text.h"
#include "gpg/keycache.h"
#include "gpg/keyring.h"
#include "gpg/pgpmime.h"
#include "gpg/stray.h"

struct sealer {
    struct keycache *keys;
    gint64 deadline;
};

struct sealed {
    struct bytes bytes;
    size_t added;
    const char *mark;
};

bool sealer_prepare(const char *state_dir, char **error_r)
{
    return engine_prepare(state_dir, error_r);
}

bool sealer_left_stray(void)
{
    return stray_is_left();
}

struct sealer *sealer_new(const char *state_dir)
{
    struct sealer *s = g_new0(struct sealer, 1);
    s->keys = keycache_new(state_dir);
    return s;
}

void sealer_free(struct sealer **s)
{
    if (!*s)
        return;
    keycache_free(&(*s)->keys);
    g_clear_pointer(s, g_free);
}

void sealer_set_deadline(struct sealer *s, gint64 deadline)
{
    s->deadline = deadline;
}

static char *first_good_fingerprint(const struct cached_keys *cached)
{
    int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    const struct key_info *k = g_ptr_array_index(cached->keys, 0);
    for (guint i = 0; i < cached->keys->len; i++) {
        const struct key_info *other = g_ptr_array_index(cached->keys, i);
        if (!key_info_trouble(other, now)) {
            k = other;
            break;
        }
    }
    return g_strdup(k->fingerprint);
}

enum key_state sealer_key(struct sealer *s, const char *user, char **fingerprint_r,
                          char **reason_r)
{
    const struct cached_keys *cached = NULL;
    if (fingerprint_r)
        *fingerprint_r = NULL;
    if (reason_r)
        *reason_r = NULL;
    enum key_state state = keycache_get(s->keys, user, &cached, NULL, reason_r);
    if (fingerprint_r && cached)
        *fingerprint_r = first_good_fingerprint(cached);
    return state;
}

bool sealer_opens(struct sealer *s, const char *user, const struct encrypted *e)
{
    const struct cached_keys *cached = NULL;
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(guint64));
    keycache_get(s->keys, user, &cached, NULL, NULL);
    for (guint i = 0; cached && i < cached->keys->len; i++) {
        const struct key_info *k = g_ptr_array_index(cached->keys, i);
        g_array_append_vals(ids, k->ids->data, k->ids->len);
    }
    const bool opens = encrypted_is_for(e, ids);
    g_array_unref(ids);
    return opens;
}

bool seal_is_encrypted(const struct message *m)
{
    struct encrypted *e = encrypted_new(m);
    const bool is = e != NULL;
    encrypted_free(&e);
    return is;
}

/* Appends the key files of all users to files, each once, and returns the home of one of them. NULL if any user
 * has no usable key. */
static char *collect(struct sealer *s, GPtrArray *users, GPtrArray *files, char **error_r)
{
    g_autofree char *home = NULL;
    if (!users->len) {
        *error_r = g_strdup("nobody to seal for");
        return NULL;
    }
    for (guint i = 0; i < users->len; i++) {
        const char *user = g_ptr_array_index(users, i);
        const struct cached_keys *cached = NULL;
        g_autofree char *reason = NULL;
        if (keycache_get(s->keys, user, &cached, files, &reason) != KEY_GOOD) {
            *error_r = g_strdup_printf("%s: %s", user, reason ? reason : "no good key");
            return NULL;
        }
        if (i == 0)
            home = g_strdup(cached->home);
    }
    return g_steal_pointer(&home);
}

struct sealed *seal_message(struct sealer *s, const struct message *m, const struct outside *o,
                            GPtrArray *users, char **error_r)
{
    struct pgpmime layout;
    struct bytes head = {0};
    GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
    struct sealed *sealed = g_new0(struct sealed, 1);
    sealed->mark = "yes";
    sealed->added = o->added.len;
    *error_r = NULL;
    g_autofree char *home = collect(s, users, files, error_r);
    bool ok = home != NULL;
    if (ok) {
        pgpmime_payload_head(m, &head);
        pgpmime_open(&layout, m, o, &sealed->bytes);
        const struct engine_text text = {
            {head.data, m->body}, {head.len, m->body_len}, s->deadline};
        ok = engine_encrypt(home, &text, files, &sealed->bytes, error_r);
        pgpmime_close(&layout, &sealed->bytes);
    }
    bytes_free(&head);
    g_ptr_array_unref(files);
    if (!ok)
        sealed_free(&sealed);
    return sealed;
}

struct sealed *seal_pass(const struct message *m, const struct outside *o, enum pass_reason reason)
{
    struct sealed *sealed = g_new0(struct sealed, 1);
    struct bytes *out = &sealed->bytes;
    sealed->mark = reason == PASS_ALREADY_ENCRYPTED ? "already" : "no";
    sealed->added = o->added.len;
    bytes_reserve(out, m->len + sealed->added + 2);
    bytes_add(out, o->added.data, o->added.len);
    for (size_t i = 0; i < m->header_count; i++) {
        const struct header *h = &m->headers[i];
        if (outside_has(o, h))
            bytes_add(out, h->start, h->len);
    }
    if (out->len && out->data[out->len - 1] != '\n')
        bytes_adds(out, "\r\n");
    bytes_adds(out, "\r\n");
    bytes_add(out, m->body, m->body_len);
    return sealed;
}

void sealed_free(struct sealed **s)
{
    if (!*s)
        return;
    bytes_free(&(*s)->bytes);
    g_clear_pointer(s, g_free);
}

void sealed_prepend(struct sealed *s, const char *field)
{
    const size_t n = strlen(field);
    bytes_reserve(&s->bytes, n);
    memmove(s->bytes.data + n, s->bytes.data, s->bytes.len + 1);
    memcpy(s->bytes.data, field, n);
    s->bytes.len += n;
    s->added += n;
}

const struct bytes *sealed_bytes(const struct sealed *s)
{
    return &s->bytes;
}

size_t sealed_added(const struct sealed *s)
{
    return s->added;
}

const char *sealed_mark(const struct sealed *s)
{
    return s->mark;
}
