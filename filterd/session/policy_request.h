/* policy_request: parses a request of Postfix's policy protocol (SMTPD_POLICY_README): lines name=value, ended
 * by an empty one. */
#ifndef FILTERD_SESSION_POLICY_REQUEST_H
#define FILTERD_SESSION_POLICY_REQUEST_H

#include <stdbool.h>

#define POLICY_VALUE_BYTES 512

/* Values as received, cut to size; "" if not given. */
struct policy_request {
    char request[32], protocol_state[32];
    char client_address[64], client_name[256], helo_name[256];
    char sender[POLICY_VALUE_BYTES], recipient[POLICY_VALUE_BYTES];
    char sasl_username[POLICY_VALUE_BYTES], instance[64];
    bool cut; /* a known value was too long: rely on none of them */
};

/* Parses one line; ignores unknown names. If a name comes twice, the first value counts. */
void policy_request_line(struct policy_request *r, const char *line);
/* True if it asks about one recipient of mail from outside. */
bool policy_request_asks(const struct policy_request *r);

#endif
