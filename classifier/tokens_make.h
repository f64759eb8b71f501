/* tokens_make: what the parts of the tokenizer share. */
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

/* Without a token so far; tokens_free. */
struct tokens *tokens_empty(struct limits_met *met);
/* Of the message, lent: which limits it meets. */
struct limits_met *tokens_met(const struct tokens *t);
/* Adds prefix and word as one token; nothing if word is empty, or as many as the limit allows are there. */
void tokens_add(struct tokens *t, const char *prefix, const char *word, size_t len);
/* A token of the structure: prefix and a fixed word. */
void tokens_adds(struct tokens *t, const char *prefix, const char *word);
/* A word of a protocol, at most limit bytes: lower case, what is not printable ASCII becomes '?'. */
void tokens_add_ascii(struct tokens *t, const char *prefix, const char *word, size_t limit);

struct tokens_source {
    const char *prefix; /* before words */
    const char *again;  /* before the same words once more; NULL if not */
    bool domains;       /* of an address the domain alone as well: h:from:@example.org */
    bool trace;         /* words made of letters and figures are queue ids, which never come twice */
};
/* Words of a text, and hosts of the links in it. */
void tokens_add_source(struct tokens *t, const struct tokens_source *source, const struct text *text);
/* Words with a prefix, without a look at links. */
void tokens_add_text(struct tokens *t, const char *prefix, const char *text, size_t len);
/* The hosts of links alone. */
void tokens_add_links(struct tokens *t, const struct links *links);
/* No pair is made over it. */
void tokens_gap(struct tokens *t);

/* Parts of tokens_new_of, each in its own file. */
void tokens_head(struct tokens *t, const struct message *m);
void tokens_body(struct tokens *t, const struct reading *r);

#endif
