/* What filterctl's commands share: the site key, requests to the keeper (or in its place), addresses,
 * input and output. Called by all commands. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/config/users.h"
#include "base/log.h"
#include "base/sitekey.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/keeper_role.h"
#include "filterd/keeper/keeper_verbs.h"
#include "filterd/keeper/model_store.h"
#include "tools/filterctl/filterctl.h"

#define KEEPER_TIMEOUT_MS 30000
#define NO_KEEPER "the daemon's keeper does not answer (its log may say why)"

void filterctl_complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "filterctl: %s\n", text);
}

int filterctl_complain_users(const struct users *u)
{
    const char *why = users_error(u);
    filterctl_complain("%s; what is shown is not all", why ? why : "users and keys cannot be read");
    return EX_IOERR;
}

char *filterctl_address(const char *text)
{
    char *address = address_canonical(text);
    if (!address || !strchr(address, '@')) {
        g_clear_pointer(&address, g_free);
        filterctl_complain("\"%s\" is no address: expected name@domain", text);
    }
    return address;
}

/* ---- as whom ---- */

/* Files made by root would lock out the daemon's user, so root takes on the uid and gid of state_dir's
 * owner while it writes there. */
struct state_user filterctl_owner(const struct filterctl *ctl)
{
    struct stat st;
    if (geteuid() != 0 || stat(ctl->settings->state_dir, &st) || st.st_uid == 0)
        return (struct state_user){0};
    return (struct state_user){true, st.st_uid, st.st_gid};
}

static void become_owner(const struct filterctl *ctl)
{
    const struct state_user owner = filterctl_owner(ctl);
    state_become(&owner);
}

bool filterctl_state(struct filterctl *ctl)
{
    const struct state_user owner = filterctl_owner(ctl);
    const bool reads_key = geteuid() == 0 || access(ctl->settings->site_key, R_OK) == 0 || errno == ENOENT;
    g_autofree char *error = NULL;
    bool ok;
    log_open(LOG_TO_STDERR, "filterctl");
    if (reads_key)
        ok = ctl->have_key = state_claim(ctl->settings, &owner, &ctl->key, &ctl->state, &error);
    else
        ok = state_open(ctl->settings, &owner, &ctl->state, &error) == STATE_FOUND;
    if (!ok)
        filterctl_complain("%s", error);
    return ok;
}

bool filterctl_site_key(struct filterctl *ctl)
{
    g_autofree char *error = NULL;
    if (!ctl->have_key)
        ctl->have_key = sitekey_load(ctl->settings->site_key, false, &ctl->key, &error);
    if (!ctl->have_key)
        filterctl_complain("%s", error);
    return ctl->have_key;
}

/* ---- requests ---- */

static struct keeper_answer ask_here(struct filterctl *ctl, const struct keeper_format *f,
                                     const void *request)
{
    struct keeper_answer a = {.code = EX_TEMPFAIL};
    if (!filterctl_site_key(ctl)) {
        a.text = g_strdup("no site key");
        a.code = EX_NOPERM;
        return a;
    }
    become_owner(ctl);
    if (!ctl->model_store)
        ctl->model_store = model_store_open(ctl->settings, &ctl->key, 0, &a.text);
    if (ctl->model_store) {
        const struct keeper_stores stores = {.model_store = ctl->model_store};
        g_autoptr(GVariant) arguments = g_variant_ref_sink(keeper_format_pack(f, request));
        a = keeper_verbs_answer(&stores, KEEPER_ADMINISTRATOR, f->verb, arguments);
    }
    state_become_self();
    return a;
}

static bool keeper_runs(struct filterctl *ctl)
{
    if (!ctl->asked) {
        ctl->keeper_fd = keeper_connect(&ctl->settings->control);
        ctl->asked = true;
        /* If no answer comes now, none may come later and be taken for that to another request. */
        if (ctl->keeper_fd >= 0 && !keeper_administer(ctl->keeper_fd, ctl->settings->state_dir, KEEPER_TIMEOUT_MS))
            shutdown(ctl->keeper_fd, SHUT_RDWR);
    }
    return ctl->keeper_fd >= 0;
}

void filterctl_settle(struct filterctl *ctl)
{
    if (!keeper_runs(ctl))
        return;
    struct keeper_answer a = filterctl_request(ctl, &keeper_format_ping, NULL);
    if (a.code == EX_TEMPFAIL)
        filterctl_complain("%s; what it has not written yet is missing here", NO_KEEPER);
    keeper_answer_clear(&a);
}

struct keeper_answer filterctl_request(struct filterctl *ctl, const struct keeper_format *f,
                                       const void *request)
{
    if (!keeper_runs(ctl))
        return ask_here(ctl, f, request);
    struct keeper_answer a = {.code = EX_TEMPFAIL};
    if (keeper_tell(ctl->keeper_fd, f->verb, keeper_format_pack(f, request), KEEPER_TIMEOUT_MS))
        a = keeper_hear_if_kept(ctl->keeper_fd, ctl->settings->state_dir, KEEPER_TIMEOUT_MS);
    if (!a.results) {
        keeper_answer_clear(&a);
        shutdown(ctl->keeper_fd, SHUT_RDWR); /* an answer that comes later is to no other request */
        a.text = g_strdup(NO_KEEPER);
    }
    return a;
}

int filterctl_tell(const struct filterctl *ctl, const struct keeper_answer *a)
{
    if (a->code != EX_OK)
        filterctl_complain("%s", a->text && *a->text ? a->text : "it could not be done");
    if (ctl->json) {
        GString *out = g_string_new(NULL);
        g_string_append_printf(out, "{\"ok\":%s,\"text\":", a->code == EX_OK ? "true" : "false");
        filterctl_json_string(out, a->text ? a->text : "");
        printf("%s}\n", out->str);
        g_string_free(out, TRUE);
    } else if (a->code == EX_OK && a->text && *a->text) {
        puts(a->text);
    }
    return a->code;
}

int filterctl_ask_and_tell(struct filterctl *ctl, const struct keeper_format *f, const void *request)
{
    struct keeper_answer a = filterctl_request(ctl, f, request);
    const int code = filterctl_tell(ctl, &a);
    keeper_answer_clear(&a);
    return code;
}

void filterctl_hang_up(struct filterctl *ctl)
{
    if (ctl->asked && ctl->keeper_fd >= 0)
        close(ctl->keeper_fd);
    ctl->asked = false;
    if (!ctl->model_store)
        return;
    become_owner(ctl);
    model_store_free(&ctl->model_store);
    state_become_self();
}

/* ---- in and out ---- */

bool filterctl_read(const char *path, struct bytes *out)
{
    bool from_stdin = !path || !strcmp(path, "-");
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    while (fd >= 0) {
        bytes_reserve(out, 65536);
        n = read(fd, out->data + out->len, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        out->len += (size_t)n;
        out->data[out->len] = 0;
    }
    if (n < 0)
        filterctl_complain("%s: %s", from_stdin ? "standard input" : path, g_strerror(errno));
    if (fd >= 0 && !from_stdin)
        close(fd);
    return n == 0;
}

void filterctl_json_string(GString *out, const char *text)
{
    if (!text) {
        g_string_append(out, "null");
        return;
    }
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_string_append_c(out, '"');
    for (const char *p = valid; *p; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_printf(out, "\\%c", *p);
        else if ((unsigned char)*p < 0x20 || *p == 0x7f)
            g_string_append_printf(out, "\\u%04x", *p);
        else
            g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
}
