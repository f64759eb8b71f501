/* pipeline_played: what stands around the pipeline, played: keys, gpg, evidence, the keeper, the next hop and the
 * clock. Each does as the test says and remembers what it was asked. These are the functions of
 * gpg/keycache.h, gpg/child.h, rules/evidence.h, filterd/keeper/keeper.h and filterd/delivery/next_hop.h, in the
 * place of the library's; so this belongs in one program's one file. */
#ifndef T_UNIT_PIPELINE_PLAYED_H
#define T_UNIT_PIPELINE_PLAYED_H

#include <fcntl.h>
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/mail/envelope.h"
#include "base/mail/reading.h"
#include "base/result.h"
#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/sandbox/sandbox_parts.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/keeper/delivered.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/spent.h"
#include "gpg/armor.h"
#include "gpg/child.h"
#include "gpg/engine_text.h"
#include "gpg/key_state.h"
#include "gpg/keycache.h"
#include "gpg/keyring.h"
#include "gpg/seal.h"
#include "rules/auth/spf_result.h"
#include "rules/evidence.h"
#include "rules/hits.h"

/* ---- the clock, and what ends a process ---- */

#define PLAYED_NOW (5000 * (gint64)G_USEC_PER_SEC)

static gint64 played_now = PLAYED_NOW;
static gint64 played_tick; /* microseconds that pass whenever somebody looks */
static unsigned played_alarms[2], played_alarm_count;
static unsigned played_cpu[16]; /* seconds that were allowed beside those used, each time */
static unsigned played_cpu_count;

gint64 g_get_monotonic_time(void)
{
    return played_now += played_tick;
}

unsigned alarm(unsigned seconds)
{
    if (played_alarm_count < G_N_ELEMENTS(played_alarms))
        played_alarms[played_alarm_count++] = seconds;
    return 0;
}

/* Of base/sandbox/sandbox_limits.c, all that others call. */
void sandbox_cpu(unsigned seconds)
{
    if (played_cpu_count < G_N_ELEMENTS(played_cpu))
        played_cpu[played_cpu_count++] = seconds;
}

const char *sandbox_parts_limits(const struct sandbox *s)
{
    (void)s;
    return "played";
}

void sandbox_parts_cpu_lift(void)
{
}

/* ---- keys: by the first letters of the user's name ---- */

struct played_key {
    const char *user;
    enum key_state state;
};
static struct played_key played_keys[16]; /* whose are others than their names say */
static void (*played_on_key)(void);       /* called whenever somebody's is looked up; may be NULL */

static inline enum key_state played_state(const char *user)
{
    static const struct played_key by_name[] = {
        {"good", KEY_GOOD}, {"bad", KEY_BAD}, {"lost", KEY_UNREADABLE}};
    for (size_t i = 0; i < G_N_ELEMENTS(played_keys) && played_keys[i].user; i++)
        if (strcmp(played_keys[i].user, user) == 0)
            return played_keys[i].state;
    for (size_t i = 0; i < G_N_ELEMENTS(by_name); i++)
        if (g_str_has_prefix(user, by_name[i].user))
            return by_name[i].state;
    return KEY_NONE;
}

/* Every key's, but those of users whose names begin with "goodother"; the packets below are for it. */
#define PLAYED_KEY_ID 0x0102030405060708

struct keycache {
    struct cached_keys keys;
    struct key_info info;
    char fingerprint[100];
};

struct keycache *keycache_new(const char *state_dir)
{
    struct keycache *c = g_new0(struct keycache, 1);
    c->keys.home = g_strdup(state_dir);
    c->keys.keys = g_ptr_array_new();
    c->info.fingerprint = c->fingerprint;
    c->info.has_subkey = true;
    c->info.ids = g_array_new(FALSE, FALSE, sizeof(guint64));
    const guint64 id = PLAYED_KEY_ID;
    g_array_append_val(c->info.ids, id);
    g_ptr_array_add(c->keys.keys, &c->info);
    return c;
}

void keycache_free(struct keycache **c)
{
    g_free((*c)->keys.home);
    g_ptr_array_unref((*c)->keys.keys);
    g_array_unref((*c)->info.ids);
    g_clear_pointer(c, g_free);
}

