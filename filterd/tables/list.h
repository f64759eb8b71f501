/* list: the lists of main.cf, with commas or blanks between their items and braces around what holds such. */
#ifndef FILTERD_TABLES_LIST_H
#define FILTERD_TABLES_LIST_H

#include <stdbool.h>

/* The next item of a list, braces and all, NULL at its end; moves *at behind it. A separator within braces does
 * not separate. g_free. */
char *list_next(const char **at);
/* The inside of "{ ... }", without the blanks around it. NULL with *why_r (static) if text is not that. g_free. */
char *list_inside(const char *text, const char **why_r);
/* Splits "name = value" and takes the blanks off both; either may be empty. False if there is no =, or a blank in the
 * name. g_free. */
bool list_pair(const char *text, char **name_r, char **value_r);

#endif
