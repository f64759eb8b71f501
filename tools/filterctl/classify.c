/* filterctl classify [-u USER] [--exit-code] FILE: what the classifier alone says of a message now. Called
 * by filterctl.c. */
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "classifier/classifier.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/judge.h"

static void print(const struct filterctl *ctl, const struct judgement *j)
{
    g_autofree char *line = filterctl_judge_line(j);
    if (ctl->json)
        printf("{\"class\":\"%s\",\"probability\":%.6f,\"score\":%.9g}\n",
               filterctl_judge_word(j->class), j->probability, j->score);
    else
        puts(line);
}

/* Removes --exit-code from argv; true if it was there. */
static bool take_flag(int *argc, char **argv, const char *flag)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], flag) != 0)
            continue;
        memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof *argv);
        --*argc;
        return true;
    }
    return false;
}

int filterctl_classify(struct filterctl *ctl, int argc, char **argv)
{
    g_autofree char *user = NULL;
    struct filterctl_judge j;
    argc = filterctl_judge_user(argc, argv, &user);
    const bool tell = argc > 0 && take_flag(&argc, argv, "--exit-code");
    if (argc < 1 || argc > 2 || (argc == 2 && argv[1][0] == '-' && argv[1][1]))
        return EX_USAGE;
    int code = filterctl_judge_file(ctl, user, argc == 2 ? argv[1] : "-", &j);
    if (code == EX_OK) {
        print(ctl, &j.judgement);
        if (tell)
            code = j.judgement.class == JUDGE_SPAM;
    }
    filterctl_judge_clear(&j);
    return code;
}
