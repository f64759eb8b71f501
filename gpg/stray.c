/* Remembers that a gpg could not be ended. Called by child.c, and by seal.c for the worker, which then ends. */
#include "gpg/stray.h"

static bool left;

void stray_note(void)
{
    left = true;
}

bool stray_is_left(void)
{
    return left;
}
