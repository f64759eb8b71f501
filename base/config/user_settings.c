/* The table of users' settings. Called by users.c (to store and read them), the pipeline (to follow them) and
 * filterctl (to set and show them). */
#include "base/config/user_settings.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/config/settings_value.h"

#define VALUE_MAX_BYTES 4096

/* Accepts any text of one line: an entry that matches no address does no harm. */
static bool read_list(const struct setting_kind *k, const char *value, void *field)
{
    const size_t len = strlen(value);
    (void)k;
    if (!g_utf8_validate(value, -1, NULL) || len > VALUE_MAX_BYTES)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return false;
    g_strfreev(*(char ***)field);
    *(char ***)field = g_strsplit_set(value, " ,\t", -1);
    return true;
}

static char *print_list(const struct setting_kind *k, const void *field)
{
    GString *out = g_string_new(NULL);
    (void)k;
    for (char *const *entry = *(char *const *const *)field; entry && *entry; entry++)
        if (**entry)
            g_string_append_printf(out, "%s%s", out->len ? " " : "", *entry);
    return g_string_free(out, FALSE);
}

static char *print_word(const struct setting_kind *k, const void *field)
{
    return settings_value_name(k->words, *(const int *)field);
}

static char *print_flag(const struct setting_kind *k, const void *field)
{
    return settings_value_name(k->words, *(const bool *)field ? 1 : 0);
}

/* Prints the fewest digits that read back as the same number. */
static char *print_number(const struct setting_kind *k, const void *field)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    const double x = *(const double *)field;
    (void)k;
    for (int digits = 1; digits <= 17; digits++) {
        char format[8];
        g_snprintf(format, sizeof format, "%%.%dg", digits);
        g_ascii_formatd(text, sizeof text, format, x);
        if (g_ascii_strtod(text, NULL) == x)
            break;
    }
    return g_strdup(text);
}

#define AT(member) .offset = offsetof(struct user_settings, member)
#define FLAG(member) \
    {{.name = #member, .read = settings_value_flag, AT(member), .words = "no|yes", \
      .expected = #member " is yes or no"}, print_flag}

static const struct {
    struct setting_kind kind;
    char *(*print)(const struct setting_kind *k, const void *field);
} table[USER_SETTINGS] = {
    [USER_ENCRYPT] = FLAG(encrypt),
    /* "yes" belongs to a later version. */
    [USER_PROTECT_HEADERS] = {{.name = "protect_headers", .read = settings_value_flag, AT(protect_headers),
                               .words = "no", .expected = "protect_headers is no: nothing else is supported"
                                                          " in this version"}, print_flag},
    [USER_SPAM_THRESHOLD] = {{.name = "spam_threshold", .read = settings_value_fraction,
                              AT(spam_threshold), .first = 0, .last = 1,
                              .expected = "spam_threshold is a number from 0 to 1"}, print_number},
    [USER_SPAM_ACTION] = {{.name = "spam_action", .read = settings_value_word, AT(spam_action),
                           .words = SETTINGS_SPAM_ACTIONS,
                           .expected = "spam_action is tag, quarantine, reject or discard"}, print_word},
    [USER_MODE] = {{.name = "mode", .read = settings_value_word, AT(mode),
                    .words = SETTINGS_TRAIN_MODES,
                    .expected = "mode is settle, toe, teft or none"}, print_word},
    [USER_SHARE] = FLAG(share),
    [USER_ALLOW] = {{.name = "allow", .read = read_list, AT(allow),
                     .expected = "allow is one line of at most 4096 bytes"}, print_list},
    [USER_DENY] = {{.name = "deny", .read = read_list, AT(deny),
                    .expected = "deny is one line of at most 4096 bytes"}, print_list},
};

static const char names[] = "a user's settings are encrypt, protect_headers, spam_threshold,"
                            " spam_action, mode, share, allow and deny";

static int find(const char *name)
{
    for (int i = 0; i < USER_SETTINGS; i++)
        if (strcmp(table[i].kind.name, name) == 0)
            return i;
    return -1;
}

struct user_settings user_settings_of(const struct settings *site)
{
    return (struct user_settings){.encrypt = true,
                                  .spam_threshold = site->spam_threshold,
                                  .spam_action = site->spam_action,
                                  .mode = site->mode};
}

void user_settings_clear(struct user_settings *s)
{
    g_clear_pointer(&s->allow, g_strfreev);
    g_clear_pointer(&s->deny, g_strfreev);
}

bool user_settings_take(struct user_settings *s, const char *name, const char *value)
{
    const int i = find(name);
    if (i < 0 || !table[i].kind.read(&table[i].kind, value, (char *)s + table[i].kind.offset))
        return false;
    s->said |= 1u << i;
    return true;
}

bool user_settings_has(const struct user_settings *s, enum user_setting which)
{
    return s->said & 1u << which;
}

const char *user_settings_name(enum user_setting which)
{
    return table[which].kind.name;
}

char *user_settings_print(const struct user_settings *s, enum user_setting which)
{
    return table[which].print(&table[which].kind, (const char *)s + table[which].kind.offset);
}

const char *user_settings_expected(const char *name)
{
    const int i = find(name);
    return i < 0 ? names : table[i].kind.expected;
}

char *user_settings_normal(const char *name, const char *value)
{
    struct user_settings s = {0};
    char *text = NULL;
    if (user_settings_take(&s, name, value))
        text = user_settings_print(&s, (enum user_setting)find(name));
    user_settings_clear(&s);
    return text;
}
