/* Features of tokens (orthogonal sparse bigrams), and their buckets for each user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mail/message.h"
#include "base/sitekey.h"
#include "classifier/learner.h"
#include "classifier/osb.h"
#include "classifier/buckets.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"

static struct tokens *tokens_of(const char *mail)
{
    struct message *m = message_new(mail, strlen(mail));
    struct tokens *t = tokens_new(m);
    message_free(&m);
    return t;
}

static GArray *features_of(const char *mail, unsigned char site)
{
    const unsigned char key[16] = {site};
    struct tokens *t = tokens_of(mail);
    GArray *features = osb_features(t, key);
    tokens_free(&t);
    return features;
}

static guint shared(const GArray *a, const GArray *b)
{
    guint n = 0;
    for (guint i = 0; i < a->len; i++)
        for (guint k = 0; k < b->len; k++)
            n += g_array_index(a, guint32, i) == g_array_index(b, guint32, k);
    return n;
}

static const char mail[] = "Subject: one two three four five six\n\nbody words here, one two words\n";

static void test_features_are_keyed_and_each_once(void **state)
{
    (void)state;
    GArray *a = features_of(mail, 1), *again = features_of(mail, 1), *b = features_of(mail, 2);
    assert_int_equal(a->len, again->len);
    assert_memory_equal(a->data, again->data, a->len * sizeof(guint32));
    assert_int_equal(shared(a, b), 0);
    assert_int_equal(shared(a, a), a->len);
    for (guint i = 0; i < a->len; i++)
        assert_true(g_array_index(a, guint32, i) < 2 * OSB_HEADER);
    g_array_unref(a);
    g_array_unref(again);
    g_array_unref(b);
}

static void add_pair(guint32 feature, const char *first, const char *second, void *arg)
{
    (void)feature;
    if (g_str_has_prefix(second, "h:comment:"))
        g_string_append_printf(arg, "%s%s%s ", first ? first + 10 : "", first ? "+" : "",
                               second + 10);
}

static void test_each_alone_and_with_its_neighbour(void **state)
{
    (void)state;
    const unsigned char key[16] = {0};
    GString *seen = g_string_new(NULL);
    struct tokens *t = tokens_of("From: x\nComment: aa bb cc aa bb\n\n");
    osb_each(t, key, add_pair, seen);
    assert_string_equal(seen->str, "aa bb aa+bb cc bb+cc cc+aa ");
    g_string_free(seen, TRUE);
    tokens_free(&t);
}

/* Buckets are keyed by user: models of two users cannot be compared. */
static void test_places_are_the_owners(void **state)
{
    (void)state;
    const struct sitekey site = {{1}}, other = {{2}};
    struct buckets_key a, b, c;
    GArray *features = g_array_new(FALSE, FALSE, sizeof(guint32));
    for (guint32 i = 0; i < 2000; i++) {
        const guint32 feature = i * 8111;
        g_array_append_val(features, feature);
        g_array_append_val(features, feature);
    }
    buckets_key(&site, "a@x.example", &a);
    buckets_key(&site, "b@x.example", &b);
    buckets_key(&other, "a@x.example", &c);
    GArray *one = buckets_of(features, &a), *two = buckets_of(features, &b), *three = buckets_of(features, &c);
    assert_in_range(one->len, 1950, 2000); /* few collide */
    assert_int_equal(shared(one, one), one->len);
    assert_in_range(shared(one, two), 0, 80); /* by chance about 30 */
    assert_in_range(shared(one, three), 0, 80);
    for (guint i = 0; i < one->len; i++)
        assert_true(g_array_index(one, guint32, i) < LEARNER_BUCKETS);
    g_array_unref(one);
    g_array_unref(two);
    g_array_unref(three);
    g_array_unref(features);
}

static void test_packing(void **state)
{
    (void)state;
    const guint32 numbers[] = {G_MAXINT32, 0, 127, 128, 300, 16383, 16384, 1u << 23, 300};
    const guint32 sorted[] = {0, 127, 128, 300, 300, 16383, 16384, 1u << 23, G_MAXINT32};
    GArray *plain = g_array_new(FALSE, FALSE, sizeof(guint32));
    GByteArray *packed = g_byte_array_new();
    g_array_append_vals(plain, numbers, G_N_ELEMENTS(numbers));
    buckets_pack(plain, packed);
    GArray *back = buckets_unpack(packed->data, packed->len);
    assert_int_equal(back->len, G_N_ELEMENTS(sorted));
    assert_memory_equal(back->data, sorted, sizeof sorted);
    assert_null(buckets_unpack(packed->data, packed->len - 1)); /* cut inside a number */
    assert_null(buckets_unpack((const unsigned char *)"\xff\xff\xff\xff\xff\x01", 6));
    assert_null(buckets_unpack((const unsigned char *)"\xff\xff\xff\xff\x07\x01", 6));
    GArray *none = buckets_unpack(NULL, 0);
    assert_int_equal(none->len, 0);
    g_array_unref(none);
    g_array_unref(back);
    g_array_unref(plain);
    g_byte_array_unref(packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features_are_keyed_and_each_once),
        cmocka_unit_test(test_each_alone_and_with_its_neighbour),
        cmocka_unit_test(test_places_are_the_owners),
        cmocka_unit_test(test_packing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
