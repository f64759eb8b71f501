/* user_settings: a user's own settings, which override the site's: one table of names, words, readers and
 * printers for all code that sets, shows or follows them. They are stored in users.db (see users.h). */
#ifndef BASE_CONFIG_USER_SETTINGS_H
#define BASE_CONFIG_USER_SETTINGS_H

#include <stdbool.h>

#include "base/config/settings.h"

enum user_setting {
    USER_ENCRYPT,
    USER_PROTECT_HEADERS,
    USER_SPAM_THRESHOLD,
    USER_SPAM_ACTION,
    USER_MODE,
    USER_SHARE,
    USER_ALLOW,
    USER_DENY,
    USER_SETTINGS
};

struct user_settings {
    unsigned said; /* bits 1 << enum user_setting: which ones the user has set; the others hold the site's value */
    bool encrypt, protect_headers;
    double spam_threshold; /* a probability */
    enum spam_action spam_action;
    enum train_mode mode;
    bool share;           /* the site's model store learns from this user's mail */
    char **allow, **deny; /* addresses, domains, .domains; NULL: none (without the site's lists) */
};

/* The settings of a user who has set nothing. Free with user_settings_clear. */
struct user_settings user_settings_of(const struct settings *site);
void user_settings_clear(struct user_settings *s);
/* Sets name to value as the user's own. False, and nothing is changed, if there is no such setting or the value
 * is invalid: user_settings_expected says which are valid. */
bool user_settings_take(struct user_settings *s, const char *name, const char *value);
bool user_settings_has(const struct user_settings *s, enum user_setting which);
const char *user_settings_name(enum user_setting which);
/* The value as user_settings_take reads it; g_free. */
char *user_settings_print(const struct user_settings *s, enum user_setting which);
/* One line: the valid values of this setting, or, if there is no such setting, the names of all. */
const char *user_settings_expected(const char *name);
/* The normal form of value as user_settings_print writes it, g_free; NULL if it is invalid. */
char *user_settings_normal(const char *name, const char *value);

#endif
