/* Opens users' models. Called by all requests that read or change one. */
#include "filterd/keeper/model_store_model.h"

#include <string.h>

#include "filterd/keeper/unclaimed.h"

/* Each open model keeps its learner in memory, 0.8 MB. */
enum { MODELS_OPEN = 32 };

struct model *model_store_model(struct model_store *l, const char *user, char **text_r)
{
    if (strcmp(user, MODEL_SITE) == 0)
        return model_store_open_site(l, text_r);
    struct model *m = g_hash_table_lookup(l->models, user);
    if (m && !model_is_stale(m))
        return m;
    if (!model_store_is_user(user)) {
        *text_r = g_strdup("that is no user: a lower-case address is wanted");
        return NULL;
    }
    if (g_hash_table_size(l->models) >= MODELS_OPEN)
        g_hash_table_remove_all(l->models);
    m = model_open(l->settings->state_dir, user, true, text_r);
    if (m && !unclaimed_move(l, user, m)) {
        *text_r = g_strdup("the user's records cannot be moved into the user's store now");
        model_free(&m);
    }
    if (m)
        g_hash_table_replace(l->models, g_strdup(user), m);
    return m;
}
