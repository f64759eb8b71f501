/* Judges by classifier, rules and lists, and has the keeper record it. Called by pipeline.c and transaction.c. */
#include "filterd/pipeline/verdict.h"

#include "base/config/settings.h"
#include "base/log.h"
#include "classifier/classifier.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/pipeline/preferences.h"
#include "rules/evidence.h"
#include "rules/findings.h"
#include "rules/hits.h"
#include "rules/sender.h"

static void judgement_free(gpointer p)
{
    judgement_clear(p);
    g_free(p);
}

struct verdict *verdict_none(void)
{
    return g_new0(struct verdict, 1);
}

/* The rules' weight for one user: the findings that all users share, and whether the sender is known to this
 * one. */
static double weight_for(struct verdict *v, struct context *ctx, const char *user,
                         const struct verdict_basis *b)
{
    const double common = hits_weight(evidence_hits(b->evidence));
    g_autofree char *sender = sender_proved(b->evidence, b->message);
    if (!sender)
        return common;
    char *id = classifier_known_sender(ctx->classifier, user, sender,
                                        evidence_proved_domain(b->evidence));
    g_ptr_array_add(v->known_senders, id);
    return common + (classifier_knows(ctx->classifier, user, id) ? findings_weight(FINDING_KNOWN_SENDER) : 0);
}

static void judge(struct verdict *v, struct context *ctx, const struct verdict_basis *b)
{
    for (guint i = 0; i < v->users->len; i++) {
        const char *user = v->users->pdata[i];
        struct judgement *j = g_new0(struct judgement, 1);
        if (!classifier_judge(ctx->classifier, user, b->tokens, j))
            log_warn("user=<%s> model cannot be read, judged as unsure", user);
        v->score += j->score / v->users->len;
        v->rules += hits_voice(weight_for(v, ctx, user, b)) / v->users->len;
        g_ptr_array_add(v->records, j);
    }
}

/* Puts class and score as delivered into the records, since a later train request starts from them. */
static void settle(struct verdict *v)
{
    for (guint i = 0; i < v->records->len; i++) {
        struct judgement *j = v->records->pdata[i];
        j->class = v->class;
        j->score = v->score;
    }
}

struct verdict *verdict_new(struct context *ctx, GPtrArray *users, const GArray *settings,
                            const struct verdict_basis *b)
{
    struct verdict *v = g_new0(struct verdict, 1);
    const struct preferences p = preferences_of(ctx->settings, settings);
    v->users = g_ptr_array_ref(users);
    v->records = g_ptr_array_new_with_free_func(judgement_free);
    v->known_senders = g_ptr_array_new_with_free_func(g_free);
    v->judged = users->len > 0;
    v->action = p.action;
    judge(v, ctx, b);
    struct judgement sum = {.score = v->score};
    judgement_add(&sum, v->rules, p.spam_threshold, p.unsure_threshold);
    v->score = sum.score;
    v->probability = sum.probability;
    v->confidence = sum.confidence;
    v->class = sum.class;
    v->word = preferences_word(&p, b);
    if (v->word == VERDICT_ALLOWED)
        v->class = JUDGE_INNOCENT;
    else if (v->word != VERDICT_BY_SCORE)
        v->class = JUDGE_SPAM;
    v->refuse = v->class == JUDGE_SPAM && (v->word != VERDICT_BY_SCORE ||
                                           v->probability >= ctx->settings->reject_threshold);
    settle(v);
    return v;
}

void verdict_free(struct verdict **v)
{
    if (!*v)
        return;
    if ((*v)->users)
        g_ptr_array_unref((*v)->users);
    if ((*v)->records)
        g_ptr_array_unref((*v)->records);
    if ((*v)->known_senders)
        g_ptr_array_unref((*v)->known_senders);
    g_free((*v)->signature);
    g_free(*v);
    *v = NULL;
}

static const char *class_name(enum judge_class class)
{
    return class == JUDGE_SPAM ? "spam" : class == JUDGE_UNSURE ? "unsure" : "ham";
}

void verdict_record(struct verdict *v, struct context *ctx)
{
    if (!v->judged || ctx->settings->mode == MODE_NONE)
        return;
    g_autofree char *signature = classifier_signature_new();
    bool kept = true;
    for (guint i = 0; kept && i < v->users->len; i++) {
        const struct judgement *j = v->records->pdata[i];
        const struct keeper_record r = {
            .user = v->users->pdata[i],
            .signature = signature,
            .class = class_name(j->class),
            .known_sender = i < v->known_senders->len ? v->known_senders->pdata[i] : NULL,
            .score = j->score,
            .rules = v->rules,
            .features = j->features,
            .named = users_tables_name(tables_client_users(ctx->tables), v->users->pdata[i])};
        kept = keeper_client_record(ctx->keeper, &r);
    }
    if (kept)
        v->signature = g_steal_pointer(&signature);
}

void verdict_confirm(const struct verdict *v, struct context *ctx, bool mailbox)
{
    for (guint i = 0; v->signature && i < v->users->len; i++)
        keeper_client_confirm(ctx->keeper, &(struct keeper_confirm){v->users->pdata[i], v->signature, mailbox});
}

const char *verdict_name(const struct verdict *v)
{
    static const char *const words[] = {[VERDICT_ALLOWED] = "Whitelisted",
                                        [VERDICT_DENIED] = "Blocklisted", [VERDICT_VIRUS] = "Virus"};
    if (!v->judged)
        return "-";
    if (v->word != VERDICT_BY_SCORE)
        return words[v->word];
    return v->class == JUDGE_SPAM ? "Spam" : v->class == JUDGE_UNSURE ? "Unsure" : "Innocent";
}
