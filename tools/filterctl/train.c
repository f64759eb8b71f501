/* filterctl train spam|ham USER PATH..., train --site spam|ham PATH...: teaches a user's model, or the
 * base of the site, from existing mail. Called by filterctl.c. */
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/address.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "classifier/classifier.h"
#include "classifier/model.h"
#include "classifier/osb.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"
#include "gpg/seal.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/mails.h"
#include "tools/filterctl/progress.h"

/* The most that one request carries. The keeper learns a request in one transaction and serves nobody else
 * meanwhile: this takes it well under 0.1 s. */
enum { BATCH_MESSAGES = 500, BATCH_FEATURES = 300 * 1000 };

struct training {
    struct filterctl *ctl;
    const char *class, *user;
    unsigned char key[16];
    GPtrArray *batch; /* of GArray*: the features of each message */
    guint features;   /* in the batch */
    guint sealed;     /* messages left, as only the recipient can read them */
    guint from_records; /* sealed ones that were learnt by their records */
    struct filterctl_mails_packed packed;
    struct filterctl_progress progress;
    int code;
};

static void take_answer(struct training *t, const struct keeper_answer *a)
{
    struct keeper_trained trained = {0};
    t->code = a->code;
    if (a->code != EX_OK) {
        filterctl_complain("%s", a->text && *a->text ? a->text : "training failed");
        return;
    }
    t->progress.learnt += t->batch->len;
    if (a->results && keeper_format_unpack(&keeper_format_trained, a->results, &trained, NULL))
        t->progress.right += trained.right;
}

static void send_batch(struct training *t)
{
    const struct keeper_train wanted = {.user = t->user, .class = t->class, .batch = t->batch};
    struct keeper_answer a = filterctl_request(t->ctl, &keeper_format_train, &wanted);
    take_answer(t, &a);
    keeper_answer_clear(&a);
    g_ptr_array_set_size(t->batch, 0);
    t->features = 0;
}

/* The signature that filterd put into the header, above all that came with the message; NULL if none. */
static char *signature_of(const struct training *t, const struct message *m)
{
    g_autofree char *name = g_strdup_printf("%s-Signature", t->ctl->settings->header_prefix);
    const struct header *h = message_header(m, name);
    return h ? g_strstrip(g_strndup(h->value, h->value_len)) : NULL;
}

/* What a sealed message says is known to its record alone, as long as that lives. */
static void take_sealed(struct training *t, const struct message *m)
{
    g_autofree char *signature = signature_of(t, m);
    const struct keeper_retrain wanted = {t->user, t->class, signature};
    int code = EX_DATAERR;
    if (signature && strcmp(t->user, MODEL_SITE) != 0) {
        struct keeper_answer a = filterctl_request(t->ctl, &keeper_format_retrain, &wanted);
        code = a.code;
        keeper_answer_clear(&a);
    }
    if (code == EX_OK)
        t->from_records++;
    else
        t->sealed++;
}

static void take_text(struct training *t, const struct message *m)
{
    struct tokens *tokens = tokens_new(m);
    GArray *features = osb_features(tokens, t->key);
    tokens_free(&tokens);
    g_ptr_array_add(t->batch, features);
    t->features += features->len;
    if (t->batch->len >= BATCH_MESSAGES || t->features >= BATCH_FEATURES)
        send_batch(t);
}

static bool take(const struct message *m, size_t bytes, void *arg)
{
    struct training *t = arg;
    if (seal_is_encrypted(m))
        take_sealed(t, m);
    else
        take_text(t, m);
    t->progress.messages++;
    t->progress.done += bytes;
    filterctl_progress_show(&t->progress);
    return t->code == EX_OK;
}

static void tell_left_out(const struct training *t)
{
    if (t->packed.files)
        filterctl_complain("%u file%s left out, packed by the mail store (%s: %s); \"doveadm fetch\" and "
                           "\"doveadm backup\" unpack them",
                           t->packed.files, t->packed.files == 1 ? "" : "s", t->packed.form, t->packed.first);
    if (t->packed.others)
        filterctl_complain("%u file%s left out, no mail (%s)", t->packed.others, t->packed.others == 1 ? "" : "s",
                           t->packed.first_other);
    if (t->sealed)
        filterctl_complain("%u encrypted message%s left out: only the recipient can read %s", t->sealed,
                           t->sealed == 1 ? "" : "s", t->sealed == 1 ? "it" : "them");
}

static void summarise(const struct training *t)
{
    const struct filterctl_progress *p = &t->progress;
    const double seconds = filterctl_progress_seconds(p);
    const double speed = seconds > 0 ? p->learnt / seconds : 0;
    const double right = p->learnt ? (double)p->right / p->learnt : 0;
    if (t->ctl->json)
        printf("{\"learnt\":%u,\"seconds\":%.3f,\"per_second\":%.0f,\"right\":%.4f,\"from_records\":%u,"
               "\"encrypted\":%u,\"packed\":%u,\"no_mail\":%u}\n",
               p->learnt, seconds, speed, right, t->from_records, t->sealed, t->packed.files, t->packed.others);
    else if (p->learnt == 0 && t->from_records == 0)
        puts("no messages learnt");
    else
        printf("%u messages learnt in %.1f s (%.0f/s), %.1f%% of them judged right before\n",
               p->learnt, seconds, speed, 100 * right);
    if (!t->ctl->json && t->from_records)
        printf("%u encrypted messages learnt from the records of their delivery\n", t->from_records);
}

static int train_paths(struct training *t, char **paths)
{
    bool all_read = true;
    guint64 total = 0;
    for (char **path = paths; *path; path++)
        total += filterctl_mails_bytes(*path);
    filterctl_progress_begin(&t->progress, total);
    t->batch = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    for (; *paths && t->code == EX_OK; paths++)
        all_read &= filterctl_mails_each(*paths, take, t, &t->packed);
    if (t->batch->len > 0 && t->code == EX_OK)
        send_batch(t);
    g_ptr_array_unref(t->batch);
    filterctl_progress_end(&t->progress);
    summarise(t);
    tell_left_out(t);
    all_read &= t->packed.files == 0 && t->packed.others == 0;
    g_free(t->packed.first);
    g_free(t->packed.first_other);
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
