/* stray: whether a gpg outlived its deadline and its own timer. Nobody may kill it but the kernel, and that does so
 * when the process that started it ends. */
#ifndef GPG_STRAY_H
#define GPG_STRAY_H

#include <stdbool.h>

void stray_note(void);
bool stray_is_left(void);

#endif
