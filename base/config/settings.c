/* The table of all settings, their defaults, and checks across settings. Called by each program at its start,
 * and by the master on reload. */
#include "base/config/settings.h"

#include <glib.h>
#include <string.h>

#include "base/config/ini.h"
#include "base/config/settings_value.h"

#define TO(field) offsetof(struct settings, field)
#define OF_LISTENER(field) offsetof(struct listener, field)
#define V(kind) settings_value_##kind
#define ENDPOINT "unix:/PATH (under 108 bytes), inet:HOST:PORT or inet:[V6]:PORT"
#define HOP "lmtp:unix:/PATH, lmtp:inet:HOST:PORT, smtp:..., maildir:/PATH (%d, %n) or sendmail:/PATH"

#define MAPS "Postfix maps as TYPE:NAME (pgsql:/FILE hash:/FILE inline:{...}), separated by blanks or commas"
#define SENDERS "addresses, domains or .domain (all below it), separated by blanks or commas"

/* Every name of filterd.conf(5); one without a reader belongs to a later version. */
static const struct setting_kind kinds[] = {
    {"filterd", "hostname", V(domain), TO(hostname), .expected = "a host name"},
    {"filterd", "user", V(login), TO(user), .expected = "a login name"},
    {"filterd", "state_dir", V(path), TO(state_dir), .expected = "an absolute path"},
    {"filterd", "site_key", V(path), TO(site_key), .expected = "an absolute path"},
    {"filterd", "state_id", V(path), TO(state_id), .expected = "an absolute path"},
    {"filterd", "workers", V(int), TO(workers), .first = 1, .last = 10000},
    {"filterd", "message_size_limit", V(size), TO(message_size_limit), .first = 1,
     .last = 2147483647},
    {"filterd", "recipient_delimiter", V(delimiter), TO(recipient_delimiter),
     .expected = "punctuation such as + (several: any of them)"},
    {"filterd", "domains", V(domains), TO(domains),
     .expected = "domains, separated by blanks or commas"},
    {"filterd", "local_names", V(domains), TO(local_names),
     .expected = "domains, separated by blanks or commas"},
    {"filterd", "trusted_networks", V(networks), TO(trusted_networks),
     .expected = "networks such as 127.0.0.0/8 or ::1/128, separated by blanks or commas"},
    {"filterd", "log", V(flag), TO(log_stderr), .words = "syslog|stderr"},
    {"filterd", "sandbox", V(flag), TO(sandbox_required), .words = "best|required"},
    {"listener", "protocol", V(word), OF_LISTENER(protocol), .words = "lmtp|smtp|policy|milter"},
    {"listener", "address", V(endpoint), OF_LISTENER(at), .expected = ENDPOINT},
    {"listener", "mode", V(word), OF_LISTENER(rights.mode), .words = SOCKET_RIGHTS_MODES,
     .first = SOCKET_RIGHTS_OWNER},
    {"listener", "group", V(login), OF_LISTENER(rights.group), .expected = "a group's name"},
    {"listener", "role", V(word), OF_LISTENER(role), .words = "inbound|submission"},
    {"listener", "next_hop", V(hop), OF_LISTENER(next_hop), .expected = HOP},
    {"deliver", "next_hop", V(hop), TO(deliver), .expected = HOP},
    {"deliver", "proxy_seconds", V(int), TO(proxy_seconds), .first = 1, .last = 80},
    {"deliver", "queue_days", V(int), TO(queue_days), .first = 1, .last = 365},
    {"control", "address", V(socket), TO(control), .expected = "unix:/PATH (under 108 bytes)"},
    {"control", "mode", V(word), TO(control_rights.mode), .words = SOCKET_RIGHTS_MODES,
     .first = SOCKET_RIGHTS_OWNER},
    {"control", "group", V(login), TO(control_rights.group), .expected = "a group's name"},
    {"control", "train_users", V(trainers), TO(train_users),
     .expected = "login names or uids, each maybe with :DOMAIN, separated by blanks or commas"},
    {"users", "mailboxes", V(maps), TO(mailbox_maps), .expected = MAPS},
    {"users", "aliases", V(maps), TO(alias_maps), .expected = MAPS},
    {"users", "domains", V(maps), TO(domain_maps), .expected = MAPS},
    {"users", "key", V(maps), TO(key_maps), .expected = MAPS},
    {"classifier", "mode", V(word), TO(mode), .words = SETTINGS_TRAIN_MODES},
    {"classifier", "spam_threshold", V(fraction), TO(spam_threshold), .last = 1},
    {"classifier", "unsure_threshold", V(fraction), TO(unsure_threshold), .last = 1},
    {"classifier", "settle_days", V(int), TO(settle_days), .first = 1, .last = 365},
    {"classifier", "signature_days", V(int), TO(signature_days), .first = 1, .last = 365},
    {"encrypt", "no_key", V(word), TO(no_key), .words = "pass|defer|reject"},
    {"encrypt", "unknown_recipient", V(word), TO(unknown_recipient), .words = "pass|defer|reject"},
    {"encrypt", "bad_key", V(word), TO(bad_key), .words = "defer|reject", .first = POLICY_DEFER},
    {"encrypt", "already", V(word), TO(already), .words = "pass|seal"},
    {"encrypt", "milter_bcc", V(flag), TO(milter_separate), .words = "together|separate"},
    {"encrypt", "protect_headers", V(noop), .words = "no", .later = "yes"},
    {"encrypt", "engine", V(noop), .words = "auto|gpgme", .later = "native"},
    {"spam", "action", V(word), TO(spam_action), .words = SETTINGS_SPAM_ACTIONS},
    {"spam", "reject_threshold", V(fraction), TO(reject_threshold), .last = 1},
    {"spam", "allow", V(senders), TO(allow), .expected = SENDERS},
    {"spam", "deny", V(senders), TO(deny), .expected = SENDERS},
    {"spam", "quarantine", V(address), TO(quarantine), .expected = "a mail address"},
    {"spam", "subject_tag", V(tag), TO(subject_tag),
     .expected = "at most 100 printable ASCII characters"},
    {"spam", "header_prefix", V(token), TO(header_prefix),
     .expected = "the beginning of a header's name such as X-Filterd"},
    {"store", "engine", V(noop), .words = "sqlite", .later = "postgresql"},
    {"store", "connect", .read = NULL},
    {"dns", "server", V(server), TO(dns_server), .expected = "an address and maybe :PORT ([V6]:PORT)"},
    {"dns", "timeout_ms", V(int), TO(dns_timeout_ms), .first = 1, .last = 60000},
    {"dnsbl", "lists", V(path), TO(dnsbl_lists), .expected = "an absolute path"},
    {"spf", "enabled", .read = V(flag), .words = "no|yes", .offset = TO(spf)},
    {"spf", "received", .read = V(flag), .words = "no|yes", .offset = TO(spf_received)},
    {"dkim", "enabled", .read = V(flag), .words = "no|yes", .offset = TO(dkim)},
    {"dmarc", "enabled", .read = V(flag), .words = "no|yes", .offset = TO(dmarc)},
    {"greylist", "enabled", .read = V(flag), .words = "no|yes", .offset = TO(greylist)},
    {"greylist", "wait_seconds", V(int), TO(greylist_wait), .first = 1, .last = 3600},
    {"anonymize", "inbound", V(path), TO(anonymize_inbound), .expected = "an absolute path"},
    {"anonymize", "submission", V(path), TO(anonymize_submission), .expected = "an absolute path"},
    {"limits", "header_size", V(size), TO(limits.header_bytes), .first = 1024, .last = 1 << 30},
    {"limits", "header_count", V(size), TO(limits.header_count), .first = 10, .last = 1000000},
    {"limits", "address_header_size", V(size), TO(limits.address_bytes), .first = 256,
     .last = 1 << 20},
    {"limits", "line_length", V(size), TO(limits.line_bytes), .first = 998, .last = 1 << 30},
    {"limits", "mime_parts", V(size), TO(limits.parts), .first = 1, .last = 100000},
    {"limits", "mime_nesting", V(size), TO(limits.nesting), .first = 1, .last = 500},
    {"limits", "encoded_words", V(size), TO(limits.encoded_words), .last = 1000000},
    {"limits", "tokens", V(size), TO(limits.tokens), .first = 100, .last = 1000000},
    {"limits", "uris", V(size), TO(limits.uris), .last = 1000000},
    {"limits", "dkim_signatures", V(size), TO(limits.signatures), .last = 100},
    {"limits", "recipients", V(int), TO(limits.recipients), .first = 100, .last = 100000},
    {"limits", "data_seconds", V(int), TO(limits.data_seconds), .first = 1, .last = 86400},
    {"limits", "cpu_seconds", V(int), TO(limits.cpu_seconds), .first = 1, .last = 3600},
    {"limits", "bytes_in_flight", V(size), TO(limits.bytes_in_flight), .first = 65536,
     .last = 1e15},
    {"clamav", "socket", V(socket), TO(clamav), .expected = "unix:/PATH (under 108 bytes)"},
};

