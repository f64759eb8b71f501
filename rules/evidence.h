/* evidence: everything known about a message besides its words.
 *
 * The checks start as early as they can: DNS lists and SPF as soon as the envelope is known, while the client
 * still sends; DKIM and DMARC when the header is complete; the links when the message is. All checks together
 * wait at most dns_timeout_ms after the last byte. */
#ifndef RULES_EVIDENCE_H
#define RULES_EVIDENCE_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/mail/envelope.h"
#include "base/mail/reading.h"
#include "rules/auth/spf_result.h"

struct rules;
struct evidence;

/* Starts the envelope's checks; client, HELO and sender must be known. Never NULL. */
struct evidence *evidence_start(struct rules *r, const struct envelope *e);
/* The same, but queries nothing before evidence_header or evidence_finish: for mail that arrives all at once
 * and may need no evidence. e is lent until one of them has returned. Never NULL. */
struct evidence *evidence_hold(struct rules *r, const struct envelope *e);
void evidence_free(struct evidence **ev);
/* Waits at most timeout_ms until fd is readable, and processes DNS answers meanwhile. True if it is readable. */
bool evidence_wait(struct evidence *ev, int fd, int timeout_ms);
/* Starts DKIM and DMARC. header: from its first byte to its last CRLF; not kept. Calling it twice, or not at
 * all before evidence_finish, does no harm. */
void evidence_header(struct evidence *ev, const char *header, size_t len);
/* Sets a time (monotonic microseconds) after which nothing waits. */
void evidence_set_deadline(struct evidence *ev, gint64 deadline);
/* Call when the whole message is there: looks up its links, scans it and waits for all answers. bare: the
 * message held bare CR or LF. */
void evidence_finish(struct evidence *ev, const struct reading *r, bool bare);

/* Instead of evidence_finish when there is no message: waits for the envelope's checks only. */
void evidence_await(struct evidence *ev);

/* The results; call these after evidence_finish or evidence_await. */
/* SPF's result; code none if it was not checked. Lent. */
const struct spf_result *evidence_spf(const struct evidence *ev);
/* Short names ("helo-literal", "spf:fail", names of hits), NULL-terminated, lent. They are tokens, so that each
 * user's model learns how far to trust them. */
const char *const *evidence_facts(const struct evidence *ev);
/* struct hit*, each with its weight; lent. */
const GPtrArray *evidence_hits(const struct evidence *ev);
/* For the log: "dnsbl=... spf=pass dkim=pass dmarc=pass dns=ok"; g_free. */
char *evidence_summary(const struct evidence *ev);
/* Appends Authentication-Results (RFC 8601) and, if the settings say so, Received-SPF; nothing if nothing was
 * checked. */
void evidence_header_lines(const struct evidence *ev, struct bytes *out);
/* The virus that clamd found, NULL if none; lent. */
const char *evidence_virus(const struct evidence *ev);
/* True if this domain was proved to be responsible for the message: by DMARC alignment, or else by a DKIM
 * signature of the domain or by SPF for it. A DKIM key for testing (t=y) proves nothing. */
bool evidence_proves(const struct evidence *ev, const char *domain);
/* The domain of From if it was proved, and its name shows no address of ours instead; else NULL. Lent. */
const char *evidence_proved_domain(const struct evidence *ev);

#endif
