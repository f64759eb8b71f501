/* filterctl_judge: what classify and explain share: one message and a user's judgement of it. */
#ifndef TOOLS_FILTERCTL_JUDGE_H
#define TOOLS_FILTERCTL_JUDGE_H

#include "base/bytes.h"
#include "base/mail/message.h"
#include "base/mail/reading.h"
#include "classifier/classifier.h"
#include "tools/filterctl/filterctl.h"

struct filterctl_judge {
    char *user; /* of -u; else MODEL_SITE: what a new user gets */
    struct bytes raw;
    struct message *message;
    struct reading *reading;
    struct tokens *tokens;
    struct classifier *classifier;
    struct judgement judgement;
};

/* Takes "-u USER" out of argv (its count is returned); *user_r is g_free'd, NULL if not given.
 * Negative if it has no value. */
int filterctl_judge_user(int argc, char **argv, char **user_r);
/* Reads a file for the user, without judging it yet: for more tokens to be added before
 * filterctl_judge. */
int filterctl_judge_open(struct filterctl *ctl, const char *user, const char *file,
                         struct filterctl_judge *j);
int filterctl_judge(struct filterctl_judge *j);
/* Reads and judges a file for the user (NULL: MODEL_SITE). A sysexits code, the reason on stderr. */
int filterctl_judge_file(struct filterctl *ctl, const char *user, const char *file,
                         struct filterctl_judge *j);
void filterctl_judge_clear(struct filterctl_judge *j);
/* "Spam p=0.9987 score=6.64" */
char *filterctl_judge_line(const struct judgement *j);
const char *filterctl_judge_word(enum judge_class class);

#endif
