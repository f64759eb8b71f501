/* spf_record: a v=spf1 record taken apart by the grammar of RFC 7208 (sections 4.5, 4.6, 5, 6 and
 * 12), to the letter: what is accepted here is all that libspf2 ever hears of. */
#ifndef RULES_AUTH_SPF_RECORD_H
#define RULES_AUTH_SPF_RECORD_H

#include <glib.h>
#include <stdbool.h>

enum spf_term_kind { SPF_TERM_ALL, SPF_TERM_INCLUDE, SPF_TERM_A, SPF_TERM_MX, SPF_TERM_PTR,
                     SPF_TERM_IP4, SPF_TERM_IP6, SPF_TERM_EXISTS, SPF_TERM_REDIRECT };

struct spf_term {
    enum spf_term_kind kind;
    char qualifier;     /* + - ~ ? */
    char *spec;         /* the domain-spec, macros unexpanded; NULL: the domain itself */
    guint8 address[16]; /* IP4: the first 4; IP6 */
    int bits4, bits6;   /* of A and MX both, of IP4 and IP6 one */
};

struct spf_record {
    GPtrArray *terms; /* of struct spf_term*, in order; a redirect is the last one */
};

/* True if the text is a record of this version, well-formed or not (section 4.5). */
bool spf_record_is_one(const char *text, size_t len);
/* NULL if any of it is wrong; *error_r is then a static text. text may hold any bytes. */
struct spf_record *spf_record_parse(const char *text, size_t len, const char **error_r);
void spf_record_free(struct spf_record **r);

#endif
