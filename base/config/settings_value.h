/* settings_value: one reader for each kind of value that a setting can have. */
#ifndef BASE_CONFIG_SETTINGS_VALUE_H
#define BASE_CONFIG_SETTINGS_VALUE_H

#include <stdbool.h>
#include <stddef.h>

/* One row of the table of settings. */
struct setting_kind {
    const char *group, *name;
    /* Parses value into *field; if it returns false, *field is unchanged. NULL: the name is known, but not
     * supported in this version. */
    bool (*read)(const struct setting_kind *k, const char *value, void *field);
    size_t offset;        /* of the field, in struct settings or struct listener */
    const char *words;    /* "pass|defer|reject": the field becomes first + the index of the word */
    const char *later;    /* words that a later version will accept */
    double first, last;   /* bounds of numbers */
    const char *expected; /* for the error message; NULL: made from words or bounds */
};

bool settings_value_word(const struct setting_kind *k, const char *value, void *field); /* int */
bool settings_value_flag(const struct setting_kind *k, const char *value, void *field); /* bool */
/* Accepts one of words and stores nothing. */
bool settings_value_noop(const struct setting_kind *k, const char *value, void *field);
bool settings_value_int(const struct setting_kind *k, const char *value, void *field);
bool settings_value_size(const struct setting_kind *k, const char *value, void *field);
bool settings_value_fraction(const struct setting_kind *k, const char *value, void *field);
bool settings_value_domain(const struct setting_kind *k, const char *value, void *field);
bool settings_value_login(const struct setting_kind *k, const char *value, void *field);
bool settings_value_path(const struct setting_kind *k, const char *value, void *field);
bool settings_value_address(const struct setting_kind *k, const char *value, void *field);
bool settings_value_tag(const struct setting_kind *k, const char *value, void *field);
bool settings_value_token(const struct setting_kind *k, const char *value, void *field);
bool settings_value_delimiter(const struct setting_kind *k, const char *value, void *field);
bool settings_value_domains(const struct setting_kind *k, const char *value, void *field);
/* Addresses, domains, and .domain or @domain. */
bool settings_value_senders(const struct setting_kind *k, const char *value, void *field);
bool settings_value_networks(const struct setting_kind *k, const char *value, void *field);
bool settings_value_trainers(const struct setting_kind *k, const char *value, void *field);
/* Postfix maps: TYPE:NAME or TYPE:{...}, several with blanks or commas between. */
bool settings_value_maps(const struct setting_kind *k, const char *value, void *field);
bool settings_value_endpoint(const struct setting_kind *k, const char *value, void *field);
/* The address of a name server; its port is 53 if none is given. */
bool settings_value_server(const struct setting_kind *k, const char *value, void *field);
/* unix:/PATH only */
bool settings_value_socket(const struct setting_kind *k, const char *value, void *field);
bool settings_value_hop(const struct setting_kind *k, const char *value, void *field);

/* The index of value in "a|b|c", -1 if it is not there. */
int settings_value_index(const char *words, const char *value);
/* The word at index place; g_free. */
char *settings_value_name(const char *words, int place);

#endif
