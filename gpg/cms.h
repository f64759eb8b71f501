/* cms: recognises encrypted S/MIME content by its DER or BER structure (RFC 5652). */
#ifndef GPG_CMS_H
#define GPG_CMS_H

#include <stdbool.h>
#include <stddef.h>

/* True if the bytes are exactly one ContentInfo of type enveloped-data or auth-enveloped-data (RFC 5083) that
 * has recipients and encrypted content. False for signed or compressed data. */
bool cms_is_enveloped(const unsigned char *data, size_t len);

#endif
