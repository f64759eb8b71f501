/* Roles by SO_PEERCRED. Called by master.c, keeper_connections.c, learn_session.c and milter_session.c. */
#include "filterd/keeper/peer_credentials.h"

#include <fcntl.h>
#include <glib.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "base/log.h"
#include "base/sandbox/sandbox.h"
#include "filterd/keeper/keeper_role.h"

struct trainer {
    uid_t uid;
    GPtrArray *domains; /* of char*; NULL: all */
};

static GArray *trainers; /* of struct trainer, each uid once */
static bool has_landlock;

static void trainer_clear(gpointer data)
{
    struct trainer *t = data;
    if (t->domains)
        g_ptr_array_unref(t->domains);
}

static struct trainer *find_trainer(uid_t uid)
{
    for (guint i = 0; trainers && i < trainers->len; i++)
        if (g_array_index(trainers, struct trainer, i).uid == uid)
            return &g_array_index(trainers, struct trainer, i);
    return NULL;
}

/* A uid that is named several times may train users of all domains named with it. */
static void add_trainer(uid_t uid, const char *domain)
{
    struct trainer *t = find_trainer(uid);
    if (!t) {
        const struct trainer fresh = {uid, domain ? g_ptr_array_new_with_free_func(g_free) : NULL};
        g_array_append_val(trainers, fresh);
        t = find_trainer(uid);
    }
    if (domain && t->domains)
        g_ptr_array_add(t->domains, address_canonical(domain));
    else if (!domain)
        g_clear_pointer(&t->domains, g_ptr_array_unref);
}

/* item: a login name or uid, maybe with :DOMAIN. */
static void add_item(const char *item)
{
    char *end;
    const char *colon = strchr(item, ':');
    g_autofree char *name = colon ? g_strndup(item, (gsize)(colon - item)) : g_strdup(item);
    const unsigned long number = strtoul(name, &end, 10);
    const struct passwd *pw = *name && !*end ? NULL : getpwnam(name);
    if (pw || (*name && !*end))
        add_trainer(pw ? pw->pw_uid : (uid_t)number, colon ? colon + 1 : NULL);
    else
        log_warn("train_users: no such user: %s", name);
}

void peer_credentials_prepare(const struct settings *s)
{
    if (trainers)
        g_array_unref(trainers);
    trainers = g_array_new(FALSE, FALSE, sizeof(struct trainer));
    g_array_set_clear_func(trainers, trainer_clear);
    for (size_t i = 0; s->train_users && s->train_users[i]; i++)
        add_item(s->train_users[i]);
    has_landlock = sandbox_has_landlock();
}

GArray *peer_credentials_trainers(void)
{
    GArray *uids = g_array_new(FALSE, FALSE, sizeof(uid_t));
    for (guint i = 0; trainers && i < trainers->len; i++)
        g_array_append_val(uids, g_array_index(trainers, struct trainer, i).uid);
    return uids;
}

static void add_mail_user(struct peer *p)
{
    const struct trainer *t = find_trainer(p->uid);
    if (!t)
        return;
    p->roles |= KEEPER_MAIL_USER;
    p->domains = t->domains;
}

struct peer peer_credentials_of(int fd, enum peer_door door)
{
    struct peer p = {.uid = (uid_t)-1};
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
        return p;
    p.uid = peer.uid;
    const bool own = p.uid == geteuid(), root = p.uid == 0;
    if (door == PEER_AT_WORKERS) {
        p.roles = own || root ? KEEPER_WORKER : KEEPER_NOBODY;
        return p;
    }
    p.may_prove = own && door == PEER_AT_CONTROL;
    /* A daemon that runs as root has workers with root's uid. */
    if (root && door == PEER_AT_CONTROL && (!own || !has_landlock))
        p.roles = KEEPER_ADMINISTRATOR;
    if (root && (!own || door == PEER_AT_LEARN))
        p.roles |= KEEPER_MAIL_USER;
    else
        add_mail_user(&p);
    return p;
}

static bool is_of(int descriptor, const struct stat *what)
{
    struct stat st;
    return fstat(descriptor, &st) == 0 && st.st_dev == what->st_dev && st.st_ino == what->st_ino;
}

bool peer_credentials_is_importer(int descriptor, const struct stat *line)
{
    return line && is_of(descriptor, line);
}

bool peer_credentials_proves(int descriptor, int lock_fd)
{
    struct stat lock;
    /* Not "is not read-only": access mode 3, which asks for neither, passes Landlock. */
    const int mode = fcntl(descriptor, F_GETFL) & O_ACCMODE;
    return has_landlock && (mode == O_RDWR || mode == O_WRONLY) && fstat(lock_fd, &lock) == 0 && is_of(descriptor, &lock);
}

bool peer_credentials_may_train(const struct peer *p, const char *user)
{
    return !p->domains ||
           g_ptr_array_find_with_equal_func((GPtrArray *)p->domains, address_domain(user), g_str_equal, NULL);
}
