/* rules: what a process keeps from message to message; shared by the evidence's files only. */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "base/dns/resolver.h"
#include "rules/auth/dkim.h"
#include "rules/auth/spf_helper.h"
#include "rules/dnsbl.h"

struct rules {
    const struct settings *settings;
    struct resolver *resolver;    /* NULL: no name server can be asked */
    struct dnsbl *dnsbl;          /* NULL: no lists */
    struct dkim_library *dkim;    /* NULL: not checked */
    struct spf_helper *spf;       /* NULL: not checked */
};

#endif
