/* resolver: all DNS lookups of a process, many at once.
 *
 * A question is sent at once; its answer is taken in resolver_pump, where the process also waits for its
 * client's next bytes. Answers are cached for their TTL, negative ones for that of the SOA (RFC 2308), at most
 * an hour; timeouts for half a minute. Each question is answered within [dns] timeout_ms, with DNS_TEMP if no
 * server has answered. When the servers seem down, none is asked for a while: all questions are then answered
 * DNS_TEMP at once. */
#ifndef BASE_DNS_RESOLVER_H
#define BASE_DNS_RESOLVER_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/dns/dns_answer.h"

struct resolver;

/* Uses the setting [dns] server, else the servers of resolv.conf. NULL with *error_r, one line (g_free). */
struct resolver *resolver_new(const struct settings *s, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Drops outstanding questions without calling their fn. */
void resolver_free(struct resolver **r);

/* Asks. fn is called once: before this returns if the answer is known, else from resolver_pump. The answer is
 * lent for the call. An invalid name gives DNS_NONE. In names, asked for and answered, a byte that is not a
 * plain character is written \DDD. */
void resolver_ask(struct resolver *r, const char *name, enum dns_type type,
                  void (*fn)(const struct dns_answer *answer, void *arg), void *arg);
/* Forgets all questions with this arg: their fn is not called any more. */
void resolver_forget(struct resolver *r, const void *arg);
/* Takes answers until fd (-1: none) is readable, timeout_ms have passed or, with fd -1, no question is
 * outstanding. True if fd is readable (or nothing is outstanding). */
bool resolver_pump(struct resolver *r, int fd, int timeout_ms);
/* The number of questions that still wait for an answer. */
guint resolver_outstanding(const struct resolver *r);
/* True while the servers are considered down. */
bool resolver_is_down(const struct resolver *r);

/* Asks one question and waits for its answer; dns_answer_free it. For programs that do nothing else meanwhile. */
struct dns_answer *resolver_ask_now(struct resolver *r, const char *name, enum dns_type type,
                                    int timeout_ms);

#endif
