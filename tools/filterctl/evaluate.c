/* filterctl evaluate [--mode M] [--feedback immediate|errors|delayed:N] [--corrected PERCENT] [--timing]
 * INDEX. Called by filterctl.c; t/bench/classifier runs it.
 *
 * Plays a labelled corpus through the learner in order: it scores each message, then learns it as
 * --feedback says. immediate: the learner gets each label at once. errors: it gets only the user's
 * corrections, at once. delayed:N: the corrections and the settling come N messages later. The key and the
 * random numbers are fixed, so the figures are the same on every host. It writes nothing. */
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/config/settings_value.h"
#include "base/mail/message.h"
#include "base/newline.h"
#include "base/sitekey.h"
#include "classifier/classifier.h"
#include "classifier/learner.h"
#include "classifier/osb.h"
#include "classifier/buckets.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"
#include "rules/hits.h"
#include "rules/message_checks.h"
#include "tools/filterctl/figures.h"
#include "tools/filterctl/filterctl.h"

enum feedback { FEEDBACK_IMMEDIATE, FEEDBACK_REPORTS };

struct plan {
    enum train_mode mode;
    enum feedback feedback;
    guint delay; /* messages between delivery and report */
    double corrected;
    bool timing;
};

/* What one message gives: its buckets for the learner, and the weight of those rules that ask nobody. */
struct look {
    GArray *places;
    double rules;
};

struct waiting_message { /* a message that waits for the user's report */
    GArray *places;
    enum judge_class class;
    bool judge_spam, reported, learnt;
    struct learner_step step;
};

enum stage { STAGE_PARSE, STAGE_TOKENS, STAGE_RULES, STAGE_FEATURES, STAGE_SCORE, STAGE_TRAIN, STAGES };

struct evaluation {
    struct plan plan;
    struct settings settings; /* only the thresholds */
    struct learner *learner;
    unsigned char key[16];
    struct buckets_key places;
    GQueue waiting;
    GArray *scored;
    guint unsure; /* messages judged Unsure */
    guint64 dice;
    double spent[STAGES], clock; /* CPU seconds */
};

static void waiting_message_free(struct waiting_message *m)
{
    g_array_unref(m->places);
    g_free(m);
}

/* Adds the CPU time since the last call to this stage. */
static void spend(struct evaluation *e, enum stage stage)
{
    struct timespec now;
    if (!e->plan.timing)
        return;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    const double seconds = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    if (stage < STAGES)
        e->spent[stage] += seconds - e->clock;
    e->clock = seconds;
}

/* xorshift64*: random() differs between C libraries, and figures must not. */
static double roll(struct evaluation *e)
{
    e->dice ^= e->dice >> 12;
    e->dice ^= e->dice << 25;
    e->dice ^= e->dice >> 27;
    return (double)((e->dice * G_GUINT64_CONSTANT(0x2545F4914F6CDD1D)) >> 11) * 0x1p-53;
}

static struct learner_step teach(struct evaluation *e, const struct waiting_message *m, bool spam,
                                 bool half)
{
    const struct learner_lesson lesson = {spam, half, 0};
    return learner_learn(e->learner, m->places, &lesson);
}

/* Learns what the user's correction, or its absence, teaches; as filterd/keeper/train_request.c does. */
static void report(struct evaluation *e, struct waiting_message *m)
{
    const bool class_spam = m->class == JUDGE_SPAM;
    if (m->judge_spam != class_spam && m->reported) {
        if (m->learnt)
            learner_apply(e->learner, m->places, class_spam, learner_negate(m->step));
        teach(e, m, m->judge_spam, false);
    } else if (e->plan.mode == MODE_SETTLE && m->class != JUDGE_UNSURE) {
        teach(e, m, class_spam, true);
    }
}

