/* The client side of SPF. Called by evidence.c and filterctl lookup. */
#include "rules/auth/spf_helper.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "rules/auth/spf_door.h"
#include "rules/auth/spf_packet.h"
#include "rules/auth/spf_process.h"

#define GOODBYE_MS 500
#define DEATHS_MAX 2 /* SPF processes that may die while one question is open, before it is given up */

struct spf_helper {
    int outside;
    int line;   /* -1: none */
    pid_t own;  /* pid of our own SPF process; 0: the daemon's are used */
    guint32 asked;     /* number of the last question */
    GString *question; /* the packet of the last question */
    guint deaths;      /* SPF processes that died while it was open */
    bool waiting;
};

struct spf_helper *spf_helper_new(int outside)
{
    struct spf_helper *h = g_new0(struct spf_helper, 1);
    h->outside = outside;
    h->line = -1;
    h->question = g_string_new(NULL);
    return h;
}

static void become_process(const struct settings *s, const int door[2], pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "filterd-spf");
    if (getppid() != parent)
        _exit(0);
    const struct spf_process_env env = {s, door[SPF_DOOR_INSIDE], -1, -1};
    _exit(spf_process_run(&env));
}

struct spf_helper *spf_helper_new_own(const struct settings *s)
{
    int door[2];
    if (!spf_door_make(door))
        return NULL;
    const pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become_process(s, door, parent);
    close(door[SPF_DOOR_INSIDE]);
    if (pid < 0) {
        close(door[SPF_DOOR_OUTSIDE]);
        return NULL;
    }
    struct spf_helper *h = spf_helper_new(door[SPF_DOOR_OUTSIDE]);
    h->own = pid;
    return h;
}

static void hang_up(struct spf_helper *h)
{
    if (h->line >= 0)
        close(h->line);
    h->line = -1;
}

/* Closes the door, which ends our own SPF process, and kills it if it does not end in time. */
static void end_own(struct spf_helper *h)
{
    close(h->outside);
    for (int ms = 0; ms < GOODBYE_MS; ms += 5) {
        if (waitpid(h->own, NULL, WNOHANG) != 0)
            return;
        g_usleep(5000);
    }
    kill(h->own, SIGKILL);
    waitpid(h->own, NULL, 0);
}

void spf_helper_free(struct spf_helper **helper)
{
    struct spf_helper *h = *helper;
    if (!h)
        return;
    hang_up(h);
    if (h->own)
        end_own(h);
    g_string_free(h->question, TRUE);
    g_clear_pointer(helper, g_free);
}

/* Receives a packet without waiting. 1: an answer; 0: the line is closed; -1: nothing yet, or not an answer. */
static int take_packet(const struct spf_helper *h, struct spf_packet_answer *a)
{
    const ssize_t len = recv(h->line, a, sizeof *a, MSG_DONTWAIT | MSG_TRUNC);
    if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
        return 0;
    return len > 0 && spf_packet_tidy(a, (size_t)len) ? 1 : -1;
}

/* Drops answers to canceled questions, so that they do not fill the line. Closes the line if its process is
 * gone. */
static void clear_line(struct spf_helper *h)
{
    struct spf_packet_answer old;
    int taken;
    if (h->line < 0)
        return;
    while ((taken = take_packet(h, &old)) > 0)
        continue;
    if (taken == 0)
        hang_up(h);
}

static bool send_question(struct spf_helper *h)
{
    for (int i = 0; i < 2; i++) {
        if (h->line < 0)
            h->line = spf_door_connect(h->outside);
        if (h->line < 0)
            return false;
        if (send(h->line, h->question->str, h->question->len, MSG_NOSIGNAL | MSG_DONTWAIT) ==
            (ssize_t)h->question->len)
            return true;
        hang_up(h);
    }
    return false;
}

bool spf_helper_ask(struct spf_helper *h, const struct spf_question *q)
{
    h->waiting = false;
    h->asked = h->asked + 1 ? h->asked + 1 : 1;
    if (!spf_packet_write(h->question, h->asked, q))
        return false;
    clear_line(h);
    h->deaths = 0;
    h->waiting = send_question(h);
    return h->waiting;
}

int spf_helper_fd(const struct spf_helper *h)
{
    return h->waiting ? h->line : -1;
}

static struct spf_result end_without(struct spf_helper *h, const char *reason)
{
    struct spf_result result = {.code = SPF_CODE_TEMPERROR};
    h->waiting = false;
    g_strlcpy(result.reason, reason, sizeof result.reason);
    return result;
}

/* Call when the process died of another question. True: the question was sent again, to the next process. */
static bool ask_again(struct spf_helper *h)
{
    hang_up(h);
    return ++h->deaths < DEATHS_MAX && send_question(h);
}

bool spf_helper_take(struct spf_helper *h, struct spf_result *result_r)
{
    struct spf_packet_answer a;
    int taken = -1;
    while (h->waiting && (taken = take_packet(h, &a)) > 0) {
        if (a.number != h->asked)
            continue;
        if (a.signal)
            log_warn("spf: %s", a.result.reason);
        h->waiting = false;
        *result_r = a.result;
        return true;
    }
    if (h->waiting && (taken < 0 || ask_again(h)))
        return false;
    *result_r = end_without(h, "the SPF process died");
    return true;
}

struct spf_result spf_helper_give_up(struct spf_helper *h)
{
    return end_without(h, "no answer in time");
}
