/* plan: the changes to Postfix that put filterd into a site, each with its reason. */
#ifndef TOOLS_FILTERCTL_SETUP_PLAN_H
#define TOOLS_FILTERCTL_SETUP_PLAN_H

#include <glib.h>

#include "tools/filterctl/setup/site.h"

struct filterctl_setup_step {
    char option;    /* postconf's: 'e' (main.cf), 'M' (a service), 'P' (a setting of a service) */
    char *argument; /* "virtual_transport=filterd:unix:filterd/lmtp.sock" */
    char *reason;
};

/* What is not yet so, in the order in which it may be done: who sends mail to filterd comes last. Array of struct
 * filterctl_setup_step. */
GPtrArray *filterctl_setup_plan(const struct filterctl_setup_site *site);
/* The settings of filterd that go with it, as the text of a file in conf.d; g_free. */
char *filterctl_setup_drop_in(const struct filterctl_setup_site *site);

#endif
