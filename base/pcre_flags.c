/* Flags of patterns. Called for header_checks (rules/anonymize_table.c) and for pcre: tables (filterd/tables). */
#include "base/pcre_flags.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

bool pcre_flags_read(const char **at, uint32_t *options_r)
{
    *options_r = PCRE2_CASELESS | PCRE2_DOTALL;
    for (; **at && !strchr(" \t\r\n\v\f", **at); (*at)++) {
        switch (**at) {
        case 'i': *options_r ^= PCRE2_CASELESS; break;
        case 'm': *options_r ^= PCRE2_MULTILINE; break;
        case 's': *options_r ^= PCRE2_DOTALL; break;
        case 'x': *options_r ^= PCRE2_EXTENDED; break;
        case 'A': *options_r ^= PCRE2_ANCHORED; break;
        case 'E': *options_r ^= PCRE2_DOLLAR_ENDONLY; break;
        case 'U': *options_r ^= PCRE2_UNGREEDY; break;
        case 'X': break; /* always on in PCRE2 */
        default: return false;
        }
    }
    return true;
}
