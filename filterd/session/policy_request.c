/* Parses Postfix's policy requests. Called by policy_session.c. */
#include "filterd/session/policy_request.h"

#include <glib.h>
#include <stddef.h>
#include <string.h>

#define FIELD(name) {#name, offsetof(struct policy_request, name), \
                     sizeof ((struct policy_request *)0)->name}
static const struct {
    const char *name;
    size_t offset, size;
} fields[] = {
    FIELD(request), FIELD(protocol_state), FIELD(client_address), FIELD(client_name),
    FIELD(helo_name), FIELD(sender), FIELD(recipient), FIELD(sasl_username), FIELD(instance),
};

void policy_request_line(struct policy_request *r, const char *line)
{
    const char *equals = strchr(line, '=');
    const size_t n = equals ? (size_t)(equals - line) : 0;
    for (size_t i = 0; n && i < G_N_ELEMENTS(fields); i++) {
        char *field = (char *)r + fields[i].offset;
        if (strlen(fields[i].name) != n || memcmp(fields[i].name, line, n) != 0 || *field)
            continue;
        if (g_strlcpy(field, equals + 1, fields[i].size) >= fields[i].size)
            r->cut = true;
    }
}

bool policy_request_asks(const struct policy_request *r)
{
    if (r->cut || strcmp(r->request, "smtpd_access_policy") != 0)
        return false;
    if (*r->protocol_state && strcmp(r->protocol_state, "RCPT") != 0)
        return false;
    return *r->client_address && *r->recipient && !*r->sasl_username;
}
