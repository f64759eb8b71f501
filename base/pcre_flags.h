/* pcre_flags: what stands behind a pattern in a table of Postfix's kind, see pcre_table(5). */
#ifndef BASE_PCRE_FLAGS_H
#define BASE_PCRE_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

/* Reads the flags up to a blank or the end of the text, as options of PCRE2. As in Postfix i and s are on by default, and
 * naming them turns them off. *at is left behind them, or at a letter that is no flag: then false. */
bool pcre_flags_read(const char **at, uint32_t *options_r);

#endif
