/* lifetime: how long a gpg that filterd starts may live. */
#ifndef GPG_PRELOAD_LIFETIME_H
#define GPG_PRELOAD_LIFETIME_H

/* A gpg that has not finished after this time never will. */
#define LIFETIME_SECONDS 120

#endif
