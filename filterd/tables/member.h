/* member: one table of a chain, type:name. */
#ifndef FILTERD_TABLES_MEMBER_H
#define FILTERD_TABLES_MEMBER_H

#include <glib.h>

#include "filterd/tables/table_result.h"
#include "filterd/tables/table_type.h"

/* type_name may begin with proxy:. NULL with *error_r. */
struct member *member_open(const char *type_name, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Folds the key if the type wants that, checks key and value, and appends to value, which is empty. */
enum table_result member_ask(struct member *m, const char *key, unsigned flags, GString *value,
                             char **error_r) G_GNUC_WARN_UNUSED_RESULT;
const char *member_name(const struct member *m);
void member_free(struct member **m);

#endif
