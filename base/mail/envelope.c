/* The envelope of a message. Filled by the LMTP, SMTP and milter sessions and filterd-pipe, read by the
 * pipeline and the rules. */
#include "base/mail/envelope.h"

static void recipient_free(void *data)
{
    struct recipient *r = data;
    g_free(r->address);
    g_free(r->parameters);
    g_ptr_array_unref(r->users);
    g_strfreev(r->others);
    g_free(r);
}

struct envelope *envelope_new(const struct listener *listener)
{
    struct envelope *e = g_new0(struct envelope, 1);
    e->listener = listener;
    e->recipients = g_ptr_array_new_with_free_func(recipient_free);
    return e;
}

/* XFORWARD describes one message. For a local message that follows, Postfix sends none: it must not inherit the
 * client of the message before. */
static void forget_client(struct envelope *e)
{
    char **const said[] = {&e->client_name, &e->client_addr, &e->client_port,  &e->client_proto,
                           &e->client_helo, &e->queue_id,    &e->client_source};
    for (size_t i = 0; i < G_N_ELEMENTS(said); i++)
        g_clear_pointer(said[i], g_free);
}

void envelope_reset(struct envelope *e)
{
    forget_client(e);
    g_clear_pointer(&e->sender, g_free);
    g_clear_pointer(&e->body_type, g_free);
    g_clear_pointer(&e->ret, g_free);
    g_clear_pointer(&e->envid, g_free);
    e->smtputf8 = false;
    g_ptr_array_set_size(e->recipients, 0);
}

void envelope_free(struct envelope **e)
{
    if (!*e)
        return;
    envelope_reset(*e);
    g_ptr_array_unref((*e)->recipients);
    g_free((*e)->helo);
    g_clear_pointer(e, g_free);
}

struct recipient *envelope_add_recipient(struct envelope *e, const char *address,
                                         const char *parameters)
{
    struct recipient *r = g_new0(struct recipient, 1);
    r->address = g_strdup(address);
    r->parameters = g_strdup(parameters ? parameters : "");
    r->users = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(e->recipients, r);
    return r;
}
