/* pattern_pcre: PCRE2 for tables of patterns. */
#ifndef FILTERD_TABLES_PATTERN_PCRE_H
#define FILTERD_TABLES_PATTERN_PCRE_H

#include "filterd/tables/pattern_engine.h"

extern const struct pattern_engine pattern_pcre_engine;

#endif
