#include "filterd/verdict.h"

#include <math.h>

#include "base/log.h"

static void judgement_free(gpointer p)
{
    judgement_clear(p);
    g_free(p);
}

struct verdict *verdict_none(void)
{
    return g_new0(struct verdict, 1);
}

struct verdict *verdict_new(struct service *sv, GPtrArray *users, const struct tokens *t)
{
    struct verdict *v = g_new0(struct verdict, 1);
    v->users = users;
    v->records = g_ptr_array_new_with_free_func(judgement_free);
    for (guint i = 0; i < users->len; i++) {
        struct judgement *j = g_new0(struct judgement, 1);
        if (!classifier_judge(sv->classifier, users->pdata[i], t, j))
            log_warn("user=<%s> model cannot be read, judged as unsure", (char *)users->pdata[i]);
        v->score += j->score / users->len;
        v->confidence += j->confidence / users->len;
        g_ptr_array_add(v->records, j);
    }
    v->judged = users->len > 0;
    v->probability = 1 / (1 + exp(-v->score));
    v->class = classifier_class(sv->settings, v->probability);
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
    g_free((*v)->signature);
    g_free(*v);
    *v = NULL;
}

void verdict_record(struct verdict *v, struct service *sv)
{
    if (!v->judged || sv->settings->mode == MODE_NONE)
        return;
    char *signature = classifier_signature_new();
    bool kept = true;
    for (guint i = 0; kept && i < v->users->len; i++)
        kept = service_record(sv, v->users->pdata[i], signature, v->records->pdata[i]);
    if (kept)
        v->signature = g_steal_pointer(&signature);
    g_free(signature);
}

void verdict_confirm(const struct verdict *v, struct service *sv)
{
    for (guint i = 0; v->signature && i < v->users->len; i++)
        service_confirm(sv, v->users->pdata[i], v->signature);
}

const char *verdict_name(const struct verdict *v)
{
    if (!v->judged)
        return "-";
    return v->class == JUDGE_SPAM ? "Spam" : v->class == JUDGE_UNSURE ? "Unsure" : "Innocent";
}
