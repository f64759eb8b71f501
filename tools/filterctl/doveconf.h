/* filterctl_doveconf: the settings of Dovecot, as doveconf(1) prints them. */
#ifndef TOOLS_FILTERCTL_DOVECONF_H
#define TOOLS_FILTERCTL_DOVECONF_H

/* Runs doveconf with one option and maybe a name ("-n", NULL; "-h", "base_dir"). file NULL: its default. What it prints,
 * without blanks at its ends (g_free); NULL: it is not there, or fails. */
char *filterctl_doveconf(const char *file, const char *option, const char *name);
/* As whom Dovecot runs for its users, a name or a number (g_free); NULL: it is not known, or several. */
char *filterctl_doveconf_mail_user(const char *file);

#endif
