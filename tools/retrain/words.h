/* retrain_words: filterd-retrain's command line, in its own words or in dspam's. */
#ifndef TOOLS_RETRAIN_WORDS_H
#define TOOLS_RETRAIN_WORDS_H

#include <glib.h>
#include <stdbool.h>

struct retrain_words {
    const char *class;         /* "spam" or "ham" */
    GPtrArray *users;          /* of const char*, lent from argv; at least one */
    const char *signature;     /* NULL: find it in the message */
    const char *settings_file; /* NULL: the default file, if it can be read */
    const char *socket;        /* unix:/path, goes before the settings; may be NULL */
    bool nothing;              /* dspam's --mode=notrain: learn nothing */
    bool help, version;
};

/* False with *why_r (one line, g_free) if the words make no sense. retrain_words_clear in either case. */
bool retrain_words_parse(struct retrain_words *w, char **argv, char **why_r);
void retrain_words_clear(struct retrain_words *w);

#endif