/* Returns "listener" for "listener in", else the group's name. */
static char *kind_of_group(const char *group)
{
    return g_str_has_prefix(group, "listener ") ? g_strdup("listener") : g_strdup(group);
}

static const struct setting_kind *find(const char *group, const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (strcmp(kinds[i].group, group) == 0 && (!name || strcmp(kinds[i].name, name) == 0))
            return &kinds[i];
    return NULL;
}

/* Lists the groups ("[filterd], [listener NAME], ...") or, for one group, the names in it. */
static char *known(const char *group)
{
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        bool other = i == 0 || strcmp(kinds[i].group, kinds[i - 1].group) != 0;
        if (group ? strcmp(group, kinds[i].group) != 0 : !other)
            continue;
        g_string_append(out, out->len ? ", " : "");
        if (group)
            g_string_append(out, kinds[i].name);
        else
            g_string_append_printf(out, "[%s%s]", kinds[i].group,
                                   strcmp(kinds[i].group, "listener") ? "" : " NAME");
    }
    return g_string_free(out, FALSE);
}

static char *expectation(const struct setting_kind *k)
{
    if (k->expected)
        return g_strdup(k->expected);
    if (!k->words)
        return g_strdup_printf("a number from %.15g to %.15g", k->first, k->last);
    char **words = g_strsplit(k->words, "|", -1);
    char *text = g_strjoinv(" or ", words);
    g_strfreev(words);
    return text;
}

