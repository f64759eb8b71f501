/* Parses filterd-retrain's command line, its own words and dspam's. Called by retrain.c. */
#include "tools/retrain/words.h"

#include <string.h>

struct option {
    const char *name;
    /* Called with the value ("" if there is none); NULL: the option is accepted and ignored. */
    bool (*take)(struct retrain_words *w, const char *value);
    const char *const *values; /* the values that are allowed; NULL: any */
    bool list;                 /* the value is a list with commas, and may be missing */
};

static bool take_class(struct retrain_words *w, const char *value)
{
    const char *class = strcmp(value, "spam") == 0 ? "spam" : "ham";
    if (w->class && strcmp(w->class, class) != 0)
        return false;
    w->class = class;
    return true;
}

static bool take_missed_spam(struct retrain_words *w, const char *value)
{
    (void)value;
    return take_class(w, "spam");
}

static bool take_false_positive(struct retrain_words *w, const char *value)
{
    (void)value;
    return take_class(w, "ham");
}

static bool take_mode(struct retrain_words *w, const char *value)
{
    w->nothing = strcmp(value, "notrain") == 0;
    return true;
}

static bool take_user(struct retrain_words *w, const char *value)
{
    if (!*value || !g_utf8_validate(value, -1, NULL))
        return false;
    g_ptr_array_add(w->users, (char *)value);
    return true;
}

static bool take_signature(struct retrain_words *w, const char *value)
{
    w->signature = *value ? value : NULL;
    return true;
}

static bool take_settings(struct retrain_words *w, const char *value)
{
    w->settings_file = value;
    return *value;
}

static bool take_socket(struct retrain_words *w, const char *value)
{
    w->socket = value;
    return *value;
}

static bool take_help(struct retrain_words *w, const char *value)
{
    (void)value;
    return w->help = true;
}

static bool take_version(struct retrain_words *w, const char *value)
{
    (void)value;
    return w->version = true;
}

static const char *const classes[] = {"spam", "innocent", "nonspam", "ham", NULL};
static const char *const sources[] = {"error", "corpus", "inoculation", NULL};
static const char *const modes[] = {"toe", "teft", "tum", "notrain", NULL};
static const char *const deliveries[] = {"spam", "innocent", "nonspam", "stdout", "summary", NULL};

static const struct option with_value[] = {
    {"--user", take_user, NULL, false},
    {"--class", take_class, classes, false},
    {"--source", NULL, sources, false},
    {"--signature", take_signature, NULL, false},
    {"--mode", take_mode, modes, false},
    {"--deliver", NULL, deliveries, true},
    {"--feature", NULL, NULL, false},
    {"--profile", NULL, NULL, false},
    {"--mail-from", NULL, NULL, false},
    {"--rcpt-to", NULL, NULL, false},
    {"-c", take_settings, NULL, false},
    {"-s", take_socket, NULL, false},
};

static const struct option without_value[] = {
    {"--client", NULL, NULL, false},
    {"--stdout", NULL, NULL, false},
    {"--process", NULL, NULL, false},
    {"--debug", NULL, NULL, false},
    {"--addspam", take_missed_spam, NULL, false},
    {"--falsepositive", take_false_positive, NULL, false},
    {"--help", take_help, NULL, false},
    {"--version", take_version, NULL, false},
    {"--", NULL, NULL, false},
};

static bool is_one_of(const char *const *values, const char *value, size_t len)
{
    for (; *values; values++)
        if (strlen(*values) == len && memcmp(*values, value, len) == 0)
            return true;
    return false;
}

static bool is_allowed(const struct option *o, const char *value)
{
    if (!o->values)
        return true;
    if (!o->list)
        return is_one_of(o->values, value, strlen(value));
    while (*value) {
        const size_t len = strcspn(value, ",");
        if (!is_one_of(o->values, value, len))
            return false;
        value += len + (value[len] == ',');
    }
    return true;
}

/* The value of "--name=value" or "--name value"; NULL if arg is not that option, or its value is missing. */
static const char *value_of(const struct option *o, char **argv, int *i)
{
    const size_t n = strlen(o->name);
    if (strncmp(argv[*i], o->name, n) != 0)
        return NULL;
    if (argv[*i][n] == '=')
        return argv[*i] + n + 1;
    const char *next = argv[*i + 1];
    return argv[*i][n] == '\0' && next && *next != '-' ? argv[++*i] : NULL;
}

static bool take_option(struct retrain_words *w, char **argv, int *i)
{
    for (size_t k = 0; k < G_N_ELEMENTS(without_value); k++)
        if (strcmp(argv[*i], without_value[k].name) == 0)
            return !without_value[k].take || without_value[k].take(w, "");
    for (size_t k = 0; k < G_N_ELEMENTS(with_value); k++) {
        const struct option *o = &with_value[k];
        const char *value = value_of(o, argv, i);
        if (value)
            return is_allowed(o, value) && (!o->take || o->take(w, value));
    }
    return false;
}

/* Takes "spam USER" (our own form) or "--user U1 U2" (dspam's). */
static bool take_word(struct retrain_words *w, const char *word)
{
    if (!w->class && is_one_of(classes, word, strlen(word)))
        return take_class(w, word);
    return take_user(w, word);
}

bool retrain_words_parse(struct retrain_words *w, char **argv, char **why_r)
{
    *w = (struct retrain_words){.users = g_ptr_array_new()};
    *why_r = NULL;
    for (int i = 1; argv[i] && !*why_r; i++) {
        const char *word = argv[i];
        if (*word == '-' ? !take_option(w, argv, &i) : !take_word(w, word))
            *why_r = g_strdup_printf("\"%s\" makes no sense here", word);
    }
    if (*why_r || w->help || w->version)
        return !*why_r;
    if (!w->class)
        *why_r = g_strdup("spam or ham (--class=spam|innocent) is wanted");
    else if (w->users->len == 0)
        *why_r = g_strdup("a user (--user USER) is wanted");
    return !*why_r;
}

void retrain_words_clear(struct retrain_words *w)
{
    g_clear_pointer(&w->users, g_ptr_array_unref);
}
