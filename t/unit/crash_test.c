/* The keeper is killed while it learns, again and again. Each train request that it acknowledged is learnt
 * exactly once and in order, and readers go on reading. A second model store that is never killed learns
 * the same, for comparison. */
#include "base/config/settings.h"
#include "base/log.h"
#include "classifier/classifier.h"
#include "classifier/model.h"
#include "classifier/tokens.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_process.h"
#include "filterd/sockets.h"
#include "t/unit/model_store_world.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>


#define USER "a@x.example"

enum { MESSAGES = 150, KILLS = 40, ANSWER_MS = 20000 };

static struct settings killed; /* the world of the keeper that is killed */
static pid_t keeper;
static int line = -1, worker_line = -1; /* connections to it, as an administrator and as a worker */
static GRand *dice;

static int set_up_both(void **state)
{
    set_up(state);
    killed = settings;
    killed.state_dir = g_dir_make_tmp("filterd-crash-XXXXXX", NULL);
    killed.site_key = g_build_filename(killed.state_dir, "site.key", NULL);
    killed.control.path = g_build_filename(killed.state_dir, "control.sock", NULL);
    dice = g_rand_new_with_seed(20261121);
    log_to_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    char *hex;
    assert_true(g_file_get_contents(settings.site_key, &hex, NULL, NULL));
    assert_true(g_file_set_contents(killed.site_key, hex, -1, NULL));
    g_free(hex);
    return 0;
}

static void start_keeper(void)
{
    char byte, *error = NULL;
    struct endpoint workers = keeper_workers_at(&killed.control);
    int ready[2];
    const struct keeper_doors doors = {sockets_listen(&killed.control, &killed.control_rights, NULL, &error), sockets_listen(&workers, &killed.control_rights, NULL, &error), -1, NULL};
    assert_true(doors.control >= 0 && doors.workers >= 0 && pipe(ready) == 0);
    keeper = fork();
    if (keeper == 0)
        _exit(keeper_process_run(&killed, &key, &doors, ready[1]));
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(doors.control);
    close(doors.workers);
    line = keeper_connect(&killed.control);
    worker_line = keeper_connect(&workers);
    g_free(workers.path);
    assert_true(line >= 0 && worker_line >= 0);
}

static void bury_keeper(void)
{
    kill(keeper, SIGKILL);
    assert_int_equal(waitpid(keeper, NULL, 0), keeper);
    close(line);
    close(worker_line);
}

static int tear_down_both(void **state)
{
    bury_keeper();
    folder_empty(killed.state_dir);
    const int failed = rmdir(killed.state_dir);
    g_free(killed.state_dir);
    g_free(killed.site_key);
    g_free(killed.control.path);
    g_rand_free(dice);
    return tear_down(state) || failed;
}

/* Kills the keeper after so many microseconds, whatever it is doing then. */
static pid_t start_killer(gulong after_us)
{
    const pid_t pid = fork();
    if (pid == 0) {
        usleep((useconds_t)after_us);
        kill(keeper, SIGKILL);
        _exit(0);
    }
    return pid;
}

static GVariant *arguments_of(const char *const (*values)[2], GVariant *features, const char *as)
{
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    for (; (*values)[0]; values++)
        g_variant_dict_insert(&d, (*values)[0], "s", (*values)[1]);
    if (features)
        g_variant_dict_insert_value(&d, as, features);
    return g_variant_dict_end(&d);
}

static GVariant *features_of(const char *text)
{
    struct judgement j = judge(USER, text);
    GVariant *features = g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, j.features->data,
                                                   j.features->len, sizeof(guint32));
    judgement_clear(&j);
    return features;
}

static char *text_of(int i)
{
    return g_strdup_printf("letter %d about %s with number%d and word%d of all of them", i,
                           i % 3 ? "pills" : "meetings", i % 17, i % 29);
}

static const char *class_of(int i)
{
    return i % 4 ? "ham" : "spam";
}

