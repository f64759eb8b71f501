#include "filterd/pipeline/preferences.h"

#include <string.h>

#include "base/config/user_settings.h"
#include "rules/sender.h"

/* Each user's settings, beside users: array of struct user_settings. NULL if they cannot be read. */
static GArray *settings_of(struct service *sv, const GPtrArray *users)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(struct user_settings));
    bool ok = true;
    g_array_set_clear_func(all, (GDestroyNotify)user_settings_clear);
    users_hold(sv->users);
    for (guint i = 0; i < users->len && ok; i++) {
        struct user_settings one = user_settings_of(sv->settings);
        ok = users_settings(sv->users, users->pdata[i], &one);
        g_array_append_val(all, one);
    }
    users_release(sv->users);
    if (!ok)
        g_clear_pointer(&all, g_array_unref);
    return all;
}

/* The first of the users who set it; NULL if none did. */
static struct user_settings *who_said(const GArray *all, enum user_setting which)
{
    for (guint i = 0; i < all->len; i++)
        if (user_settings_has(&g_array_index(all, struct user_settings, i), which))
            return &g_array_index(all, struct user_settings, i);
    return NULL;
}

/* A copy for several users is refused, discarded or moved away only if all of them want it so: one
 * user's wish never takes another's mail. */
static enum spam_action common_action(const GArray *all, enum spam_action sites)
{
    enum spam_action common = sites;
    for (guint i = 0; i < all->len; i++) {
        const enum spam_action action = g_array_index(all, struct user_settings, i).spam_action;
        if (i > 0 && action != common)
            return SPAM_TAG;
        common = action;
    }
    return common;
}

static void take_said(struct preferences *p, const GArray *all)
{
    struct user_settings *threshold = who_said(all, USER_SPAM_THRESHOLD),
                         *allow = who_said(all, USER_ALLOW), *deny = who_said(all, USER_DENY);
    p->action = common_action(all, p->action);
    if (threshold)
        p->spam_threshold = threshold->spam_threshold;
    if (allow)
        p->allow = g_steal_pointer(&allow->allow);
    if (deny)
        p->deny = g_steal_pointer(&deny->deny);
}

struct preferences preferences_of(struct service *sv, const GPtrArray *users)
{
    const struct settings *s = sv->settings;
    GArray *all = settings_of(sv, users);
    struct preferences p = {.spam_threshold = s->spam_threshold,
                            .unsure_threshold = s->unsure_threshold,
                            .action = s->spam_action,
                            .site_allow = s->allow,
                            .site_deny = s->deny};
    if (all) {
        take_said(&p, all);
        g_array_unref(all);
    } else {
        p.action = SPAM_TAG; /* whose wishes are not known loses no mail */
    }
    p.unsure_threshold = MIN(p.unsure_threshold, p.spam_threshold);
    /* A quarantine needs its address, which only the settings have. */
    if (p.action == SPAM_QUARANTINE && !s->quarantine)
        p.action = SPAM_TAG;
    return p;
}

void preferences_clear(struct preferences *p)
{
    g_strfreev(p->allow);
    g_strfreev(p->deny);
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

/* Who is said to have written it, each of them proved or not. */
struct senders {
    const char *from, *envelope;
    bool from_proved, envelope_proved;
};

static enum verdict_word lists_say(char *const *allow, char *const *deny, const struct senders *s)
{
    if (list_has(deny, s->envelope) || list_has(deny, s->from))
        return VERDICT_DENIED;
    if ((s->from_proved && list_has(allow, s->from)) ||
        (s->envelope_proved && list_has(allow, s->envelope)))
        return VERDICT_ALLOWED;
    return VERDICT_BY_SCORE;
}

enum verdict_word preferences_word(const struct preferences *p, const struct verdict_basis *b)
{
    if (evidence_virus(b->evidence))
        return VERDICT_VIRUS;
    char *from = sender_from(b->message);
    struct senders s = {.from = from, .envelope = b->envelope->sender ? b->envelope->sender : ""};
    s.from_proved = evidence_proves(b->evidence, sender_domain(from));
    s.envelope_proved = evidence_proves(b->evidence, sender_domain(s.envelope));
    enum verdict_word word = lists_say(p->allow, p->deny, &s);
    if (word == VERDICT_BY_SCORE)
        word = lists_say(p->site_allow, p->site_deny, &s);
    g_free(from);
    return word;
}
