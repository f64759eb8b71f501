/* finding: one line of "filterctl check" or "filterctl check --prove": what was looked at, and what it is
 * like. */
#ifndef TOOLS_FILTERCTL_CHECK_FINDING_H
#define TOOLS_FILTERCTL_CHECK_FINDING_H

#include "base/dns/resolver.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/postconf.h"

enum filterctl_check_level { FILTERCTL_CHECK_OK, FILTERCTL_CHECK_WARNING, FILTERCTL_CHECK_BAD };

struct filterctl_check {
    const struct filterctl *ctl;
    struct resolver *resolver;
    const char *postfix_dir; /* Postfix's config_directory; NULL: postconf's default */
    struct filterctl_postconf *postconf; /* Postfix's settings; NULL: none, or not to be read (no_postconf says why) */
    char *no_postconf;
    const char *dovecot_file; /* Dovecot's settings; NULL: doveconf's default */
    enum filterctl_check_level worst;
    int lines;
};

/* Prints a finding: subject is what was looked at, format makes one line about it. */
void filterctl_check_tell(struct filterctl_check *c, enum filterctl_check_level level,
                          const char *subject, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
