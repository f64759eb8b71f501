/* postmap: the only place where Postfix's own programs are run, for what only they can tell: the content of a
 * compiled table, and how this Postfix asks its tables. */
#ifndef FILTERD_TABLES_POSTMAP_H
#define FILTERD_TABLES_POSTMAP_H

#include <glib.h>
#include <stdbool.h>

/* Runs "postmap -s type:name" and appends what it prints, "key TAB value" in each line. It is killed when it takes
 * too long or prints more than limit bytes. False with *error_r, its own first line if it said why. */
bool postmap_dump(const char *type, const char *name, gsize limit, GString *out, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

struct postmap_facts {
    bool utf8;        /* smtputf8_enable: keys are folded as UTF-8, and what is not UTF-8 is not found */
    int major, minor; /* mail_version */
};
/* Asked of postconf once in a process; if that cannot be run, those of a new Postfix as Debian sets it up. */
const struct postmap_facts *postmap_facts(void);
/* Sets them instead, for tests. */
void postmap_facts_set(bool utf8, int major, int minor);

#endif
