/* evidence: what is known about a message besides its words.
 *
 * It starts as soon as the envelope is known: lists and SPF are asked while the client still sends.
 * When the header is complete DKIM and DMARC join them, when the message is, its links. All of it
 * together waits no longer than dns_timeout_ms after the last byte. */
#ifndef RULES_EVIDENCE_H
#define RULES_EVIDENCE_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/mail/envelope.h"
#include "base/mail/message.h"
#include "rules/auth/spf_result.h"

struct rules;
struct evidence;

/* Client, HELO and sender are known. Never NULL. */
struct evidence *evidence_start(struct rules *r, const struct envelope *e);
/* The same, but nothing is asked before evidence_header or evidence_finish: for mail that comes in
 * one go, and may need no evidence at all. e is lent and must outlive them. */
struct evidence *evidence_hold(struct rules *r, const struct envelope *e);
void evidence_free(struct evidence **ev);
/* Waits until fd is readable or the time is over, taking answers meanwhile; true if it is. */
bool evidence_wait(struct evidence *ev, int fd, int timeout_ms);
/* The header is complete: from its first byte to its last CRLF. Not kept. A second call, or none
 * before evidence_finish, does no harm. */
void evidence_header(struct evidence *ev, const char *header, size_t len);
/* Nothing is waited for past that time, in monotonic microseconds. */
void evidence_set_deadline(struct evidence *ev, gint64 deadline);
/* The whole message is there. bare: it held bare CR or LF. Asks for its links and waits for all that
 * was asked. */
void evidence_finish(struct evidence *ev, const struct message *m, bool bare);

/* Waits for what was asked of the envelope alone; instead of evidence_finish where there is no
 * message. */
void evidence_await(struct evidence *ev);

/* After one of them: */
/* SPF's result; none if it was not asked. Lent. */
const struct spf_result *evidence_spf(const struct evidence *ev);
/* Short names ("helo-literal", "spf:fail", names of hits), NULL-terminated, lent: tokens for the
 * classifier, so that each user's learns how far to trust them. */
const char *const *evidence_facts(const struct evidence *ev);
/* Each with its weight; lent. */
const GPtrArray *evidence_hits(const struct evidence *ev);
/* "dnsbl=... spf=pass dkim=pass dmarc=pass dns=ok" for the log; g_free. */
char *evidence_summary(const struct evidence *ev);
/* Appends Authentication-Results and, if so set, Received-SPF; nothing if nothing was checked. */
void evidence_header_lines(const struct evidence *ev, struct bytes *out);
/* What a scanner found, NULL if nothing; lent. */
const char *evidence_virus(const struct evidence *ev);
/* True if the domain was proved to stand behind the message (DMARC's alignment, else a DKIM
 * signature of that domain or SPF for it). */
bool evidence_proves(const struct evidence *ev, const char *domain);
/* The domain of From that was proved, NULL if none; lent. */
const char *evidence_proved_domain(const struct evidence *ev);

#endif
