/* Parses DMARC records. Called by dmarc.c; the words of policies also by authres.c, evidence.c and filterctl. */
#include "rules/auth/dmarc_record.h"

#include <glib.h>
#include <string.h>

#include "rules/auth/taglist.h"

const char *dmarc_policy_word(enum dmarc_policy policy)
{
    static const char *const words[] = {"none", "quarantine", "reject"};
    return words[policy];
}

/* Only "DMARC1" is compared case-sensitively (RFC 7489 section 6.3). */
bool dmarc_record_is(const char *text, size_t len)
{
    const char *end = memchr(text, ';', len);
    struct taglist *t = taglist_new(text, end ? (size_t)(end - text) : len);
    const char *version = t ? taglist_get(t, "v") : NULL;
    bool is = version && strcmp(version, "DMARC1") == 0;
    taglist_free(&t);
    return is;
}

static bool take_policy(const char *value, enum dmarc_policy *policy_r)
{
    for (int p = DMARC_POLICY_NONE; p <= DMARC_POLICY_REJECT; p++) {
        if (g_ascii_strcasecmp(value, dmarc_policy_word((enum dmarc_policy)p)) == 0) {
            *policy_r = (enum dmarc_policy)p;
            return true;
        }
    }
    return false;
}

static bool take_policies(const struct taglist *t, struct dmarc_record *r)
{
    const char *p = taglist_get(t, "p"), *sp = taglist_get(t, "sp");
    if (!p || !take_policy(p, &r->policy))
        return false;
    r->subdomain = r->policy;
    return !sp || take_policy(sp, &r->subdomain);
}

static bool has_report_address(const struct taglist *t)
{
    const char *rua = taglist_get(t, "rua");
    char **uris = g_strsplit(rua ? rua : "", ",", 0);
    bool found = false;
    for (char **uri = uris; *uri && !found; uri++) {
        g_autofree char *scheme = g_uri_parse_scheme(g_strstrip(*uri));
        found = scheme && (*uri)[strlen(scheme) + 1];
    }
    g_strfreev(uris);
    return found;
}

static bool is_strict(const char *value)
{
    return value && g_ascii_strcasecmp(value, "s") == 0;
}

static int percent_of(const char *value)
{
    guint64 n;
    bool fine =
        value && strlen(value) <= 3 && g_ascii_string_to_unsigned(value, 10, 0, 100, &n, NULL);
    return fine ? (int)n : 100;
}

bool dmarc_record_parse(const char *text, size_t len, struct dmarc_record *record_r)
{
    struct taglist *t = dmarc_record_is(text, len) ? taglist_new(text, len) : NULL;
    if (!t)
        return false;
    memset(record_r, 0, sizeof *record_r);
    bool usable = take_policies(t, record_r);
    if (!usable && has_report_address(t)) {
        record_r->policy = record_r->subdomain = DMARC_POLICY_NONE;
        usable = true;
    }
    record_r->strict_dkim = is_strict(taglist_get(t, "adkim"));
    record_r->strict_spf = is_strict(taglist_get(t, "aspf"));
    record_r->percent = percent_of(taglist_get(t, "pct"));
    taglist_free(&t);
    return usable;
}
