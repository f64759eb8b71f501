/* site: what "filterctl setup" finds of the running Postfix and Dovecot, and where filterd belongs in it. */
#ifndef TOOLS_FILTERCTL_SETUP_SITE_H
#define TOOLS_FILTERCTL_SETUP_SITE_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "tools/filterctl/postconf.h"

struct filterctl_setup_site {
    const struct settings *settings; /* lent */
    struct filterctl_postconf *p;
    GPtrArray *fronts;      /* of char*: services that take mail from outside, "smtp/inet", "smtpd/pass" */
    GPtrArray *submissions; /* those that take it from our users, "submission/inet" */
    GPtrArray *transports;  /* of const char*: settings that lead to the mailboxes by LMTP, "virtual_transport" */
    char *mailboxes;        /* filterd's next hop to them, "lmtp:unix:/run/dovecot/lmtp"; NULL: mail goes back into
                             * Postfix's queue, which delivers by other means or by several */
    char *mail_user;        /* Dovecot's, as which filterd-retrain runs; NULL: not known */
    GPtrArray *notes;       /* of char*: what the operator should look at */
};

/* Looks at the running Postfix (config_dir NULL: the default) and Dovecot (dovecot_file NULL: the default; it need not
 * be there). NULL with *error_r. */
struct filterctl_setup_site *filterctl_setup_site_find(const struct settings *s, const char *config_dir,
                                                       const char *dovecot_file, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void filterctl_setup_site_free(struct filterctl_setup_site **site);
void filterctl_setup_site_note(struct filterctl_setup_site *site, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A setting as it holds for a service; main.cf's if the service has none of its own. Lent. */
const char *filterctl_setup_site_get(const struct filterctl_setup_site *site, const char *context, const char *name);
/* Postfix's size limit in bytes; what filterd is told to take. 0: none. */
guint64 filterctl_setup_site_limit(const struct filterctl_setup_site *site);
/* How many sessions Postfix may have with filterd at once. */
int filterctl_setup_site_sessions(const struct filterctl_setup_site *site);

#endif
