/* The table of the keeper's verbs: each request unpacks to what was packed, and is answered only for the
 * roles that may ask it. */
#include "base/config/settings.h"
#include "base/sandbox/sandbox.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/keeper_role.h"
#include "filterd/keeper/keeper_verbs.h"
#include "filterd/keeper/peer_credentials.h"
#include "t/unit/model_store_world.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>


#define USER "a@x.example"
#define DIGEST "sixteen bytes!!!"

static guint32 some_features[] = {1, 7, 4000000000};
static const char *const some_users[] = {"b@x.example", "c@x.example", NULL};

static GArray *features_new(guint count)
{
    GArray *features = g_array_new(FALSE, FALSE, sizeof(guint32));
    return g_array_append_vals(features, some_features, count);
}

/* The verbs once more, written down independently of the table: requests with every member, and the roles.
 * The first request of a verb is complete. */
struct sample {
    const char *verb;
    unsigned roles;
    union keeper_request q;
};

static GPtrArray *samples_new(void)
{
    GPtrArray *batch = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    g_ptr_array_add(batch, features_new(3));
    g_ptr_array_add(batch, features_new(0));
    GArray *features = features_new(2);
    GBytes *digests = g_bytes_new_static(DIGEST DIGEST, 2 * (sizeof DIGEST - 1));
    GBytes *one = g_bytes_new_static(DIGEST, sizeof DIGEST - 1);
    const unsigned worker = KEEPER_WORKER, admin = KEEPER_ADMINISTRATOR;
    const struct sample all[] = {
        {"ping", worker | admin, {.confirm = {NULL, NULL, false}}},
        {"record", worker, {.record = {USER, "s1", "spam", "0123456789abcdef0123456789abcdef", 2.5, -0.5, features, TRUE}}},
        {"confirm", worker, {.confirm = {USER, "s1", TRUE}}},
        {"learn", worker, {.learn = {USER, "ham", "s2", features}}},
        {"greylist", worker, {.greylist = {"192.0.2.1", "proved.example", "", USER}}},
        {"retry-known", worker, {.delivered = {one, digests, one}}},
        {"retry-served", worker, {.delivered = {one, digests, one}}},
        {"retry-forget", worker, {.delivered = {one, NULL, NULL}}},
        {"retry-failed", worker, {.delivered = {one, digests, one}}},
        {"retrain", KEEPER_MAIL_USER | admin, {.retrain = {USER, "spam", "s1"}}},
        {"train", admin, {.train = {USER, "spam", features, batch}}},
        {"alias-add", admin, {.alias_add = {"team@x.example", USER}}},
        {"alias-set", admin, {.alias_set = {"team@x.example", (char **)some_users}}},
        {"alias-remove", admin, {.alias_remove = {"team@x.example"}}},
        {"user-set", admin, {.user_set = {USER, "mode", "toe"}}},
        {"user-export", admin, {.user_export = {USER}}},
        {"user-import", admin, {.user_import = {USER, digests}}},
        {"key-note", admin | KEEPER_IMPORTER, {.key_note = {USER, "keys"}}},
        {"user-remove", admin, {.user_remove = {USER}}},
        {"proof-known", worker, {.digests = {digests}}},
        {"proof-spent", worker, {.digests = {digests}}},
    };
    GPtrArray *samples = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        g_ptr_array_add(samples, g_memdup2(&all[i], sizeof all[i]));
    return samples;
}

/* The copies lend what the first of them owns. */
static void samples_free(GPtrArray *samples)
{
    for (guint i = 0; i < samples->len; i++) {
        const struct sample *s = samples->pdata[i];
        if (strcmp(s->verb, "train") == 0) {
            g_array_unref(s->q.train.features);
            g_ptr_array_unref(s->q.train.batch);
        } else if (strcmp(s->verb, "retry-known") == 0) {
            g_bytes_unref(s->q.delivered.copies);
            g_bytes_unref(s->q.delivered.attempt);
        }
    }
    g_ptr_array_unref(samples);
}

