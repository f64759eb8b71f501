/* The words of SPF's results. Called by whoever writes a header or a line of the log. */
#include "rules/auth/spf_result.h"

#include <stddef.h>

const char *spf_code_word(enum spf_code code)
{
    static const char *const words[] = {"none", "neutral", "pass", "fail",
                                        "softfail", "temperror", "permerror"};
    return (size_t)code < sizeof words / sizeof *words ? words[code] : "temperror";
}
