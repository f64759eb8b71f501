/* filterctl explain [-u USER] [--client ADDRESS] [--helo NAME] [--sender ADDRESS] FILE|SIGNATURE: why a
 * message would be judged so (FILE), or was (SIGNATURE of its record). Called by filterctl.c. */
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "classifier/explain.h"
#include "classifier/learner.h"
#include "classifier/model.h"
#include "classifier/model_learner.h"
#include "classifier/buckets.h"
#include "filterd/keeper/record.h"
#include "filterd/keeper/unclaimed.h"
#include "rules/hits.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/judge.h"
#include "tools/filterctl/sum.h"

enum { REASONS = 15 };

static void print_json(const struct reason *r)
{
    GString *text = g_string_new("{\"token\":");
    filterctl_json_string(text, r->token);
    g_string_append(text, ",\"words\":");
    filterctl_json_string(text, r->words);
    printf("%s,\"weight\":%.9g,\"own\":%.9g,\"base\":%.9g}", text->str, r->weight, r->own, r->base);
    explicit_bzero(text->str, text->len);
    g_string_free(text, TRUE);
}

static bool has_base(const GPtrArray *reasons)
{
    for (guint i = 0; i < reasons->len; i++)
        if (((const struct reason *)reasons->pdata[i])->base != 0)
            return true;
    return false;
}

static void print_table(const GPtrArray *reasons)
{
    const bool base = has_base(reasons);
    printf(" weight  towards%s  because\n", base ? "      own     base" : "");
    for (guint i = 0; i < reasons->len; i++) {
        const struct reason *r = g_ptr_array_index(reasons, i);
        printf("%+7.3f  %-7s", r->weight, r->weight > 0 ? "spam" : "ham");
        if (base)
            printf("  %+7.3f  %+7.3f", r->own, r->base);
        printf("  %s\n", r->words);
    }
}

static void print_hits_json(const GPtrArray *hits)
{
    for (guint i = 0; i < hits->len; i++) {
        const struct hit *h = g_ptr_array_index(hits, i);
        GString *text = g_string_new(i ? ",\n{\"name\":" : "{\"name\":");
        filterctl_json_string(text, h->name);
        g_string_append(text, ",\"reason\":");
        filterctl_json_string(text, h->reason);
        printf("%s,\"weight\":%.9g}", text->str, h->weight);
        g_string_free(text, TRUE);
    }
}

static void print_hits(const struct filterctl_sum *s)
{
    const double weight = hits_weight(s->hits);
    printf("\nthe rules, %+.3f together%s\n", s->added,
           s->added != weight ? ": more than that they never add" : "");
    for (guint i = 0; i < s->hits->len; i++) {
        const struct hit *h = g_ptr_array_index(s->hits, i);
        printf("%+7.3f  %-7s  %s%s%s\n", h->weight,
               h->weight > 0 ? "spam" : h->weight < 0 ? "ham" : "-", h->name, *h->reason ? ": " : "",
               h->reason);
    }
}

static void print_reasons(const struct filterctl *ctl, const struct filterctl_judge *j,
                          const struct filterctl_sum *s)
{
    GPtrArray *reasons = explain_message(j->classifier, j->user, j->tokens, REASONS);
    g_autofree char *line = filterctl_judge_line(&j->judgement);
    if (ctl->json) {
        printf("{\"class\":\"%s\",\"score\":%.9g,\"classifier\":%.9g,\"rules\":%.9g,\"reasons\":[",
               filterctl_judge_word(j->judgement.class), j->judgement.score, s->classifier,
               s->added);
        for (guint i = 0; i < reasons->len; i++) {
            fputs(i ? ",\n" : "", stdout);
            print_json(g_ptr_array_index(reasons, i));
        }
        fputs("],\n\"hits\":[", stdout);
        print_hits_json(s->hits);
        puts("]}");
    } else {
        printf("%s classifier=%.2f rules=%+.2f\n", line, s->classifier, s->added);
        if (reasons->len > 0)
            print_table(reasons);
        else
            puts("nothing in it has been learnt yet");
        print_hits(s);
    }
    g_ptr_array_unref(reasons);
}

static int explain_file(struct filterctl *ctl, struct filterctl_sum *sum, const char *user,
                        const char *file)
{
    struct filterctl_judge j;
    filterctl_sum_start(sum, ctl);
    int code = filterctl_judge_open(ctl, user, file, &j);
    if (code == EX_OK)
        code = filterctl_sum_judge(sum, ctl, &j);
    if (code == EX_OK)
        print_reasons(ctl, &j, sum);
    filterctl_judge_clear(&j);
    return code;
}

