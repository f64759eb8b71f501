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
static struct keeper_answer ask_all(struct service *sv, const struct keeper_format *f,
                                    const void *request)
{
    struct keeper_answer a = {.code = EX_TEMPFAIL};
    const gint64 end = g_get_monotonic_time() + KEEPER_TIMEOUT_MS * 1000;
    const int attempts = g_get_monotonic_time() < sv->keeper_silent ? 0 : 2;
    GVariant *arguments = g_variant_ref_sink(keeper_format_pack(f, request));
    if (attempts)
        hear_owed(sv);
    for (int i = 0; i < attempts && a.code == EX_TEMPFAIL && g_get_monotonic_time() < end; i++) {
        if (sv->keeper < 0 && (sv->keeper = keeper_connect(&sv->settings->control)) < 0)
            break;
        keeper_answer_clear(&a);
        a = keeper_ask(sv->keeper, f->verb, arguments, KEEPER_TIMEOUT_MS);
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
static void tell(struct service *sv, enum subject subject, const struct keeper_format *f,
                 const void *request)
{
    if (sv->keeper_owes == KEEPER_OWES_MAX)
        hear_owed(sv);
    if (sv->keeper >= 0 && g_get_monotonic_time() >= sv->keeper_silent &&
        keeper_tell(sv->keeper, f->verb, keeper_format_pack(f, request), KEEPER_TIMEOUT_MS)) {
        sv->keeper_owes_retries |= (guint32)(subject == SUBJECT_RETRIES) << sv->keeper_owes;
        sv->keeper_owes++;
    } else {
        hang_up(sv);
        struct keeper_answer a = ask_all(sv, f, request);
        if (subject == SUBJECT_RETRIES)
            note_retries(sv, &a);
        keeper_answer_clear(&a);
    }
}

static int ask(struct service *sv, const struct keeper_format *f, const void *request, char **text_r)
{
    struct keeper_answer a = ask_all(sv, f, request);
    if (text_r)
        *text_r = g_steal_pointer(&a.text);
    keeper_answer_clear(&a);
    return a.code;
}

static const char *class_name(enum judge_class class)
{
    return class == JUDGE_SPAM ? "spam" : class == JUDGE_UNSURE ? "unsure" : "ham";
}

bool service_record(struct service *sv, const struct record_wanted *r)
{
    const struct judgement *j = r->judgement;
    const struct keeper_record record = {.user = r->user,
                                         .signature = r->signature,
                                         .class = class_name(j->class),
                                         .correspondent = r->correspondent,
                                         .score = j->score,
                                         .rules = r->rules,
                                         .features = j->features};
    return ask(sv, &keeper_format_record, &record, NULL) == EX_OK;
}

int service_learn(struct service *sv, const struct keeper_learn *l, char **text_r)
{
    return ask(sv, &keeper_format_learn, l, text_r);
}

void service_confirm(struct service *sv, const char *user, const char *signature)
{
    tell(sv, SUBJECT_DELIVERY, &keeper_format_confirm, &(struct keeper_confirm){user, signature});
}

/* Frames are UTF-8, and what a client says need not be. */
static char *valid(const char *text)
{
    return text ? g_utf8_make_valid(text, -1) : NULL;
}

int service_greylist(struct service *sv, const struct greylist_triplet *t)
{
    struct keeper_wait answer = {0};
    if (!sv->settings->greylist)
        return 0;
    char *texts[] = {valid(t->address), valid(t->proved_domain), valid(t->sender), valid(t->recipient)};
    const struct greylist_triplet asked = {texts[0], texts[1], texts[2], texts[3]};
    struct keeper_answer a = ask_all(sv, &keeper_format_greylist, &asked);
    if (a.code != EX_OK || !a.results ||
        !keeper_format_unpack(&keeper_format_wait, a.results, &answer, NULL))
        log_warn("greylist: %s; nobody is asked to come again", a.text ? a.text : "no keeper");
    keeper_answer_clear(&a);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    return MAX(answer.wait, 0);
}

static GBytes *bytes_of(const unsigned char *digests, size_t count)
{
    return g_bytes_new(digests, count * RETRIES_DIGEST_BYTES);
}

static void take_known(const struct keeper_answer *a, size_t count, unsigned char *known_r)
{
    struct keeper_known answer;
    gsize len = 0;
    keeper_format_unpack(&keeper_format_known, a->results, &answer, NULL);
    const void *data = answer.known ? g_bytes_get_data(answer.known, &len) : NULL;
    if (data && len == count)
        memcpy(known_r, data, count);
    keeper_format_clear(&keeper_format_known, &answer);
}

void service_retry_known(struct service *sv, const unsigned char *digests, size_t count,
                         unsigned char *known_r)
{
    memset(known_r, 0, count);
    if (!count)
        return;
    const struct keeper_digests wanted = {bytes_of(digests, count)};
    struct keeper_answer a = ask_all(sv, &keeper_format_retry_known, &wanted);
    note_retries(sv, &a);
    if (a.results)
        take_known(&a, count, known_r);
    keeper_answer_clear(&a);
    g_bytes_unref(wanted.digests);
}

static void tell_digests(struct service *sv, const struct keeper_format *f,
                         const unsigned char *digests, size_t count)
{
    const struct keeper_digests told = {bytes_of(digests, count)};
    tell(sv, SUBJECT_RETRIES, f, &told);
    g_bytes_unref(told.digests);
}

void service_retry_served(struct service *sv, const unsigned char *digest)
{
    tell_digests(sv, &keeper_format_retry_served, digest, 1);
}

void service_retry_forget(struct service *sv, const unsigned char *digests, size_t count)
{
    if (count)
        tell_digests(sv, &keeper_format_retry_forget, digests, count);
}
