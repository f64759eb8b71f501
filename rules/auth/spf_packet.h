/* spf_packet: the packets between a worker and the SPF process: a question, and its answer.
 *
 * Both sides run the same program, so numbers are in this machine's byte order. Neither side trusts the other:
 * a message may have taken over the worker, a name server the SPF process. */
#ifndef RULES_AUTH_SPF_PACKET_H
#define RULES_AUTH_SPF_PACKET_H

#include <glib.h>
#include <stdbool.h>

#include "rules/auth/spf_result.h"

#define SPF_PACKET_QUESTION_MAX 4096 /* bytes */

struct spf_packet_answer {
    guint32 number; /* of the question */
    gint32 signal;  /* 0, or the signal that the process dies of while it works on this question */
    struct spf_result result;
};

/* Writes number, then address, HELO and sender, each with its NUL. False if that is too long. */
bool spf_packet_write(GString *out, guint32 number, const struct spf_question *q);
/* False if data is not a valid question. q's strings point into data. */
bool spf_packet_read(const char *data, size_t len, guint32 *number_r, struct spf_question *q_r);
/* Makes the len bytes received as an answer safe to use and to print, whatever they contain. False if they are
 * no answer. */
bool spf_packet_tidy(struct spf_packet_answer *a, size_t len);

#endif
