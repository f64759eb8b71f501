/* tables_desk: the answers that may be given again. */
#ifndef FILTERD_TABLES_TABLES_DESK_H
#define FILTERD_TABLES_TABLES_DESK_H

#include <glib.h>
#include <stddef.h>

struct tables_desk;
struct tables_desk *tables_desk_new(void);
void tables_desk_free(struct tables_desk **d);

/* What is asked, as a string that is the same for all who ask the same; g_free. NULL: it is no question. */
char *tables_desk_key(const char *question, size_t len, guint32 *number_r);
/* A key as a question with this number, lent until the next call. */
const GString *tables_desk_question(struct tables_desk *d, const char *key, guint32 number);

/* What was answered seconds ago, lent; NULL: the tables must be asked. */
const GBytes *tables_desk_known(const struct tables_desk *d, const char *key);
/* Takes in what the tables answered (NULL: nothing, or no answer). What could not be asked for is what it was minutes
 * ago. Lent until the next call. */
const GBytes *tables_desk_take(struct tables_desk *d, const char *key, const char *answer, size_t len);
/* The same answer with another question's number; owned by the caller. */
GBytes *tables_desk_numbered(const GBytes *answer, guint32 number);

#endif
