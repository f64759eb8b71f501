/* Reads a message and judges it with a user's model. Called by classify.c and explain.c. */
#include "tools/filterctl/judge.h"

#include <glib.h>
#include <string.h>
#include <sysexits.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/mail/reading.h"
#include "base/newline.h"
#include "classifier/model.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"

int filterctl_judge_user(int argc, char **argv, char **user_r)
{
    int kept = 0;
    *user_r = NULL;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "-u") != 0) {
            argv[kept++] = argv[i];
            continue;
        }
        g_free(*user_r);
        *user_r = ++i < argc ? address_canonical(argv[i]) : NULL;
        if (!*user_r)
            return -1;
    }
    argv[kept] = NULL;
    return kept;
}

int filterctl_judge_open(struct filterctl *ctl, const char *user, const char *file,
                         struct filterctl_judge *j)
{
    *j = (struct filterctl_judge){.user = g_strdup(user ? user : MODEL_SITE)};
    if (!filterctl_site_key(ctl))
        return EX_NOPERM;
    if (!filterctl_read(file, &j->raw))
        return EX_NOINPUT;
    newline_normalise(&j->raw);
    j->message = message_new(j->raw.data ? (char *)j->raw.data : "", j->raw.len);
    j->reading = reading_new(j->message);
    j->tokens = tokens_new_of(j->reading);
    j->classifier = classifier_new(ctl->settings, &ctl->key);
    return EX_OK;
}

int filterctl_judge(struct filterctl_judge *j)
{
    if (classifier_judge(j->classifier, j->user, j->tokens, &j->judgement))
        return EX_OK;
    filterctl_complain("the model of %s cannot be read", j->user);
    return EX_NOPERM;
}

int filterctl_judge_file(struct filterctl *ctl, const char *user, const char *file,
                         struct filterctl_judge *j)
{
    const int code = filterctl_judge_open(ctl, user, file, j);
    return code == EX_OK ? filterctl_judge(j) : code;
}

void filterctl_judge_clear(struct filterctl_judge *j)
{
    judgement_clear(&j->judgement);
    classifier_free(&j->classifier);
    if (j->tokens)
        tokens_free(&j->tokens);
    reading_free(&j->reading);
    message_free(&j->message);
    bytes_free(&j->raw);
    g_clear_pointer(&j->user, g_free);
}

const char *filterctl_judge_word(enum judge_class class)
{
    static const char *const words[] = {
        [JUDGE_INNOCENT] = "Innocent", [JUDGE_UNSURE] = "Unsure", [JUDGE_SPAM] = "Spam"};
    return words[class];
}

char *filterctl_judge_line(const struct judgement *j)
{
    return g_strdup_printf("%s p=%.4f score=%.2f", filterctl_judge_word(j->class), j->probability,
                           j->score);
}
