/* Combines users' and site's spam settings. Called by verdict.c. */
#include "filterd/pipeline/preferences.h"

#include <stdbool.h>
#include <string.h>

#include "base/address.h"
#include "base/config/settings.h"
#include "base/config/user_settings.h"
#include "rules/evidence.h"
#include "rules/sender.h"

static const struct user_settings *at(const GArray *all, guint i)
{
    return &g_array_index(all, struct user_settings, i);
}

/* The settings of the first user who set this one; NULL if none did. */
static const struct user_settings *who_said(const GArray *all, enum user_setting which)
{
    for (guint i = 0; i < all->len; i++)
        if (user_settings_has(at(all, i), which))
            return at(all, i);
    return NULL;
}

/* A copy for several users is refused, discarded or moved only if all of them want that: one user's setting
 * never costs another their mail. */
static enum spam_action common_action(const GArray *all, enum spam_action sites)
{
    enum spam_action common = sites;
    for (guint i = 0; i < all->len; i++) {
        if (i > 0 && at(all, i)->spam_action != common)
            return SPAM_TAG;
        common = at(all, i)->spam_action;
    }
    return common;
}

struct preferences preferences_of(const struct settings *site, const GArray *all)
{
    const struct user_settings *threshold = who_said(all, USER_SPAM_THRESHOLD);
    const struct user_settings *allow = who_said(all, USER_ALLOW), *deny = who_said(all, USER_DENY);
    struct preferences p = {
        .spam_threshold = threshold ? threshold->spam_threshold : site->spam_threshold,
        .unsure_threshold = site->unsure_threshold,
        .action = common_action(all, site->spam_action),
        .allow = allow ? allow->allow : NULL,
        .deny = deny ? deny->deny : NULL,
        .site_allow = site->allow,
        .site_deny = site->deny,
        .own = site->domains};
    p.unsure_threshold = MIN(p.unsure_threshold, p.spam_threshold);
    /* Only the site's settings can name the quarantine's address; without one, tag. */
    if (p.action == SPAM_QUARANTINE && !site->quarantine)
        p.action = SPAM_TAG;
    return p;
}

/* An entry is an address, a domain, or .domain for all below it. */
static bool entry_matches(const char *entry, const char *address)
{
    const char *domain = sender_domain(address);
    if (strchr(entry, '@') && entry[0] != '@')
        return g_ascii_strcasecmp(entry, address) == 0;
    if (entry[0] == '@')
        entry++;
    if (entry[0] == '.')
        return strlen(domain) > strlen(entry) &&
               g_ascii_strcasecmp(domain + strlen(domain) - strlen(entry), entry) == 0;
    return *domain && g_ascii_strcasecmp(entry, domain) == 0;
}

static bool list_has(char *const *list, const char *address)
{
    for (char *const *e = list; e && *e; e++)
        if (**e && entry_matches(*e, address))
            return true;
    return false;
}

/* The claimed senders, and whether each is authenticated. */
struct senders {
    const char *from, *envelope;
    const GPtrArray *named; /* char*: plain_form of the envelope's sender and of every address in From */
    bool from_proved, envelope_proved;
    bool beyond; /* there may be more named */
};

/* An address or an entry of a list, with a domain as DNS knows it: an IDN as A-labels, without the root's dot.
 * g_free. */
static char *plain_form(const char *text)
{
    const char *at = strrchr(text, '@');
    const size_t local = at ? (size_t)(at - text) + 1 : *text == '.' ? 1 : 0;
    const bool encode = !g_str_is_ascii(text + local) && g_utf8_validate(text + local, -1, NULL);
    g_autofree char *ascii = encode ? g_hostname_to_ascii(text + local) : NULL;
    char *plain = ascii ? g_strdup_printf("%.*s%s", (int)local, text, ascii) : g_strdup(text);
    while (g_str_has_suffix(plain, "."))
        plain[strlen(plain) - 1] = 0;
    return plain;
}

/* Nobody honest hides a sender behind a thousand: whoever denies anybody denies that. */
static bool denies(char *const *list, const struct senders *s)
{
    for (char *const *e = list; e && *e; e++) {
        g_autofree char *entry = plain_form(*e);
        if (*entry && s->beyond)
            return true;
        for (guint i = 0; *entry && i < s->named->len; i++)
            if (entry_matches(entry, s->named->pdata[i]))
                return true;
    }
    return false;
}

static enum verdict_word lists_say(char *const *allow, char *const *deny, const struct senders *s)
{
    if (denies(deny, s))
        return VERDICT_DENIED;
    if ((s->from_proved && list_has(allow, s->from)) ||
        (s->envelope_proved && list_has(allow, s->envelope)))
        return VERDICT_ALLOWED;
    return VERDICT_BY_SCORE;
}

/* Each as it is written, and as an MTA reads it ("a"@b, <@c:a@b>). */
static void add_forms(GPtrArray *named, const char *address)
{
    g_autofree char *meant = address_meant(address);
    g_ptr_array_add(named, plain_form(address));
    if (strcmp(meant, address) != 0)
        g_ptr_array_add(named, plain_form(meant));
}

static GPtrArray *named_by(const struct sender_from *from, const char *envelope)
{
    GPtrArray *named = g_ptr_array_new_with_free_func(g_free);
    add_forms(named, envelope);
    for (guint i = 0; i < from->named->len; i++)
        add_forms(named, from->named->pdata[i]);
    return named;
}

enum verdict_word preferences_word(const struct preferences *p, const struct verdict_basis *b)
{
    if (evidence_virus(b->evidence))
        return VERDICT_VIRUS;
    struct sender_from from = sender_from(b->message, p->own);
    struct senders s = {.from = from.address, .envelope = b->envelope->sender ? b->envelope->sender : ""};
    s.from_proved = from.one && evidence_proves(b->evidence, sender_domain(s.from));
    s.envelope_proved = from.one && evidence_proves(b->evidence, sender_domain(s.envelope));
    s.beyond = from.beyond;
    g_autoptr(GPtrArray) named = named_by(&from, s.envelope);
    s.named = named;
    enum verdict_word word = lists_say(p->allow, p->deny, &s);
    if (word == VERDICT_BY_SCORE)
        word = lists_say(p->site_allow, p->site_deny, &s);
    sender_from_clear(&from);
    return word;
}
