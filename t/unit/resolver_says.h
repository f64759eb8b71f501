/* resolver_says: what the name server of resolver_test.c answers, by the name it is asked for. */
#ifndef T_UNIT_RESOLVER_SAYS_H
#define T_UNIT_RESOLVER_SAYS_H

#include <glib.h>
#include <stdbool.h>

#include "base/dns/dns_answer.h"
#include "t/unit/resolver_world.h"

static struct packet rdata(const char *bytes, size_t len)
{
    struct packet p = {.len = len};
    memcpy(p.data, bytes, len);
    return p;
}

static struct packet name_data(const char *name)
{
    struct packet p = {0};
    put_name(&p, name);
    return p;
}

static void one(struct packet *p, const struct packet *q, int type, const struct packet *data)
{
    begin_answer(p, q, 0x8180, (unsigned[]){1, 0});
    put_rr(p, NULL, type, 60, data);
}

static bool say_address(struct packet *p, const struct packet *q, char last)
{
    struct packet data = rdata((char[]){(char)192, 0, 2, last}, 4);
    one(p, q, DNS_A, &data);
    return true;
}

/* Each time another address, so that the test sees whether it was asked again. */
static bool say_count(struct packet *p, const struct packet *q, unsigned ttl)
{
    static char count;
    struct packet data = rdata((char[]){(char)192, 0, 2, ++count}, 4);
    begin_answer(p, q, 0x8180, (unsigned[]){1, 0});
    put_rr(p, NULL, DNS_A, ttl, &data);
    return true;
}

static bool say_no(struct packet *p, const struct packet *q, unsigned flags, bool soa)
{
    struct packet data = {0};
    begin_answer(p, q, flags, (unsigned[]){0, soa});
    put_name(&data, "ns.test");
    put_name(&data, "hostmaster.test");
    for (int i = 0; i < 4; i++)
        put(&data, "\0\0\x03\xe8", 4);
    put(&data, "\0\0\0\x05", 4); /* minimum: 5 s */
    if (soa)
        put_rr(p, "test", 6, 3600, &data);
    return true;
}

static bool say_alias(struct packet *p, const struct packet *q, const char *to, bool more)
{
    struct packet target = name_data(to);
    struct packet address = rdata((char[]){(char)192, 0, 2, 77}, 4);
    begin_answer(p, q, 0x8180, (unsigned[]){1u + more, 0});
    put_rr(p, NULL, DNS_CNAME, 3, &target);
    if (more)
        put_rr(p, to, DNS_A, 60, &address);
    return true;
}

/* 12 strings of 250 bytes; only over TCP. */
static bool say_long(struct packet *p, const struct packet *q, bool tcp)
{
    struct packet data = {0};
    char text[251];
    begin_answer(p, q, 0x8380, (unsigned[]){0, 0});
    if (!tcp)
        return true;
    memset(text, 'x', sizeof text);
    text[0] = (char)250;
    text[100] = 0;
    for (int i = 0; i < 12; i++)
        put(&data, text, 251);
    one(p, q, DNS_TXT, &data);
    return true;
}

/* 900 bytes, for who says with EDNS that he takes them; over TCP somebody else's. */
static bool say_medium(struct packet *p, const struct packet *q, bool tcp)
{
    struct packet data = {0};
    char text[226];
    const bool edns = q->len > 12 && q->data[11] == 1;
    memset(text, tcp ? 't' : 'u', sizeof text);
    text[0] = (char)225;
    for (int i = 0; i < 4; i++)
        put(&data, text, sizeof text);
    begin_answer(p, q, 0x8380, (unsigned[]){0, 0});
    if (edns || tcp)
        one(p, q, DNS_TXT, &data);
    return true;
}

