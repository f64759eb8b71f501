/* Carries out a worker's answer on the MTA's message, by libmilter's calls. Called by milter_connection.c. */
#include "filterd/session/milter_apply.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/result.h"
#include "filterd/session/milter_edits.h"

sfsistat milter_apply_outcome(SMFICTX *ctx, const struct outcome *o)
{
    char code[8];
    if (o->result == RES_OK)
        return SMFIS_CONTINUE;
    if (o->result == RES_DISCARD)
        return SMFIS_DISCARD;
    snprintf(code, sizeof code, "%d", o->code);
    if (strpbrk(o->text, "%\r\n") ||
        smfi_setreply(ctx, code, (char *)o->dsn, (char *)o->text) != MI_SUCCESS)
        log_warn("milter: a reply was not taken: %d %s", o->code, o->dsn);
    return o->result == RES_REJECT ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static int apply_edit(SMFICTX *ctx, GVariant *edit, bool leading_space)
{
    guchar kind;
    guint32 index;
    char *name, *value;
    g_variant_get(edit, MILTER_EDIT_FORMAT, &kind, &index, &name, &value);
    if (!leading_space && *value == ' ')
        value++;
    switch (kind) {
    case MILTER_EDIT_DELETE:
        return smfi_chgheader(ctx, name, (int)index, NULL);
    case MILTER_EDIT_CHANGE:
        return smfi_chgheader(ctx, name, (int)index, *value ? value : (char *)" ");
    case MILTER_EDIT_TOP:
        return smfi_insheader(ctx, 0, name, value);
    case MILTER_EDIT_APPEND:
        return smfi_addheader(ctx, name, value);
    default:
        return MI_FAILURE;
    }
}

static bool apply_edits(SMFICTX *ctx, GVariant *edits, bool leading_space)
{
    bool ok = true;
    for (gsize i = 0; ok && i < g_variant_n_children(edits); i++) {
        GVariant *edit = g_variant_get_child_value(edits, i);
        ok = apply_edit(ctx, edit, leading_space) == MI_SUCCESS;
        g_variant_unref(edit);
    }
    return ok;
}

/* Adds the new recipient before the old ones are removed: an MTA drops a message without recipients. */
static bool apply_recipient(SMFICTX *ctx, const char *to, const GPtrArray *recipients)
{
    g_autofree char *added = g_strdup_printf("<%s>", to);
    bool ok = smfi_addrcpt(ctx, added) == MI_SUCCESS;
    for (guint i = 0; ok && i < recipients->len; i++) {
        if (!g_ascii_strcasecmp(recipients->pdata[i], to))
            continue;
        g_autofree char *removed = g_strdup_printf("<%s>", (char *)recipients->pdata[i]);
        ok = smfi_delrcpt(ctx, removed) == MI_SUCCESS;
    }
    return ok;
}

static bool apply_body(SMFICTX *ctx, struct milter_client_copy *c)
{
    GVariant *chunk;
    bool failed = false;
    while (!failed && (chunk = milter_client_copy_body(c, &failed))) {
        const gsize len = g_variant_get_size(chunk);
        failed = smfi_replacebody(ctx, (unsigned char *)g_variant_get_data(chunk), (int)len) !=
                 MI_SUCCESS;
        g_variant_unref(chunk);
    }
    return !failed;
}

bool milter_apply_copy(SMFICTX *ctx, struct milter_client_copy *c, const GPtrArray *recipients,
                       bool leading_space)
{
    return apply_edits(ctx, c->edits, leading_space) &&
           (!c->to || apply_recipient(ctx, c->to, recipients)) && (!c->body || apply_body(ctx, c)) &&
           milter_client_copy_done(c);
}