static void learn(struct evaluation *e, struct waiting_message *m)
{
    const bool class_spam = m->class == JUDGE_SPAM;
    if (e->plan.mode == MODE_NONE) {
        waiting_message_free(m);
        return;
    }
    if (e->plan.feedback == FEEDBACK_IMMEDIATE) {
        const bool known = m->judge_spam == class_spam || m->reported;
        teach(e, m, known ? m->judge_spam : class_spam, false);
        waiting_message_free(m);
        return;
    }
    if (e->plan.mode == MODE_TEFT) {
        m->step = teach(e, m, class_spam, false);
        m->learnt = true;
    }
    g_queue_push_tail(&e->waiting, m);
    if (e->waiting.length > e->plan.delay) {
        struct waiting_message *oldest = g_queue_pop_head(&e->waiting);
        report(e, oldest);
        waiting_message_free(oldest);
    }
}

static double ask_rules(const struct message *m, struct tokens *tokens)
{
    GPtrArray *hits = hits_new();
    message_checks_message(hits, m, false);
    char **facts = hits_facts(hits);
    tokens_add_facts(tokens, (const char *const *)facts);
    g_strfreev(facts);
    const double voice = hits_voice(hits_weight(hits));
    g_ptr_array_unref(hits);
    return voice;
}

static struct look look_at(struct evaluation *e, struct bytes *raw)
{
    struct look look;
    spend(e, STAGES);
    newline_normalise(raw);
    struct message *message = message_new(raw->data ? (char *)raw->data : "", raw->len);
    spend(e, STAGE_PARSE);
    struct tokens *tokens = tokens_new(message);
    spend(e, STAGE_TOKENS);
    look.rules = ask_rules(message, tokens);
    spend(e, STAGE_RULES);
    GArray *features = osb_features(tokens, e->key);
    look.places = buckets_of(features, &e->places);
    g_array_unref(features);
    spend(e, STAGE_FEATURES);
    tokens_free(&tokens);
    spend(e, STAGE_TOKENS);
    message_free(&message);
    spend(e, STAGE_PARSE);
    return look;
}

static void take(struct evaluation *e, const char *path, bool judge_spam, struct bytes *raw)
{
    struct waiting_message *m = g_new0(struct waiting_message, 1);
    const struct look look = look_at(e, raw);
    m->places = look.places;
    const double score = learner_score(e->learner, m->places) + look.rules;
    spend(e, STAGE_SCORE);
    m->judge_spam = judge_spam;
    m->class = classifier_class(&e->settings, learner_probability(score));
    /* Rolled for every message, corrected or not, so that the next random number does not depend on this
     * verdict. */
    m->reported = roll(e) * 100 < e->plan.corrected;
    e->unsure += m->class == JUDGE_UNSURE;
    const struct scored s = {score, judge_spam, m->class == JUDGE_SPAM};
    g_array_append_val(e->scored, s);
    printf("%s judge=%s class=%s score=%.9g\n", path, judge_spam ? "spam" : "ham",
           s.class_spam ? "spam" : "ham", score);
    spend(e, STAGES);
    learn(e, m);
    spend(e, STAGE_TRAIN);
}

static int take_line(struct evaluation *e, const char *folder, const char *line)
{
    const bool spam = g_str_has_prefix(line, "spam ");
    if (!spam && !g_str_has_prefix(line, "ham ")) {
        filterctl_complain("%s: a line \"spam|ham path\" is wanted", line);
        return EX_DATAERR;
    }
    const char *path = line + (spam ? 5 : 4);
    struct bytes raw = {0};
    g_autofree char *file = g_path_is_absolute(path) ? g_strdup(path) : g_build_filename(folder, path, NULL);
    const bool ok = filterctl_read(file, &raw);
    if (ok)
        take(e, path, spam, &raw);
    bytes_free(&raw);
    return ok ? EX_OK : EX_NOINPUT;
}

static int take_index(struct evaluation *e, const char *index)
{
    struct bytes text = {0};
    if (!filterctl_read(index, &text)) {
        bytes_free(&text);
        return EX_NOINPUT;
    }
    g_autofree char *folder = g_path_get_dirname(index);
    char **lines = g_strsplit(text.data ? (char *)text.data : "", "\n", -1);
    int code = EX_OK;
    for (char **line = lines; *line && code == EX_OK; line++)
        if (*g_strchomp(*line))
            code = take_line(e, folder, *line);
    g_strfreev(lines);
    bytes_free(&text);
    return code;
}

