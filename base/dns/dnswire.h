/* dnswire: DNS messages: writes questions, reads answers (RFC 1035, section 4; EDNS: RFC 6891). */
#ifndef BASE_DNS_DNSWIRE_H
#define BASE_DNS_DNSWIRE_H

#include <glib.h>
#include <stdbool.h>

#include "base/dns/dns_answer.h"

/* Sizes: the header; a whole question (header, name, type and class, OPT record). */
enum { DNSWIRE_HEADER_BYTES = 12, DNSWIRE_QUESTION_BYTES = DNSWIRE_HEADER_BYTES + 255 + 4 + 11 };
/* The UDP payload size announced by EDNS: datagrams up to it are not fragmented on usual paths. */
enum { DNSWIRE_UDP_BYTES = 1232 };

/* Writes a question for name, printable ASCII with or without a dot at its end; "." is the root. Returns its
 * length, 0 if it is no name (empty or long labels, over 253 bytes, blanks, non-ASCII). */
size_t dnswire_question(guint8 out[DNSWIRE_QUESTION_BYTES], const char *name, guint16 type,
                        guint16 id);
/* Removes the OPT record from a question of LEN bytes, for servers that do not know EDNS (RFC 6891, section
 * 6.2.2). Returns the new length. */
size_t dnswire_without_edns(guint8 *question, size_t len);

/* The id of a packet of at least 12 bytes. */
guint16 dnswire_id(const guint8 *packet);
/* An answer's RCODE, and whether it is truncated (TC), so that the question must be repeated over TCP. */
guint dnswire_rcode(const guint8 *answer);
bool dnswire_is_cut(const guint8 *answer);
/* True if LEN bytes are an answer to the question ASKED: at least a header, its id, name, type and class
 * (RFC 5452, section 9.1). */
bool dnswire_is_answer_to(const guint8 *asked, size_t asked_len, const guint8 *data, size_t len);
/* Reads what an answer says about NAME, following aliases (CNAME); never NULL, dns_answer_free it. The status
 * is DNS_TEMP if a relevant part is malformed. If the answer ends with an alias whose target it does not
 * resolve, *more_r is that target, which must be asked for next (g_free), and ttl is the alias's; else it is
 * NULL. */
struct dns_answer *dnswire_answer(const guint8 *data, size_t len, const char *name,
                                  enum dns_type type, char **more_r);

#endif
