/* export: one user in one file: model, settings, aliases and counters; no records (they are sealed
 * with the keys of their days and end with them), no keys, and nothing that could be read.
 *
 * A model's places hang on the site's key and on the user's address: the file is good for the same
 * user where the same site key is, and its check is keyed with it, so that a damaged, forged or
 * foreign file is refused.
 *
 *   "filterd-export 1\n"   17 bytes
 *   check                  32 bytes, HMAC-SHA256 of all other bytes, key: sitekey_derive "export"
 *   EXPORT_TYPE            the rest, a GVariant in little endian:
 *     s user, a{ss} settings, as aliases, a(ssbi) history (day, kind, spam, messages),
 *     (sx) period (day it began, messages learnt by then; "" none),
 *     (uuuu) messages learnt spam, ham, steps counted spam, ham,
 *     an weights, aq counts (spam, ham, of each place), ay touched (two periods) */
#ifndef FILTERD_KEEPER_EXPORT_H
#define FILTERD_KEEPER_EXPORT_H

#include <glib.h>
#include <stdbool.h>

#include "base/sitekey.h"
#include "classifier/learner.h"

#define EXPORT_TYPE "(sa{ss}asa(ssbi)(sx)(uuuu)anaqay)"
#define EXPORT_MAX_BYTES (8u * 1024 * 1024)

struct export_lesson { /* a row of the journal without its places */
    char day[11], kind[16];
    bool spam;
    gint32 heard;
};

struct export {
    char *user;
    GPtrArray *settings; /* of char*: name, value, name, value, ... */
    GPtrArray *aliases;  /* of char*: addresses whose mail is for the user */
    GArray *history;     /* of struct export_lesson, oldest first */
    char period_day[11]; /* "" if none */
    gint64 period_learnt;
    struct learner *learner;
};

/* Empty, with a learner that has learnt nothing. */
struct export *export_new(const char *user);
void export_free(struct export **e);
/* The file. g_byte_array_unref. */
GByteArray *export_pack(const struct export *e, const struct sitekey *key);
/* NULL with one line in *error_r (g_free). */
struct export *export_unpack(const void *data, size_t len, const struct sitekey *key,
                             char **error_r);
/* Writes the check into a file whose other bytes stand. */
void export_sign(GByteArray *file, const struct sitekey *key);

#endif
