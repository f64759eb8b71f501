/* Finds, marks and watches the state. Called by each program at its start, by the master and the keeper while they
 * run, and by the pipeline before each message. */
#include "base/config/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config/users.h"
#include "base/log.h"

#define MARK "state.id"
#define BEGINNING "filterd-state 1 "
#define ID_HEX 32
#define CHECK_HEX 32
#define MARK_LEN (sizeof BEGINNING - 1 + ID_HEX + 1 + CHECK_HEX)

G_STATIC_ASSERT(MARK_LEN < sizeof((struct state *)NULL)->mark);

void state_become(const struct state_user *user)
{
    if (user->other && (setegid(user->gid) || seteuid(user->uid)))
        log_warn("cannot act as uid %d: %s", (int)user->uid, g_strerror(errno));
}

void state_become_self(void)
{
    if (seteuid(getuid()) || setegid(getgid()))
        abort();
}

/* ---- reading ---- */

static const char *id_of(const char *mark)
{
    return mark + sizeof BEGINNING - 1;
}

static const char *check_of(const char *mark)
{
    return id_of(mark) + ID_HEX + 1;
}

static bool is_hex(const char *text, size_t len)
{
    return strspn(text, "0123456789abcdef") == len;
}

static bool is_mark(const char *text)
{
    return g_str_has_prefix(text, BEGINNING) && is_hex(id_of(text), ID_HEX) && check_of(text)[-1] == ' ' &&
           is_hex(check_of(text), CHECK_HEX) && strlen(text) == MARK_LEN;
}

enum mark { MARK_FAILED = 0, MARK_MISSING, MARK_READ };

/* Reads a mark's file below the folder at (AT_FDCWD: file is a path). name: the file's name in errors. */
static enum mark read_mark(int at, const char *file, const char *name, char mark_r[96], char **error_r)
{
    char text[96] = "";
    const int fd = openat(at, file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return MARK_MISSING;
    const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    const int error = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0) {
        *error_r = g_strdup_printf("%s: %s", name, g_strerror(error));
        return MARK_FAILED;
    }
    text[strcspn(text, "\n")] = 0;
    if (!is_mark(text)) {
        *error_r = g_strdup_printf("%s: damaged: this is no id of a state", name);
        return MARK_FAILED;
    }
    memcpy(mark_r, text, MARK_LEN + 1);
    return MARK_READ;
}

/* Sets *old_r if a filterd that gave no ids has worked in the folder: an empty mountpoint is nobody's state. False
 * if that cannot be said. */
static bool find_old(int fd, bool *old_r)
{
    static const char *const names[] = {"users.db", "keys"};
    bool known = true;
    *old_r = false;
    for (size_t i = 0; i < G_N_ELEMENTS(names) && !*old_r; i++) {
        *old_r = faccessat(fd, names[i], F_OK, AT_EACCESS) == 0;
        known = known && (*old_r || errno == ENOENT);
    }
    return known;
}

static enum state_found says(enum state_found found, char **error_r, char *text)
{
    *error_r = text;
    return found;
}

static enum state_found without_mark(const struct settings *s, const struct state *state, bool named,
                                     char **error_r)
{
    const char *dir = state->dir;
    bool old;
    if (!find_old(state->fd, &old))
        return says(STATE_WRONG, error_r, g_strdup_printf("%s: %s", dir, g_strerror(errno)));
    if (!old)
        return named ? says(STATE_WRONG, error_r,
                            g_strdup_printf("%s: the state that %s names is not in it: mount it", dir, s->state_id))
                     : says(STATE_NONE, error_r,
                            g_strdup_printf("%s: there is no state in it: mount it; a new one is made by"
                                            " \"filterctl init\"", dir));
    if (named)
        return says(STATE_WRONG, error_r,
                    g_strdup_printf("%s: not the state that %s names, but one of an older version; if it is the"
                                    " right one, remove that file", dir, s->state_id));
    return says(STATE_OLD, error_r,
                g_strdup_printf("%s: a state of an older version: \"filterctl init\" adopts it", dir));
}