static void summarise(const struct evaluation *e)
{
    static const char *const stages[] = {"parse", "tokens", "rules", "features", "score", "train"};
    const struct filterctl_figures f = filterctl_figures_of(e->scored);
    printf("messages %u spam %u ham %u\n", e->scored->len, f.spam, f.ham);
    printf("1-ROCA%% %.4f\nhm%% %.2f\nsm%% %.2f\nlam%% %.2f\n", f.roca, f.hm, f.sm, f.lam);
    printf("unsure%% %.2f\n", 100.0 * e->unsure / MAX(e->scored->len, 1));
    for (int i = 0; e->plan.timing && i < STAGES; i++)
        printf("us/%s %.1f\n", stages[i], e->spent[i] * 1e6 / MAX(e->scored->len, 1));
    if (e->plan.timing)
        printf("store bytes %zu\n", sizeof *e->learner);
}

static int evaluate(const struct plan *plan, const char *index)
{
    const struct sitekey key = {{0}};
    struct evaluation e = {.plan = *plan, .dice = 88172645463325252u};
    e.settings.spam_threshold = SETTINGS_SPAM_THRESHOLD;
    e.settings.unsure_threshold = SETTINGS_UNSURE_THRESHOLD;
    e.learner = g_new0(struct learner, 1);
    e.scored = g_array_new(FALSE, FALSE, sizeof(struct scored));
    g_queue_init(&e.waiting);
    osb_key(&key, e.key);
    buckets_key(&key, "evaluate", &e.places);
    const int code = take_index(&e, index);
    if (code == EX_OK)
        summarise(&e);
    for (struct waiting_message *m; (m = g_queue_pop_head(&e.waiting));)
        waiting_message_free(m);
    g_array_unref(e.scored);
    g_free(e.learner);
    return code;
}

static bool parse_mode(const char *value, struct plan *c)
{
    const int place = settings_value_index(SETTINGS_TRAIN_MODES, value);
    if (place >= 0)
        c->mode = (enum train_mode)place;
    return place >= 0;
}

static bool parse_feedback(const char *value, struct plan *c)
{
    guint64 n = 0;
    c->feedback = strcmp(value, "immediate") == 0 ? FEEDBACK_IMMEDIATE : FEEDBACK_REPORTS;
    if (g_str_has_prefix(value, "delayed:")) {
        const bool ok = g_ascii_string_to_unsigned(value + 8, 10, 0, 1000000, &n, NULL);
        c->delay = (guint)n;
        return ok;
    }
    return c->feedback == FEEDBACK_IMMEDIATE || strcmp(value, "errors") == 0;
}

static bool parse_corrected(const char *value, struct plan *c)
{
    char *end;
    c->corrected = g_ascii_strtod(value, &end);
    return end != value && *end == '\0' && c->corrected >= 0 && c->corrected <= 100;
}

static bool parse_option(const char *name, const char *value, struct plan *c)
{
    if (strcmp(name, "--mode") == 0)
        return parse_mode(value, c);
    if (strcmp(name, "--feedback") == 0)
        return parse_feedback(value, c);
    return strcmp(name, "--corrected") == 0 && parse_corrected(value, c);
}

int filterctl_evaluate(struct filterctl *ctl, int argc, char **argv)
{
    (void)ctl;
    struct plan plan = {.mode = MODE_SETTLE, .corrected = 100};
    int i = 1;
    for (; i + 1 < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--timing") == 0)
            plan.timing = true;
        else if (!parse_option(argv[i], argv[i + 1], &plan))
            return EX_USAGE;
        else
            i++;
    }
    return i + 1 == argc ? evaluate(&plan, argv[i]) : EX_USAGE;
}
