/* dmarc_shown: the addresses that people read in a malformed From, or in a name: mail readers decode it, drop or
 * show comments, quotes and what is invisible, and know more signs than one for '@'. */
#ifndef RULES_AUTH_DMARC_SHOWN_H
#define RULES_AUTH_DMARC_SHOWN_H

#include <stdbool.h>
#include <stddef.h>

/* Calls found for each address in text, in whatever way it may be shown, as dmarc_loose_each does; more than once
 * for the same one. Does not look further if no more than known signs for '@' are shown. False if some of the text
 * cannot be told: a charset nobody knows, or more encoded words than are read. Linear. */
bool dmarc_shown_each(const char *text, size_t len, size_t known, void (*found)(const char *address, void *arg),
                      void *arg);

#endif
