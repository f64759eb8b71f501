/* fuzz_next_hop: the socket on which a target plays the next hop. */
#ifndef T_FUZZ_FUZZ_NEXT_HOP_H
#define T_FUZZ_FUZZ_NEXT_HOP_H

#include <glib.h>
#include <glib/gstdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int hop_listener = -1;
static struct sockaddr_un hop_at = {.sun_family = AF_UNIX};

static inline void hop_remove(void)
{
    char *folder = g_path_get_dirname(hop_at.sun_path);
    g_unlink(hop_at.sun_path);
    g_rmdir(folder);
    g_free(folder);
}

/* Listens at path; call it once for each process. */
static inline bool hop_listen(void)
{
    if (hop_listener >= 0)
        return true;
    char *folder = g_dir_make_tmp("filterd-hop-XXXXXX", NULL);
    char *path = g_build_filename(folder, "hop", NULL);
    g_strlcpy(hop_at.sun_path, path, sizeof hop_at.sun_path);
    atexit(hop_remove);
    hop_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_free(folder);
    g_free(path);
    return bind(hop_listener, (struct sockaddr *)&hop_at, sizeof hop_at) == 0 &&
           listen(hop_listener, 8) == 0;
}

#endif
