/* The input is the value of a Received field: an id is a word of it. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mail/header.h"
#include "base/mail/received_field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const hosts[] = {"mx.example.com", "h", NULL};
    g_autofree char *value = g_memdup2(data, size); /* ends where it ends, without a 0 */
    const struct header h = {.value = value ? value : "", .value_len = size};
    g_autofree char *id = received_field_id(&h, hosts);
    if (id && (!*id || strlen(id) > 100 || strpbrk(id, " \t\r\n(;") || !memmem(data, size, id, strlen(id))))
        abort();
    return 0;
}
