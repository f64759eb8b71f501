/* Parsers of settings' values. Called through the tables of settings.c and user_settings.c, and by filterctl
 * evaluate. */
#include "base/config/settings_value.h"

#include <arpa/inet.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/address.h"
#include "base/endpoint.h"

static bool set_text(void *field, const char *value)
{
    char **text = field;
    g_free(*text);
    *text = g_strdup(value);
    return true;
}

static bool printable(const char *value)
{
    for (; *value; value++)
        if (*value < 0x20 || *value > 0x7e)
            return false;
    return true;
}

int settings_value_index(const char *words, const char *value)
{
    char **list = g_strsplit(words ? words : "", "|", -1);
    int found = -1;
    for (int i = 0; list[i] && found < 0; i++)
        if (strcmp(list[i], value) == 0)
            found = i;
    g_strfreev(list);
    return found;
}

char *settings_value_name(const char *words, int place)
{
    char **list = g_strsplit(words, "|", -1);
    char *name = g_strdup(list[place]);
    g_strfreev(list);
    return name;
}

bool settings_value_word(const struct setting_kind *k, const char *value, void *field)
{
    int place = settings_value_index(k->words, value);
    if (place < 0)
        return false;
    *(int *)field = (int)k->first + place;
    return true;
}

bool settings_value_flag(const struct setting_kind *k, const char *value, void *field)
{
    int place = settings_value_index(k->words, value);
    if (place < 0)
        return false;
    *(bool *)field = place == 1;
    return true;
}

bool settings_value_noop(const struct setting_kind *k, const char *value, void *field)
{
    (void)field;
    return settings_value_index(k->words, value) >= 0;
}

static bool number(const struct setting_kind *k, const char *value, guint64 *number_r)
{
    return *value != '+' && g_ascii_string_to_unsigned(value, 10, (guint64)k->first,
                                                       (guint64)k->last, number_r, NULL);
}

bool settings_value_int(const struct setting_kind *k, const char *value, void *field)
{
    guint64 n;
    if (!number(k, value, &n))
        return false;
    *(int *)field = (int)n;
    return true;
}

bool settings_value_size(const struct setting_kind *k, const char *value, void *field)
{
    guint64 n;
    if (!number(k, value, &n))
        return false;
    *(size_t *)field = (size_t)MIN(n, G_MAXSIZE); /* more than fits into memory limits nothing */
    return true;
}

bool settings_value_fraction(const struct setting_kind *k, const char *value, void *field)
{
    char *end;
    double x = g_ascii_strtod(value, &end);
    if (!*value || *end || !isfinite(x) || x < k->first || x > k->last)
        return false;
    *(double *)field = x;
    return true;
}

static bool is_domain(const char *text)
{
    if (!*text || *text == '.' || strlen(text) > 253)
        return false;
    for (; *text; text++)
        if (!g_ascii_isalnum(*text) && !strchr(".-_", *text) && !((unsigned char)*text & 0x80))
            return false;
    return true;
}

bool settings_value_domain(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    return is_domain(value) && printable(value) && set_text(field, value);
}

static bool is_login(const char *text)
{
    if (!*text || *text == '-')
        return false;
    for (; *text; text++)
        if (!g_ascii_isalnum(*text) && !strchr("._-$", *text))
            return false;
    return true;
}

bool settings_value_login(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    return is_login(value) && set_text(field, value);
}

bool settings_value_path(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    return *value == '/' && set_text(field, value);
}

bool settings_value_address(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    g_autofree char *address = address_canonical(value);
    bool ok = address && address[0] != '@' && *address_domain(address) && !strchr(address, ' ');
    if (ok)
        set_text(field, address);
    return ok;
}

bool settings_value_tag(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    return strlen(value) <= 100 && printable(value) && set_text(field, *value ? value : NULL);
}

bool settings_value_token(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    if (!g_ascii_isalpha(*value) || strlen(value) > 50)
        return false;
    for (const char *p = value; *p; p++)
        if (!g_ascii_isalnum(*p) && !strchr("-_", *p))
            return false;
    return set_text(field, value);
}

bool settings_value_delimiter(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    if (strlen(value) > 8)
        return false;
    for (const char *p = value; *p; p++)
        if (!g_ascii_ispunct(*p) || strchr("@\"<>", *p))
            return false;
    return set_text(field, value);
}

/* Splits value at blanks and commas; each word must pass good, and is lowered if so asked. */
static bool list(const char *value, bool (*good)(const char *), bool lower, void *field)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    char **parts = g_strsplit_set(value, ", \t", -1);
    bool ok = true;
    for (char **p = parts; *p && ok; p++) {
        if (!**p)
            continue;
        ok = good(*p);
        g_ptr_array_add(words, lower && ok ? address_canonical(*p) : g_strdup(*p));
    }
    g_strfreev(parts);
    if (!ok) {
        g_ptr_array_unref(words);
        return false;
    }
    g_ptr_array_add(words, NULL);
    g_strfreev(*(char ***)field);
    *(char ***)field = (char **)g_ptr_array_free(words, FALSE);
    return true;
}

bool settings_value_domains(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    return list(value, is_domain, true, field);
}

static bool is_sender(const char *text)
{
    const char *at = strrchr(text, '@'), *domain = at ? at + 1 : text;
    return is_domain(!at && *domain == '.' ? domain + 1 : domain);
}

bool settings_value_senders(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    return list(value, is_sender, false, field);
}

