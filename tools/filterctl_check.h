/* filterctl_check: is everything outside of filterd there that it needs. A line of the table in
 * filterctl_check.c for each check. */
#ifndef TOOLS_FILTERCTL_CHECK_H
#define TOOLS_FILTERCTL_CHECK_H

#include "base/resolver.h"
#include "tools/filterctl.h"

enum filterctl_check_level { FILTERCTL_CHECK_OK, FILTERCTL_CHECK_WARNING, FILTERCTL_CHECK_BAD };

struct filterctl_check {
    const struct filterctl *ctl;
    struct resolver *resolver;
    const char *postfix_dir; /* its configuration; NULL: where Postfix looks itself */
    enum filterctl_check_level worst;
    int lines;
};

/* One finding: what was looked at, and one line about it. */
void filterctl_check_tell(struct filterctl_check *c, enum filterctl_check_level level,
                          const char *subject, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

typedef void filterctl_check_fn(struct filterctl_check *c);
filterctl_check_fn filterctl_check_dns, filterctl_check_dnsbl, filterctl_check_clamav;
filterctl_check_fn filterctl_check_hops, filterctl_check_listeners, filterctl_check_postfix;

#endif
