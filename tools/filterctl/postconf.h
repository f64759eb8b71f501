/* filterctl_postconf: the settings of Postfix and its services, as postconf(1) prints them. */
#ifndef TOOLS_FILTERCTL_POSTCONF_H
#define TOOLS_FILTERCTL_POSTCONF_H

#include <glib.h>
#include <stdbool.h>

struct filterctl_postconf;

/* Reads all settings and services, once. config_dir NULL: postconf's default. NULL with *error_r (one
 * line, g_free) where there is no Postfix, or postconf fails. */
struct filterctl_postconf *filterctl_postconf_read(const char *config_dir, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void filterctl_postconf_free(struct filterctl_postconf **p);
/* A setting of main.cf, or its default, with $names expanded; "" if there is none. Lent. */
const char *filterctl_postconf_get(const struct filterctl_postconf *p, const char *name);
/* The setting that holds for a service of master.cf ("smtp/inet"): its own -o, else main.cf's. */
const char *filterctl_postconf_service_get(const struct filterctl_postconf *p, const char *context,
                                           const char *name);
/* The service's command line; NULL if there is no such service. Lent. */
const char *filterctl_postconf_command(const struct filterctl_postconf *p, const char *context);
/* True unless master.cf says that the service is not private. */
bool filterctl_postconf_is_private(const struct filterctl_postconf *p, const char *context);
/* True if master.cf says that the service is chrooted; its default depends on the compatibility level. */
bool filterctl_postconf_is_chrooted(const struct filterctl_postconf *p, const char *context);
/* The service's process limit; 0: none. */
int filterctl_postconf_process_limit(const struct filterctl_postconf *p, const char *context);
/* Calls fn with each service: its name ("smtp/inet") and its command line ("smtpd -o ..."). */
void filterctl_postconf_each_service(const struct filterctl_postconf *p,
                                     void (*fn)(const char *context, const char *command, void *arg),
                                     void *arg);
/* The config_dir it was read from; NULL: postconf's default. Lent. */
const char *filterctl_postconf_folder(const struct filterctl_postconf *p);

#endif