static void test_each_verb_has_a_sample(void **state)
{
    GPtrArray *samples = samples_new();
    size_t count;
    (void)state;
    const struct keeper_verb *verbs = keeper_verbs(&count);
    assert_int_equal(samples->len, count);
    for (guint i = 0; i < samples->len; i++) {
        const struct sample *s = samples->pdata[i];
        assert_non_null(keeper_verbs_find(s->verb));
        assert_string_equal(keeper_verbs_find(s->verb)->request->verb, s->verb);
    }
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(keeper_verbs_find(verbs[i].request->verb), &verbs[i]); /* none twice */
    samples_free(samples);
}

/* A request as it arrives at the other end of a socket. */
static GVariant *sent(const struct keeper_format *f, const void *from)
{
    GVariant *value = g_variant_ref_sink(keeper_format_pack(f, from));
    GBytes *bytes = g_variant_get_data_as_bytes(value);
    GVariant *there = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE_VARDICT, bytes, FALSE));
    g_bytes_unref(bytes);
    g_variant_unref(value);
    return there;
}

static GVariant *without(GVariant *dictionary, const char *name)
{
    GVariantDict d;
    g_variant_dict_init(&d, dictionary);
    assert_true(g_variant_dict_remove(&d, name));
    return g_variant_ref_sink(g_variant_dict_end(&d));
}

static GVariant *with(GVariant *dictionary, const char *name, GVariant *value)
{
    GVariantDict d;
    g_variant_dict_init(&d, dictionary);
    g_variant_dict_insert_value(&d, name, value);
    return g_variant_ref_sink(g_variant_dict_end(&d));
}

static void is_refused(const struct keeper_format *f, GVariant *arguments, const char *name)
{
    union keeper_request q;
    g_autofree char *error = NULL;
    if (keeper_format_unpack(f, arguments, &q, &error))
        fail_msg("%s takes any %s", f->verb, name);
    assert_true(g_str_has_prefix(error, f->verb) && strstr(error, name));
    keeper_format_clear(f, &q);
}

static bool is_optional(const char *verb, const char *name)
{
    static const char *const optional[][2] = {
        {"record", "known_sender"}, {"record", "score"}, {"record", "rules"}, {"record", "named"}, {"greylist", "domain"}, {"confirm", "mailbox"},
        {"train", "features"},       {"train", "batch"},  {"user-set", "value"}};
    for (size_t i = 0; i < G_N_ELEMENTS(optional); i++)
        if (strcmp(optional[i][0], verb) == 0 && strcmp(optional[i][1], name) == 0)
            return true;
    return false;
}

/* No member may be missing unless it is optional, and none may have another type. */
static void each_member_counts(const struct keeper_format *f, GVariant *packed)
{
    GVariantIter it;
    GVariant *value;
    const char *name;
    g_variant_iter_init(&it, packed);
    while (g_variant_iter_next(&it, "{&sv}", &name, &value)) {
        GVariant *less = without(packed, name), *other = with(packed, name, g_variant_new_int16(1));
        union keeper_request q;
        if (is_optional(f->verb, name)) {
            assert_true(keeper_format_unpack(f, less, &q, NULL));
            keeper_format_clear(f, &q);
        } else {
            is_refused(f, less, name);
        }
        is_refused(f, other, name);
        g_variant_unref(less);
        g_variant_unref(other);
        g_variant_unref(value);
    }
}

static void test_each_packs_what_it_unpacks(void **state)
{
    GPtrArray *samples = samples_new();
    (void)state;
    for (guint i = 0; i < samples->len; i++) {
        const struct sample *s = samples->pdata[i];
        const struct keeper_format *f = keeper_verbs_find(s->verb)->request;
        GVariant *packed = sent(f, &s->q);
        union keeper_request q;
        char *error = NULL;
        if (!keeper_format_unpack(f, packed, &q, &error))
            fail_msg("%s", error);
        GVariant *again = sent(f, &q);
        assert_true(g_variant_equal(packed, again));
        keeper_format_clear(f, &q);
        each_member_counts(f, packed);
        g_variant_unref(again);
        g_variant_unref(packed);
    }
    samples_free(samples);
}

