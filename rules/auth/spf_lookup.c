#include "rules/auth/spf_lookup.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct spf_lookup {
    struct resolver *resolver;
    GHashTable *questions; /* "TYPE name" -> struct question */
    gint64 deadline_us;
    int answered_fd; /* wakes the pump when any answer is there */
    int watch_fd;    /* that one and stop_fd */
    bool stopped;
};

struct question {
    struct spf_lookup *lookup;
    struct dns_answer *answer; /* NULL: not there yet */
};

static struct dns_record *copy_record(const struct dns_record *from)
{
    struct dns_record *to = g_new0(struct dns_record, 1);
    *to = *from;
    if (from->text) {
        to->text = g_malloc(from->len + 1);
        memcpy(to->text, from->text, from->len);
        to->text[from->len] = 0;
    }
    return to;
}

static void free_record(gpointer record)
{
    g_free(((struct dns_record *)record)->text);
    g_free(record);
}

static struct dns_answer *answer_new(enum dns_status status)
{
    struct dns_answer *a = g_new0(struct dns_answer, 1);
    a->status = status;
    a->records = g_ptr_array_new_with_free_func(free_record);
    return a;
}

static void take(const struct dns_answer *answer, void *arg)
{
    struct question *q = arg;
    guint64 one = 1;
    q->answer = answer_new(answer->status);
    q->answer->no_such_name = answer->no_such_name;
    for (guint i = 0; i < answer->records->len; i++)
        g_ptr_array_add(q->answer->records, copy_record(answer->records->pdata[i]));
    if (write(q->lookup->answered_fd, &one, sizeof one) < 0)
        q->lookup->stopped = true;
}

static void free_question(gpointer question)
{
    struct question *q = question;
    resolver_forget(q->lookup->resolver, q);
    if (q->answer)
        g_ptr_array_unref(q->answer->records);
    g_free(q->answer);
    g_free(q);
}

static void watch(struct spf_lookup *l, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};
    if (epoll_ctl(l->watch_fd, EPOLL_CTL_ADD, fd, &event))
        l->stopped = true;
}

struct spf_lookup *spf_lookup_new(struct resolver *r, int timeout_ms, int stop_fd)
{
    struct spf_lookup *l = g_new0(struct spf_lookup, 1);
    l->resolver = r;
    l->questions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_question);
    l->deadline_us = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    l->answered_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->watch_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(l, l->answered_fd);
    if (stop_fd >= 0)
        watch(l, stop_fd);
    return l;
}

void spf_lookup_free(struct spf_lookup **l)
{
    if (!*l)
        return;
    g_hash_table_unref((*l)->questions);
    close((*l)->answered_fd);
    close((*l)->watch_fd);
    g_clear_pointer(l, g_free);
}

static struct question *ask(struct spf_lookup *l, const char *name, enum dns_type type)
{
    g_autofree char *folded = g_ascii_strdown(name, -1);
    g_autofree char *key = g_strdup_printf("%d %s", (int)type, folded);
    struct question *q = g_hash_table_lookup(l->questions, key);
    if (q)
        return q;
    q = g_new0(struct question, 1);
    q->lookup = l;
    g_hash_table_insert(l->questions, g_steal_pointer(&key), q);
    resolver_ask(l->resolver, folded, type, take, q);
    return q;
}

void spf_lookup_start(struct spf_lookup *l, const char *name, enum dns_type type)
{
    ask(l, name, type);
}

/* One turn: until some answer came, or there is no reason to wait any more. */
static void wait_a_while(struct spf_lookup *l)
{
    guint64 count;
    int left = (int)((l->deadline_us - g_get_monotonic_time() + 999) / 1000);
    if (left <= 0)
        l->stopped = true;
    else if (resolver_pump(l->resolver, l->watch_fd, left) &&
             read(l->answered_fd, &count, sizeof count) < 0)
        l->stopped = true; /* then it was stop_fd */
}

const struct dns_answer *spf_lookup_get(struct spf_lookup *l, const char *name, enum dns_type type)
{
    struct question *q = ask(l, name, type);
    while (!q->answer && !l->stopped)
        wait_a_while(l);
    if (!q->answer) {
        resolver_forget(l->resolver, q);
        q->answer = answer_new(DNS_TEMP);
    }
    return q->answer;
}
