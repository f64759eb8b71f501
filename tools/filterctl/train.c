/* filterctl train spam|ham USER PATH..., train --site spam|ham PATH...: teaches a user's filter, or
 * the base of all, from mail that is there. */
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/address.h"
#include "base/mail/message.h"
#include "classifier/classifier.h"
#include "classifier/model.h"
#include "classifier/osb.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"
#include "filterd/keeper/keeper.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/mails.h"
#include "tools/filterctl/progress.h"

/* One request, and one transaction, carries so much: the keeper is deaf to others while it learns,
 * well under a tenth of a second. */
enum { BATCH_MESSAGES = 500, BATCH_FEATURES = 300 * 1000 };

struct training {
    struct filterctl *ctl;
    const char *class, *user;
    unsigned char key[16];
    GVariantBuilder batch;
    guint messages, features; /* in the batch */
    struct filterctl_progress progress;
    int code;
};

static void take_answer(struct training *t, const struct keeper_answer *a)
{
    guint right = 0;
    t->code = a->code;
    if (a->code != EX_OK) {
        filterctl_complain("%s", a->text && *a->text ? a->text : "training failed");
        return;
    }
    if (a->results)
        g_variant_lookup(a->results, "right", "u", &right);
    t->progress.learnt += t->messages;
    t->progress.right += right;
}

static void send_batch(struct training *t)
{
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    g_variant_dict_insert(&d, "user", "s", t->user);
    g_variant_dict_insert(&d, "class", "s", t->class);
    g_variant_dict_insert_value(&d, "batch", g_variant_builder_end(&t->batch));
    struct keeper_answer a = filterctl_request(t->ctl, "train", g_variant_dict_end(&d));
    take_answer(t, &a);
    keeper_answer_clear(&a);
    t->messages = t->features = 0;
    g_variant_builder_init(&t->batch, G_VARIANT_TYPE("aau"));
}

static bool take(const struct message *m, size_t bytes, void *arg)
{
    struct training *t = arg;
    struct tokens *tokens = tokens_new(m);
    GArray *features = osb_features(tokens, t->key);
    tokens_free(&tokens);
    g_variant_builder_add_value(&t->batch,
                                g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, features->data,
                                                          features->len, sizeof(guint32)));
    t->messages++;
    t->features += features->len;
    g_array_unref(features);
    if (t->messages >= BATCH_MESSAGES || t->features >= BATCH_FEATURES)
        send_batch(t);
    t->progress.messages++;
    t->progress.done += bytes;
    filterctl_progress_show(&t->progress);
    return t->code == EX_OK;
}

static void summarise(const struct training *t)
{
    const struct filterctl_progress *p = &t->progress;
    const double seconds = filterctl_progress_seconds(p);
    const double speed = seconds > 0 ? p->learnt / seconds : 0;
    const double right = p->learnt ? (double)p->right / p->learnt : 0;
    if (t->ctl->json)
        printf("{\"learnt\":%u,\"seconds\":%.3f,\"per_second\":%.0f,\"right\":%.4f}\n", p->learnt,
               seconds, speed, right);
    else if (p->learnt == 0)
        puts("no messages learnt");
    else
        printf("%u messages learnt in %.1f s (%.0f/s), %.1f%% of them judged right before\n",
               p->learnt, seconds, speed, 100 * right);
}

static int train_paths(struct training *t, char **paths)
{
    bool all_read = true;
    guint64 total = 0;
    for (char **path = paths; *path; path++)
        total += filterctl_mails_bytes(*path);
    filterctl_progress_begin(&t->progress, total);
    g_variant_builder_init(&t->batch, G_VARIANT_TYPE("aau"));
    for (; *paths && t->code == EX_OK; paths++)
        all_read &= filterctl_mails_each(*paths, take, t);
    if (t->messages > 0 && t->code == EX_OK)
        send_batch(t);
    g_variant_builder_clear(&t->batch);
    filterctl_progress_end(&t->progress);
    summarise(t);
    return t->code == EX_OK && !all_read ? EX_NOINPUT : t->code;
}

static int train(struct filterctl *ctl, const char *class, const char *user, char **paths)
{
    struct training t = {.ctl = ctl, .class = class, .user = user};
    if ((strcmp(class, "spam") != 0 && strcmp(class, "ham") != 0) || !*paths)
        return EX_USAGE;
    if (!filterctl_site_key(ctl))
        return EX_NOPERM;
    osb_key(&ctl->key, t.key);
    const int code = train_paths(&t, paths);
    explicit_bzero(t.key, sizeof t.key);
    return code;
}

int filterctl_train(struct filterctl *ctl, int argc, char **argv)
{
    if (argc > 3 && strcmp(argv[1], "--site") == 0)
        return train(ctl, argv[2], MODEL_SITE, argv + 3);
    if (argc < 4 || argv[1][0] == '-')
        return EX_USAGE;
    g_autofree char *user = address_canonical(argv[2]);
    if (user)
        return train(ctl, argv[1], user, argv + 3);
    filterctl_complain("%s: not a user", argv[2]);
    return EX_DATAERR;
}
