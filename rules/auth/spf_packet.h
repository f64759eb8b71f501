/* spf_packet: what goes between a worker and the SPF process: a question, and its answer, each one packet.
 *
 * Both sides are one program, so the numbers are as this machine has them. Neither side trusts the other: a
 * worker may have been captured by a message, the process by a name server. */
#ifndef RULES_AUTH_SPF_PACKET_H
#define RULES_AUTH_SPF_PACKET_H

#include <glib.h>
#include <stdbool.h>

#include "rules/auth/spf_result.h"

#define SPF_PACKET_QUESTION_MAX 4096 /* bytes */

struct spf_packet_answer {
    guint32 number; /* of the question */
    gint32 signal;  /* 0, or what the process dies of while it works at this question */
    struct spf_result result;
};

/* A number, and then address, HELO and sender, each with its NUL. False if it is too long. */
bool spf_packet_write(GString *out, guint32 number, const struct spf_question *q);
/* False if it is no question. q's strings lie in data. */
bool spf_packet_read(const char *data, size_t len, guint32 *number_r, struct spf_question *q_r);
/* Makes LEN bytes that came as an answer fit to be used and shown, whatever they are. False if they are
 * none. */
bool spf_packet_tidy(struct spf_packet_answer *a, size_t len);

#endif
