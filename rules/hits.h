/* hits: what the rules found about one message, each with its weight in the verdict.
 *
 * A hit's name is also a token, so that each user's classifier learns how far to trust it; but for
 * names that begin with "form:", as it sees the message's form by itself. */
#ifndef RULES_HITS_H
#define RULES_HITS_H

#include <glib.h>

#include "rules/findings.h"

struct hit {
    char *name;    /* "dnsbl:zen.spamhaus.org/sbl": no blanks, printable ASCII, at most 100 bytes */
    double weight; /* log-odds added to the score; below 0 speaks for ham; 0 only tells */
    char *reason;  /* one line for people; may name the domain or address that was listed */
};

GPtrArray *hits_new(void); /* of struct hit*; g_ptr_array_unref frees all */
/* name and reason are copied; a name that is there already is not added again. */
void hits_add(GPtrArray *hits, const char *name, double weight, const char *reason);
/* Adds a finding with the name, weight and reason of the table (findings.c). */
void hits_find(GPtrArray *hits, enum finding f);
/* The names that are tokens, NULL-terminated; g_strfreev. */
char **hits_facts(const GPtrArray *hits);
double hits_weight(const GPtrArray *hits);
/* The same without the message's form, which is no reason to make a client wait. */
double hits_doubt(const GPtrArray *hits);
/* What such a weight adds to a score. Rules speak until a classifier has learnt; they are tokens to it
 * as well, so they never drown it, but for those that decide alone (a test string). */
double hits_voice(double weight);

#endif
