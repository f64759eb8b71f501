/* export: one user in one file: model, settings, aliases and counters. No records (they are sealed with the
 * keys of their days and end with them), no keys, no readable mail.
 *
 * The buckets of a model depend on the site key and the user's address, so the file fits the same user where
 * the same site key is. Its check is keyed with the site key: a damaged, forged or foreign file is refused.
 *
 *   "filterd-export 1\n"   17 bytes
 *   check                  32 bytes, HMAC-SHA256 of all other bytes, key: sitekey_derive "export"
 *   EXPORT_TYPE            the rest, a GVariant in little endian:
 *     s user, a{ss} settings, as aliases, a(ssbi) history (day, kind, spam, messages),
 *     (sx) period (day it began, messages learnt by then; "" none),
 *     (uuuu) messages learnt spam, ham, steps counted spam, ham,
 *     an weights, aq counts (spam, ham, of each bucket), ay touched (two periods) */
#ifndef FILTERD_KEEPER_EXPORT_H
#define FILTERD_KEEPER_EXPORT_H

#include <glib.h>
#include <stdbool.h>

#include "base/sitekey.h"
#include "classifier/learner.h"

#define EXPORT_TYPE "(sa{ss}asa(ssbi)(sx)(uuuu)anaqay)"
#define EXPORT_MAX_BYTES (8u * 1024 * 1024)

struct export_record { /* a row of the journal without its buckets */
    char day[11], kind[16];
    bool spam;
    gint32 heard;
};

struct export {
    char *user;
    GPtrArray *settings; /* of char*: name, value, name, value, ... */
    GPtrArray *aliases;  /* of char*: addresses whose mail is for the user */
    GArray *history;     /* of struct export_record, oldest first */
    char period_day[11]; /* "" if none */
    gint64 period_learnt;
    struct learner *learner;
};

/* An export without anything in it; its learner has learnt nothing. */
struct export *export_new(const char *user);
void export_free(struct export **e);
/* The file's content; g_byte_array_unref. */
GByteArray *export_pack(const struct export *e, const struct sitekey *key);
/* NULL with one line in *error_r (g_free) if the file is refused. */
struct export *export_unpack(const void *data, size_t len, const struct sitekey *key,
                             char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Computes the check over a file whose other bytes are complete, and writes it in. */
void export_sign(GByteArray *file, const struct sitekey *key);

#endif
