#include "filterd/pipeline/preferences.h"

#include <stdbool.h>
#include <string.h>

#include "base/config/settings.h"
#include "base/config/users.h"
#include "rules/evidence.h"
#include "rules/sender.h"

/* The first of the users who set it; NULL if none did. g_free. */
static char *setting(struct service *sv, const GPtrArray *users, const char *name)
{
    char *value = NULL;
    for (guint i = 0; i < users->len && !value; i++)
        value = users_setting(sv->users, users->pdata[i], name);
    return value;
}

static enum spam_action action_of(const char *word, enum spam_action otherwise)
{
    static const char *const words[] = {[SPAM_TAG] = "tag", [SPAM_QUARANTINE] = "quarantine",
                                        [SPAM_REJECT] = "reject", [SPAM_DISCARD] = "discard"};
    for (size_t i = 0; word && i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i], word) == 0)
            return (enum spam_action)i;
    return otherwise;
}

/* A copy for several users is refused, discarded or moved away only if all of them want it so: one
 * user's wish never takes another's mail. */
static enum spam_action common_action(struct service *sv, const GPtrArray *users)
{
    enum spam_action common = sv->settings->spam_action;
    for (guint i = 0; i < users->len; i++) {
        char *word = users_setting(sv->users, users->pdata[i], "spam_action");
        const enum spam_action action = action_of(word, sv->settings->spam_action);
        g_free(word);
        if (i > 0 && action != common)
            return SPAM_TAG;
        common = action;
    }
    return common;
}

static char **list_of(struct service *sv, const GPtrArray *users, const char *name)
{
    char *value = setting(sv, users, name);
    char **entries = value ? g_strsplit_set(value, " ,\t", -1) : NULL;
    g_free(value);
    return entries;
}

struct preferences preferences_of(struct service *sv, const GPtrArray *users)
{
    const struct settings *s = sv->settings;
    users_hold(sv->users);
    char *threshold = setting(sv, users, "spam_threshold");
    struct preferences p = {.spam_threshold = s->spam_threshold,
                            .unsure_threshold = s->unsure_threshold,
                            .action = common_action(sv, users),
                            .allow = list_of(sv, users, "allow"),
                            .deny = list_of(sv, users, "deny"),
                            .site_allow = s->allow,
                            .site_deny = s->deny};
    users_release(sv->users);
    if (threshold)
        p.spam_threshold = g_ascii_strtod(threshold, NULL);
    p.unsure_threshold = MIN(p.unsure_threshold, p.spam_threshold);
    /* A quarantine needs its address, which only the settings have. */
    if (p.action == SPAM_QUARANTINE && !s->quarantine)
        p.action = SPAM_TAG;
    g_free(threshold);
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