static enum state_found compare(const struct settings *s, struct state *state, char **error_r)
{
    char outside[96];
    g_autofree char *inside = g_build_filename(state->dir, MARK, NULL);
    const enum mark named = read_mark(AT_FDCWD, s->state_id, s->state_id, outside, error_r);
    const enum mark has = named ? read_mark(state->fd, MARK, inside, state->mark, error_r) : MARK_FAILED;
    if (has == MARK_FAILED)
        return STATE_WRONG;
    if (has == MARK_MISSING)
        return without_mark(s, state, named == MARK_READ, error_r);
    if (named == MARK_MISSING)
        return says(STATE_UNNAMED, error_r,
                    g_strdup_printf("%s: is not there, so the state in %s may be another's; if it is ours,"
                                    " \"filterctl init\" writes it", s->state_id, state->dir));
    if (strncmp(id_of(outside), id_of(state->mark), ID_HEX) != 0)
        return says(STATE_WRONG, error_r,
                    g_strdup_printf("%s: a foreign state: it is not the one that %s names", state->dir,
                                    s->state_id));
    if (strcmp(outside, state->mark) != 0)
        return says(STATE_WRONG, error_r,
                    g_strdup_printf("%s and %s do not agree about the site key", inside, s->state_id));
    if (faccessat(state->fd, "users.db", R_OK, AT_EACCESS) != 0)
        return says(STATE_WRONG, error_r, g_strdup_printf("%s/users.db: %s", state->dir, g_strerror(errno)));
    return STATE_FOUND;
}

