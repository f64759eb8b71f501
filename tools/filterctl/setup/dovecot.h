/* dovecot: filterd's settings for this host's Dovecot: its own conf.d/99-filterd.conf, as shipped for its version. */
#ifndef TOOLS_FILTERCTL_SETUP_DOVECOT_H
#define TOOLS_FILTERCTL_SETUP_DOVECOT_H

#include <stdbool.h>

#include "base/config/settings.h"

struct filterctl_setup_dovecot {
    char *conf;      /* Dovecot's main settings file */
    char *from, *to; /* the shipped file, and its place */
    bool there;      /* Dovecot runs filterd's Sieve scripts already */
};

/* NULL: there is no Dovecot that reads a conf.d, or no settings were shipped for it. */
struct filterctl_setup_dovecot *filterctl_setup_dovecot_find(void);
void filterctl_setup_dovecot_free(struct filterctl_setup_dovecot **d);
/* "install ...", "sievec ...", "systemctl ..." in lines, as a person would do it; g_free. */
char *filterctl_setup_dovecot_commands(const struct filterctl_setup_dovecot *d);
/* Puts it there, compiles the scripts and restarts Dovecot; takes it away again if Dovecot does not understand it. True,
 * too, if there is nothing to do. */
bool filterctl_setup_dovecot_apply(const struct settings *s);
/* Takes it away if it is as shipped. */
bool filterctl_setup_dovecot_undo(const struct settings *s);

#endif
