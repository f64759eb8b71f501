/* empty_html: recognises HTML with nothing in it, as Exchange puts it in front of a ciphertext. */
#ifndef GPG_EMPTY_HTML_H
#define GPG_EMPTY_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "gpg/mime_text.h"

/* True if it consists of blanks and of tags that show nothing. *other_r: how many bytes of it are attributes that
 * are not known. */
bool empty_html_is(struct mime_text t, size_t *other_r);

#endif
