/* The answer to --version, for all programs. */
#include "base/version.h"

#include <stdio.h>
#include <sysexits.h>

/* The Makefile defines FILTERD_VERSION for this file only: a new version recompiles one object. */
const char version_number[] = FILTERD_VERSION;

int version_print(const char *program)
{
    printf("%s %s\n", program, version_number);
    return fflush(stdout) ? EX_IOERR : EX_OK;
}
