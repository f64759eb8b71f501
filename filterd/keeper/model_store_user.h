/* model_store_user: the model store's requests about users and aliases. Each returns a sysexits code; *text_r
 * is one line (g_free) or left alone. */
#ifndef FILTERD_KEEPER_MODEL_STORE_USER_H
#define FILTERD_KEEPER_MODEL_STORE_USER_H

#include <glib.h>

#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/model_store_state.h"

int model_store_user_alias_add(struct model_store *l, const struct keeper_alias_add *wanted, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
int model_store_user_alias_remove(struct model_store *l, const struct keeper_alias_remove *wanted,
                             char **text_r) G_GNUC_WARN_UNUSED_RESULT;
int model_store_user_alias_set(struct model_store *l, const struct keeper_alias_set *wanted, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
int model_store_user_set(struct model_store *l, const struct keeper_user_set *wanted, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
int model_store_user_key_note(struct model_store *l, const struct keeper_key_note *wanted, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
/* Removes settings, memberships, model and records; not the keys. */
int model_store_user_remove(struct model_store *l, const struct keeper_user_remove *wanted, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
/* See export.h. *file_r: g_bytes_unref, or left alone. */
int model_store_user_export(struct model_store *l, const struct keeper_user_export *wanted, GBytes **file_r,
                       char **text_r) G_GNUC_WARN_UNUSED_RESULT;
int model_store_user_import(struct model_store *l, const struct keeper_user_import *wanted, char **text_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
