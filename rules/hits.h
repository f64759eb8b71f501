/* hits: what the rules found about one message, each finding with its weight in the verdict.
 *
 * A hit's name is also a token, so that each user's model learns how far to trust it. Names that begin with
 * "form:" are not: the tokenizer sees the message's form by itself. */
#ifndef RULES_HITS_H
#define RULES_HITS_H

#include <glib.h>

#include "rules/findings.h"

struct hit {
    char *name;    /* "dnsbl:zen.spamhaus.org/sbl": no blanks, printable ASCII, at most 100 bytes */
    double weight; /* log-odds added to the score; negative speaks for ham; 0 only informs */
    char *reason;  /* one line for people; may name the domain or address that was listed */
};

GPtrArray *hits_new(void); /* of struct hit*; g_ptr_array_unref frees all */
/* Copies name and reason. Does nothing if a hit of that name is there already. */
void hits_add(GPtrArray *hits, const char *name, double weight, const char *reason);
/* Adds a finding with its name, weight and reason from the table in findings.c. */
void hits_find(GPtrArray *hits, enum finding f);
/* The names that become tokens, NULL-terminated; g_strfreev. */
char **hits_facts(const GPtrArray *hits);
double hits_weight(const GPtrArray *hits);
/* The sum of weights without "form:" hits: a message's form is no reason to make its client wait (greylisting). */
double hits_doubt(const GPtrArray *hits);
/* What a sum of weights adds to the score. The rules matter most until a user's model has learnt; their names
 * are tokens to it as well, so the sum is limited and never drowns the model. Only findings that decide alone
 * (the GTUBE test string) are not limited. */
double hits_voice(double weight);

#endif
