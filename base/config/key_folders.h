/* key_folders: whose key folders lie in state_dir/keys; gpg/keyring.h says what is in one. */
#ifndef BASE_CONFIG_KEY_FOLDERS_H
#define BASE_CONFIG_KEY_FOLDERS_H

#include <stdbool.h>

#define KEY_FOLDERS "keys" /* in state_dir */

/* Calls fn for each user who has a key folder, by name. False if the folder of all users could not be read; it
 * being missing counts as empty. */
bool key_folders_each(const char *state_dir, void (*fn)(const char *user, void *arg), void *arg)
    __attribute__((warn_unused_result));

#endif
