/* keeper_role: the roles in which a process may send requests to the keeper. A peer may have several (see
 * peer_credentials.h). */
#ifndef FILTERD_KEEPER_KEEPER_ROLE_H
#define FILTERD_KEEPER_KEEPER_ROLE_H

enum keeper_role {
    KEEPER_NOBODY = 0,
    KEEPER_WORKER = 1 << 0,        /* sends what the message at hand needs */
    KEEPER_MAIL_USER = 1 << 1,     /* Dovecot's user: trains the filter of a login */
    KEEPER_ADMINISTRATOR = 1 << 2, /* filterctl: users, aliases, training in bulk */
    KEEPER_IMPORTER = 1 << 3,      /* notes who has a key that came from a column */
    KEEPER_ALL_ROLES = KEEPER_WORKER | KEEPER_MAIL_USER | KEEPER_ADMINISTRATOR | KEEPER_IMPORTER,
};

#endif
