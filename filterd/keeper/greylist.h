/* greylist: asks who is doubtful to come again. Whom to ask is the verdict's business; here is what
 * is remembered of whom (state_dir/greylist.db), which only the keeper writes. */
#ifndef FILTERD_KEEPER_GREYLIST_H
#define FILTERD_KEEPER_GREYLIST_H

#include <stdbool.h>

/* Of greylist.db, see base/store.h. 1: as it was before there were versions. */
#define GREYLIST_VERSION 1
/* How long one has to wait at least, unless greylist_set_wait says otherwise, and may at most. */
#define GREYLIST_WAIT_SECONDS 300
#define GREYLIST_RETRY_SECONDS (2 * 86400)
/* Who passed is known that long after having come last. */
#define GREYLIST_KNOWN_SECONDS (35 * 86400)
/* A network or proved domain that came back for so many different triplets, each counted in an hour
 * of its own, is not asked any more. */
#define GREYLIST_CLIENT_PASSES 5
/* More triplets are not begun: then who is new passes. */
#define GREYLIST_ROWS 2000000

/* Who comes: the network of the client (/24, /64), the sender, the recipient. With a domain that
 * was proved (DKIM, SPF) that domain stands for the network. Case, an extension of the sender and
 * the digits in its local part make no difference. */
struct greylist_triplet {
    const char *address;       /* of the client */
    const char *proved_domain; /* NULL: none */
    const char *sender, *recipient;
};

enum greylist_answer {
    GREYLIST_WAIT, /* first seen, or back too early */
    GREYLIST_PASS, /* came back in time, or has come back so often that it is known */
};

struct greylist;
struct sitekey;

/* NULL with one line, also if a later version made the file. Only digests of triplets under the site's key are stored. */
struct greylist *greylist_open(const char *state_dir, const struct sitekey *key, char **error_r);
void greylist_free(struct greylist **g);
void greylist_set_wait(struct greylist *g, int seconds);
/* now: seconds since 1970. *wait_r: seconds until it may pass. A failing store lets pass. */
enum greylist_answer greylist_ask(struct greylist *g, const struct greylist_triplet *t, long now,
                                  int *wait_r);
/* Forgets what is old. */
void greylist_tick(struct greylist *g, long now);

#endif
