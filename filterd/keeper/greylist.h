/* greylist: the store behind greylisting (state_dir/greylist.db): asks clients to come back later and remembers
 * which did. greylisting.h decides which mail is doubtful. Only the keeper opens the file. */
#ifndef FILTERD_KEEPER_GREYLIST_H
#define FILTERD_KEEPER_GREYLIST_H

#include <glib.h>
#include <stdbool.h>

/* Version of greylist.db, see base/store.h. 1: the format from before there were versions. */
#define GREYLIST_VERSION 1
/* A client must wait at least the first (greylist_set_wait changes it) and retry within the second. */
#define GREYLIST_WAIT_SECONDS 300
#define GREYLIST_RETRY_SECONDS (2 * 86400)
/* A client that passed stays known for this long after its last visit. */
#define GREYLIST_KNOWN_SECONDS (35 * 86400)
/* A network or authenticated domain that came back for this many different triplets, counted at most once an
 * hour, is no longer asked. */
#define GREYLIST_CLIENT_PASSES 5
/* With this many triplets stored no new ones are begun: new clients pass. */
#define GREYLIST_ROWS 2000000

/* The client's network (/24, /64) or, if DKIM or SPF authenticates one, the domain in its place; the sender;
 * the recipient. Letter case, the sender's extension and digits in its local part do not count. */
struct greylist_triplet {
    const char *address;       /* the client's */
    const char *proved_domain; /* NULL: none */
    const char *sender, *recipient;
};

enum greylist_answer {
    GREYLIST_WAIT, /* first seen, or back too early */
    GREYLIST_PASS, /* came back in time, or so often that it is known */
};

struct greylist;
struct sitekey;

/* NULL with one line in *error_r, also if a later version made the file. Stores only digests of triplets, made
 * with the site key. */
struct greylist *greylist_open(const char *state_dir, const struct sitekey *key, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void greylist_free(struct greylist **g);
void greylist_set_wait(struct greylist *g, int seconds);
/* now: seconds since 1970. *wait_r: seconds until the client may pass. If the store fails, the client passes. */
enum greylist_answer greylist_ask(struct greylist *g, const struct greylist_triplet *t, long now,
                                  int *wait_r);
/* Deletes expired rows. */
void greylist_tick(struct greylist *g, long now);

#endif
