/* A table of header_checks from the input; then the shipped tables on fields from the input. A replacement
 * must be one field: a name, a colon, no line that begins at the margin, none over 998 bytes. */
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "rules/anonymize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct anonymize *load(const void *data, size_t size)
{
    char path[64], *error = NULL;
    int fd = memfd_create("table", MFD_CLOEXEC);
    struct anonymize *a = NULL;
    if (fd >= 0 && write(fd, data, size) == (ssize_t)size) {
        g_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        a = anonymize_load(path, &error);
        if (!a && (!error || strchr(error, '\n')))
            __builtin_trap();
    }
    g_free(error);
    close(fd);
    return a;
}

static void check(const char *text)
{
    size_t name = strcspn(text, ": \t\r\n");
    if (!name || text[name] != ':')
        __builtin_trap();
    for (const char *line = text, *end;; line = end + 2) {
        end = strstr(line, "\r\n");
        size_t len = end ? (size_t)(end - line) : strlen(line);
        if (len > 998 || memchr(line, '\n', len) || memchr(line, '\r', len) || strspn(line, " \t") == len ||
            (line != text && *line != ' ' && *line != '\t'))
            __builtin_trap();
        if (!end)
            break;
    }
}

static void apply(struct anonymize *a, const char *field, size_t len)
{
    char *text;
    if (a && anonymize_field(a, field, len, 0, &text) == ANONYMIZE_REPLACE) {
        check(text);
        g_free(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char echo[] = "/^X: (.*)$/ REPLACE $1\n/^(.*?)\\s*(by.*)$/ REPLACE A: $2$1\n/(.*)/ REPLACE $1";
    static struct anonymize *known;
    if (!known) {
        log_to_fd(1023); /* closed: nothing is logged */
        known = load(echo, sizeof echo - 1);
    }
    apply(known, (const char *)data, size);
    struct anonymize *foreign = load(data, size);
    apply(foreign, "Received: from a (b [1.2.3.4])\r\n\tby c; d", 41);
    apply(foreign, (const char *)data, size);
    anonymize_free(&foreign);
    return 0;
}
