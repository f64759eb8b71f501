/* sandbox_deeds: what processes must still be able to do behind their sandbox. Each returns 0, or errno. */
#ifndef T_UNIT_SANDBOX_DEEDS_H
#define T_UNIT_SANDBOX_DEEDS_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder with "old" and "dir"; the keeper and the delivery agent have another one. */
static char outside[] = "/tmp/filterd-sandbox-XXXXXX", inside[] = "/tmp/filterd-sandbox-XXXXXX";

static inline const char *in(const char *folder, const char *name)
{
    static char path[4][128];
    static unsigned turn;
    snprintf(path[++turn % 4], sizeof *path, "%s/%s", folder, name);
    return path[turn % 4];
}

static inline int result(long rc)
{
    return rc < 0 ? errno : 0;
}

/* A maildir's way. */
static inline int deliver(void)
{
    if (mkdir(in(inside, "tmp"), 0700) || mkdir(in(inside, "new"), 0700))
        return errno;
    const int fd = open(in(inside, "tmp/1"), O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd))
        return errno;
    if (rename(in(inside, "tmp/1"), in(inside, "new/1")))
        return errno;
    return open(in(inside, "new/1"), O_RDONLY) < 0 && errno == EACCES ? 0 : 255;
}

static inline int keep(void)
{
    const int fd = open(in(inside, "db"), O_RDWR | O_CREAT, 0600);
    struct flock lock = {.l_type = F_WRLCK};
    if (fd < 0 || fcntl(fd, F_SETLK, &lock) || pwrite(fd, "x", 1, 0) != 1 || ftruncate(fd, 0) ||
        fchmod(fd, 0640))
        return errno;
    return result(unlink(in(inside, "db")));
}

#endif
