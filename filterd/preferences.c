#include "filterd/preferences.h"

#include <string.h>

#include "base/address.h"

/* The first of the users who set it; NULL if none did. g_free. */
static char *setting(struct service *sv, const GPtrArray *users, const char *name)
{
    char *value = NULL;
    for (guint i = 0; sv->users && i < users->len && !value; i++)
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

struct preferences preferences_of(struct service *sv, const GPtrArray *users)
{
    const struct settings *s = sv->settings;
    char *threshold = setting(sv, users, "spam_threshold"), *action = setting(sv, users, "spam_action");
    struct preferences p = {s->spam_threshold, s->unsure_threshold,
                            action_of(action, s->spam_action), setting(sv, users, "allow"),
                            setting(sv, users, "deny")};
    if (threshold)
        p.spam_threshold = g_ascii_strtod(threshold, NULL);
    p.unsure_threshold = MIN(p.unsure_threshold, p.spam_threshold);
    /* A quarantine needs its address, which only the settings have. */
    if (p.action == SPAM_QUARANTINE && !s->quarantine)
        p.action = SPAM_TAG;
    g_free(threshold);
    g_free(action);
    return p;
}

void preferences_clear(struct preferences *p)
{
    g_free(p->allow);
    g_free(p->deny);
}

/* The domain of an address; "" if it has none. */
static const char *domain_of(const char *address)
{
    const char *at = strrchr(address, '@');
    return at ? at + 1 : "";
}

/* An entry is an address, a domain, or .domain for all below it. */
static bool entry_matches(const char *entry, const char *address)
{
    const char *domain = domain_of(address);
    if (strchr(entry, '@') && entry[0] != '@')
        return g_ascii_strcasecmp(entry, address) == 0;
    if (entry[0] == '@')
        entry++;
    if (entry[0] == '.')
        return strlen(domain) > strlen(entry) &&
               g_ascii_strcasecmp(domain + strlen(domain) - strlen(entry), entry) == 0;
    return *domain && g_ascii_strcasecmp(entry, domain) == 0;
}

static bool list_has(const char *list, const char *address)
{
    char **entries = g_strsplit_set(list ? list : "", " ,\t", -1);
    bool has = false;
    for (char **e = entries; *e && !has; e++)
        has = **e && entry_matches(*e, address);
    g_strfreev(entries);
    return has;
}

/* The address in From, canonical; "" if it has not exactly one that can be read. g_free. */
static char *from_of(const struct message *m)
{
    const struct header *h = message_header(m, "From");
    char *text = h ? header_text(h) : NULL;
    const char *open = text ? strrchr(text, '<') : NULL, *close = open ? strchr(open, '>') : NULL;
    char *bare = close ? g_strndup(open + 1, (gsize)(close - open - 1))
                       : g_strstrip(g_strdup(text ? text : ""));
    char *address = address_canonical(bare);
    if (text)
        explicit_bzero(text, strlen(text));
    g_free(text);
    g_free(bare);
    return address ? address : g_strdup("");
}

enum verdict_word preferences_word(const struct preferences *p, const struct verdict_basis *b)
{
    const char *sender = b->envelope->sender ? b->envelope->sender : "";
    enum verdict_word word = VERDICT_BY_SCORE;
    if (evidence_virus(b->evidence))
        return VERDICT_VIRUS;
    char *from = from_of(b->message);
    if (p->deny && (list_has(p->deny, sender) || list_has(p->deny, from)))
        word = VERDICT_DENIED;
    else if (p->allow && ((list_has(p->allow, from) && evidence_proves(b->evidence, domain_of(from))) ||
                          (list_has(p->allow, sender) &&
                           evidence_proves(b->evidence, domain_of(sender)))))
        word = VERDICT_ALLOWED;
    g_free(from);
    return word;
}