static bool fail_value(const struct ini_entry *e,
                       const struct setting_kind *k, char **error_r)
{
    if (!k->read || settings_value_index(k->later, e->value) >= 0) {
        *error_r = g_strdup_printf("%s:%d: [%s] %s=%s is not supported in this version", e->file,
                                   e->line, e->group, e->name, e->value);
    } else {
        g_autofree char *text = expectation(k);
        *error_r = g_strdup_printf("%s:%d: [%s] %s is \"%s\": expected %s", e->file, e->line,
                                   e->group, e->name, e->value, text);
    }
    g_strdelimit(*error_r, "\r\n\t", '?');
    return false;
}

static bool fail_unknown(const struct ini_entry *e, const char *group,
                         char **error_r)
{
    g_autofree char *names = known(e->name ? group : NULL);
    *error_r = e->name ? g_strdup_printf("%s:%d: [%s] has no %s: expected one of %s", e->file,
                                         e->line, e->group, e->name, names)
                       : g_strdup_printf("%s:%d: unknown group [%s]: expected one of %s",
                                         e->file, e->line, e->group, names);
    return false;
}

static bool is_listener(const char *group)
{
    return g_str_has_prefix(group, "listener ") && group[strlen("listener ")];
}

static struct listener *add_listener(struct settings *s, const char *group)
{
    s->listeners = g_renew(struct listener, s->listeners, s->listener_count + 1);
    struct listener *l = &s->listeners[s->listener_count++];
    *l = (struct listener){.name = g_strdup(group + strlen("listener "))};
    return l;
}

/* The entries of a listener follow its group's line, so they belong to the last listener made. */
static bool read_entry(struct settings *s, const struct ini_entry *e, char **error_r)
{
    g_autofree char *group = kind_of_group(e->group);
    const struct setting_kind *k = find(group, e->name);
    bool listener = is_listener(e->group), ok = true;
    if (!k || (strcmp(group, "listener") == 0 && !listener)) {
        ok = fail_unknown(e, group, error_r);
    } else if (!e->name) {
        if (listener)
            add_listener(s, e->group);
    } else {
        char *base = listener ? (char *)&s->listeners[s->listener_count - 1] : (char *)s;
        ok = (k->read && k->read(k, e->value, base + k->offset)) ||
             fail_value(e, k, error_r);
    }
    return ok;
}

static const struct ini_entry *entry_of(const struct ini *ini, const char *group, const char *name)
{
    for (guint i = 0; i < ini->entries->len; i++) {
        const struct ini_entry *e = ini->entries->pdata[i];
        if (strcmp(e->group, group) == 0 && g_strcmp0(e->name, name) == 0)
            return e;
    }
    return NULL;
}

