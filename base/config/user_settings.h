/* user_settings: what a user wants otherwise than the site: one table of names, words, readers and
 * printers for all who set, show, keep or follow these settings. They lie in users.db (see users.h). */
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
    unsigned said; /* the user's own: bits 1 << enum user_setting. What is not is the site's */
    bool encrypt, protect_headers;
    double spam_threshold; /* a probability */
    enum spam_action spam_action;
    enum train_mode mode;
    bool share;           /* the site's base learns from their mail */
    char **allow, **deny; /* addresses, domains, .domains; NULL: none (the site's own are not in it) */
};

/* What holds for a user who set nothing. user_settings_clear it. */
struct user_settings user_settings_of(const struct settings *site);
void user_settings_clear(struct user_settings *s);
/* The user said name=value. False, and nothing is changed, if there is no such setting or the value is
 * none: user_settings_expected says what would be. */
bool user_settings_take(struct user_settings *s, const char *name, const char *value);
bool user_settings_has(const struct user_settings *s, enum user_setting which);
const char *user_settings_name(enum user_setting which);
/* The value as user_settings_take reads it; g_free. */
char *user_settings_print(const struct user_settings *s, enum user_setting which);
/* One line: the values that there are of this name, or the names. */
const char *user_settings_expected(const char *name);
/* name=value as it is printed, g_free; NULL if it is none. */
char *user_settings_normal(const char *name, const char *value);

#endif
