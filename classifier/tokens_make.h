/* tokens_make: functions that the tokenizer's files share. */
#ifndef CLASSIFIER_TOKENS_MAKE_H
#define CLASSIFIER_TOKENS_MAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mail/links.h"
#include "base/mail/message.h"
#include "base/mail/reading.h"
#include "base/mail/text.h"

struct limits_met;
struct tokens;

/* A new, empty list; tokens_free. met: of the message, lent. */
struct tokens *tokens_empty(struct limits_met *met);
/* Of the message, lent: which limits it meets. */
struct limits_met *tokens_met(const struct tokens *t);
/* Adds prefix and word as one token. Does nothing if word is empty or the limit of tokens is reached. */
void tokens_add(struct tokens *t, const char *prefix, const char *word, size_t len);
/* Adds a token about the structure: prefix and a fixed word. */
void tokens_adds(struct tokens *t, const char *prefix, const char *word);
/* Adds a protocol word, cut to limit bytes: lower case, bytes that are not printable ASCII become '?'. */
void tokens_add_ascii(struct tokens *t, const char *prefix, const char *word, size_t limit);

struct tokens_source {
    const char *prefix; /* put before each word */
    const char *again;  /* prefix for a second token from each word; NULL: none */
    bool domains;       /* for an address, add its domain alone as well: h:from:@example.org */
    bool trace;         /* skip words that mix letters and digits: queue ids, which never come twice */
};
/* Adds the words of a text and the hosts of its links. */
void tokens_add_source(struct tokens *t, const struct tokens_source *source, const struct text *text);
/* Adds words with a prefix; does not look for links. */
void tokens_add_text(struct tokens *t, const char *prefix, const char *text, size_t len);
/* Adds the hosts of these links. */
void tokens_add_links(struct tokens *t, const struct links *links);
/* Adds a gap, so that no pair is made of the tokens before and after it. */
void tokens_gap(struct tokens *t);

/* The two halves of tokens_new_of, each in its own file. */
void tokens_head(struct tokens *t, const struct message *m);
void tokens_body(struct tokens *t, const struct reading *r);

#endif
