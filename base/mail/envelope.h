/* envelope: sender, recipients and client of one message, from SMTP/LMTP commands, milter macros or command
 * line. Strings are owned (g_free). */
#ifndef BASE_MAIL_ENVELOPE_H
#define BASE_MAIL_ENVELOPE_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"

struct recipient {
    char *address;    /* as the client sent it, without <> */
    char *parameters; /* ORCPT=... NOTIFY=..., "" if none */
    GPtrArray *users; /* of char*: the users behind the address; empty: none of ours */
    char **others;    /* milter: other addresses that get the same copy; else NULL */
};

struct envelope {
    const struct listener *listener; /* lent; NULL in filterd-pipe */
    char *client_name, *client_addr, *client_port, *client_proto, *client_helo;
    char *queue_id, *client_source; /* XFORWARD IDENT and SOURCE */
    char *helo;                     /* HELO of this session (of the MTA) */
    char *sender;                   /* "" is the null sender */
    char *body_type, *ret, *envid;  /* 7BIT|8BITMIME, RET, ENVID; NULL if not given */
    bool smtputf8;
    GPtrArray *recipients; /* of struct recipient* */
};

struct envelope *envelope_new(const struct listener *listener);
void envelope_free(struct envelope **e);
/* Clears sender, recipients and XFORWARD data (after RSET, or before the next message); keeps the session's
 * HELO. */
void envelope_reset(struct envelope *e);
struct recipient *envelope_add_recipient(struct envelope *e, const char *address,
                                         const char *parameters);

#endif