static bool say_garbage(struct packet *p, const struct packet *q, const char *kind)
{
    struct packet bad;
    if (!strcmp(kind, "short")) {
        begin_answer(p, q, 0x8180, (unsigned[]){1, 0});
    } else if (!strcmp(kind, "length")) {
        say_address(p, q, 1);
        p->data[p->len - 5] = 200;
    } else if (!strcmp(kind, "three")) {
        bad = rdata("\xc0\0\2", 3);
        one(p, q, DNS_A, &bad);
    } else if (!strcmp(kind, "loop")) { /* a name that points at itself */
        say_address(p, q, 1);
        p->data[p->len - 16] = 0xc0;
        p->data[p->len - 15] = (unsigned char)(p->len - 16);
    } else { /* a string longer than the record */
        bad = rdata("\x09short", 6);
        one(p, q, DNS_TXT, &bad);
    }
    return true;
}

/* First what nobody asked: another id, or the right one and another name. Then, as nobody can tell how soon the
 * question comes again, the answer at once behind it. */
static bool say_stray(struct packet *p, const struct packet *q, bool other_name)
{
    say_address(p, q, 66);
    p->data[other_name ? 13 : 0] ^= 0x15;
    world_also(p);
    return say_address(p, q, 9);
}

/* Slower than all its other answers; the resolver waits. */
static bool say_slow(struct packet *p, const struct packet *q)
{
    usleep(1500 * 1000);
    return say_address(p, q, 1);
}

static int silences_so_far;

static bool answer(struct packet *p, const struct packet *q, const char *name, int type, bool tcp)
{
    if (!strcmp(name, "ok.test") || g_str_has_suffix(name, ".ok.test"))
        return say_address(p, q, 1);
    if (!strcmp(name, "count.test"))
        return say_count(p, q, 30);
    if (!strcmp(name, "always.test"))
        return say_count(p, q, 0);
    if (g_str_has_prefix(name, "none."))
        return say_no(p, q, 0x8180, true);
    if (g_str_has_prefix(name, "nx."))
        return say_no(p, q, 0x8183, true);
    if (g_str_has_prefix(name, "servfail."))
        return say_no(p, q, 0x8182, false);
    if (g_str_has_prefix(name, "formerr."))
        return say_no(p, q, 0x8181, false);
    if (!strcmp(name, "alias.test"))
        return say_alias(p, q, "target.test", true);
    if (!strcmp(name, "far.test"))
        return say_alias(p, q, "ok.test", false);
    if (!strcmp(name, "ring.test"))
        return say_alias(p, q, "ring2.test", false);
    if (!strcmp(name, "ring2.test"))
        return say_alias(p, q, "ring.test", false);
    if (g_str_has_suffix(name, "medium.test"))
        return say_medium(p, q, tcp);
    if (!strcmp(name, "long.test"))
        return say_long(p, q, tcp);
    if (g_str_has_suffix(name, ".garbage.test"))
        return say_garbage(p, q, g_strndup(name, strcspn(name, ".")));
    if (g_str_has_suffix(name, "stray.test"))
        return say_stray(p, q, name[0] == 'o');
    if (!strcmp(name, "slow.test"))
        return say_slow(p, q);
    if (!strcmp(name, "silent.test"))
        return silences_so_far++ < 0;
    if (!strcmp(name, "silences.test")) {
        struct packet data = rdata((char[]){(char)192, 0, 2, (char)silences_so_far}, 4);
        begin_answer(p, q, 0x8180, (unsigned[]){1, 0});
        put_rr(p, NULL, DNS_A, 0, &data);
        return true;
    }
    if (!strcmp(name, "mx.test") || !strcmp(name, "odd.test")) {
        struct packet data = rdata("\0\x0a", 2);
        put(&data, name[0] == 'm' ? "\x02mx\x04test" : "\x03" "a.\n\x04test", name[0] == 'm' ? 9 : 10);
        one(p, q, DNS_MX, &data);
        return true;
    }
    return *name == 0 && type == 2 && say_no(p, q, 0x8180, false);
}

#endif
