/* filterctl lookup spf ADDRESS HELO SENDER: runs the check in an SPF process, as the daemon does, since
 * libspf2 may die of a record. Called by lookup.c. */
#include <glib.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "rules/auth/spf_helper.h"
#include "rules/auth/spf_result.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/lookup.h"

#define GRACE_MS 5000 /* beyond the DNS deadline, for an SPF process that dies */

static struct spf_result ask(struct spf_helper *h, const struct spf_question *q, int timeout_ms)
{
    if (!spf_helper_ask(h, q))
        return (struct spf_result){.code = SPF_CODE_TEMPERROR, .reason = "it cannot be asked"};
    struct spf_result result;
    struct pollfd p = {.fd = spf_helper_fd(h), .events = POLLIN};
    while (poll(&p, 1, timeout_ms + GRACE_MS) > 0) {
        if (spf_helper_take(h, &result))
            return result;
        p.fd = spf_helper_fd(h);
    }
    return spf_helper_give_up(h);
}

int filterctl_lookup_spf(struct filterctl *ctl, struct resolver *r, int argc, char **argv)
{
    (void)r;
    /* No option is looked for: a sender may begin with a dash. */
    if (argc == 5 && strcmp(argv[1], "--") == 0)
        argv++, argc--;
    if (argc != 4)
        return EX_USAGE;
    const struct spf_question q = {argv[1], argv[2], argv[3]};
    struct spf_helper *h = spf_helper_new_own(ctl->settings);
    if (!h) {
        filterctl_complain("no process for SPF");
        return EX_OSERR;
    }
    const struct spf_result result = ask(h, &q, ctl->settings->dns_timeout_ms);
    g_autofree char *text = g_strdup_printf("%s=%s: %s", result.by_helo ? "helo" : "mailfrom",
                                            result.domain, result.reason);
    filterctl_lookup_tell(ctl, spf_code_word(result.code), text);
    spf_helper_free(&h);
    return EX_OK;
}
