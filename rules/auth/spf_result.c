/* The words for SPF results. Called to write headers and log lines. */
#include "rules/auth/spf_result.h"

#include <stddef.h>

const char *spf_code_word(enum spf_code code)
{
    static const char *const words[] = {"none", "neutral", "pass", "fail",
                                        "softfail", "temperror", "permerror"};
    return (size_t)code < sizeof words / sizeof *words ? words[code] : "temperror";
}
