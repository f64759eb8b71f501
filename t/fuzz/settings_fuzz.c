/* The input is a settings file: it is read and checked, or refused with one line. */
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], *error = NULL;
    int fd = memfd_create("settings", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return 0;
    g_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct settings *s = settings_load(path, &error);
    if (!s && (!error || strchr(error, '\n')))
        __builtin_trap();
    settings_free(&s);
    g_free(error);
    close(fd);
    return 0;
}
