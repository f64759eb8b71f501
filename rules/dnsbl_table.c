/* Parses rules/dnsbl.conf. Called by dnsbl.c. */
#include "rules/dnsbl_table.h"

#include <math.h>
#include <string.h>

#include "base/config/ini.h"
#include "rules/dnsbl_list.h"

#define MAX_WEIGHT 10.0

static void code_free(gpointer data)
{
    struct dnsbl_code *c = data;
    g_free(c->name);
    g_free(c->text);
    g_free(c);
}

static void zone_free(gpointer data)
{
    struct dnsbl_zone *z = data;
    g_free(z->zone);
    g_free(z->name);
    g_free(z->listed);
    g_free(z->not_listed);
    g_ptr_array_unref(z->codes);
    g_free(z);
}

bool dnsbl_code_matches(const struct dnsbl_code *c, const guint8 *address)
{
    if (c->mask)
        return (address[3] & c->mask) != 0;
    for (int i = 0; i < 4; i++)
        if (address[i] < c->from[i] || address[i] > c->to[i])
            return false;
    return true;
}

/* ---- values; the functions return NULL, or what is wrong ---- */

/* Parses "7", "2-9" or "*"; text is one byte's part of an address. */
static bool read_byte(const char *text, guint8 *from, guint8 *to)
{
    g_auto(GStrv) ends = g_strsplit(text, "-", 2);
    guint64 low = 0, high = 255;
    if (strcmp(text, "*") != 0) {
        if (!ends[0] || !g_ascii_string_to_unsigned(ends[0], 10, 0, 255, &low, NULL))
            return false;
        high = low;
        if (ends[1] && !g_ascii_string_to_unsigned(ends[1], 10, low, 255, &high, NULL))
            return false;
    }
    *from = (guint8)low;
    *to = (guint8)high;
    return true;
}

static const char *read_answer(struct dnsbl_code *c, const char *text)
{
    static const char wrong[] = "expected an answer: 127.0.0.2, 127.0.0.4-7, 127.0.*.1 or &8";
    guint64 mask;
    if (*text == '&') {
        if (!g_ascii_string_to_unsigned(text + 1, 10, 1, 255, &mask, NULL))
            return wrong;
        c->mask = (guint8)mask;
        return NULL;
    }
    g_auto(GStrv) bytes = g_strsplit(text, ".", 5);
    if (g_strv_length(bytes) != 4)
        return wrong;
    for (int i = 0; i < 4; i++)
        if (!read_byte(bytes[i], &c->from[i], &c->to[i]))
            return wrong;
    return c->from[0] == 127 && c->to[0] == 127 ? NULL : "answers of lists begin with 127";
}

static bool is_name(const char *text)
{
    return *text && strlen(text) <= 40 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(text);
}

/* Parses "error [TEXT]" or "NAME WEIGHT [TEXT]". */
static const char *read_meaning(struct dnsbl_code *c, const char *value)
{
    static const char wrong[] = "expected NAME WEIGHT [TEXT] or error [TEXT]";
    g_auto(GStrv) words = g_strsplit_set(value, " \t", 2);
    if (!words[0])
        return wrong;
    c->error = strcmp(words[0], "error") == 0;
    c->name = g_strdup(words[0]);
    char *rest = words[1] ? g_strchug(words[1]) : NULL;
    if (c->error) {
        c->text = g_strdup(rest ? rest : "");
        return NULL;
    }
    char *end = NULL;
    c->weight = rest ? g_ascii_strtod(rest, &end) : 0;
    if (!is_name(c->name) || !rest || end == rest || (*end && !g_ascii_isspace(*end)))
        return wrong;
    if (!(fabs(c->weight) <= MAX_WEIGHT))
        return "expected a weight in log-odds, -10 to 10";
    c->text = g_strdup(g_strchug(end));
    return NULL;
}

static const char *read_asks(struct dnsbl_zone *z, const char *value)
{
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = {
        {"ip4", DNSBL_TABLE_IP4},     {"ip6", DNSBL_TABLE_IP6},    {"helo", 1 << DNSBL_HELO},
        {"sender", 1 << DNSBL_SENDER}, {"ptr", 1 << DNSBL_PTR},     {"uri", 1 << DNSBL_URI},
    };
    g_auto(GStrv) given = g_strsplit_set(value, " \t,", -1);
    for (char **g = given; *g; g++) {
        unsigned bit = 0;
        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
            bit |= strcmp(words[i].word, *g) == 0 ? words[i].bit : 0;
        if (**g && !bit)
            return "expected some of: ip4, ip6, helo, sender, ptr, uri";
        z->asks |= bit;
    }
    return z->asks ? NULL : "expected some of: ip4, ip6, helo, sender, ptr, uri";
}

