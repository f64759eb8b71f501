/* The limits of the process and the record of those a message has met. Set from [limits] by each process (names and
 * bounds: settings.c); asked by whatever reads mail. */
#include "base/config/limits.h"

#include <glib.h>
#include <time.h>

#define KB ((size_t)1024)

const struct limits limits_default = {
    .header_bytes = 512 * KB,
    .header_count = 2000,
    .address_bytes = 64 * KB,
    .line_bytes = 100 * KB,
    .parts = 2000, /* [limits] mime_parts */
    .nesting = 100,
    .encoded_words = 1000,
    .tokens = 4096,
    .uris = 2000,
    .signatures = 10,
    .recipients = 1000,
    .data_seconds = 300,
    .cpu_seconds = 10, /* over ten times the worst message known */
    .bytes_in_flight = 512 * KB * KB,
};

static struct limits now;
static bool set;

void limits_set(const struct limits *l)
{
    now = *l;
    set = true;
}

const struct limits *limits_get(void)
{
    return set ? &now : &limits_default;
}

void limits_note(struct limits_met *met, enum limits_note n)
{
    if (met)
        met->notes |= 1u << n;
}

static int64_t used_us(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000;
}

void limits_begin(struct limits_met *met)
{
    met->began = used_us();
}

bool limits_time_is_up(struct limits_met *met)
{
    if (used_us() - met->began < limits_get()->cpu_seconds * (int64_t)G_USEC_PER_SEC)
        return false;
    limits_note(met, LIMITS_TIME);
    return true;
}

const char *limits_noted(const struct limits_met *met)
{
    static const char *const words[LIMITS_NOTES] = {
        "header-size", "header-count", "address",  "line-length", "parts",
        "nesting",     "encoded-words", "tokens", "uris",        "signatures", "time"};
    static char text[160];
    *text = '\0';
    for (size_t i = 0; i < LIMITS_NOTES; i++) {
        if (!(met->notes & 1u << i))
            continue;
        g_strlcat(text, *text ? "," : "", sizeof text);
        g_strlcat(text, words[i], sizeof text);
    }
    return text;
}
