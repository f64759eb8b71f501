/* resolver: all DNS lookups of a process, many at once.
 *
 * Questions are asked and go on by themselves; whoever waits for something else (a client's next
 * bytes) waits in resolver_pump, so that answers are taken as they come. Answers are cached for
 * their TTL (negative ones for that of the SOA, RFC 2308; at most an hour; that there was none in
 * time, half a minute). A question is answered within [dns] timeout_ms, DNS_TEMP if by nobody else. A
 * server that does not answer is left alone for a while: then every question is answered DNS_TEMP at
 * once. */
#ifndef BASE_DNS_RESOLVER_H
#define BASE_DNS_RESOLVER_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/dns/dns_answer.h"

struct resolver;

/* dns_server, else those of resolv.conf. NULL with one line. */
struct resolver *resolver_new(const struct settings *s, char **error_r);
/* Outstanding questions are dropped without a word. */
void resolver_free(struct resolver **r);

/* Asks; fn is called once: at once if the answer is known, else out of resolver_pump. The answer is
 * lent for the call. Names that are none are answered DNS_NONE.
 * What is no plain character in a name is \DDD, in names asked for and in answers. */
void resolver_ask(struct resolver *r, const char *name, enum dns_type type,
                  void (*fn)(const struct dns_answer *answer, void *arg), void *arg);
/* Forgets all questions whose arg is this one; their fn is not called any more. */
void resolver_forget(struct resolver *r, const void *arg);
/* Waits until fd (-1: none) is readable, timeout_ms passed, or (fd -1) nothing is outstanding, and
 * takes answers meanwhile. True if fd is readable (or nothing is outstanding). */
bool resolver_pump(struct resolver *r, int fd, int timeout_ms);
/* Questions that wait for an answer. */
guint resolver_outstanding(const struct resolver *r);
/* True if the server is taken for dead just now. */
bool resolver_is_down(const struct resolver *r);

/* One question, waited for; the caller's: dns_answer_free. For programs that do nothing else. */
struct dns_answer *resolver_ask_now(struct resolver *r, const char *name, enum dns_type type,
                                    int timeout_ms);

#endif
