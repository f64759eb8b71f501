/* Counts senders' ham and spam. Called by classifier.c to look senders up and by the keeper to count. */
#include "classifier/known_sender.h"

#include <glib.h>
#include <string.h>

#include "base/store.h"
#include "classifier/daykey.h"

/* A sender is known after this many ham messages without any spam. */
#define KNOWN_AFTER "3"
enum { ID_BYTES = 16 };

char *known_sender_id(const struct sitekey *key, const char *user, const char *address,
                       const char *domain)
{
    unsigned char digest[ID_BYTES];
    char text[2 * ID_BYTES + 1];
    /* The separator is safe: none of the three contains a line end. */
    g_autofree char *name = g_strconcat(user, "\n", address, "\n", domain, NULL);
    sitekey_derive(key, "correspondent", name, digest);
    for (size_t i = 0; i < ID_BYTES; i++)
        g_snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return g_strdup(text);
}

bool known_sender_is_id(const char *text)
{
    return strlen(text) == 2 * ID_BYTES && strspn(text, "0123456789abcdef") == 2 * ID_BYTES;
}

bool known_sender_is_known(struct model *m, const char *id)
{
    sqlite3_stmt *st = store_cached(
        model_db(m),
        "SELECT 1 FROM correspondent WHERE id = ? AND ham >= " KNOWN_AFTER " AND spam = 0", &id, 1);
    const bool known = st && sqlite3_step(st) == SQLITE_ROW;
    store_done(st);
    return known;
}

/* Adds or takes back one message. Counts never drop below 0: a message may be taken back after its sender was
 * forgotten. */
static bool change_count(struct model *m, const char *id, const char *class, bool back)
{
    g_autofree char *today = daykey_day(0);
    const char *const texts[] = {id, strcmp(class, "spam") == 0 ? "0" : "1",
                                 strcmp(class, "spam") == 0 ? "1" : "0", today};
    const char *const sql =
        back ? "UPDATE correspondent SET ham = max(ham - ?2, 0), spam = max(spam - ?3, 0), day = ?4"
               " WHERE id = ?1"
             : "INSERT INTO correspondent(id, ham, spam, day)"
               " VALUES(?1, CAST(?2 AS INTEGER), CAST(?3 AS INTEGER), ?4) ON CONFLICT(id) DO UPDATE"
               " SET ham = ham + excluded.ham, spam = spam + excluded.spam, day = excluded.day";
    const bool ok = store_run(model_db(m), sql, texts, G_N_ELEMENTS(texts));
    return ok;
}

bool known_sender_count(struct model *m, const char *id, char **counted, const char *now)
{
    bool ok = true;
    if (!id || g_strcmp0(*counted, now) == 0)
        return true;
    if (*counted)
        ok = change_count(m, id, *counted, true);
    g_free(*counted);
    *counted = g_strdup(now);
    return ok && (!now || change_count(m, id, now, false));
}

#define SETTLED \
    " FROM record WHERE day <= ?1 AND state = 1 AND correspondent IS NOT NULL AND counted IS NULL" \
    " AND lower(class) <> 'unsure' "

bool known_sender_settle(struct model *m, const char *day)
{
    return store_run(model_db(m),
                     "INSERT INTO correspondent(id, ham, spam, day)"
                     " SELECT correspondent, sum(lower(class) <> 'spam'), sum(lower(class) = 'spam'),"
                     " max(day)" SETTLED "GROUP BY correspondent ON CONFLICT(id) DO UPDATE"
                     " SET ham = ham + excluded.ham, spam = spam + excluded.spam,"
                     " day = max(day, excluded.day)",
                     &day, 1) &&
           store_run(model_db(m),
                     "UPDATE record SET counted = CASE lower(class) WHEN 'spam' THEN 'spam'"
                     " ELSE 'ham' END WHERE signature IN (SELECT signature" SETTLED ")",
                     &day, 1);
}

bool known_sender_forget_before(struct model *m, const char *day)
{
    return store_run(model_db(m), "DELETE FROM correspondent WHERE day < ?", &day, 1);
}
