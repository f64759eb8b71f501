/* spf_macro: checks and expands domain-specs with macros (RFC 7208 section 7). */
#ifndef RULES_AUTH_SPF_MACRO_H
#define RULES_AUTH_SPF_MACRO_H

#include <glib.h>
#include <stdbool.h>

#define SPF_MACRO_NAME_MAX 253

struct spf_macro_values {
    const char *sender, *local, *sender_domain, *helo;
    const char *domain; /* the domain whose record is evaluated */
    bool v6;
    const guint8 *address; /* 4 or 16 bytes */
    /* Called for %{p} only: the validated name of the client; lent. */
    const char *(*validated_name)(const char *domain, void *arg);
    void *arg;
};

/* Does the text match the grammar (section 7.1) of a macro-string (in unknown modifiers), or of a domain-spec? */
bool spf_macro_is_string(const char *text, size_t len);
bool spf_macro_is_domain(const char *text, size_t len);
/* True if expanding this domain-spec needs the client's name (%{p}). */
bool spf_macro_wants_name(const char *spec);
/* The expanded name, g_free: without a dot at the end; if too long, labels are cut off its left until it has at
 * most 253 bytes (section 7.3). It may be invalid in the DNS. */
char *spf_macro_expand(const char *spec, const struct spf_macro_values *v);

#endif