/* Sent to both stores, with no kill. */
static void deliver_all(void)
{
    for (int i = 0; i < MESSAGES; i++) {
        g_autofree char *text = text_of(i), *signature = g_strdup_printf("s%d", i);
        const char *const record[][2] = {
            {"user", USER}, {"signature", signature}, {"class", class_of(i)}, {NULL, NULL}};
        GVariant *all = g_variant_ref_sink(arguments_of(record, features_of(text), "features"));
        assert_int_equal(code_of("record", all), EX_OK);
        assert_int_equal(keeper_call(worker_line, "record", all, ANSWER_MS, NULL), EX_OK);
        g_variant_unref(all);
    }
    /* Records of deliveries wait to be written together; nothing is learnt from them yet. */
    assert_int_equal(keeper_call(worker_line, "ping", NULL, ANSWER_MS, NULL), EX_OK);
}

/* The state that readers of the killed store see. */
static double seen(struct classifier *c, const char *text)
{
    struct tokens *t = tokens_of(text);
    struct judgement j;
    assert_true(classifier_judge(c, USER, t, &j));
    judgement_clear(&j);
    tokens_free(&t);
    return j.score;
}

static void same_everywhere(struct classifier *old_reader)
{
    struct classifier *fresh = classifier_new(&killed, &key);
    for (int i = 0; i < 10; i++) {
        g_autofree char *text = text_of(i * 7);
        const double expected = score(USER, text);
        assert_true(fabs(seen(fresh, text) - expected) < 1e-6);
        assert_true(fabs(seen(old_reader, text) - expected) < 1e-6);
    }
    classifier_free(&fresh);
}

/* Moves a random message, repeated until the keeper acknowledges it, as the caller of filterd-retrain
 * does. True if it took more than one attempt. */
static bool move_one(void)
{
    const int i = g_rand_int_range(dice, 0, MESSAGES);
    const char *class = g_rand_boolean(dice) ? "spam" : "ham";
    g_autofree char *signature = g_strdup_printf("s%d", i);
    const char *const move[][2] = {
        {"login", USER}, {"class", class}, {"signature", signature}, {NULL, NULL}};
    bool died = false;
    while (keeper_call(line, "retrain", arguments_of(move, NULL, NULL), ANSWER_MS, NULL) != EX_OK) {
        bury_keeper();
        start_keeper();
        died = true;
    }
    assert_int_equal(retrain(USER, class, signature), EX_OK);
    return died;
}

static void test_moves(void **state)
{
    (void)state;
    int moves = 0;
    start_keeper();
    deliver_all();
    struct classifier *reader = classifier_new(&killed, &key);
    for (int kills = 0; kills < KILLS; kills++) {
        const pid_t killer = start_killer((gulong)g_rand_int_range(dice, 0, 60000));
        do
            moves++;
        while (!move_one());
        waitpid(killer, NULL, 0);
        same_everywhere(reader);
    }
    print_message("%d moves, %d kills\n", moves, KILLS);
    classifier_free(&reader);
}

static gint64 learnt(void)
{
    char *error = NULL;
    struct model *m = model_open(killed.state_dir, USER, false, &error);
    struct model_figures f = {0};
    assert_true(!m || model_figures(m, &f));
    model_free(&m);
    return f.spam + f.ham;
}

/* A batch is learnt as a whole or not at all. */
static void test_batches(void **state)
{
    (void)state;
    enum { BATCH = 40 };
    gint64 before = 0;
    int whole = 0;
    start_keeper();
    for (int kills = 0; kills < KILLS / 2; kills++) {
        GVariantBuilder batch;
        g_variant_builder_init(&batch, G_VARIANT_TYPE("aau"));
        for (int i = 0; i < BATCH; i++) {
            g_autofree char *text = text_of(i);
            g_variant_builder_add_value(&batch, features_of(text));
        }
        const char *const train[][2] = {{"user", USER}, {"class", class_of(kills)}, {NULL, NULL}};
        GVariant *all = arguments_of(train, g_variant_builder_end(&batch), "batch");
        const pid_t killer = start_killer((gulong)g_rand_int_range(dice, 0, 70000));
        const bool acknowledged = keeper_call(line, "train", all, ANSWER_MS, NULL) == EX_OK;
        waitpid(killer, NULL, 0);
        bury_keeper();
        start_keeper();
        const gint64 now = learnt();
        assert_true(now == before + BATCH || (now == before && !acknowledged));
        whole += now != before;
        before = now;
    }
    print_message("%d of %d batches learnt\n", whole, KILLS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_moves, set_up_both, tear_down_both),
        cmocka_unit_test_setup_teardown(test_batches, set_up_both, tear_down_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
