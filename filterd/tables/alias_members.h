/* alias_members: the addresses in an alias' value. */
#ifndef FILTERD_TABLES_ALIAS_MEMBERS_H
#define FILTERD_TABLES_ALIAS_MEMBERS_H

#include <glib.h>

/* Whose alias it is, and how its addresses become whole. */
struct alias_members_of {
    const char *address;   /* as looked up: "@domain" as a member keeps its local part */
    const char *extension; /* "+ext", put into each member's local part; NULL: none */
    const char *myorigin;  /* the domain of members without one */
};

/* Splits a value at commas and blanks outside of quotes: array of char*, canonical, without duplicates. A name in
 * front of <address> and comments are left out, as are commands ("|..."), files ("/...") and ":include:". NULL if one
 * is longer than an address can be: then nobody knows who it is (an alias that leads to itself with another extension
 * each time grows so). */
#define ALIAS_MEMBERS_BYTES 320
GPtrArray *alias_members(const char *value, const struct alias_members_of *of);

#endif