static void test_each_member_arrives(void **state)
{
    GPtrArray *samples = samples_new();
    const struct sample *s = samples->pdata[1];
    GVariant *packed = sent(&keeper_format_record, &s->q);
    struct keeper_record r;
    (void)state;
    assert_true(keeper_format_unpack(&keeper_format_record, packed, &r, NULL));
    assert_string_equal(r.user, USER);
    assert_string_equal(r.signature, "s1");
    assert_string_equal(r.class, "spam");
    assert_string_equal(r.known_sender, "0123456789abcdef0123456789abcdef");
    assert_true(r.score == 2.5 && r.rules == -0.5);
    assert_true(r.named);
    assert_int_equal(r.features->len, 2);
    assert_memory_equal(r.features->data, some_features, 2 * sizeof some_features[0]);
    keeper_format_clear(&keeper_format_record, &r);
    g_variant_unref(packed);
    samples_free(samples);
}

static void wrong(const struct keeper_format *f, const char *name, GVariant *value)
{
    GPtrArray *samples = samples_new();
    for (guint i = 0; i < samples->len; i++) {
        const struct sample *s = samples->pdata[i];
        if (strcmp(s->verb, f->verb) != 0)
            continue;
        GVariant *packed = sent(f, &s->q), *other = with(packed, name, value);
        is_refused(f, other, name);
        g_variant_unref(packed);
        g_variant_unref(other);
    }
    samples_free(samples);
}

static void test_what_is_no_good(void **state)
{
    static const guint32 many[32 * 1024 + 1];
    (void)state;
    wrong(&keeper_format_confirm, "user", g_variant_new_string(""));
    wrong(&keeper_format_confirm, "signature", g_variant_new_string(""));
    wrong(&keeper_format_confirm, "signature", g_variant_new_string("../s1"));
    char *text = g_strnfill(65, 'a');
    wrong(&keeper_format_confirm, "signature", g_variant_new_take_string(text));
    wrong(&keeper_format_retrain, "class", g_variant_new_string("unsure"));
    wrong(&keeper_format_learn, "features",
          g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, many, G_N_ELEMENTS(many), sizeof many[0]));
    wrong(&keeper_format_alias_set, "users", g_variant_new_strv(NULL, 0));
}

static void test_words_of_a_class(void **state)
{
    (void)state;
    for (const char *const *word = (const char *const[]){"ham", "Innocent", "HAM", NULL}; *word; word++) {
        const struct keeper_retrain said = {USER, *word, "s1"};
        struct keeper_retrain r;
        GVariant *packed = sent(&keeper_format_retrain, &said);
        assert_true(keeper_format_unpack(&keeper_format_retrain, packed, &r, NULL));
        assert_string_equal(r.class, "ham");
        g_variant_unref(packed);
    }
}

/* ---- roles ---- */

static struct keeper_answer ask_as(unsigned roles, const char *verb, const struct sample *s)
{
    const struct keeper_stores stores = {.model_store = model_store};
    const struct keeper_verb *v = keeper_verbs_find(verb);
    GVariant *packed = v ? sent(v->request, &s->q) : g_variant_ref_sink(g_variant_new("a{sv}", NULL));
    struct keeper_answer a = keeper_verbs_answer(&stores, roles, verb, packed);
    assert_non_null(a.text);
    assert_null(strchr(a.text, '\n'));
    assert_true(g_variant_is_of_type(a.results, G_VARIANT_TYPE_VARDICT));
    g_variant_unref(packed);
    return a;
}

static void test_each_role_and_verb(void **state)
{
    GPtrArray *samples = samples_new();
    (void)state;
    for (unsigned roles = KEEPER_NOBODY; roles <= KEEPER_ALL_ROLES; roles++)
        for (guint i = 0; i < samples->len; i++) {
            const struct sample *s = samples->pdata[i];
            struct keeper_answer a = ask_as(roles, s->verb, s);
            if ((a.code != EX_NOPERM) != ((s->roles & roles) != 0))
                fail_msg("%s as %u: %d %s", s->verb, roles, a.code, a.text);
            keeper_answer_clear(&a);
        }
    samples_free(samples);
}

