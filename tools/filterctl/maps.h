/* filterctl_maps: a list of Postfix's lookup tables ("hash:/etc/aliases, pcre:..."), read by its own
 * postmap(1). Some kinds can be listed, others only asked. */
#ifndef TOOLS_FILTERCTL_MAPS_H
#define TOOLS_FILTERCTL_MAPS_H

#include <glib.h>

struct filterctl_maps;

/* config_dir NULL: Postfix's own. Never NULL. */
struct filterctl_maps *filterctl_maps_new(const char *config_dir, const char *list);
void filterctl_maps_free(struct filterctl_maps **m);
/* What the first table that has the key says; NULL if none does. Lent. */
const char *filterctl_maps_get(struct filterctl_maps *m, const char *key);
/* Asks the tables that cannot be listed about many keys at once (array of char*), so that
 * filterctl_maps_get need not ask about each. */
void filterctl_maps_ask(struct filterctl_maps *m, const GPtrArray *keys);
/* Each key of the tables that can be listed. */
void filterctl_maps_each(struct filterctl_maps *m, void (*fn)(const char *key, void *arg), void *arg);
/* Each table that cannot; why NULL: such tables can be asked only, else why that failed, too. */
void filterctl_maps_each_unlisted(const struct filterctl_maps *m,
                                  void (*fn)(const char *table, const char *why, void *arg), void *arg);
/* The words of a Postfix list: split at commas and blanks, what stands in braces or double quotes
 * kept together. Free with g_strfreev. */
char **filterctl_maps_words(const char *list);

#endif
