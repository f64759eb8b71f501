/* The log of all processes: workers write to a pipe, the master relays it to syslog or stderr. */
#include "base/log.h"

#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* A line up to PIPE_BUF (4,096) bytes is written to a pipe in one piece, so that lines of two workers never
 * mix. */
#define LINE_MAX_BYTES 4000

static enum log_target target = LOG_TO_STDERR;
static const char *program = "filterd";
static int relay_fd = -1;

void log_open(enum log_target to, const char *name)
{
    target = to;
    program = name;
    if (to == LOG_TO_SYSLOG)
        openlog(name, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void log_to_fd(int fd)
{
    relay_fd = fd;
}

static void emit(char level, const char *text)
{
    char line[LINE_MAX_BYTES + 64];
    if (relay_fd < 0 && target == LOG_TO_SYSLOG) {
        syslog(level == 'W' ? LOG_WARNING : LOG_INFO, "%s", text);
        return;
    }
    int n = relay_fd >= 0 ? snprintf(line, sizeof line, "%c%s\n", level, text)
                          : snprintf(line, sizeof line, "%s: %s%s\n", program,
                                     level == 'W' ? "warning: " : "", text);
    int fd = relay_fd >= 0 ? relay_fd : STDERR_FILENO;
    while (write(fd, line, (size_t)n) < 0 && errno == EINTR)
        ;
}

/* Addresses come from the client: they must not forge a second log line, and must not send a terminal control
 * sequences (C1 controls are U+0080 to U+009F) or invalid UTF-8. */
static void make_harmless(char *text)
{
    const char *bad;
    for (char *p = text; !g_utf8_validate(p, -1, &bad); p += bad - p + 1)
        p[bad - p] = '?';
    for (char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
        else if ((unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0)
            p[0] = p[1] = '?';
    }
}

static void emit_format(char level, const char *format, va_list ap)
{
    char text[LINE_MAX_BYTES];
    vsnprintf(text, sizeof text, format, ap);
    make_harmless(text);
    emit(level, text);
}

void log_info(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    emit_format('I', format, ap);
    va_end(ap);
}

void log_warn(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    emit_format('W', format, ap);
    va_end(ap);
}

void log_relay_all(int fd)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    FILE *in = fdopen(fd, "r");
    while (in && (len = getline(&line, &size, in)) > 0) {
        line[strcspn(line, "\n")] = 0;
        log_relay(line);
    }
    free(line);
    if (in)
        fclose(in);
    else
        close(fd);
}

void log_relay(const char *line)
{
    const int ours = *line == 'W' || *line == 'I'; /* else it is a library's, written to stderr */
    if (*line)
        emit(ours ? *line : 'I', line + ours);
}
