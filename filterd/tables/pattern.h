/* pattern: tables of regular expressions: pcre and regexp. */
#ifndef FILTERD_TABLES_PATTERN_H
#define FILTERD_TABLES_PATTERN_H

#include "filterd/tables/table_type.h"

extern const struct table_type pattern_pcre, pattern_regexp;

#endif
