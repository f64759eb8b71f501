/* The input is a message: encrypted_new decides without reading outside of it. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/mail/message.h"
#include "gpg/ciphertext.h"
#include "gpg/cms.h"
#include "gpg/encrypted.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    g_autofree char *raw = g_malloc(len + 1);
    memcpy(raw, data, len);
    raw[len] = 0;
    struct message *m = message_new(raw, len);
    struct encrypted *e = encrypted_new(m);
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(guint64));
    if (e && m->body_len < 40)
        abort(); /* no ciphertext is that short */
    const bool for_any = e && encrypted_is_for(e, ids);
    message_free(&m);
    if (ciphertext_is(data, len, ids) && cms_is_enveloped(data, len))
        abort();
    if (for_any && !encrypted_is_for(e, ids))
        abort(); /* more keys open no less */
    encrypted_free(&e);
    g_array_unref(ids);
    return 0;
}
