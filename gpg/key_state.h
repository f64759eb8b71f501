/* key_state: whether mail can be encrypted to a user's keys. */
#ifndef GPG_KEY_STATE_H
#define GPG_KEY_STATE_H

enum key_state { KEY_UNREADABLE = 0, KEY_NONE, KEY_GOOD, KEY_BAD };

#endif
