/* filterctl_judge: one message, judged for a user by the classifier, for "classify" and "explain". */
#ifndef TOOLS_FILTERCTL_JUDGE_H
#define TOOLS_FILTERCTL_JUDGE_H

#include "base/bytes.h"
#include "base/mail/message.h"
#include "base/mail/reading.h"
#include "classifier/classifier.h"
#include "tools/filterctl/filterctl.h"

struct filterctl_judge {
    char *user; /* of -u; without it MODEL_SITE, the base that a new user starts from */
    struct bytes raw;
    struct message *message;
    struct reading *reading;
    struct tokens *tokens;
    struct classifier *classifier;
    struct judgement judgement;
};

/* Removes "-u USER" from argv and returns the new argc, negative if USER is missing. *user_r is g_free'd,
 * NULL without -u. */
int filterctl_judge_user(int argc, char **argv, char **user_r);
/* Reads the file and makes its tokens, without judging it: the caller may add tokens before
 * filterctl_judge. */
int filterctl_judge_open(struct filterctl *ctl, const char *user, const char *file,
                         struct filterctl_judge *j);
int filterctl_judge(struct filterctl_judge *j);
/* Reads and judges the file for the user (NULL: MODEL_SITE). A sysexits code, the reason on stderr. */
int filterctl_judge_file(struct filterctl *ctl, const char *user, const char *file,
                         struct filterctl_judge *j);
void filterctl_judge_clear(struct filterctl_judge *j);
/* "Spam p=0.9987 score=6.64" */
char *filterctl_judge_line(const struct judgement *j);
const char *filterctl_judge_word(enum judge_class class);

#endif
