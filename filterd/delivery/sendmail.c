/* Runs sendmail(1) so that it never takes half a message for a whole one. Called by filterd-pipe and the
 * delivery agent. */
#include "filterd/delivery/sendmail.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/newline.h"

struct mailer {
    pid_t stand_in;
    int input;
    int word; /* one byte through it tells the stand-in that the message is whole; stays open while we wait */
};

/* Starts the program, which the kernel kills with its parent: the stand-in keeps the input open, so the program
 * does not see its end before it dies. */
static pid_t start_program(const struct delivery_agent_job *job, int input)
{
    const pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(EX_TEMPFAIL);
        dup2(input, STDIN_FILENO);
        execl(job->path, job->path, "-G", "-i", "-f", *job->sender ? job->sender : "<>", "--",
              job->recipient, (char *)NULL);
        _exit(EX_OSFILE);
    }
    return pid;
}

static int reap(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* True: the program has ended. False: the process that waits for it is gone, and the message will be sent
 * again. */
static bool await(pid_t pid, int word)
{
    struct pollfd fds[] = {{word, POLLIN, 0}, {(int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    return fds[1].fd < 0 || fds[1].revents;
}

/* The stand-in: leaves the process group, which an MTA may kill as a whole together with us. Exits with the
 * program's exit code. */
static void stand_in(const struct delivery_agent_job *job, const int input[2], const int word[2])
{
    char byte;
    ssize_t n;
    setsid();
    close(word[1]);
    const pid_t pid = start_program(job, input[0]);
    close(input[0]);
    if (pid < 0)
        _exit(EX_OSERR);
    while ((n = read(word[0], &byte, 1)) < 0 && errno == EINTR)
        ;
    if (n == 1)
        close(input[1]);
    if (n != 1 || !await(pid, word[0]))
        kill(pid, SIGKILL);
    if (n != 1)
        close(input[1]);
    const int status = reap(pid);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_TEMPFAIL);
}

static bool start(struct mailer *m, const struct delivery_agent_job *job)
{
    int input[2] = {-1, -1}, word[2] = {-1, -1};
    const bool ok = pipe2(input, O_CLOEXEC) == 0 && pipe2(word, O_CLOEXEC) == 0;
    m->stand_in = ok ? fork() : -1;
    if (m->stand_in == 0)
        stand_in(job, input, word);
    const int why = errno;
    const int fds[] = {input[0], word[0], input[1], word[1]};
    for (int i = 0; i < (m->stand_in > 0 ? 2 : 4); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    m->input = input[1];
    m->word = word[1];
    errno = why;
    return m->stand_in > 0;
}

/* Returns the stand-in's wait status. If the message is not whole, the stand-in kills the program before the
 * input ends. */
static int end(struct mailer *m, bool whole)
{
    const bool said = whole && bytes_write(m->word, "", 1);
    if (!said)
        close(m->word);
    close(m->input);
    const int status = reap(m->stand_in);
    if (said)
        close(m->word);
    return said || !whole ? status : -1;
}

enum outcome_reason sendmail_deliver(const struct delivery_agent_job *job, char **error_r)
{
    struct mailer m;
    struct bytes lf = {0};
    const char *trouble = NULL;
    if (!start(&m, job)) {
        *error_r = g_strdup_printf("%s: cannot be started: %s", job->path, g_strerror(errno));
        return REASON_NEXT_HOP_DOWN;
    }
    newline_add_lf(&lf, g_bytes_get_data(job->message, NULL), g_bytes_get_size(job->message));
    if (!bytes_write(m.input, lf.data, lf.len))
        trouble = g_strerror(errno);
    else if (!delivery_agent_is_awaited(job))
        trouble = "the message was given up";
    bytes_free(&lf);
    const int status = end(&m, !trouble);
    if (trouble)
        *error_r = g_strdup_printf("%s: %s", job->path, trouble);
    else if (!WIFEXITED(status) || WEXITSTATUS(status))
        *error_r = g_strdup_printf("%s ended with status %d", job->path, status);
    return *error_r ? REASON_NEXT_HOP_DOWN : REASON_OK;
}