static enum state_found open_as_is(const struct settings *s, struct state *state, char **error_r)
{
    state->fd = open(state->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (state->fd < 0 && errno == ENOENT)
        return says(STATE_NONE, error_r,
                    g_strdup_printf("%s: is not there: mount it; a new state is made by \"filterctl init\"",
                                    state->dir));
    if (state->fd < 0 || faccessat(state->fd, ".", R_OK | X_OK, AT_EACCESS) != 0)
        return says(STATE_WRONG, error_r,
                    g_strdup_printf("%s: uid %d cannot read it: %s", state->dir, (int)geteuid(),
                                    g_strerror(errno)));
    return compare(s, state, error_r);
}

enum state_found state_open(const struct settings *s, const struct state_user *user, struct state *state_r,
                            char **error_r)
{
    *state_r = (struct state){.dir = g_strdup(s->state_dir), .fd = -1};
    state_become(user);
    enum state_found found = open_as_is(s, state_r, error_r);
    if (user->other)
        state_become_self();
    if (found == STATE_NONE && state_r->fd < 0 && access(s->state_id, F_OK) == 0)
        found = STATE_WRONG; /* one was made: it is only not mounted */
    if (found == STATE_WRONG || found == STATE_NONE)
        state_close(state_r);
    return found;
}

bool state_holds(const struct state *state)
{
    struct stat here, there;
    return state->fd >= 0 && fstat(state->fd, &here) == 0 && stat(state->dir, &there) == 0 &&
           here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

void state_close(struct state *state)
{
    if (state->fd >= 0)
        close(state->fd);
    state->fd = -1;
    g_clear_pointer(&state->dir, g_free);
}

/* ---- the key ---- */

static void hex_of(const unsigned char bytes[16], char out[33])
{
    for (int i = 0; i < 16; i++)
        g_snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void check_for(const struct sitekey *key, const char *id, char out[33])
{
    unsigned char bytes[16];
    sitekey_derive(key, "state", id, bytes);
    hex_of(bytes, out);
}

bool state_has_key(const struct state *state, const struct sitekey *key, const struct settings *s, char **error_r)
{
    char check[33];
    g_autofree char *id = g_strndup(id_of(state->mark), ID_HEX);
    check_for(key, id, check);
    if (strcmp(check, check_of(state->mark)) == 0)
        return true;
    *error_r = g_strdup_printf("%s: not the site key that the state in %s was made with", s->site_key, state->dir);
    return false;
}

bool state_load_key(const struct settings *s, const struct state_user *user, struct sitekey *key_r, char **error_r)
{
    if (sitekey_load(s->site_key, false, key_r, error_r))
        return true;
    if (!user->other)
        return false;
    g_clear_pointer(error_r, g_free);
    state_become(user);
    const bool ok = sitekey_load(s->site_key, false, key_r, error_r);
    state_become_self();
    return ok;
}

/* ---- writing ---- */

/* Writes the whole file beside and links it into place: a file that is there stays. */
static bool write_mark(int at, const char *file, const char *mark)
{
    g_autofree char *fresh = g_strdup_printf("%s.%d.new", file, (int)getpid());
    g_autofree char *line = g_strconcat(mark, "\n", NULL);
    const size_t len = strlen(line);
    const int fd = openat(at, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    /* The umask may have taken the right to read that the daemon's user needs. */
    const bool ok = fd >= 0 && write(fd, line, len) == (ssize_t)len && fchmod(fd, 0644) == 0 && fsync(fd) == 0 &&
                    (linkat(at, fresh, at, file, 0) == 0 || errno == EEXIST);
    const int error = errno;
    if (fd >= 0) {
        close(fd);
        unlinkat(at, fresh, 0);
    }
    errno = error;
    return ok;
}

static bool make_users(const char *dir, char **error_r)
{
    struct users *users = users_open(dir, true, error_r);
    const bool ok = users != NULL;
    users_free(&users);
    return ok;
}

/* Reads the mark back: another process may have been first. */
static bool write_inside(struct state *state, const struct sitekey *key, char **error_r)
{
    unsigned char bytes[16] = {0};
    char id[33], check[33];
    g_autofree char *path = g_build_filename(state->dir, MARK, NULL);
    const int fd = open(state->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* O_PATH has no fsync */
    bool ok = fd >= 0 && getentropy(bytes, sizeof bytes) == 0 && make_users(state->dir, error_r);
    hex_of(bytes, id);
    check_for(key, id, check);
    g_autofree char *mark = g_strdup_printf(BEGINNING "%s %s", id, check);
    if (ok && !(write_mark(fd, MARK, mark) && fsync(fd) == 0 &&
                read_mark(fd, MARK, path, state->mark, error_r) == MARK_READ))
        ok = false;
    if (!ok && !*error_r)
        *error_r = g_strdup_printf("%s: %s", path, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

/* As ourselves; where that is not root, this needs the right to write into the folder. */
static bool write_outside(const struct settings *s, const char *mark, char **error_r)
{
    g_autofree char *folder = g_path_get_dirname(s->state_id);
    if (g_mkdir_with_parents(folder, 0755) == 0 && write_mark(AT_FDCWD, s->state_id, mark))
        return true;
    *error_r = g_strdup_printf("%s: %s: \"filterctl init\", as root, writes this file", s->state_id,
                               g_strerror(errno));
    return false;
}

bool state_write(const struct settings *s, const struct state_user *user, const struct sitekey *key,
                 struct state *state, char **error_r)
{
    bool ok = true;
    *error_r = NULL;
    if (!*state->mark) {
        state_become(user);
        ok = write_inside(state, key, error_r);
        if (user->other)
            state_become_self();
    }
    ok = ok && state_has_key(state, key, s, error_r) && write_outside(s, state->mark, error_r);
    return ok;
}

bool state_make(const struct settings *s, const struct state_user *user, const struct sitekey *key, char **error_r)
{
    struct state state = {.dir = g_strdup(s->state_dir), .fd = -1};
    const bool ok = state_write(s, user, key, &state, error_r);
    state_close(&state);
    return ok;
}

/* ---- all of it ---- */

static bool adopt(const struct settings *s, const struct state_user *user, const struct sitekey *key,
                  struct state *state, char **error_r)
{
    if (!state_write(s, user, key, state, error_r))
        return false;
    log_info("%s: adopted the state of an older version; %s names it from now on", state->dir, s->state_id);
    state_close(state);
    return state_open(s, user, state, error_r) == STATE_FOUND;
}

bool state_claim(const struct settings *s, const struct state_user *user, struct sitekey *key_r,
                 struct state *state_r, char **error_r)
{
    g_autofree char *why = NULL;
    const enum state_found found = state_open(s, user, state_r, &why);
    if (found != STATE_FOUND && found != STATE_OLD) {
        *error_r = g_steal_pointer(&why);
        state_close(state_r);
        return false;
    }
    const bool ok = state_load_key(s, user, key_r, error_r) &&
                    (found == STATE_OLD ? adopt(s, user, key_r, state_r, error_r)
                                        : state_has_key(state_r, key_r, s, error_r));
    if (!ok)
        state_close(state_r);
    return ok;
}
