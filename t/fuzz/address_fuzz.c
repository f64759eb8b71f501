/* The input is an address as a client writes it, without its brackets. What is called plain must be put together
 * of its parts; whatever it is, folding and resolving its routing come to an end and leave no letter to fold. */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "base/address.h"
#include "base/address_form.h"
#include "base/address_path.h"
#include "base/config/settings.h"
#include "base/config/users.h"
#include "filterd/pipeline/context.h"
#include "filterd/pipeline/our_names.h"
#include "filterd/pipeline/resolve.h"

static char *no_list[] = {NULL};
static char *domains[] = {(char *)"example.org", (char *)"b\xc3\xbc" "cher.test", NULL};
static char *names[] = {(char *)"box.test", (char *)"xn--bcher-kva.example", NULL};

static void require(bool held)
{
    if (!held)
        __builtin_trap();
}

/* The end of what is certain is the address' own end; nothing in front of it can be a domain. */
static void check_form(const char *address)
{
    g_autofree char *local = NULL, *domain = NULL;
    const enum address_form form = address_form(address, &local, &domain);
    require((form == ADDRESS_FORM_ODD) == !domain && !local == !domain);
    if (!domain)
        return;
    require(!strpbrk(domain, "@ \"\\(),;<>") && !strstr(domain, ".."));
    require(!*domain || g_str_has_suffix(address, domain) || address[strlen(address) - 1] == '.');
    if (form != ADDRESS_FORM_PLAIN)
        return;
    require(*local && !strpbrk(local, "@%!\\\"()<>,;:"));
    g_autofree char *again = g_strdup_printf("%s%s%s", local, *domain ? "@" : "", domain);
    g_autofree char *quoted = g_strdup_printf("\"%s\"%s%s", local, *domain ? "@" : "", domain);
    require(g_str_has_prefix(address, again) || g_str_has_prefix(address, quoted));
}

static void check_fold(const char *address)
{
    g_autofree char *once = address_folded(address), *twice = address_folded(once);
    require(strcmp(once, twice) == 0);
}

/* What goes on can be read one way only, and again gives the same; what is looked up is an address. */
static void check_understood(const char *address)
{
    g_autofree char *one = address_form_certain(address), *two = address_form_certain(one), *local = NULL, *domain = NULL;
    require(strcmp(one, two) == 0 && address_form(one, &local, &domain) != ADDRESS_FORM_ODD && !strpbrk(one, "\r\n"));
    g_autofree char *looked_up = address_looked_up(address), *sent = address_looked_up(one), *canonical = address_canonical(sent);
    require(*looked_up && canonical && strcmp(canonical, sent) == 0);
    g_autofree char *line = g_strdup_printf("<%s> ORCPT=x", one);
    const char *rest = NULL;
    g_autofree char *read = address_path_read_any(line, &rest);
    require(read && strcmp(read, one) == 0 && strcmp(rest, "ORCPT=x") == 0);
    g_autofree char *said = g_strdup_printf("<%s>", address), *any = address_path_read_any(said, &rest);
    require(any != NULL);
}

static void check_certain(const char *address)
{
    const struct settings listed = {.domains = domains, .local_names = names, .hostname = (char *)"mx.example.org"};
    const struct settings all = {.domains = no_list, .local_names = no_list, .hostname = (char *)"mx"};
    static struct users *users;
    if (!users)
        users = users_watch("/nonexistent"); /* nobody is one */
    struct context one = {.settings = &listed, .users = users}, other = {.settings = &all, .users = users};
    g_autofree char *meant = address_meant(address);
    resolve_local(&one, meant);
    /* What is refused where one name is ours is refused where all are. */
    require(resolve_doubt(&one, address, false) == REASON_OK || resolve_doubt(&other, address, false) != REASON_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 400 || memchr(data, 0, size))
        return 0;
    g_autofree char *address = g_strndup((const char *)data, size);
    check_understood(address);
    if (!g_utf8_validate(address, -1, NULL))
        return 0;
    check_form(address);
    check_fold(address);
    check_certain(address);
    return 0;
}
