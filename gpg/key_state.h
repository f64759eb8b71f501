/* key_state: what a user's keys are good for. */
#ifndef GPG_KEY_STATE_H
#define GPG_KEY_STATE_H

enum key_state { KEY_UNREADABLE = 0, KEY_NONE, KEY_GOOD, KEY_BAD };

#endif