/* A refused request has changed nothing. */
static void test_nothing_comes_of_it(void **state)
{
    GPtrArray *samples = samples_new();
    char *path = g_build_filename(settings.state_dir, "users.db", NULL), *before, *after;
    gsize len_before, len_after;
    (void)state;
    assert_true(g_file_get_contents(path, &before, &len_before, NULL));
    for (guint i = 0; i < samples->len; i++) {
        const struct sample *s = samples->pdata[i];
        if (s->roles & KEEPER_WORKER)
            continue;
        struct keeper_answer a = ask_as(KEEPER_WORKER, s->verb, s);
        assert_int_equal(a.code, EX_NOPERM);
        keeper_answer_clear(&a);
    }
    assert_true(g_file_get_contents(path, &after, &len_after, NULL));
    assert_int_equal(len_before, len_after);
    assert_memory_equal(before, after, len_before);
    g_free(before);
    g_free(after);
    g_free(path);
    samples_free(samples);
}

static void test_no_such_verb(void **state)
{
    (void)state;
    for (const char *const *verb = (const char *const[]){"", "retry-", "greylist2", "Record", "rec", NULL};
         *verb; verb++)
        for (unsigned roles = KEEPER_NOBODY; roles <= KEEPER_ALL_ROLES; roles++) {
            struct keeper_answer a = ask_as(roles, *verb, NULL);
            assert_int_equal(a.code, EX_UNAVAILABLE);
            assert_string_equal(a.text, "the keeper knows no such request");
            keeper_answer_clear(&a);
        }
}

/* The answer carries the handler's result. */
static void test_results(void **state)
{
    const struct keeper_user_set set = {USER, "mode", "toe"};
    const struct keeper_user_export export = {USER};
    struct keeper_exported out;
    (void)state;
    GVariant *arguments = sent(&keeper_format_user_set, &set);
    assert_int_equal(code_of("user-set", arguments), EX_OK);
    g_variant_unref(arguments);
    arguments = sent(&keeper_format_user_export, &export);
    struct keeper_answer a = answer_of("user-export", arguments);
    assert_int_equal(a.code, EX_OK);
    assert_true(keeper_format_unpack(&keeper_format_exported, a.results, &out, NULL));
    assert_non_null(out.file);
    assert_true(g_bytes_get_size(out.file) > 100);
    keeper_format_clear(&keeper_format_exported, &out);
    keeper_answer_clear(&a);
    g_variant_unref(arguments);
}

/* ---- who has which role ---- */

enum { OWN = 54320, MAIL = 54321, STRANGER = 54322 };

/* What a keeper of uid OWN (not root: only root can be others) sees of a process of this uid. */
static struct peer peer_of(uid_t uid, enum peer_door door)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof at;
    /* A name of the kernel's choice, which needs no folder that the uid may enter. */
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at.sun_family), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(listen(listener, 1), 0);
    const pid_t child = fork();
    if (child == 0) {
        const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        char end;
        if ((uid != getuid() && setuid(uid)) || connect(fd, (struct sockaddr *)&at, len))
            _exit(1);
        _exit(read(fd, &end, 1) != 0);
    }
    const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(getuid() != 0 || seteuid(OWN) == 0);
    const struct peer peer = peer_credentials_of(fd, door);
    assert_true(getuid() != 0 || seteuid(0) == 0);
    int status;
    close(fd);
    close(listener);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return peer;
}

static void trains(const char *const *users)
{
    const struct settings s = {.train_users = (char **)users};
    peer_credentials_prepare(&s);
}

#define TRAINS(...) trains((const char *[]){__VA_ARGS__, NULL})