/* LOGIN or LOGIN:DOMAIN */
static bool is_trainer(const char *text)
{
    const char *colon = strchr(text, ':');
    g_autofree char *login = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
    return is_login(login) && (!colon || is_domain(colon + 1));
}

bool settings_value_trainers(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    return list(value, is_trainer, false, field);
}

/* Where the word ends; braces hold what has blanks. */
static size_t map_len(const char *text)
{
    size_t n = 0;
    for (int depth = 0; text[n] && (depth > 0 || !strchr(", \t", text[n])); n++)
        depth += text[n] == '{' ? 1 : text[n] == '}' ? -1 : 0;
    return n;
}

static bool is_map(const char *text, size_t len)
{
    const size_t type = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    int depth = 0;
    for (size_t i = 0; i < len; i++)
        depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    return type > 0 && type + 1 < len && text[type] == ':' && depth == 0;
}

bool settings_value_maps(const struct setting_kind *k, const char *value, void *field)
{
    bool ok = false;
    (void)k;
    for (const char *p = value + strspn(value, ", \t"); *p; p += strspn(p, ", \t")) {
        const size_t len = map_len(p);
        if (!(ok = is_map(p, len)))
            break;
        p += len;
    }
    return ok && set_text(field, value);
}

static bool is_network(const char *text)
{
    unsigned char buffer[16];
    guint64 bits;
    const char *slash = strchr(text, '/');
    g_autofree char *host = slash ? g_strndup(text, (gsize)(slash - text)) : g_strdup(text);
    int most = inet_pton(AF_INET, host, buffer) == 1    ? 32
               : inet_pton(AF_INET6, host, buffer) == 1 ? 128
                                                        : -1;
    return most > 0 &&
           (!slash || g_ascii_string_to_unsigned(slash + 1, 10, 0, (guint64)most, &bits, NULL));
}

bool settings_value_networks(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    return list(value, is_network, false, field);
}

static void set_endpoint(struct endpoint *at, char *path, char *host, char *port)
{
    g_free(at->path);
    g_free(at->host);
    g_free(at->port);
    *at = (struct endpoint){path, host, port};
}

static bool read_inet(const char *value, struct endpoint *at)
{
    unsigned char buffer[16];
    guint64 port;
    const char *colon = strrchr(value, ':');
    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL))
        return false;
    bool six = *value == '[' && colon > value + 1 && colon[-1] == ']';
    g_autofree char *host = six ? g_strndup(value + 1, (gsize)(colon - value - 2))
                                : g_strndup(value, (gsize)(colon - value));
    if (six ? inet_pton(AF_INET6, host, buffer) != 1 : !is_domain(host))
        return false;
    set_endpoint(at, NULL, g_steal_pointer(&host), g_strdup(colon + 1));
    return true;
}

/* A numeric IP address, with or without a port; the default port is 53. */
bool settings_value_server(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    const bool bracket = *value == '[';
    const char *end = bracket ? strchr(value, ']') : NULL;
    const char *colon = end ? end + 1 : strchr(value, ':') == strrchr(value, ':') ? strchr(value, ':')
                                                                                 : NULL;
    const size_t len = end ? (size_t)(end - value - 1) : colon ? (size_t)(colon - value)
                                                               : strlen(value);
    guint64 port = 53;
    if (bracket && !end)
        return false;
    g_autofree char *host = g_strndup(value + bracket, len);
    bool ok = g_hostname_is_ip_address(host) && (bracket == (strchr(host, ':') != NULL) || !colon);
    if (ok && colon && *colon)
        ok = *colon == ':' && g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL);
    if (ok)
        set_endpoint(field, NULL, g_strdup(host), g_strdup_printf("%" G_GUINT64_FORMAT, port));
    return ok;
}

bool settings_value_socket(const struct setting_kind *k, const char *value, void *field)
{
    (void)k;
    if (!g_str_has_prefix(value, "unix:/") ||
        strlen(value + 5) >= sizeof ((struct sockaddr_un *)0)->sun_path)
        return false;
    set_endpoint(field, g_strdup(value + 5), NULL, NULL);
    return true;
}

bool settings_value_endpoint(const struct setting_kind *k, const char *value, void *field)
{
    if (g_str_has_prefix(value, "inet:"))
        return read_inet(value + 5, field);
    return settings_value_socket(k, value, field);
}

/* A maildir path may contain %d, %n and %%, and no other % expansion. */
static bool is_maildir(const char *path)
{
    for (const char *p = strchr(path, '%'); p; p = strchr(p + 2, '%'))
        if (!p[1] || !strchr("dn%", p[1]))
            return false;
    return true;
}

bool settings_value_hop(const struct setting_kind *k, const char *value, void *field)
{
    static const struct {
        const char *prefix;
        enum next_hop_kind kind;
    } kinds[] = {{"lmtp:", HOP_LMTP}, {"smtp:", HOP_SMTP},
                 {"maildir:/", HOP_MAILDIR}, {"sendmail:/", HOP_SENDMAIL}};
    struct next_hop_address *hop = field;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (!g_str_has_prefix(value, kinds[i].prefix))
            continue;
        const char *rest = strchr(value, ':') + 1;
        bool socket = kinds[i].kind == HOP_LMTP || kinds[i].kind == HOP_SMTP;
        if (socket && !settings_value_endpoint(k, rest, &hop->at))
            return false;
        if (kinds[i].kind == HOP_MAILDIR && !is_maildir(rest))
            return false;
        if (!socket)
            set_endpoint(&hop->at, g_strdup(rest), NULL, NULL);
        hop->kind = kinds[i].kind;
        return true;
    }
    return false;
}
