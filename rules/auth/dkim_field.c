/* Parses DKIM-Signature fields. Called by dkim.c. */
#include "rules/auth/dkim_field.h"

#include <glib.h>
#include <string.h>

#include "base/config/limits.h"
#include "rules/auth/taglist.h"

/* How much of h= fits into a buffer of libopendkim, which silently cuts off the rest. */
#define SIGNED_NAMES_MAX_BYTES 4000

/* Copies a DNS name in lower case. False if it is no DNS name or does not fit. */
static bool take_name(char *out, size_t size, const char *value)
{
    if (!value || !*value || strlen(value) >= size || *value == '.' || strstr(value, ".."))
        return false;
    for (; *value; value++) {
        if (!g_ascii_isalnum(*value) && !strchr("-_.", *value))
            return false;
        *out++ = g_ascii_tolower(*value);
    }
    *out = 0;
    return out[-1] != '.';
}

/* Copies at most size - 1 characters and leaves out blanks. */
static void take_text(char *out, size_t size, const char *value)
{
    for (; *value && size > 1; value++) {
        if (g_ascii_isgraph(*value)) {
            *out++ = *value;
            size--;
        }
    }
    *out = 0;
}

static bool take_length(struct dkim_field *f, const char *value)
{
    if (!value)
        return true;
    f->has_length = true;
    /* Limited to signed 64 bits: libopendkim would take more for a negative length and treat the whole body as
     * signed. */
    return g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT64, &f->length, NULL);
}

/* Strictly a number: libopendkim accepts "12 or so" as a time, and goes on with a signature it has rejected. */
static bool is_time(const char *value)
{
    return !value || g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT64, NULL, NULL);
}

static bool take_canonicalization(struct dkim_field *f, const char *value)
{
    static const char *const known[] = {"simple",         "relaxed",        "simple/simple",
                                        "simple/relaxed", "relaxed/simple", "relaxed/relaxed"};
    if (!value)
        return true;
    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        if (g_ascii_strcasecmp(value, known[i]) == 0) {
            f->relaxed_body = g_str_has_suffix(known[i], "/relaxed");
            return true;
        }
    }
    return false;
}

static bool take_algorithm(struct dkim_field *f, const char *value)
{
    if (!value)
        return false;
    take_text(f->signature.algorithm, sizeof f->signature.algorithm, value);
    f->sha1 = g_ascii_strcasecmp(value, "rsa-sha1") == 0;
    return f->sha1 || g_ascii_strcasecmp(value, "rsa-sha256") == 0 ||
           g_ascii_strcasecmp(value, "ed25519-sha256") == 0;
}

/* Parses i=, "[local-part]@domain"; the domain must be d= or a subdomain of it (RFC 6376 section 3.5). */
static bool take_identity(struct dkim_field *f, const char *value)
{
    if (!value)
        return true;
    take_text(f->signature.identity, sizeof f->signature.identity, value);
    const char *at = strrchr(value, '@'), *domain = f->signature.domain;
    if (!at)
        return false;
    size_t have = strlen(at + 1), want = strlen(domain);
    return have >= want && g_ascii_strcasecmp(at + 1 + have - want, domain) == 0 &&
           (have == want || at[have - want] == '.');
}

/* Reads all tags. NULL, or what is wrong. */
static const char *take_tags(struct dkim_field *f, const struct taglist *t)
{
    struct dkim_signature *s = &f->signature;
    const char *b = taglist_get(t, "b"), *h = taglist_get(t, "h"), *v = taglist_get(t, "v");
    if (b)
        take_text(s->b, sizeof s->b, b);
    bool algorithm = take_algorithm(f, taglist_get(t, "a"));
    if (!take_name(s->selector, sizeof s->selector, taglist_get(t, "s")))
        return "no selector";
    if (!take_name(s->domain, sizeof s->domain, taglist_get(t, "d")))
        return "no domain";
    if (!take_identity(f, taglist_get(t, "i")))
        return "identity not in the domain";
    if (!v || strcmp(v, "1") != 0)
        return "unknown version";
    if (!algorithm)
        return "unknown algorithm";
    if (!take_canonicalization(f, taglist_get(t, "c")))
        return "unknown canonicalization";
    if (!take_length(f, taglist_get(t, "l")))
        return "l= is no length";
    if (!is_time(taglist_get(t, "t")) || !is_time(taglist_get(t, "x")))
        return "t= or x= is no time";
    if (!b || !*b || !h || !*h || !taglist_get(t, "bh"))
        return "a tag is missing";
    if (strlen(h) > SIGNED_NAMES_MAX_BYTES)
        return "too many signed fields";
    return NULL;
}

static void read_field(struct dkim_field *f)
{
    struct taglist *t = taglist_new(f->header->value, f->header->value_len);
    const char *wrong = t ? take_tags(f, t) : "syntax error";
    taglist_free(&t);
    struct dkim_signature *s = &f->signature;
    if (!wrong &&
        g_snprintf(f->key, sizeof f->key, "%s._domainkey.%s", s->selector, s->domain) > 253)
        wrong = "names too long";
    f->usable = !wrong;
    if (!wrong)
        return;
    *f->key = 0;
    s->code = DKIM_CODE_NEUTRAL;
    g_strlcpy(s->reason, wrong, sizeof s->reason);
}

GArray *dkim_field_list(const struct header *headers, size_t count, struct limits_met *met)
{
    GArray *fields = g_array_new(FALSE, TRUE, sizeof(struct dkim_field));
    for (size_t i = 0; i < count; i++) {
        if (!header_is(&headers[i], "DKIM-Signature"))
            continue;
        if (headers[i].len > DKIM_FIELD_MAX_BYTES || fields->len >= limits_get()->signatures) {
            limits_note(met, LIMITS_SIGNATURES);
            continue;
        }
        struct dkim_field f = {.header = &headers[i]};
        read_field(&f);
        g_array_append_val(fields, f);
    }
    return fields;
}
