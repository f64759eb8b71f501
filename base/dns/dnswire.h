/* dnswire: questions and answers of DNS as they are on the wire (RFC 1035, RFC 6891). */
#ifndef BASE_DNS_DNSWIRE_H
#define BASE_DNS_DNSWIRE_H

#include <glib.h>
#include <stdbool.h>

#include "base/dns/dns_answer.h"

/* Header, name, type and class, and an OPT record at the end. */
enum { DNSWIRE_HEADER_BYTES = 12, DNSWIRE_QUESTION_BYTES = DNSWIRE_HEADER_BYTES + 255 + 4 + 11 };
/* What we take in one datagram: no fragments on any usual path. */
enum { DNSWIRE_UDP_BYTES = 1232 };

/* A question for a name in printable ASCII, with or without a dot at its end; "." is the root. Its
 * length, 0 if it is no name (empty or long labels, over 253 bytes, blanks, anything not ASCII). */
size_t dnswire_question(guint8 out[DNSWIRE_QUESTION_BYTES], const char *name, guint16 type,
                        guint16 id);
/* Takes the OPT record out of a question of LEN bytes again, for servers that do not know EDNS (RFC
 * 6891, section 6.2.2). Its new length. */
size_t dnswire_without_edns(guint8 *question, size_t len);

/* Of any packet of at least 12 bytes. */
guint16 dnswire_id(const guint8 *packet);
/* Of an answer: its RCODE, and whether it was truncated (TC), so that TCP is to be asked. */
guint dnswire_rcode(const guint8 *answer);
bool dnswire_is_cut(const guint8 *answer);
/* True if LEN bytes are an answer to the question ASKED: at least a header, its id, name, type and class
 * (RFC 5452, section 9.1). */
bool dnswire_is_answer_to(const guint8 *asked, size_t asked_len, const guint8 *data, size_t len);
/* What an answer says about NAME, aliases (CNAME) followed; never NULL, dns_answer_free. What is
 * malformed in any part that matters is DNS_TEMP. *more_r is NULL, or, where the answer ends with
 * an alias and does not say what that has: that name, to be asked for (g_free); ttl is the alias's. */
struct dns_answer *dnswire_answer(const guint8 *data, size_t len, const char *name,
                                  enum dns_type type, char **more_r);

#endif