enum key_state keycache_get(struct keycache *c, const char *user, const struct cached_keys **keys_r,
                            GPtrArray *files, char **reason_r)
{
    const enum key_state state = played_state(user);
    if (played_on_key)
        played_on_key();
    if (state == KEY_GOOD || state == KEY_BAD) {
        g_snprintf(c->fingerprint, sizeof c->fingerprint, "key-of-%s", user);
        g_array_index(c->info.ids, guint64, 0) = PLAYED_KEY_ID + g_str_has_prefix(user, "goodother");
        *keys_r = &c->keys;
    }
    if (state == KEY_GOOD && files)
        g_ptr_array_add(files, g_strdup(user));
    if (state != KEY_GOOD && reason_r)
        *reason_r = g_strdup(state == KEY_NONE ? "no key" : "it is played so");
    return state;
}

/* ---- gpg: packets (RFC 4880) as of a sealed message, and in them "for USER...:" and the text, under a mask so that
 * they are as little readable as ciphertext; in armor, which is base64 ---- */

#define PLAYED_SESSION 78 /* X25519 */
#define PLAYED_HEAD (PLAYED_SESSION + 7)
#define PLAYED_TAIL 39

/* SplitMix64 */
static inline unsigned char played_mask(size_t i)
{
    uint64_t z = (i + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    return (unsigned char)(z >> 56);
}

static inline void played_session_add(struct armor *armor)
{
    unsigned char key[PLAYED_SESSION] = {0xc1, PLAYED_SESSION - 2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 25};
    for (size_t i = 12; i < sizeof key; i++)
        key[i] = played_mask(i);
    key[44] = 33; /* the cipher, and the key that is wrapped */
    armor_add(armor, key, sizeof key);
}

static const char *played_gpg_error; /* it fails with that */
static gint64 played_gpg_deadline;

static inline void played_add(struct armor *armor, const void *data, size_t len, size_t *at)
{
    for (size_t i = 0; i < len; i++)
        armor_add(armor, &(const unsigned char){((const unsigned char *)data)[i] ^ played_mask((*at)++)}, 1);
}

bool child_encrypt(const char *home, const struct engine_text *text, GPtrArray *key_files,
                   struct armor *armor, char **error_r)
{
    (void)home;
    played_gpg_deadline = text->deadline;
    if (played_gpg_error) {
        *error_r = g_strdup(played_gpg_error);
        return false;
    }
    g_ptr_array_add(key_files, NULL);
    g_autofree char *users = g_strjoinv(" ", (char **)(void *)key_files->pdata);
    g_ptr_array_set_size(key_files, (int)key_files->len - 1);
    g_autofree char *head = g_strdup_printf("for %s:\n", users);
    static const unsigned char tail[PLAYED_TAIL];
    const size_t len = 1 + strlen(head) + text->len[0] + text->len[1] + sizeof tail;
    const unsigned char data[] = {0xd2, 0xff, (unsigned char)(len >> 24), (unsigned char)(len >> 16),
                                  (unsigned char)(len >> 8), (unsigned char)len, 1};
    played_session_add(armor);
    armor_add(armor, data, sizeof data);
    size_t at = 0;
    played_add(armor, head, strlen(head), &at);
    for (int part = 0; part < 2; part++)
        played_add(armor, text->part[part], text->len[part], &at);
    played_add(armor, tail, sizeof tail, &at);
    return true;
}

/* What stands in a copy's armor; NULL if it has none. g_free. */
static inline char *played_opened(const char *copy)
{
    const char *block = strstr(copy, "-----BEGIN PGP MESSAGE-----");
    struct bytes held = {0};
    if (!block || !armor_read(block, strlen(block), "MESSAGE", &held, NULL) || held.len < PLAYED_HEAD + PLAYED_TAIL)
        return NULL;
    const size_t len = held.len - PLAYED_HEAD - PLAYED_TAIL;
    char *text = g_malloc0(len + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(held.data[PLAYED_HEAD + i] ^ played_mask(i));
    bytes_free(&held);
    return text;
}

/* ---- evidence ---- */

struct evidence {
    GPtrArray *hits;
    const char *virus;
    const char *from_domain;    /* of From, that DMARC proved; NULL: none */
    const char *proved[4];      /* domains that stand behind the message */
    struct spf_result spf;
    gint64 deadline;            /* 0: none was set */
    unsigned finished;          /* how often it was asked for all */
    bool bare;
};
static struct evidence played_evidence;

struct evidence *evidence_start(struct rules *r, const struct envelope *e)
{
    (void)r;
    (void)e;
    return &played_evidence;
}

struct evidence *evidence_hold(struct rules *r, const struct envelope *e)
{
    return evidence_start(r, e);
}

void evidence_free(struct evidence **ev)
{
    g_clear_pointer(&played_evidence.hits, g_ptr_array_unref);
    *ev = NULL;
}

bool evidence_wait(struct evidence *ev, int fd, int timeout_ms)
{
    (void)ev;
    (void)fd;
    (void)timeout_ms;
    return true;
}

void evidence_header(struct evidence *ev, const char *header, size_t len)
{
    (void)ev;
    (void)header;
    (void)len;
}

void evidence_set_deadline(struct evidence *ev, gint64 deadline)
{
    ev->deadline = deadline;
}

void evidence_finish(struct evidence *ev, const struct reading *r, bool bare)
{
    (void)r;
    ev->finished++;
    ev->bare = bare;
}

void evidence_await(struct evidence *ev)
{
    (void)ev;
}

const struct spf_result *evidence_spf(const struct evidence *ev)
{
    return &ev->spf;
}

const char *const *evidence_facts(const struct evidence *ev)
{
    static const char *const facts[] = {"played-fact", NULL};
    (void)ev;
    return facts;
}

const GPtrArray *evidence_hits(const struct evidence *ev)
{
    return ev->hits;
}

char *evidence_summary(const struct evidence *ev)
{
    (void)ev;
    return g_strdup("dns=played");
}

void evidence_header_lines(const struct evidence *ev, struct bytes *out)
{
    (void)ev;
    bytes_adds(out, "Authentication-Results: mx.example.org; played=yes\r\n");
}

const char *evidence_virus(const struct evidence *ev)
{
    return ev->virus;
}

bool evidence_proves(const struct evidence *ev, const char *domain)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ev->proved) && ev->proved[i]; i++)
        if (g_ascii_strcasecmp(ev->proved[i], domain) == 0)
            return true;
    return false;
}

