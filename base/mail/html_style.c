/* The part of CSS and of HTML's colour attributes that decides whether text is visible. Called by html.c. */
#include "base/mail/html_style.h"

#include <glib.h>
#include <string.h>

#include "base/mail/html_note.h"

#define NEAR 60 /* sum of the differences in red, green and blue below which text is not visible */

struct range {
    const char *p;
    size_t len;
};

static const struct {
    const char *name;
    uint32_t colour;
} colours[] = {
    {"black", 0x000000}, {"white", 0xFFFFFF}, {"red", 0xFF0000},    {"green", 0x008000},
    {"blue", 0x0000FF},  {"yellow", 0xFFFF00}, {"gray", 0x808080},  {"grey", 0x808080},
    {"silver", 0xC0C0C0}, {"navy", 0x000080}, {"maroon", 0x800000}, {"olive", 0x808000},
    {"purple", 0x800080}, {"teal", 0x008080}, {"aqua", 0x00FFFF},   {"lime", 0x00FF00},
    {"fuchsia", 0xFF00FF}, {"orange", 0xFFA500}, {"snow", 0xFFFAFA}, {"ivory", 0xFFFFF0},
    {"whitesmoke", 0xF5F5F5}, {"ghostwhite", 0xF8F8FF}, {"floralwhite", 0xFFFAF0},
};

static bool is(struct range r, const char *word)
{
    return strlen(word) == r.len && g_ascii_strncasecmp(r.p, word, r.len) == 0;
}

static struct range trimmed(const char *p, size_t len)
{
    while (len > 0 && (g_ascii_isspace(*p) || *p == '"' || *p == '\''))
        p++, len--;
    while (len > 0 && (g_ascii_isspace(p[len - 1]) || p[len - 1] == '"' || p[len - 1] == '\''))
        len--;
    return (struct range){p, len};
}

/* Reads a number and its unit; false if there is none. */
static bool read_number(struct range r, double *number_r, struct range *unit_r)
{
    size_t i = 0;
    double number = 0, place = 1;
    const bool minus = r.len > 0 && r.p[0] == '-';
    const size_t start = i = minus;
    bool behind = false;
    for (; i < r.len && i < 12 && (g_ascii_isdigit(r.p[i]) || (r.p[i] == '.' && !behind)); i++) {
        if (r.p[i] == '.') {
            behind = true;
            continue;
        }
        place /= behind ? 10 : 1;
        number = behind ? number + place * (r.p[i] - '0') : number * 10 + (r.p[i] - '0');
    }
    *number_r = minus ? -number : number;
    *unit_r = trimmed(r.p + i, r.len - i);
    return i > start;
}

/* Reads rgb(255, 255, 255), also with percentages and alpha. */
static uint32_t rgb(struct range r)
{
    uint32_t colour = 0;
    const char *p = memchr(r.p, '(', r.len), *end = r.p + r.len;
    for (int i = 0; p && i < 3; i++) {
        struct range unit;
        double n;
        if (p++ == end) /* fewer than three */
            return HTML_STYLE_UNKNOWN;
        const struct range part = trimmed(p, (size_t)(end - p));
        if (!read_number(part, &n, &unit))
            return HTML_STYLE_UNKNOWN;
        n = unit.len > 0 && *unit.p == '%' ? n * 2.55 : n;
        colour = colour << 8 | (uint32_t)CLAMP(n, 0, 255);
        for (p = unit.p; p < end && *p != ',' && !g_ascii_isdigit(*p); p++)
            ;
        p = p < end && *p != ',' ? p - 1 : p;
    }
    return p ? colour : HTML_STYLE_UNKNOWN;
}

static uint32_t hex(const char *p, size_t len)
{
    uint32_t colour = 0;
    if (len != 3 && len != 4 && len != 6 && len != 8)
        return HTML_STYLE_UNKNOWN;
    for (size_t i = 0; i < (len < 6 ? 3 : 6); i++) {
        const int digit = g_ascii_xdigit_value(p[i]);
        if (digit < 0)
            return HTML_STYLE_UNKNOWN;
        colour = len < 6 ? colour << 8 | (uint32_t)digit * 17 : colour << 4 | (uint32_t)digit;
    }
    return colour;
}

