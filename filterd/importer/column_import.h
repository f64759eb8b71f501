/* column_import: makes the text of a key column a user's key. */
#ifndef FILTERD_IMPORTER_COLUMN_IMPORT_H
#define FILTERD_IMPORTER_COLUMN_IMPORT_H

#include <stddef.h>

#include "base/config/settings.h"
#include "filterd/tables/key_import.h"

struct column_import;

/* settings are lent. line: the importer's end of its line, by which the keeper knows it; lent. */
struct column_import *column_import_new(const struct settings *settings, int line);
void column_import_free(struct column_import **c);

/* Has GPGME judge the text as one that "filterctl key import" is given, and makes its key the only one of the user, by
 * a new generation. What was refused lately is not tried again. Logs what changed, and why it was refused. */
enum key_import column_import_text(struct column_import *c, const char *user, const char *text, size_t len);

#endif