const char *evidence_proved_domain(const struct evidence *ev)
{
    return ev->from_domain;
}

/* ---- the keeper ---- */

static GPtrArray *played_asked;    /* of char*: "VERB ARGUMENTS", as they came */
static bool played_no_keeper;
static unsigned played_refused;    /* this one of the records, from 1, is refused; 0: none */
static const char *played_waits;   /* whose triplets are new: the recipient; "*" all */
static GHashTable *played_served;  /* digests of copies of attempts that failed, as GBytes */
static GHashTable *played_spent;   /* of proofs, as gint64: by which message, as gint64 */
static GQueue played_answers = G_QUEUE_INIT; /* that are owed, of struct keeper_answer* */

static inline unsigned played_count(const char *verb)
{
    unsigned n = 0;
    for (guint i = 0; i < played_asked->len; i++)
        n += g_str_has_prefix(played_asked->pdata[i], verb);
    return n;
}

/* The n-th (from 0) that was asked with this verb; "" if there is none. */
static inline const char *played_nth(const char *verb, unsigned n)
{
    for (guint i = 0; i < played_asked->len; i++)
        if (g_str_has_prefix(played_asked->pdata[i], verb) && n-- == 0)
            return played_asked->pdata[i];
    return "";
}

static inline void played_retries(const char *verb, GVariant *arguments, GVariantDict *results)
{
    gsize len = 0;
    g_autoptr(GVariant) digests = g_variant_lookup_value(arguments, "copies", G_VARIANT_TYPE("ay"));
    const unsigned char *data = digests ? g_variant_get_fixed_array(digests, &len, 1) : NULL;
    g_autoptr(GByteArray) known = g_byte_array_new();
    for (gsize at = 0; at < len; at += DELIVERED_DIGEST_BYTES) {
        GBytes *one = g_bytes_new(data + at, DELIVERED_DIGEST_BYTES);
        const guint8 is = g_hash_table_contains(played_served, one);
        g_byte_array_append(known, &is, 1);
        if (strcmp(verb, "retry-failed") == 0)
            g_hash_table_add(played_served, g_bytes_ref(one));
        g_bytes_unref(one);
    }
    if (strcmp(verb, "retry-known") == 0)
        g_variant_dict_insert_value(results, "known",
                                    g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, known->data, known->len, 1));
}

static inline void played_proofs(const char *verb, GVariant *arguments, GVariantDict *results)
{
    gsize len = 0;
    g_autoptr(GVariant) digests = g_variant_lookup_value(arguments, "digests", G_VARIANT_TYPE("ay"));
    const unsigned char *data = digests ? g_variant_get_fixed_array(digests, &len, 1) : NULL;
    g_autoptr(GByteArray) known = g_byte_array_new();
    const bool asked = strcmp(verb, "proof-known") == 0;
    for (gsize at = 0; at < len; at += SPENT_BYTES) {
        gint64 halves[2];
        memcpy(halves, data + at, sizeof halves);
        const gint64 *by = g_hash_table_lookup(played_spent, &halves[0]);
        const guint8 is = by && (!*by || *by != halves[1]);
        g_byte_array_append(known, &is, 1);
        if (!asked && !by)
            g_hash_table_insert(played_spent, g_memdup2(&halves[0], 8), g_memdup2(&halves[1], 8));
    }
    if (asked)
        g_variant_dict_insert_value(results, "known",
                                    g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, known->data, known->len, 1));
}

