/* Opens the site's model and reads settings for the model store's files. Called by most files of this folder. */
#include "filterd/keeper/model_store_state.h"

#include <stdbool.h>
#include <string.h>

#include "base/address.h"
#include "base/config/users_tables.h"

#define DOMAIN_US (600 * G_USEC_PER_SEC)
#define DOMAINS_KEPT 20000

struct model *model_store_open_site(struct model_store *l, char **text_r)
{
    if (l->site && !model_is_stale(l->site))
        return l->site;
    model_free(&l->site);
    return l->site = model_open(l->settings->state_dir, MODEL_SITE, true, text_r);
}

bool model_store_is_user(const char *user)
{
    g_autofree char *canonical = address_canonical(user);
    const bool is = g_strcmp0(canonical, user) == 0 && strcmp(user, MODEL_SITE) != 0;
    return is;
}

static bool is_listed(char *const *list, const char *domain)
{
    return list && g_strv_contains((const char *const *)list, domain);
}

/* The tables are asked anew after DOMAIN_US; while they do not answer, what they said holds. */
static bool is_in_tables(struct model_store *l, const char *domain)
{
    const gint64 now = g_get_monotonic_time();
    const gint64 *since = g_hash_table_lookup(l->domains, domain);
    if (!l->settings->domain_maps || (since && now - *since < DOMAIN_US))
        return since != NULL;
    if (!keeper_rates_take(l->rates, KEEPER_RATE_DOMAIN, NULL, 1))
        return since != NULL;
    const enum users_result result = users_tables_has_domain(l->tables, domain);
    if (result == USERS_UNKNOWN)
        g_hash_table_remove(l->domains, domain);
    if (result == USERS_FOUND) {
        if (g_hash_table_size(l->domains) >= DOMAINS_KEPT)
            g_hash_table_remove_all(l->domains);
        g_hash_table_replace(l->domains, g_strdup(domain), g_memdup2(&now, sizeof now));
    }
    return result == USERS_FOUND || (result == USERS_TEMP && since);
}

/* Without a domain it is ours. Nothing says which domains are: every one may be. */
static bool is_our_domain(struct model_store *l, const char *domain)
{
    const struct settings *s = l->settings;
    return !*domain || !settings_has_domains(s) || is_listed(s->domains, domain) ||
           is_listed(s->local_names, domain) || g_strcmp0(s->hostname, domain) == 0 || is_in_tables(l, domain);
}

bool model_store_may_be_ours(struct model_store *l, const char *user)
{
    if (model_store_is_user(user) && *user != '.' && *user != '@' && !strchr(user, '/') &&
        is_our_domain(l, address_domain(user)))
        return true;
    return model_store_is_user(user) && users_exists(l->users, user) == USERS_FOUND;
}

struct model *model_store_site(struct model_store *l, bool create)
{
    g_autofree char *path = users_store_path(l->settings->state_dir, MODEL_SITE), *error = NULL;
    struct model *m = NULL;
    if (create || g_file_test(path, G_FILE_TEST_EXISTS))
        m = model_store_open_site(l, &error);
    return m;
}

bool model_store_settings(struct model_store *l, const char *user, struct user_settings *s_r, char **text_r)
{
    *s_r = user_settings_of(l->settings);
    const bool ok = users_settings(l->users, user, s_r);
    if (!ok && text_r && !*text_r)
        *text_r = g_strdup("the user's settings cannot be read now");
    user_settings_clear(s_r); /* learning does not need the lists */
    return ok;
}
