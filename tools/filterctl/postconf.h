/* filterctl_postconf: Postfix's settings, as its postconf(1) tells them. */
#ifndef TOOLS_FILTERCTL_POSTCONF_H
#define TOOLS_FILTERCTL_POSTCONF_H

#include <stdbool.h>

struct filterctl_postconf;

/* Reads all settings and services once. config_dir NULL: Postfix's own. NULL with *error_r (one
 * line, g_free) where there is no Postfix, or it cannot read its settings. */
struct filterctl_postconf *filterctl_postconf_read(const char *config_dir, char **error_r);
void filterctl_postconf_free(struct filterctl_postconf **p);
/* A setting of main.cf (or its default) with $names expanded; "" if there is none. Lent. */
const char *filterctl_postconf_get(const struct filterctl_postconf *p, const char *name);
/* The same as a service of master.cf ("smtp/inet") has it: its own -o, else that of main.cf. */
const char *filterctl_postconf_service_get(const struct filterctl_postconf *p, const char *context,
                                           const char *name);
/* Its command line; NULL if there is no such service. Lent. */
const char *filterctl_postconf_command(const struct filterctl_postconf *p, const char *context);
/* How many processes it may have; 0: any number. */
int filterctl_postconf_process_limit(const struct filterctl_postconf *p, const char *context);
/* Each service: its name ("smtp/inet") and its command line ("smtpd -o ..."). */
void filterctl_postconf_each_service(const struct filterctl_postconf *p,
                                     void (*fn)(const char *context, const char *command, void *arg),
                                     void *arg);
/* What config_dir was; NULL: Postfix's own. Lent. */
const char *filterctl_postconf_folder(const struct filterctl_postconf *p);

#endif
