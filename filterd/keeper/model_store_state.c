/* Opens models and reads settings for the model store's files. Called by most files of this folder. */
#include "filterd/keeper/model_store_state.h"

#include <stdbool.h>
#include <string.h>

#include "base/address.h"

/* Each open model keeps its learner in memory, 0.8 MB. */
enum { MODELS_OPEN = 32 };

static struct model *open_site(struct model_store *l, char **text_r)
{
    if (l->site && !model_is_stale(l->site))
        return l->site;
    model_free(&l->site);
    return l->site = model_open(l->settings->state_dir, MODEL_SITE, true, text_r);
}

static bool is_user(const char *user)
{
    g_autofree char *canonical = address_canonical(user);
    const bool is = g_strcmp0(canonical, user) == 0;
    return is;
}

struct model *model_store_model(struct model_store *l, const char *user, char **text_r)
{
    if (strcmp(user, MODEL_SITE) == 0)
        return open_site(l, text_r);
    struct model *m = g_hash_table_lookup(l->models, user);
    if (m && !model_is_stale(m))
        return m;
    if (!is_user(user)) {
        *text_r = g_strdup("that is no user: a lower-case address is wanted");
        return NULL;
    }
    if (g_hash_table_size(l->models) >= MODELS_OPEN)
        g_hash_table_remove_all(l->models);
    m = model_open(l->settings->state_dir, user, true, text_r);
    if (m)
        g_hash_table_replace(l->models, g_strdup(user), m);
    return m;
}

struct model *model_store_site(struct model_store *l, bool create)
{
    g_autofree char *path = users_store_path(l->settings->state_dir, MODEL_SITE), *error = NULL;
    struct model *m = NULL;
    if (create || g_file_test(path, G_FILE_TEST_EXISTS))
        m = open_site(l, &error);
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
