/* spf_macro: domain-specs and their macros (RFC 7208, section 7). */
#ifndef RULES_AUTH_SPF_MACRO_H
#define RULES_AUTH_SPF_MACRO_H

#include <glib.h>
#include <stdbool.h>

#define SPF_MACRO_NAME_MAX 253

struct spf_macro_values {
    const char *sender, *local, *sender_domain, *helo;
    const char *domain; /* whose record it is */
    bool v6;
    const guint8 *address; /* 4 or 16 bytes */
    /* The validated name of the client, asked for only by %{p}; lent. */
    const char *(*validated_name)(const char *domain, void *arg);
    void *arg;
};

/* Grammar: a macro-string (of an unknown modifier), and a domain-spec. */
bool spf_macro_is_string(const char *text, size_t len);
bool spf_macro_is_domain(const char *text, size_t len);
/* True if the spec (a domain-spec) can only be expanded with the client's name. */
bool spf_macro_wants_name(const char *spec);
/* The name to look up, g_free: without a dot at the end, from the left cut to 253 bytes. It may be
 * none that DNS can have. */
char *spf_macro_expand(const char *spec, const struct spf_macro_values *v);

#endif
