/* spf_record: parses v=spf1 records strictly by the grammar of RFC 7208 (sections 4.5, 4.6, 5, 6 and 12).
 * libspf2 gets to see nothing but what is accepted here. */
#ifndef RULES_AUTH_SPF_RECORD_H
#define RULES_AUTH_SPF_RECORD_H

#include <glib.h>
#include <stdbool.h>

enum spf_term_kind { SPF_TERM_ALL, SPF_TERM_INCLUDE, SPF_TERM_A, SPF_TERM_MX, SPF_TERM_PTR,
                     SPF_TERM_IP4, SPF_TERM_IP6, SPF_TERM_EXISTS, SPF_TERM_REDIRECT };

struct spf_term {
    enum spf_term_kind kind;
    char qualifier;     /* + - ~ ? */
    char *spec;         /* the domain-spec with its macros; NULL: the record's own domain */
    guint8 address[16]; /* network of IP4 (the first 4 bytes) or IP6 */
    int bits4, bits6;   /* prefix lengths; IP4 and IP6 use one, A and MX both */
};

struct spf_record {
    GPtrArray *terms; /* of struct spf_term*, in order; a redirect comes last */
};

/* True if the text is an SPF record of version 1, well-formed or not (section 4.5). */
bool spf_record_is_one(const char *text, size_t len);
/* NULL if any part is malformed, with a static text in *error_r. text may contain any bytes. */
struct spf_record *spf_record_parse(const char *text, size_t len, const char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void spf_record_free(struct spf_record **r);

#endif
