#include "filterd/pipeline/service.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/config/limits.h"
#include "base/log.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/retries.h"
#include "rules/dnsbl.h"

/* The keeper answers in well under a millisecond; a mail waits no longer than this for learning. */
#define KEEPER_TIMEOUT_MS 2000
#define KEEPER_OWES_MAX 32 /* bits of keeper_owes_retries */
/* One that let somebody wait that long is left alone for a while: a message asks several times. */
#define KEEPER_SILENT_US (10 * G_USEC_PER_SEC)

#define MEND_US G_USEC_PER_SEC

static const char *anonymize_file(const struct settings *s, enum role role)
{
    return role == ROLE_SUBMISSION ? s->anonymize_submission : s->anonymize_inbound;
}

static void load_anonymize(struct service *sv, enum role role)
{
    const char *file = anonymize_file(sv->settings, role);
    char *error = NULL;
    if (!file)
        return;
    sv->anonymize[role] = anonymize_load(file, &error);
    sv->no_anonymize[role] = !sv->anonymize[role];
    if (error)
        log_warn("%s: until it can be read, mail is tempfailed", error);
    g_free(error);
}

bool service_check(const struct settings *s, char **error_r)
{
    for (enum role role = ROLE_INBOUND; role <= ROLE_SUBMISSION; role++) {
        const char *file = anonymize_file(s, role);
        struct anonymize *a = file ? anonymize_load(file, error_r) : NULL;
        if (file && !a)
            return false;
        anonymize_free(&a);
    }
    struct dnsbl *lists = s->dnsbl_lists ? dnsbl_load(s->dnsbl_lists, error_r) : NULL;
    const bool ok = lists || !s->dnsbl_lists;
    dnsbl_free(&lists);
    return ok;
}

struct service *service_new(const struct settings *s, const struct sitekey *key,
                            const struct service_doors *doors)
{
    struct service *sv = g_new0(struct service, 1);
    limits_set(&s->limits);
    sv->settings = s;
    sv->key = *key;
    sv->keeper = -1;
    sv->hops = (struct hop_pool){.hostname = s->hostname, .courier = doors->courier};
    sv->retry_key = retry_digest_key_of(key);
    sv->users = users_watch(s->state_dir);
    sv->sealer = sealer_new(s->state_dir);
    sv->classifier = classifier_new(s, key);
    load_anonymize(sv, ROLE_INBOUND);
    load_anonymize(sv, ROLE_SUBMISSION);
    sv->rules = rules_new(s, doors->spf);
    sv->mended = g_get_monotonic_time();
    return sv;
}

void service_mend(struct service *sv)
{
    const gint64 now = g_get_monotonic_time();
    if (now < sv->mended + MEND_US)
        return;
    sv->mended = now;
    for (enum role role = ROLE_INBOUND; role <= ROLE_SUBMISSION; role++)
        if (sv->no_anonymize[role])
            load_anonymize(sv, role);
    rules_mend(sv->rules);
}

/* A mail never waits for this memory, nor fails for it. A keeper that cannot open that file has said so
 * itself, once for all of us. */
static void note_retries(struct service *sv, const struct keeper_answer *a)
{
    if (a->code != EX_OK && a->code != EX_UNAVAILABLE && !sv->no_retries)
        log_warn("retries: %s; a message that is retried now may come twice",
                 a->text && *a->text ? a->text : "no keeper");
    sv->no_retries = a->code != EX_OK;
}

static void hang_up(struct service *sv)
{
    if (sv->keeper >= 0)
        close(sv->keeper);
    sv->keeper = -1;
    sv->keeper_owes = 0;
    sv->keeper_owes_retries = 0;
}

/* All it still owes, which is there by now or will be at once. */
static void hear_owed(struct service *sv)
{
    while (sv->keeper_owes) {
        struct keeper_answer a = keeper_hear(sv->keeper, KEEPER_TIMEOUT_MS);
        if (sv->keeper_owes_retries & 1)
            note_retries(sv, &a);
        sv->keeper_owes--;
        sv->keeper_owes_retries >>= 1;
        if (a.code == EX_TEMPFAIL)
            hang_up(sv);
        keeper_answer_clear(&a);
    }
}

void service_free(struct service **sv)
{
    if (!*sv)
        return;
    users_free(&(*sv)->users);
    sealer_free(&(*sv)->sealer);
    classifier_free(&(*sv)->classifier);
    anonymize_free(&(*sv)->anonymize[ROLE_INBOUND]);
    anonymize_free(&(*sv)->anonymize[ROLE_SUBMISSION]);
    rules_free(&(*sv)->rules);
    hear_owed(*sv);
    hang_up(*sv);
    explicit_bzero(&(*sv)->key, sizeof (*sv)->key);
    g_free(*sv);
    *sv = NULL;
}

/* One call; a connection that went stale (the keeper was restarted) is made anew once. */
static struct keeper_answer ask_all(struct service *sv, const char *verb, GVariant *arguments)
{
    struct keeper_answer a = {.code = EX_TEMPFAIL};
    const gint64 end = g_get_monotonic_time() + KEEPER_TIMEOUT_MS * 1000;
    const int attempts = g_get_monotonic_time() < sv->keeper_silent ? 0 : 2;
    g_variant_ref_sink(arguments);
    if (attempts)
        hear_owed(sv);
    for (int i = 0; i < attempts && a.code == EX_TEMPFAIL && g_get_monotonic_time() < end; i++) {
        if (sv->keeper < 0 && (sv->keeper = keeper_connect(&sv->settings->control)) < 0)
            break;
        keeper_answer_clear(&a);
        a = keeper_ask(sv->keeper, verb, arguments, KEEPER_TIMEOUT_MS);
        if (a.code == EX_TEMPFAIL)
            hang_up(sv);
    }
    g_variant_unref(arguments);
    if (attempts && !a.results && g_get_monotonic_time() >= end)
        sv->keeper_silent = g_get_monotonic_time() + KEEPER_SILENT_US;
    return a;
}