/* Reports the line of the setting, or of its group, or no line, whichever exists. */
static bool fail_at(const struct ini *ini, const char *group, const char *name, char **error_r,
                    const char *what)
{
    const struct ini_entry *e = entry_of(ini, group, name);
    if (!e)
        e = entry_of(ini, group, NULL);
    if (e)
        *error_r = g_strdup_printf("%s:%d: [%s] %s %s", e->file, e->line, group, name, what);
    else
        *error_r = g_strdup_printf("%s: [%s] %s %s", ini->file, group, name, what);
    return false;
}

static bool check_listener(const struct settings *s, const struct ini *ini,
                           const struct listener *l, char **error_r)
{
    g_autofree char *group = g_strdup_printf("listener %s", l->name);
    enum next_hop_kind hop = settings_next_hop(s, l)->kind;
    bool ok = true;
    if (!entry_of(ini, group, "protocol"))
        ok = fail_at(ini, group, "protocol", error_r, "is not set: expected lmtp, smtp, policy or milter");
    else if (!l->at.path && !l->at.host)
        ok = fail_at(ini, group, "address", error_r, "is not set: expected " ENDPOINT);
    else if (!l->at.path && (l->rights.mode || l->rights.group))
        ok = fail_at(ini, group, l->rights.mode ? "mode" : "group", error_r,
                     "is set: only the file of a unix socket has one");
    else if (l->protocol == PROTO_POLICY && !s->greylist)
        ok = fail_at(ini, group, "protocol", error_r, "is policy: it needs [greylist] enabled=yes");
    else if (l->protocol == PROTO_POLICY && l->next_hop.kind != HOP_NONE)
        ok = fail_at(ini, group, "next_hop", error_r, "is set: protocol policy delivers nothing");
    else if (l->protocol == PROTO_MILTER && l->next_hop.kind != HOP_NONE)
        ok = fail_at(ini, group, "next_hop", error_r, "is set: with protocol milter the MTA delivers");
    else if (l->protocol == PROTO_POLICY || l->protocol == PROTO_MILTER)
        ok = true;
    else if (hop == HOP_NONE)
        ok = fail_at(ini, group, "next_hop", error_r,
                     "is not set, nor is [deliver] next_hop: expected " HOP);
    else if (hop == HOP_SENDMAIL)
        ok = fail_at(ini, group, "next_hop", error_r, "is sendmail: only filterd-pipe can use it");
    return ok;
}

static bool is_below(const char *path, const char *folder)
{
    g_autofree char *file = g_canonicalize_filename(path, "/"), *dir = g_canonicalize_filename(folder, "/");
    const size_t len = strlen(dir);
    return strncmp(file, dir, len) == 0 && (file[len] == '/' || dir[len - 1] == '/');
}

static bool check(const struct settings *s, const struct ini *ini, char **error_r)
{
    if (!s->state_dir)
        return fail_at(ini, "filterd", "state_dir", error_r,
                       "is not set: expected an absolute path");
    if (s->state_id && is_below(s->state_id, s->state_dir))
        return fail_at(ini, "filterd", "state_id", error_r, "lies in state_dir: expected a path outside of it");
    if (!s->hostname)
        return fail_at(ini, "filterd", "hostname", error_r, "is not set: expected a host name");
    if (s->unsure_threshold > s->spam_threshold)
        return fail_at(ini, "classifier", "unsure_threshold", error_r, "is above spam_threshold");
    if (s->reject_threshold > 0 && s->reject_threshold < s->spam_threshold)
        return fail_at(ini, "spam", "reject_threshold", error_r,
                       "is below spam_threshold: only spam is refused");
    /* Records are deleted after signature_days: if that comes before settle_days, nothing would ever be
     * learned. */
    if (s->mode == MODE_SETTLE && s->settle_days >= s->signature_days)
        return fail_at(ini, "classifier", "settle_days", error_r, "must be below signature_days");
    if (s->spam_action == SPAM_QUARANTINE && !s->quarantine)
        return fail_at(ini, "spam", "action", error_r,
                       "is quarantine: it needs [spam] quarantine=ADDRESS");
    for (size_t i = 0; i < s->listener_count; i++)
        if (!check_listener(s, ini, &s->listeners[i], error_r))
            return false;
    return true;
}

static char **strings(const char *first, const char *second)
{
    char **list = g_new0(char *, 3);
    list[0] = g_strdup(first);
    list[1] = g_strdup(second);
    return list;
}

