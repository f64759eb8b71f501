/* The input is a message: seal_is_encrypted decides without reading outside of it. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/mail/message.h"
#include "gpg/cms.h"
#include "gpg/packets.h"
#include "gpg/seal.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    g_autofree char *raw = g_malloc(len + 1);
    memcpy(raw, data, len);
    raw[len] = 0;
    struct message *m = message_new(raw, len);
    if (seal_is_encrypted(m) && m->body_len < 40)
        abort(); /* no ciphertext is that short */
    message_free(&m);
    if (packets_are_encrypted(data, len) && cms_is_enveloped(data, len))
        abort();
    return 0;
}
