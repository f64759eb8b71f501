/* The files that a process may still open (Landlock). Called by sandbox_close. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/sandbox/sandbox_parts.h"

/* Missing in the kernel headers of Debian 12. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_SCOPE_SIGNAL
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

#define READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define READ (READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define EXECUTE LANDLOCK_ACCESS_FS_EXECUTE
#define READ_AND_EXECUTE (READ | LANDLOCK_ACCESS_FS_EXECUTE)
#define WRITE_FILE (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define MAKE                                                                                     \
    (WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |                   \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REFER)
#define MAKE_KEYS (MAKE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define MAKE_SOCKETS (LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE)
#define WRITE                                                                                    \
    (MAKE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_CHAR |                      \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                              \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* The layout of Linux 6.12 and later; older kernels accept its beginning. */
struct ruleset_attr {
    uint64_t fs, net, scoped;
};

struct rule {
    const char *path; /* NULL: no rule. A path that does not exist yet gets no rule, and stays forbidden. */
    uint64_t rights;
};

int sandbox_parts_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0; /* errno says why */
}

bool sandbox_has_landlock(void)
{
    return sandbox_parts_landlock_abi() > 0;
}

/* Landlock denies these rights unless a rule allows them. */
static uint64_t handled(enum sandbox_kind kind)
{
    if (kind == SANDBOX_TABLES) /* reads maps wherever the operator has them */
        return WRITE | EXECUTE;
    return kind == SANDBOX_WORKER || kind == SANDBOX_MASTER || kind == SANDBOX_IMPORTER ? WRITE : WRITE | READ_AND_EXECUTE;
}

static uint64_t known_to(int abi)
{
    uint64_t rights = WRITE | READ_AND_EXECUTE;
    if (abi < 2)
        rights &= ~LANDLOCK_ACCESS_FS_REFER;
    if (abi < 3)
        rights &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
    return rights;
}

static bool allow(int ruleset, const struct rule *r, uint64_t known)
{
    /* A rule for a file may hold only rights that apply to files. */
    static const uint64_t of_file = READ_FILE | WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
    struct landlock_path_beneath_attr rule = {.allowed_access = r->rights & known};
    rule.parent_fd = open(r->path, O_PATH | O_CLOEXEC | O_DIRECTORY);
    if (rule.parent_fd < 0 && errno == ENOTDIR) {
        rule.parent_fd = open(r->path, O_PATH | O_CLOEXEC);
        rule.allowed_access &= of_file;
    }
    if (rule.parent_fd < 0)
        return errno == ENOENT;
    long rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
    return rc == 0;
}

static bool allow_each(int ruleset, const char *const *folders, uint64_t rights, uint64_t known)
{
    for (; folders && *folders; folders++)
        if (!allow(ruleset, &(struct rule){*folders, rights}, known))
            return false;
    return true;
}

static bool allow_all(int ruleset, const struct sandbox *s, uint64_t known)
{
    const bool keeper = s->kind == SANDBOX_KEEPER, master = s->kind == SANDBOX_MASTER;
    const bool tables = s->kind == SANDBOX_TABLES, importer = s->kind == SANDBOX_IMPORTER;
    const bool writes = keeper || master || s->kind == SANDBOX_DELIVERY_AGENT;
    const uint64_t in_folder = MAKE | (keeper ? READ : LANDLOCK_ACCESS_FS_READ_DIR);
    const struct rule rules[] = {
        {s->kind == SANDBOX_WORKER || tables || master || importer ? "/dev/null" : NULL, WRITE_FILE}, /* for gpg, postmap */
        {master || importer ? s->keys : NULL, MAKE_KEYS},
        {keeper ? "/dev/urandom" : NULL, READ_FILE},                  /* for SQLite */
    };
    /* With what starts it. */
    static const char *const postmap[] = {
        "/usr/sbin/postmap", "/usr/sbin/postconf", "/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-linux.so.2",
        "/lib/ld-linux-armhf.so.3", "/lib64/ld64.so.2", "/lib/ld64.so.1", "/lib/ld-linux-riscv64-lp64d.so.1", NULL};
    known &= handled(s->kind);
    if ((writes && !allow_each(ruleset, s->folders, in_folder, known)) ||
        (master && !allow_each(ruleset, s->socket_folders, MAKE_SOCKETS, known)) ||
        (tables && !allow_each(ruleset, postmap, EXECUTE, known)))
        return false;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].path && !allow(ruleset, &rules[i], known))
            return false;
    return true;
}

const char *sandbox_parts_landlock(const struct sandbox *s)
{
    const int abi = sandbox_parts_landlock_abi();
    if (abi < 1)
        return errno == EOPNOTSUPP ? "Landlock is not switched on in this kernel (lsm=)"
               : errno == EPERM    ? "Landlock is kept from us, by a container perhaps"
                                   : "the kernel has no Landlock";
    if (abi < 2 && (s->kind == SANDBOX_DELIVERY_AGENT || (s->kind == SANDBOX_MASTER && s->renames)))
        return "this kernel's Landlock knows no renaming between folders, which a maildir needs";
    const struct ruleset_attr attr = {
        .fs = handled(s->kind) & known_to(abi),
        .scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL,
    };
    const size_t size = abi >= 6 ? sizeof attr : sizeof attr.fs;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    if (ruleset < 0)
        return "Landlock refused a set of rules";
    const bool ok = allow_all(ruleset, s, known_to(abi)) &&
                    syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    close(ruleset);
    return ok ? NULL : "Landlock refused the rules";
}