static uint32_t colour_of(struct range r)
{
    if (r.len > 0 && *r.p == '#')
        return hex(r.p + 1, r.len - 1);
    if (r.len > 4 && g_ascii_strncasecmp(r.p, "rgb", 3) == 0)
        return rgb(r);
    for (size_t i = 0; i < G_N_ELEMENTS(colours); i++)
        if (is(r, colours[i].name))
            return colours[i].colour;
    return hex(r.p, r.len);
}

void html_style_colour(struct html_style *s, const char *value, size_t len, bool background)
{
    struct range r = trimmed(value, len);
    if (background && is(r, "transparent"))
        return;
    if (is(r, "inherit"))
        return;
    *(background ? &s->background : &s->colour) = colour_of(r);
    s->coloured = true;
}

/* "background" holds more than a colour: takes the first colour word, unless there is a picture. */
static void read_background(struct html_style *s, struct range r)
{
    if (memmem(r.p, r.len, "url", 3) || memmem(r.p, r.len, "gradient", 8)) {
        s->background = HTML_STYLE_UNKNOWN;
        return;
    }
    size_t n = 0;
    while (n < r.len && (!g_ascii_isspace(r.p[n]) || memchr(r.p, '(', n)))
        n++;
    html_style_colour(s, r.p, n, true);
}

static bool is_tiny(double number, struct range unit)
{
    if (unit.len == 0 || is(unit, "px") || is(unit, "pt"))
        return number <= 2;
    if (*unit.p == '%')
        return number <= 15;
    return (is(unit, "em") || is(unit, "rem")) && number <= 0.15;
}

static void set(struct html_style *s, int note, bool hidden)
{
    s->hidden = hidden ? s->hidden | note : s->hidden & ~note;
}

static void read_property(struct html_style *s, struct range name, struct range value)
{
    double number;
    struct range unit;
    if (is(name, "color"))
        html_style_colour(s, value.p, value.len, false);
    else if (is(name, "background-color"))
        html_style_colour(s, value.p, value.len, true);
    else if (is(name, "background"))
        read_background(s, value);
    else if (is(name, "background-image") && !is(value, "none"))
        s->background = HTML_STYLE_UNKNOWN;
    else if (is(name, "display"))
        s->hidden |= value.len >= 4 && g_ascii_strncasecmp(value.p, "none", 4) == 0 ? HTML_NOTE_DISPLAY : 0;
    else if (is(name, "visibility"))
        set(s, HTML_NOTE_INVISIBLE, value.len >= 6 && g_ascii_strncasecmp(value.p, "hidden", 6) == 0);
    else if (!read_number(value, &number, &unit))
        return;
    else if (is(name, "font-size"))
        set(s, HTML_NOTE_SIZE, is_tiny(number, unit));
    else if (is(name, "opacity"))
        s->hidden |= number < 0.05 ? HTML_NOTE_INVISIBLE : 0;
    else if (is(name, "max-height"))
        s->hidden |= number == 0 ? HTML_NOTE_DISPLAY : 0;
    else if (is(name, "text-indent"))
        s->hidden |= number < -500 ? HTML_NOTE_INVISIBLE : 0;
}

void html_style_read(struct html_style *s, const char *css, size_t len)
{
    const char *p = css, *end = css + len;
    while (p < end) {
        const char *stop = memchr(p, ';', (size_t)(end - p));
        stop = stop ? stop : end;
        const char *colon = memchr(p, ':', (size_t)(stop - p));
        if (colon) {
            const struct range name = trimmed(p, (size_t)(colon - p));
            const struct range value = trimmed(colon + 1, (size_t)(stop - colon - 1));
            read_property(s, name, value);
        }
        p = stop + (stop < end);
    }
}

static uint32_t difference(uint32_t a, uint32_t b)
{
    uint32_t sum = 0;
    for (int shift = 0; shift < 24; shift += 8)
        sum += (uint32_t)abs((int)(a >> shift & 0xFF) - (int)(b >> shift & 0xFF));
    return sum;
}

int html_style_hidden(const struct html_style *s)
{
    int hidden = s->hidden;
    if (s->coloured && s->colour != HTML_STYLE_UNKNOWN && s->background != HTML_STYLE_UNKNOWN &&
        difference(s->colour, s->background) < NEAR)
        hidden |= HTML_NOTE_COLOUR;
    return hidden;
}
