/* filterctl lookup virus FILE: what clamd says about a message. Called by lookup.c. */
#include <stdio.h>
#include <sysexits.h>

#include "base/bytes.h"
#include "base/newline.h"
#include "rules/clamav.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/lookup.h"

#define SCAN_MS 60000

int filterctl_lookup_virus(struct filterctl *ctl, struct resolver *r, int argc, char **argv)
{
    static const char *const words[] = {
        [CLAMAV_ERROR] = "error", [CLAMAV_CLEAN] = "clean", [CLAMAV_FOUND] = "found"};
    struct bytes raw = {0};
    char name[128];
    (void)r;
    if (argc != 2)
        return EX_USAGE;
    if (!ctl->settings->clamav.path) {
        filterctl_complain("[clamav] socket is not set");
        return EX_CONFIG;
    }
    if (!filterctl_read(argv[1], &raw))
        return EX_NOINPUT;
    newline_normalise(&raw);
    enum clamav_answer answer =
        clamav_scan(ctl->settings->clamav.path, raw.data, raw.len, SCAN_MS, name);
    filterctl_lookup_tell(ctl, words[answer], name);
    bytes_free(&raw);
    return answer == CLAMAV_ERROR ? EX_TEMPFAIL : EX_OK;
}