static void test_roles_of_peers(void **state)
{
    static const struct {
        enum peer_door door;
        uid_t uid;
        unsigned roles;
    } all[] = {
        {PEER_AT_CONTROL, 0, KEEPER_ADMINISTRATOR | KEEPER_MAIL_USER},
        {PEER_AT_CONTROL, OWN, KEEPER_NOBODY},
        {PEER_AT_CONTROL, MAIL, KEEPER_MAIL_USER},
        {PEER_AT_CONTROL, STRANGER, KEEPER_NOBODY},
        {PEER_AT_WORKERS, 0, KEEPER_WORKER},
        {PEER_AT_WORKERS, OWN, KEEPER_WORKER},
        {PEER_AT_WORKERS, MAIL, KEEPER_NOBODY},
        {PEER_AT_WORKERS, STRANGER, KEEPER_NOBODY},
        {PEER_AT_LEARN, 0, KEEPER_MAIL_USER},
        {PEER_AT_LEARN, OWN, KEEPER_NOBODY},
        {PEER_AT_LEARN, MAIL, KEEPER_MAIL_USER},
        {PEER_AT_LEARN, STRANGER, KEEPER_NOBODY},
    };
    (void)state;
    TRAINS("54321");
    if (getuid() != 0) {
        assert_int_equal(peer_of(getuid(), PEER_AT_WORKERS).roles, KEEPER_WORKER);
        assert_int_equal(peer_of(getuid(), PEER_AT_CONTROL).roles, KEEPER_NOBODY);
        print_message("left out: peers that are other users (only root can be one)\n");
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        const struct peer p = peer_of(all[i].uid, all[i].door);
        if (p.roles != all[i].roles || p.may_prove != (all[i].uid == OWN && all[i].door == PEER_AT_CONTROL))
            fail_msg("door %d, uid %d: %u, %d", (int)all[i].door, (int)all[i].uid, p.roles, p.may_prove);
    }
}

/* train_users with domains: these users only. */
static void test_domains(void **state)
{
    (void)state;
    if (getuid() != 0)
        return;
    TRAINS("54321:X.example", "54321:y.example");
    struct peer p = peer_of(MAIL, PEER_AT_CONTROL);
    assert_true(peer_credentials_may_train(&p, "a@x.example") && peer_credentials_may_train(&p, "a@y.example"));
    assert_false(peer_credentials_may_train(&p, "a@sub.x.example") || peer_credentials_may_train(&p, "a") ||
                 peer_credentials_may_train(&p, "x.example"));
    p = peer_of(0, PEER_AT_CONTROL);
    assert_true(peer_credentials_may_train(&p, "a@z.example"));
    TRAINS("54321:x.example", "54321");
    p = peer_of(MAIL, PEER_AT_LEARN);
    assert_true(peer_credentials_may_train(&p, "a@z.example"));
}

static bool proves(const char *path, int flags)
{
    g_autofree char *lock = g_build_filename(settings.state_dir, "lock", NULL);
    const int fd = open(path, flags | O_CLOEXEC), ours = open(lock, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && ours >= 0);
    const bool is = peer_credentials_proves(fd, ours);
    close(fd);
    close(ours);
    return is;
}

/* Only the lock itself, and only for writing: Landlock lets a worker open it for reading, by path alone, and with
 * access mode 3, which asks for neither. */
static void test_what_proves(void **state)
{
    g_autofree char *lock = g_build_filename(settings.state_dir, "lock", NULL);
    g_autofree char *other = g_build_filename(settings.state_dir, "users.db", NULL);
    (void)state;
    TRAINS("54321");
    assert_int_equal(proves(lock, O_RDWR), sandbox_has_landlock());
    assert_int_equal(proves(lock, O_WRONLY), sandbox_has_landlock());
    assert_false(proves(lock, O_RDONLY) || proves(lock, O_PATH) || proves(lock, O_PATH | O_RDWR) || proves(lock, 3));
    assert_false(proves(other, O_RDWR));
    assert_false(peer_credentials_proves(-1, -1));
}

static void test_no_socket(void **state)
{
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)state;
    for (enum peer_door door = PEER_AT_CONTROL; door <= PEER_AT_LEARN; door++) {
        assert_int_equal(peer_credentials_of(fd, door).roles, KEEPER_NOBODY);
        assert_int_equal(peer_credentials_of(-1, door).roles, KEEPER_NOBODY);
        assert_false(peer_credentials_of(-1, door).may_prove);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_verb_has_a_sample),
        cmocka_unit_test(test_each_packs_what_it_unpacks),
        cmocka_unit_test(test_each_member_arrives),
        cmocka_unit_test(test_what_is_no_good),
        cmocka_unit_test(test_words_of_a_class),
        TEST(test_each_role_and_verb),
        TEST(test_nothing_comes_of_it),
        TEST(test_no_such_verb),
        TEST(test_results),
        cmocka_unit_test(test_roles_of_peers),
        cmocka_unit_test(test_domains),
        TEST(test_what_proves),
        cmocka_unit_test(test_no_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
