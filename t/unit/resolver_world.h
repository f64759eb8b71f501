/* resolver_world: the test's own name server, for what a real one never does: silence, garbage, a wrong
 * id. A child process on loopback, over UDP and TCP. */
#ifndef T_UNIT_RESOLVER_WORLD_H
#define T_UNIT_RESOLVER_WORLD_H

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct packet {
    unsigned char data[65535];
    size_t len;
};

struct world {
    pid_t server;
    int port;
};

/* Makes the answer: ours to fill, the question and its name (lower case) given. False: silence. */
typedef bool world_answer(struct packet *p, const struct packet *question, const char *name, int type,
                          bool tcp);

static inline void put(struct packet *p, const void *data, size_t len)
{
    memcpy(p->data + p->len, data, len);
    p->len += len;
}

static inline void put16(struct packet *p, unsigned value)
{
    put(p, (unsigned char[]){(unsigned char)(value >> 8), (unsigned char)value}, 2);
}

static inline void put_name(struct packet *p, const char *name)
{
    while (*name) {
        const unsigned char len = (unsigned char)strcspn(name, ".");
        put(p, &len, 1);
        put(p, name, len);
        name += len + (name[len] == '.');
    }
    put(p, "", 1);
}

/* One record: owner NULL is the name of the question. */
static inline void put_rr(struct packet *p, const char *owner, int type, unsigned ttl,
                          const struct packet *data)
{
    if (owner)
        put_name(p, owner);
    else
        put16(p, 0xc00c);
    put16(p, (unsigned)type);
    put16(p, 1);
    put16(p, ttl >> 16);
    put16(p, ttl);
    put16(p, (unsigned)data->len);
    put(p, data->data, data->len);
}

/* The question's section, flags and counts; records follow. */
static inline void begin_answer(struct packet *p, const struct packet *q, unsigned flags,
                                const unsigned counts[2])
{
    size_t end = 12;
    p->len = 0;
    while (q->data[end])
        end += q->data[end] + 1u;
    put(p, q->data, 2);
    put16(p, flags);
    put16(p, 1);
    put16(p, counts[0]);
    put16(p, counts[1]);
    put16(p, 0);
    put(p, q->data + 12, end + 5 - 12);
}

static inline int name_of(const struct packet *q, char name[256])
{
    size_t at = 12, n = 0;
    while (at < q->len && q->data[at] && n + q->data[at] < 250) {
        if (n)
            name[n++] = '.';
        for (unsigned i = 1; i <= q->data[at]; i++)
            name[n++] = (char)q->data[at + i];
        at += q->data[at] + 1u;
    }
    name[n] = 0;
    return at + 3 <= q->len ? q->data[at + 1] << 8 | q->data[at + 2] : 0;
}

static inline void world_tcp(int listener, world_answer *fn)
{
    static struct packet q, a;
    char name[256];
    unsigned char head[2];
    const int fd = accept(listener, NULL, NULL);
    if (fd >= 0 && recv(fd, head, 2, MSG_WAITALL) == 2) {
        q.len = (size_t)(head[0] << 8 | head[1]);
        a.len = 0;
        if (recv(fd, q.data, q.len, MSG_WAITALL) == (ssize_t)q.len) {
            const int type = name_of(&q, name);
            if (fn(&a, &q, name, type, true)) {
                head[0] = (unsigned char)(a.len >> 8);
                head[1] = (unsigned char)a.len;
                send(fd, head, 2, MSG_NOSIGNAL);
                send(fd, a.data, a.len, MSG_NOSIGNAL);
            }
        }
    }
    close(fd);
}

/* Sends what lies in p to whoever is being answered over UDP, before the answer itself. */
static int world_fd, world_listener;
static struct sockaddr_in world_asker;

static inline void world_also(const struct packet *p)
{
    sendto(world_fd, p->data, p->len, 0, (struct sockaddr *)&world_asker, sizeof world_asker);
}

static inline void world_udp(int fd, world_answer *fn)
{
    static struct packet q, a;
    char name[256];
    socklen_t len = sizeof world_asker;
    const ssize_t got = recvfrom(fd, q.data, sizeof q.data, 0, (struct sockaddr *)&world_asker, &len);
    world_fd = fd;
    q.len = got > 0 ? (size_t)got : 0;
    a.len = 0;
    const int type = name_of(&q, name);
    if (fn(&a, &q, name, type, false))
        sendto(fd, a.data, a.len, 0, (struct sockaddr *)&world_asker, len);
}

/* A socket of each kind on one port that was free. */
static inline int world_bind(int fds[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    for (int i = 0; i < 100; i++) {
        at.sin_port = 0;
        fds[0] = socket(AF_INET, SOCK_DGRAM, 0);
        fds[1] = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(fds[0], (struct sockaddr *)&at, len) == 0 &&
            getsockname(fds[0], (struct sockaddr *)&at, &len) == 0 &&
            bind(fds[1], (struct sockaddr *)&at, len) == 0 && listen(fds[1], 10) == 0)
            return ntohs(at.sin_port);
        close(fds[0]);
        close(fds[1]);
    }
    abort();
}

static inline struct world world_new(world_answer *fn)
{
    int fds[2];
    struct world w = {.port = world_bind(fds)};
    w.server = fork();
    if (w.server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        world_listener = fds[1];
        while (true) {
            struct pollfd p[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
            poll(p, 2, -1);
            if (p[0].revents)
                world_udp(fds[0], fn);
            if (p[1].revents)
                world_tcp(fds[1], fn);
        }
    }
    close(fds[0]);
    close(fds[1]);
    return w;
}

static inline void world_end(const struct world *w)
{
    kill(w->server, SIGKILL);
    waitpid(w->server, NULL, 0);
}

#endif
