#include "filterd/sendmail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/newline.h"

struct mailer {
    pid_t pid, stand_in;
    int handle; /* a pidfd: who does not wait for it cannot trust its pid */
    int input;
    int word; /* one byte to the stand-in: the message is whole */
};

static pid_t start_program(const struct courier_job *job, int input)
{
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(input, STDIN_FILENO);
        execl(job->path, job->path, "-G", "-i", "-f", *job->sender ? job->sender : "<>", "--",
              job->recipient, (char *)NULL);
        _exit(EX_OSFILE);
    }
    return pid;
}

/* Out of the group that an MTA kills as one. SIGKILL comes before its input's end, as that is held here. */
static pid_t start_stand_in(const struct mailer *m, int ear)
{
    const pid_t pid = fork();
    if (pid == 0) {
        char byte;
        ssize_t n;
        setsid();
        close(m->word);
        while ((n = read(ear, &byte, 1)) < 0 && errno == EINTR)
            ;
        if (n != 1)
            syscall(SYS_pidfd_send_signal, m->handle, SIGKILL, NULL, 0);
        _exit(0);
    }
    return pid;
}

static void reap(pid_t pid, int *status)
{
    while (pid > 0 && waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
}

static void close_all(const int fds[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* False: nothing was started that still runs. */
static bool start(struct mailer *m, const struct courier_job *job)
{
    int input[2] = {-1, -1}, word[2] = {-1, -1};
    *m = (struct mailer){-1, -1, -1, -1, -1};
    if (pipe2(input, O_CLOEXEC) == 0 && pipe2(word, O_CLOEXEC) == 0)
        m->pid = start_program(job, input[0]);
    if (m->pid > 0)
        m->handle = (int)syscall(SYS_pidfd_open, m->pid, 0);
    m->input = input[1];
    m->word = word[1];
    if (m->handle >= 0)
        m->stand_in = start_stand_in(m, word[0]);
    close_all((int[]){input[0], word[0]}, 2);
    if (m->stand_in > 0)
        return true;
    if (m->pid > 0)
        kill(m->pid, SIGKILL);
    reap(m->pid, NULL);
    close_all((int[]){input[1], word[1], m->handle}, 3);
    return false;
}

/* Its wait status. */
static int end(struct mailer *m, bool whole)
{
    int status = -1;
    if (whole)
        whole = bytes_write(m->word, "", 1);
    if (!whole) {
        kill(m->pid, SIGKILL);
        reap(m->pid, &status);
    }
    close_all((int[]){m->word, m->input, m->handle}, 3);
    reap(m->stand_in, NULL);
    if (whole)
        reap(m->pid, &status);
    return status;
}

char *sendmail_deliver(const struct courier_job *job)
{
    struct mailer m;
    struct bytes lf = {0};
    const char *trouble = NULL;
    if (!start(&m, job))
        return g_strdup_printf("%s: cannot be started: %s", job->path, g_strerror(errno));
    newline_add_lf(&lf, g_bytes_get_data(job->message, NULL), g_bytes_get_size(job->message));
    if (!bytes_write(m.input, lf.data, lf.len))
        trouble = g_strerror(errno);
    else if (!courier_is_awaited(job))
        trouble = "the message was given up";
    bytes_free(&lf);
    const int status = end(&m, !trouble);
    if (trouble)
        return g_strdup_printf("%s: %s", job->path, trouble);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return g_strdup_printf("%s ended with status %d", job->path, status);
    return NULL;
}
