/* pattern_regexp: POSIX regular expressions for tables of patterns. */
#ifndef FILTERD_TABLES_PATTERN_REGEXP_H
#define FILTERD_TABLES_PATTERN_REGEXP_H

#include "filterd/tables/pattern_engine.h"

extern const struct pattern_engine pattern_regexp_engine;

#endif