static bool is_zone(const char *text)
{
    const size_t len = strlen(text);
    return len > 0 && len <= 150 && strchr(text, '.') && !strstr(text, "..") && *text != '.' &&
           text[len - 1] != '.' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

/* ---- lines ---- */

static char *complaint(const char *file, const struct ini_entry *e, const char *what)
{
    return e->name ? g_strdup_printf("%s:%d: [%s] %s: %s", file, e->line, e->group, e->name, what)
                   : g_strdup_printf("%s:%d: [%s]: %s", file, e->line, e->group, what);
}

static const char *read_code(struct dnsbl_zone *z, const struct ini_entry *e)
{
    struct dnsbl_code *c = g_new0(struct dnsbl_code, 1);
    g_ptr_array_add(z->codes, c);
    const char *wrong = read_answer(c, e->name);
    return wrong ? wrong : read_meaning(c, e->value);
}

static const char *read_entry(struct dnsbl_zone *z, const struct ini_entry *e)
{
    if (*e->name == '&' || g_ascii_isdigit(*e->name))
        return read_code(z, e);
    if (!strcmp(e->name, "asks"))
        return read_asks(z, e->value);
    if (!strcmp(e->name, "name")) {
        g_free(z->name);
        z->name = g_strdup(e->value);
        return is_name(z->name) ? NULL : "expected letters, digits, dots and hyphens";
    }
    if (!strcmp(e->name, "listed") || !strcmp(e->name, "not_listed")) {
        char **field = e->name[0] == 'l' ? &z->listed : &z->not_listed;
        g_free(*field);
        *field = g_strdup(e->value);
        return NULL;
    }
    if (!strcmp(e->name, "source") || !strcmp(e->name, "looked_up"))
        return *e->value ? NULL : "expected something";
    return "there is no such setting: asks, listed, not_listed, name, source, looked_up or an answer";
}

static struct dnsbl_zone *zone_new(const char *zone)
{
    struct dnsbl_zone *z = g_new0(struct dnsbl_zone, 1);
    z->zone = g_ascii_strdown(zone, -1);
    z->name = g_strdup(z->zone);
    z->codes = g_ptr_array_new_with_free_func(code_free);
    return z;
}

/* Fills in the test entries of RFC 5782 section 5 where the table names none; "none" in the table means no
 * test. */
static void complete(struct dnsbl_zone *z)
{
    const bool addresses = z->asks & (DNSBL_TABLE_IP4 | DNSBL_TABLE_IP6);
    const bool six = !(z->asks & DNSBL_TABLE_IP4);
    if (!z->listed)
        z->listed = g_strdup(!addresses ? "test" : six ? "::ffff:127.0.0.2" : "127.0.0.2");
    if (!z->not_listed)
        z->not_listed = g_strdup(!addresses ? "invalid" : six ? "::ffff:127.0.0.1" : "127.0.0.1");
    if (!strcmp(z->listed, "none"))
        g_clear_pointer(&z->listed, g_free);
    if (!strcmp(z->not_listed, "none"))
        g_clear_pointer(&z->not_listed, g_free);
}

static const char *whole(struct dnsbl_zone *z)
{
    guint meanings = 0;
    const unsigned addresses = DNSBL_TABLE_IP4 | DNSBL_TABLE_IP6;
    for (guint i = 0; i < z->codes->len; i++)
        meanings += !((const struct dnsbl_code *)z->codes->pdata[i])->error;
    if (!z->asks)
        return "lacks asks=";
    if ((z->asks & addresses) && (z->asks & ~addresses))
        return "asks for addresses and for domains: write two";
    complete(z);
    return meanings ? NULL : "no answer of it means anything";
}

static bool read_all(const struct ini *ini, GPtrArray *zones, char **error_r)
{
    struct dnsbl_zone *z = NULL;
    const struct ini_entry *head = NULL;
    for (guint i = 0; i <= ini->entries->len; i++) {
        const struct ini_entry *e = i < ini->entries->len ? ini->entries->pdata[i] : NULL;
        const bool at_head = !e || !e->name;
        const char *wrong = at_head && z ? whole(z) : NULL;
        if (wrong) {
            *error_r = complaint(ini->file, head, wrong);
            return false;
        }
        if (!e)
            break;
        if (at_head) {
            z = zone_new(e->group);
            g_ptr_array_add(zones, z);
            head = e;
        }
        wrong = !at_head ? read_entry(z, e) : is_zone(e->group) ? NULL : "expected the zone of a list";
        if (wrong) {
            *error_r = complaint(ini->file, e, wrong);
            return false;
        }
    }
    return true;
}

GPtrArray *dnsbl_table_load(const char *file, char **error_r)
{
    struct ini *ini = ini_load(file, error_r);
    if (!ini)
        return NULL;
    GPtrArray *zones = g_ptr_array_new_with_free_func(zone_free);
    if (!read_all(ini, zones, error_r))
        g_clear_pointer(&zones, g_ptr_array_unref);
    ini_free(&ini);
    return zones;
}
