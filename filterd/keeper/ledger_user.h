/* ledger_user: what the ledger does with users and aliases. Each returns a sysexits code, *text_r is
 * one line (g_free) or left alone. */
#ifndef FILTERD_KEEPER_LEDGER_USER_H
#define FILTERD_KEEPER_LEDGER_USER_H

#include <glib.h>

#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/ledger_state.h"

int ledger_user_alias_add(struct ledger *l, const struct keeper_alias_add *wanted, char **text_r);
int ledger_user_alias_remove(struct ledger *l, const struct keeper_alias_remove *wanted,
                             char **text_r);
int ledger_user_alias_set(struct ledger *l, const struct keeper_alias_set *wanted, char **text_r);
int ledger_user_set(struct ledger *l, const struct keeper_user_set *wanted, char **text_r);
/* Settings, memberships, model and records; not the keys. */
int ledger_user_remove(struct ledger *l, const struct keeper_user_remove *wanted, char **text_r);
/* See export.h. *file_r: g_bytes_unref, or left alone. */
int ledger_user_export(struct ledger *l, const struct keeper_user_export *wanted, GBytes **file_r,
                       char **text_r);
int ledger_user_import(struct ledger *l, const struct keeper_user_import *wanted, char **text_r);

#endif
