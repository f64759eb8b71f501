/* envelope: what the client said before the message. Strings are owned (g_free). */
#ifndef BASE_MAIL_ENVELOPE_H
#define BASE_MAIL_ENVELOPE_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"

struct recipient {
    char *address;    /* as the client wrote it, without <> */
    char *parameters; /* ORCPT=... NOTIFY=..., "" if none */
    GPtrArray *users; /* of char*; empty: not ours */
    char **others;    /* milter: the other addresses that share this copy; else NULL */
};

struct envelope {
    const struct listener *listener; /* lent; NULL in filterd-pipe */
    char *client_name, *client_addr, *client_port, *client_proto, *client_helo;
    char *queue_id, *client_source; /* XFORWARD IDENT and SOURCE */
    char *helo;                     /* of the session itself */
    char *sender;                   /* "" is the null sender */
    char *body_type, *ret, *envid;  /* 7BIT|8BITMIME, RET, ENVID; NULL if not given */
    bool smtputf8;
    GPtrArray *recipients; /* of struct recipient* */
};

struct envelope *envelope_new(const struct listener *listener);
void envelope_free(struct envelope **e);
/* Forgets sender, recipients and what XFORWARD said (RSET, next message), keeps the session's HELO. */
void envelope_reset(struct envelope *e);
struct recipient *envelope_add_recipient(struct envelope *e, const char *address,
                                         const char *parameters);

#endif