static inline struct keeper_answer played_answer(const char *verb, GVariant *arguments)
{
    GVariantDict results;
    const char *recipient = "";
    g_autoptr(GVariant) taken = g_variant_ref_sink(arguments);
    g_autofree char *text = g_variant_print(taken, FALSE);
    struct keeper_answer a = {.code = EX_OK};
    g_ptr_array_add(played_asked, g_strdup_printf("%s %s", verb, text));
    g_variant_dict_init(&results, NULL);
    (g_str_has_prefix(verb, "proof-") ? played_proofs : played_retries)(verb, arguments, &results);
    g_variant_lookup(arguments, "recipient", "&s", &recipient);
    if (strcmp(verb, "greylist") == 0)
        g_variant_dict_insert(&results, "wait", "i",
                              played_waits && (*played_waits == '*' || !strcmp(played_waits, recipient)) ? 300 : 0);
    if (strcmp(verb, "record") == 0 && played_refused && played_count("record") == played_refused)
        a.code = EX_DATAERR;
    a.results = g_variant_ref_sink(g_variant_dict_end(&results));
    return a;
}

int keeper_connect(const struct endpoint *control)
{
    (void)control;
    return played_no_keeper ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC);
}

struct endpoint keeper_workers_at(const struct endpoint *control)
{
    return (struct endpoint){.path = g_strdup(control->path)};
}

struct endpoint keeper_learn_at(const struct endpoint *control)
{
    return *control;
}

struct endpoint keeper_milter_at(const struct endpoint *control)
{
    return *control;
}

struct keeper_answer keeper_ask(int fd, const char *verb, GVariant *arguments, int timeout_ms)
{
    (void)fd;
    (void)timeout_ms;
    return played_answer(verb, arguments);
}

bool keeper_tell(int fd, const char *verb, GVariant *arguments, int timeout_ms)
{
    (void)fd;
    (void)timeout_ms;
    const struct keeper_answer a = played_answer(verb, arguments);
    g_queue_push_tail(&played_answers, g_memdup2(&a, sizeof a));
    return true;
}

struct keeper_answer keeper_hear(int fd, int timeout_ms)
{
    struct keeper_answer a = {.code = EX_TEMPFAIL}, *owed = g_queue_pop_head(&played_answers);
    (void)fd;
    (void)timeout_ms;
    if (owed)
        a = *owed;
    g_free(owed);
    return a;
}

/* The keeper that owed them was killed. */
static inline void played_lose_answers(void)
{
    for (struct keeper_answer *a; (a = g_queue_pop_head(&played_answers)) != NULL; g_free(a))
        keeper_answer_clear(a);
}

void keeper_answer_clear(struct keeper_answer *a)
{
    g_clear_pointer(&a->text, g_free);
    g_clear_pointer(&a->results, g_variant_unref);
}

int keeper_call(int fd, const char *verb, GVariant *arguments, int timeout_ms, char **text_r)
{
    struct keeper_answer a = keeper_ask(fd, verb, arguments, timeout_ms);
    if (text_r)
        *text_r = g_steal_pointer(&a.text);
    keeper_answer_clear(&a);
    return a.code;
}

#include "t/unit/next_hop_played.h"

/* ---- all of it ---- */

static inline void played_begin(void)
{
    played_now = PLAYED_NOW;
    played_alarm_count = played_cpu_count = 0;
    memset(played_keys, 0, sizeof played_keys);
    played_gpg_error = played_waits = played_refuses = played_hangs_up = NULL;
    played_on_key = NULL;
    played_gpg_deadline = 0;
    played_no_keeper = played_mta = played_mailbox = false;
    played_refused = 0;
    played_evidence = (struct evidence){.hits = hits_new()};
    played_asked = g_ptr_array_new_with_free_func(g_free);
    played_copies = g_ptr_array_new_with_free_func(played_copy_free);
    played_served = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    played_spent = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
}

/* After the service is gone, which still hears what it is owed. */
static inline void played_end(void)
{
    g_clear_pointer(&played_evidence.hits, g_ptr_array_unref);
    g_ptr_array_unref(played_asked);
    g_ptr_array_unref(played_copies);
    g_hash_table_unref(played_served);
    g_hash_table_unref(played_spent);
}

#endif
