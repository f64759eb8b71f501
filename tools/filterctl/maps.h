/* filterctl_maps: a list of Postfix's lookup tables ("hash:/etc/aliases, pcre:..."), read by postmap(1).
 * Some kinds of table can be listed, others only be asked for a key. */
#ifndef TOOLS_FILTERCTL_MAPS_H
#define TOOLS_FILTERCTL_MAPS_H

#include <glib.h>

struct filterctl_maps;

/* config_dir NULL: postmap's default. Never returns NULL. */
struct filterctl_maps *filterctl_maps_new(const char *config_dir, const char *list);
void filterctl_maps_free(struct filterctl_maps **m);
/* The value in the first table that has the key; NULL if none has it. Lent. */
const char *filterctl_maps_get(struct filterctl_maps *m, const char *key);
/* Asks those tables that cannot be listed about many keys (array of char*) in one run each, so that
 * filterctl_maps_get need not run postmap for every key. */
void filterctl_maps_ask(struct filterctl_maps *m, const GPtrArray *keys);
/* Calls fn with each key of the tables that can be listed. */
void filterctl_maps_each(struct filterctl_maps *m, void (*fn)(const char *key, void *arg), void *arg);
/* Calls fn with each table that cannot be listed. why NULL: tables of its kind never can; else why this
 * one failed. */
void filterctl_maps_each_unlisted(const struct filterctl_maps *m,
                                  void (*fn)(const char *table, const char *why, void *arg), void *arg);
/* The words of a Postfix list: separated by commas and blanks; what stands in braces or double quotes is
 * one word. g_strfreev. */
char **filterctl_maps_words(const char *list);
/* Where "filterctl setup" has its copy of a Postfix map file; g_free. settings_file: filterd.conf. */
char *filterctl_maps_copy_of(const char *settings_file, const char *map_file);

#endif