static struct settings *defaults(const char *file)
{
    struct settings *s = g_new0(struct settings, 1);
    s->file = g_strdup(file);
    s->recipient_delimiter = g_strdup("");
    s->domains = strings(NULL, NULL);
    s->local_names = strings(NULL, NULL);
    s->trusted_networks = strings("127.0.0.0/8", "::1/128");
    s->train_users = strings(NULL, NULL);
    s->allow = strings(NULL, NULL);
    s->deny = strings(NULL, NULL);
    s->workers = 120;
    s->message_size_limit = 52428800;
    s->spam_threshold = SETTINGS_SPAM_THRESHOLD;
    s->unsure_threshold = SETTINGS_UNSURE_THRESHOLD;
    s->settle_days = 5;
    s->signature_days = 21;
    s->bad_key = POLICY_DEFER;
    s->header_prefix = g_strdup("X-Filterd");
    s->proxy_seconds = 60;
    s->queue_days = 10;
    s->dns_timeout_ms = 5000;
    s->greylist_wait = 300;
    s->spf = s->dkim = s->dmarc = true;
    s->limits = limits_default;
    return s;
}

static void derive_paths(struct settings *s)
{
    if (!s->site_key)
        s->site_key = g_build_filename(s->state_dir, "site.key", NULL);
    if (!s->state_id) {
        g_autofree char *folder = g_canonicalize_filename(s->state_dir, "/");
        s->state_id = g_strconcat(is_below(s->site_key, s->state_dir) ? folder : s->site_key, ".id", NULL);
    }
    if (!s->control.path)
        s->control.path = g_build_filename(s->state_dir, "control.sock", NULL);
}

struct settings *settings_load(const char *file, char **error_r)
{
    struct ini *ini = ini_load_all(file, error_r);
    if (!ini)
        return NULL;
    struct settings *s = defaults(file);
    bool ok = true;
    for (guint i = 0; i < ini->entries->len && ok; i++)
        ok = read_entry(s, ini->entries->pdata[i], error_r);
    ok = ok && check(s, ini, error_r);
    ini_free(&ini);
    if (ok)
        derive_paths(s);
    else
        settings_free(&s);
    return s;
}

static void endpoint_clear(struct endpoint *at)
{
    g_free(at->path);
    g_free(at->host);
    g_free(at->port);
}

void settings_free(struct settings **settings)
{
    struct settings *s = *settings;
    if (!s)
        return;
    char *texts[] = {s->file, s->hostname, s->user, s->state_dir, s->site_key, s->state_id,
                     s->recipient_delimiter, s->quarantine, s->subject_tag, s->header_prefix,
                     s->dnsbl_lists, s->anonymize_inbound, s->anonymize_submission,
                     s->mailbox_maps, s->alias_maps, s->domain_maps, s->key_maps};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    g_strfreev(s->domains);
    g_strfreev(s->local_names);
    g_strfreev(s->trusted_networks);
    g_strfreev(s->train_users);
    g_strfreev(s->allow);
    g_strfreev(s->deny);
    for (size_t i = 0; i < s->listener_count; i++) {
        g_free(s->listeners[i].name);
        endpoint_clear(&s->listeners[i].at);
        g_free(s->listeners[i].rights.group);
        endpoint_clear(&s->listeners[i].next_hop.at);
    }
    g_free(s->listeners);
    endpoint_clear(&s->deliver.at);
    endpoint_clear(&s->control);
    g_free(s->control_rights.group);
    endpoint_clear(&s->dns_server);
    endpoint_clear(&s->clamav);
    g_clear_pointer(settings, g_free);
}

bool settings_has_tables(const struct settings *s)
{
    return s->mailbox_maps || s->alias_maps || s->domain_maps || s->key_maps;
}

bool settings_has_domains(const struct settings *s)
{
    return (s->domains && s->domains[0]) || s->domain_maps;
}

bool settings_is_local_domain(const struct settings *s, const char *domain)
{
    for (char **d = s->domains; d && *d; d++)
        if (g_ascii_strcasecmp(*d, domain) == 0)
            return true;
    return !settings_has_domains(s);
}

guint64 settings_sealed_size(guint64 bytes)
{
    return bytes + bytes / 5 * 2;
}

size_t settings_size_limit(const struct settings *s, const struct listener *l)
{
    const bool queued = !l || l->protocol == PROTO_LMTP;
    return queued ? (size_t)MIN(settings_sealed_size(s->message_size_limit), G_MAXSIZE) : s->message_size_limit;
}

const struct next_hop_address *settings_next_hop(const struct settings *s, const struct listener *l)
{
    return l && l->next_hop.kind != HOP_NONE ? &l->next_hop : &s->deliver;
}
