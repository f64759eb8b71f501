/* address_spellings: the forms in which one address may stand in tables. */
#ifndef BASE_ADDRESS_SPELLINGS_H
#define BASE_ADDRESS_SPELLINGS_H

#include <glib.h>

/* Those of a canonical address, in the order in which an MTA would ask for them: as it is meant (see address_meant),
 * then as it stands; each folded and not, then with its domain by the other kind of label (RFC 5890: U-label or A-label).
 * Of char*, without duplicates, at least one; g_ptr_array_unref. */
GPtrArray *address_spellings(const char *address);

#endif
