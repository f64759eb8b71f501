#include "base/version.h"

#include <stdio.h>
#include <sysexits.h>

/* From the Makefile, for this file only: another version is one object to compile. */
const char version_number[] = FILTERD_VERSION;

int version_print(const char *program)
{
    printf("%s %s\n", program, version_number);
    return fflush(stdout) ? EX_IOERR : EX_OK;
}