/* A record holds hashes, not words: print what was judged then, and the score of its hashes now. */
static void print_record(struct filterctl *ctl, struct model *m, const char *user,
                         const struct record *r)
{
    GArray *features = record_features(r, ctl->settings->site_key, user), *buckets = NULL;
    const struct learner *l = model_learner(m);
    struct buckets_key key;
    buckets_key(&ctl->key, user, &key);
    if (features)
        buckets = buckets_of(features, &key);
    GString *who = g_string_new(NULL);
    filterctl_json_string(who, user);
    printf(ctl->json ? "{\"user\":%s,\"day\":\"%s\",\"class\":\"%s\",\"score\":%.9g,"
                       "\"classifier\":%.9g,\"rules\":%.9g,\"delivered\":%s,\"taught\":\"%s\""
                     : "user=%s day=%s class=%s score=%.2f classifier=%.2f rules=%+.2f"
                       " delivered=%s taught=%s",
           ctl->json ? who->str : user, r->day, r->class, r->score,
           r->score - r->rules, r->rules,
           r->state == RECORD_DELIVERED ? "true" : "false", r->taught ? r->taught : "no");
    if (buckets && l)
        printf(ctl->json ? ",\"features\":%u,\"score_now\":%.9g" : " features=%u score_now=%.2f",
               features->len, learner_score(l, buckets));
    puts(ctl->json ? "}" : "");
    if (buckets)
        g_array_unref(buckets);
    if (features)
        g_array_unref(features);
    g_string_free(who, TRUE);
}

/* Prints the record if this user's store has it. True if so. */
static bool explain_record(struct filterctl *ctl, const char *path, const char *wanted,
                           const char *signature)
{
    g_autofree char *error = NULL;
    struct model *m = model_open_file(path, false, &error);
    g_autofree char *user = NULL;
    struct record *r = NULL;
    if (m && !model_user(m, &user))
        error = g_strdup_printf("%s: it cannot be read", path);
    if (user && (!wanted || strcmp(user, wanted) == 0))
        r = record_get(m, signature);
    if (r)
        print_record(ctl, m, user, r);
    if (error)
        filterctl_complain("%s", error);
    const bool found = r != NULL;
    record_free(&r);
    model_free(&m);
    return found;
}

/* The same for the common store of addresses that nobody has claimed. */
static bool explain_unclaimed(struct filterctl *ctl, const char *wanted, const char *signature)
{
    g_autofree char *path = unclaimed_path(ctl->settings->state_dir), *error = NULL, *user = NULL;
    struct model *m = model_open_file(path, false, &error);
    struct record *r = m ? unclaimed_find(m, wanted, signature, &user) : NULL;
    const bool found = r != NULL;
    if (r)
        print_record(ctl, m, user, r);
    if (error)
        filterctl_complain("%s", error);
    record_free(&r);
    model_free(&m);
    return found;
}

static int explain_signature(struct filterctl *ctl, const char *user, const char *signature)
{
    filterctl_settle(ctl);
    GPtrArray *files = model_files(ctl->settings->state_dir, ".db");
    bool found = false;
    if (!files) {
        filterctl_complain("%s/users: %s", ctl->settings->state_dir, g_strerror(errno));
        return EX_IOERR;
    }
    for (guint i = 0; i < files->len; i++)
        found |= explain_record(ctl, g_ptr_array_index(files, i), user, signature);
    g_ptr_array_unref(files);
    found |= explain_unclaimed(ctl, user, signature);
    if (!found)
        filterctl_complain("%s: no such file, and no record of such a signature", signature);
    return found ? EX_OK : EX_NOINPUT;
}

int filterctl_explain(struct filterctl *ctl, int argc, char **argv)
{
    g_autofree char *user = NULL;
    struct filterctl_sum sum;
    argc = filterctl_judge_user(argc, argv, &user);
    argc = filterctl_sum_options(&sum, MAX(argc, 0), argv);
    int code = EX_USAGE;
    if (argc == 2) {
        const char *what = argv[1];
        const bool file = strcmp(what, "-") == 0 || g_file_test(what, G_FILE_TEST_EXISTS);
        code = file ? explain_file(ctl, &sum, user, what) : explain_signature(ctl, user, what);
    }
    filterctl_sum_clear(&sum);
    return code;
}
