#include "base/message_limits.h"

#include <glib.h>
#include <string.h>

#define ADDRESS_MAX_BYTES (64 * 1024)
#define ADDRESS_MAX_GROUPS 5000
#define BOUNDARY_MAX 2000
#define FIELD_MAX 20000
#define PARAMETER_NAME_MAX 59

static const char *const address_headers[] = {
    "from:",        "to:",        "cc:",        "bcc:",        "sender:",       "reply-to:",
    "resent-from:", "resent-to:", "resent-cc:", "resent-bcc:", "resent-sender:"};

/* Where the line after p begins, or end. */
static const char *next_line(const char *p, const char *end)
{
    const char *eol = memchr(p, '\n', (size_t)(end - p));
    return eol ? eol + 1 : end;
}

/* Where the field that begins at p ends, with all its folded lines. */
static const char *field_end(const char *p, const char *end)
{
    do
        p = next_line(p, end);
    while (p < end && (*p == ' ' || *p == '\t'));
    return p;
}

/* GMime takes "Name :" for the name as well. */
static bool is_field(const char *p, const char *end, const char *name_and_colon)
{
    size_t len = strlen(name_and_colon) - 1;
    if ((size_t)(end - p) <= len || g_ascii_strncasecmp(p, name_and_colon, len) != 0)
        return false;
    for (p += len; p < end && (*p == ' ' || *p == '\t'); p++)
        ;
    return p < end && *p == ':';
}

static bool address_ok(const char *p, const char *end)
{
    size_t groups = 0;
    if (end - p > ADDRESS_MAX_BYTES)
        return false;
    for (; p < end; p++)
        groups += *p == ':';
    return groups <= ADDRESS_MAX_GROUPS;
}

static bool parameters_ok(const char *p, const char *end)
{
    size_t run = 0;
    for (; p < end; p++) {
        if (*p == '=' && run > PARAMETER_NAME_MAX)
            return false;
        run = strchr("; \t\r\n\"=", *p) ? 0 : run + 1;
    }
    return true;
}

/* Length of the field name at p, 0 if there is none: few lines of a body get past this. */
static size_t name_length(const char *p, const char *end)
{
    const char *q = p;
    while (q < end && (g_ascii_isalpha(*q) || *q == '-'))
        q++;
    const size_t n = (size_t)(q - p);
    while (q < end && (*q == ' ' || *q == '\t'))
        q++;
    return q < end && *q == ':' ? n : 0;
}

static bool field_ok(const char *p, const char *end)
{
    const size_t n = name_length(p, end);
    if (n == strlen("content-type") && is_field(p, end, "content-type:"))
        return parameters_ok(p, field_end(p, end));
    for (size_t i = 0; n > 0 && i < G_N_ELEMENTS(address_headers); i++)
        if (strlen(address_headers[i]) == n + 1 && is_field(p, end, address_headers[i]))
            return address_ok(p, field_end(p, end));
    return true;
}

/* After such a field another header follows the empty line. */
static bool announces_message(const char *p, const char *end)
{
    static const char type[] = "message/";
    if (!is_field(p, end, "content-type:"))
        return false;
    end = field_end(p, end);
    for (; (size_t)(end - p) >= sizeof type; p++)
        if (g_ascii_strncasecmp(p, type, strlen(type)) == 0)
            return true;
    return false;
}

bool message_limits_ok(const char *raw, size_t len)
{
    const char *end = raw + len;
    size_t boundaries = 0, fields = 0;
    bool in_header = true, nested = false;
    for (const char *p = raw; p < end; p = next_line(p, end)) {
        bool dashes = end - p >= 2 && p[0] == '-' && p[1] == '-';
        boundaries += dashes;
        if (dashes) {
            in_header = true;
        } else if (*p == '\r' || *p == '\n') {
            in_header = nested;
            nested = false;
        }
        fields += in_header;
        nested = nested || (in_header && announces_message(p, end));
        if (boundaries > BOUNDARY_MAX || fields > FIELD_MAX || !field_ok(p, end))
            return false;
    }
    return true;
}
