/* ledger_user: what the ledger does with users and aliases. Arguments as filterd/keeper/keeper.h lists them;
 * each returns a sysexits code, *text_r is one line (g_free) or left alone. */
#ifndef FILTERD_KEEPER_LEDGER_USER_H
#define FILTERD_KEEPER_LEDGER_USER_H

#include "filterd/keeper/ledger_state.h"

int ledger_user_alias_add(struct ledger *l, GVariant *arguments, char **text_r);
int ledger_user_alias_remove(struct ledger *l, GVariant *arguments, char **text_r);
int ledger_user_alias_set(struct ledger *l, GVariant *arguments, char **text_r);
int ledger_user_set(struct ledger *l, GVariant *arguments, char **text_r);
/* Settings, memberships, model and records; not the keys. */
int ledger_user_remove(struct ledger *l, GVariant *arguments, char **text_r);
/* See export.h. */
int ledger_user_export(struct ledger *l, GVariant *arguments, char **text_r);
int ledger_user_import(struct ledger *l, GVariant *arguments, char **text_r);

#endif
