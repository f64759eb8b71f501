/* filterctl train spam|ham USER PATH...: teaches a user's filter from mail that is there. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/address.h"
#include "classifier/classifier.h"
#include "classifier/osb.h"
#include "tools/filterctl.h"
#include "tools/filterctl_mails.h"

/* One request, and one transaction, carries so much. */
enum { BATCH_MESSAGES = 200, BATCH_FEATURES = 1000 * 1000 };

struct training {
    struct filterctl *ctl;
    const char *class;
    char *user;
    unsigned char key[16];
    GVariantBuilder batch;
    guint messages, features; /* in the batch */
    guint learnt;
    int code;
};

static void send_batch(struct training *t)
{
    GVariant *batch = g_variant_builder_end(&t->batch);
    GVariantBuilder b;
    g_variant_builder_init(&b, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&b, "{sv}", "user", g_variant_new_string(t->user));
    g_variant_builder_add(&b, "{sv}", "class", g_variant_new_string(t->class));
    g_variant_builder_add(&b, "{sv}", "batch", batch);
    char *text = NULL;
    t->code = filterctl_ask(t->ctl, "train", g_variant_builder_end(&b), &text);
    if (t->code != EX_OK)
        filterctl_complain("%s", text && *text ? text : "training failed");
    else
        t->learnt += t->messages;
    g_free(text);
    t->messages = t->features = 0;
    g_variant_builder_init(&t->batch, G_VARIANT_TYPE("aau"));
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%u messages", t->learnt);
}

static bool take(const struct message *m, void *arg)
{
    struct training *t = arg;
    struct tokens *tokens = tokens_new(m, NULL);
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
    return t->code == EX_OK;
}

static int train_paths(struct training *t, char **paths)
{
    bool all_read = true;
    g_variant_builder_init(&t->batch, G_VARIANT_TYPE("aau"));
    for (; *paths && t->code == EX_OK; paths++)
        all_read &= filterctl_mails_each(*paths, take, t);
    if (t->messages > 0 && t->code == EX_OK)
        send_batch(t);
    g_variant_builder_clear(&t->batch);
    if (isatty(STDERR_FILENO))
        fputc('\r', stderr);
    printf(t->ctl->json ? "{\"learnt\":%u}\n" : "%u messages learnt\n", t->learnt);
    return t->code == EX_OK && !all_read ? EX_NOINPUT : t->code;
}

int filterctl_train(struct filterctl *ctl, int argc, char **argv)
{
    if (argc < 4 || (strcmp(argv[1], "spam") != 0 && strcmp(argv[1], "ham") != 0))
        return EX_USAGE;
    struct training t = {.ctl = ctl, .class = argv[1], .user = address_canonical(argv[2])};
    if (!t.user) {
        filterctl_complain("%s: not a user", argv[2]);
        return EX_DATAERR;
    }
    int code = EX_NOPERM;
    if (filterctl_site_key(ctl)) {
        osb_key(&ctl->key, t.key);
        code = train_paths(&t, argv + 3);
    }
    explicit_bzero(t.key, sizeof t.key);
    g_free(t.user);
    return code;
}
