/* Adds the rules' findings to the classifier's score, as the daemon does. Called by explain.c. */
#include "tools/filterctl/sum.h"

#include <stdbool.h>
#include <string.h>
#include <sysexits.h>

#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "base/mail/envelope.h"
#include "classifier/classifier.h"
#include "classifier/tokens.h"
#include "rules/findings.h"
#include "rules/hits.h"
#include "rules/rules.h"
#include "rules/sender.h"
#include "tools/filterctl/filterctl.h"

static char **option_of(struct envelope *e, const char *word)
{
    if (strcmp(word, "--client") == 0)
        return &e->client_addr;
    if (strcmp(word, "--helo") == 0)
        return &e->client_helo;
    return strcmp(word, "--sender") == 0 ? &e->sender : NULL;
}

int filterctl_sum_options(struct filterctl_sum *s, int argc, char **argv)
{
    int kept = 0;
    *s = (struct filterctl_sum){.envelope = envelope_new(NULL)};
    /* Nobody said whether the client has a reverse name: "" counts neither as having one nor as lacking
     * one. */
    s->envelope->client_name = g_strdup("");
    for (int i = 0; i < argc; i++) {
        char **option = option_of(s->envelope, argv[i]);
        if (!option) {
            argv[kept++] = argv[i];
            continue;
        }
        if (++i >= argc)
            return -1;
        g_free(*option);
        *option = g_strdup(argv[i]);
    }
    if (kept < argc)
        argv[kept] = NULL;
    const char *client = s->envelope->client_addr;
    return client && !g_hostname_is_ip_address(client) ? -1 : kept;
}

void filterctl_sum_clear(struct filterctl_sum *s)
{
    evidence_free(&s->evidence);
    rules_free(&s->rules);
    envelope_free(&s->envelope);
    g_clear_pointer(&s->hits, g_ptr_array_unref);
}

void filterctl_sum_start(struct filterctl_sum *s, struct filterctl *ctl)
{
    s->rules = rules_new(ctl->settings, RULES_NO_DOOR);
    s->evidence = evidence_start(s->rules, s->envelope);
}

/* Collects the evidence's hits, and adds known-correspondent if this user knows the proved sender. */
static void take_hits(struct filterctl_sum *s, const struct filterctl_judge *j)
{
    const GPtrArray *found = evidence_hits(s->evidence);
    s->hits = hits_new();
    for (guint i = 0; i < found->len; i++) {
        const struct hit *h = found->pdata[i];
        hits_add(s->hits, h->name, h->weight, h->reason);
    }
    g_autofree char *sender = sender_proved(s->evidence, j->message);
    if (!sender)
        return;
    g_autofree char *id = classifier_known_sender(j->classifier, j->user, sender,
                                                   evidence_proved_domain(s->evidence));
    if (classifier_knows(j->classifier, j->user, id))
        hits_find(s->hits, FINDING_KNOWN_SENDER);
}

/* Reads the user's own threshold. False, with the reason on stderr, if their settings cannot be read. */
static bool spam_threshold(const struct filterctl *ctl, const char *user, double *threshold_r)
{
    g_autofree char *error = NULL;
    struct users *users = users_open(ctl->settings->state_dir, false, &error);
    struct user_settings of = user_settings_of(ctl->settings);
    const bool ok = users && users_settings(users, user, &of);
    if (!ok)
        filterctl_complain("%s", users ? users_error(users) : error);
    *threshold_r = of.spam_threshold;
    user_settings_clear(&of);
    users_free(&users);
    return ok;
}

int filterctl_sum_judge(struct filterctl_sum *s, struct filterctl *ctl, struct filterctl_judge *j)
{
    evidence_finish(s->evidence, j->reading, false);
    tokens_add_facts(j->tokens, evidence_facts(s->evidence));
    const int code = filterctl_judge(j);
    if (code != EX_OK)
        return code;
    double spam;
    take_hits(s, j);
    if (!spam_threshold(ctl, j->user, &spam))
        return EX_TEMPFAIL;
    s->classifier = j->judgement.score;
    s->added = hits_voice(hits_weight(s->hits));
    judgement_add(&j->judgement, s->added, spam, MIN(ctl->settings->unsure_threshold, spam));
    return EX_OK;
}