enum subject { SUBJECT_DELIVERY, SUBJECT_RETRIES };

/* What the keeper is to know, and the message need not wait for. */
static void tell(struct service *sv, enum subject subject, const char *verb, GVariant *arguments)
{
    g_variant_ref_sink(arguments);
    if (sv->keeper_owes == KEEPER_OWES_MAX)
        hear_owed(sv);
    if (sv->keeper >= 0 && g_get_monotonic_time() >= sv->keeper_silent &&
        keeper_tell(sv->keeper, verb, arguments, KEEPER_TIMEOUT_MS)) {
        sv->keeper_owes_retries |= (guint32)(subject == SUBJECT_RETRIES) << sv->keeper_owes;
        sv->keeper_owes++;
    } else {
        hang_up(sv);
        struct keeper_answer a = ask_all(sv, verb, arguments);
        if (subject == SUBJECT_RETRIES)
            note_retries(sv, &a);
        keeper_answer_clear(&a);
    }
    g_variant_unref(arguments);
}

static int ask(struct service *sv, const char *verb, GVariant *arguments, char **text_r)
{
    struct keeper_answer a = ask_all(sv, verb, arguments);
    if (text_r)
        *text_r = g_steal_pointer(&a.text);
    keeper_answer_clear(&a);
    return a.code;
}

static const char *class_name(enum judge_class class)
{
    return class == JUDGE_SPAM ? "spam" : class == JUDGE_UNSURE ? "unsure" : "ham";
}

static void insert_features(GVariantDict *d, const GArray *features)
{
    g_variant_dict_insert_value(d, "features",
                                g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, features->data,
                                                          features->len, sizeof(guint32)));
}

bool service_record(struct service *sv, const struct record_wanted *r)
{
    const struct judgement *j = r->judgement;
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    g_variant_dict_insert(&d, "user", "s", r->user);
    g_variant_dict_insert(&d, "signature", "s", r->signature);
    g_variant_dict_insert(&d, "class", "s", class_name(j->class));
    g_variant_dict_insert(&d, "score", "d", j->score);
    g_variant_dict_insert(&d, "rules", "d", r->rules);
    if (r->correspondent)
        g_variant_dict_insert(&d, "correspondent", "s", r->correspondent);
    insert_features(&d, j->features);
    return ask(sv, "record", g_variant_dict_end(&d), NULL) == EX_OK;
}

int service_learn(struct service *sv, const struct lesson_wanted *l, char **text_r)
{
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    g_variant_dict_insert(&d, "user", "s", l->user);
    g_variant_dict_insert(&d, "class", "s", l->class);
    g_variant_dict_insert(&d, "signature", "s", l->signature);
    insert_features(&d, l->features);
    return ask(sv, "learn", g_variant_dict_end(&d), text_r);
}

void service_confirm(struct service *sv, const char *user, const char *signature)
{
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    g_variant_dict_insert(&d, "user", "s", user);
    g_variant_dict_insert(&d, "signature", "s", signature);
    tell(sv, SUBJECT_DELIVERY, "confirm", g_variant_dict_end(&d));
}

int service_greylist(struct service *sv, const struct greylist_triplet *t)
{
    gint32 wait = 0;
    GVariantDict d;
    if (!sv->settings->greylist)
        return 0;
    /* Frames are UTF-8, and what a client says need not be. */
    const char *const texts[][2] = {{"address", t->address}, {"sender", t->sender},
                                    {"recipient", t->recipient}, {"domain", t->proved_domain}};
    g_variant_dict_init(&d, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        char *text = texts[i][1] ? g_utf8_make_valid(texts[i][1], -1) : NULL;
        if (text)
            g_variant_dict_insert(&d, texts[i][0], "s", text);
        g_free(text);
    }
    struct keeper_answer a = ask_all(sv, "greylist", g_variant_dict_end(&d));
    if (a.code == EX_OK && a.results)
        g_variant_lookup(a.results, "wait", "i", &wait);
    else
        log_warn("greylist: %s; nobody is asked to come again", a.text ? a.text : "no keeper");
    keeper_answer_clear(&a);
    return wait > 0 ? wait : 0;
}

static GVariant *digest_arguments(const unsigned char *digests, size_t count)
{
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    g_variant_dict_insert_value(&d, "digests",
                                g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, digests,
                                                          count * RETRIES_DIGEST_BYTES, 1));
    return g_variant_dict_end(&d);
}

void service_retry_known(struct service *sv, const unsigned char *digests, size_t count,
                         unsigned char *known_r)
{
    memset(known_r, 0, count);
    if (!count)
        return;
    struct keeper_answer a = ask_all(sv, "retry-known", digest_arguments(digests, count));
    note_retries(sv, &a);
    GVariant *known = a.results ? g_variant_lookup_value(a.results, "known",
                                                         G_VARIANT_TYPE_BYTESTRING)
                                : NULL;
    gsize len = 0;
    const unsigned char *data = known ? g_variant_get_fixed_array(known, &len, 1) : NULL;
    if (data && len == count)
        memcpy(known_r, data, count);
    if (known)
        g_variant_unref(known);
    keeper_answer_clear(&a);
}

void service_retry_served(struct service *sv, const unsigned char *digest)
{
    tell(sv, SUBJECT_RETRIES, "retry-served", digest_arguments(digest, 1));
}

void service_retry_forget(struct service *sv, const unsigned char *digests, size_t count)
{
    if (count)
        tell(sv, SUBJECT_RETRIES, "retry-forget", digest_arguments(digests, count));
}
