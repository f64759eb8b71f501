/* text: tables that are text, in a file (texthash) or in their name (inline, static). */
#ifndef FILTERD_TABLES_TEXT_H
#define FILTERD_TABLES_TEXT_H

#include "filterd/tables/table_type.h"

extern const struct table_type text_texthash, text_inline, text_static;

#endif
