/* Prints one finding, as a line or as JSON, and remembers the worst level. Called by all checks. */
#include "tools/filterctl/check/finding.h"

#include <glib.h>
#include <stdarg.h>
#include <stdio.h>

void filterctl_check_tell(struct filterctl_check *c, enum filterctl_check_level level,
                          const char *subject, const char *format, ...)
{
    static const char *const words[] = {"ok", "warning", "bad"};
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    c->worst = MAX(c->worst, level);
    if (!c->ctl->json) {
        printf("%s\t%s\t%s\n", words[level], subject, text);
    } else {
        GString *out = g_string_new(c->lines ? ",\n" : "[");
        g_string_append_printf(out, "{\"result\":\"%s\",\"subject\":", words[level]);
        filterctl_json_string(out, subject);
        g_string_append(out, ",\"text\":");
        filterctl_json_string(out, text);
        printf("%s}", out->str);
        g_string_free(out, TRUE);
    }
    c->lines++;
}
