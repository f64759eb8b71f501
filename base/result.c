/* Every reply and exit code about a message or a recipient. A next hop's own reply passes through
 * (outcome_from_reply); replies to commands are in filterd/session/session_replies.c. Called wherever a session,
 * milter or pipe answers its MTA. */
#include "base/result.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
    enum result result;
    int code;
    const char *dsn, *text;
} table[REASON_COUNT] = {
    [REASON_UNFORESEEN] = {RES_TEMP, 451, "4.3.0", "Local trouble, try again later"},
    [REASON_OK] = {RES_OK, 250, "2.0.0", "Ok"},
    [REASON_DISCARDED] = {RES_DISCARD, 250, "2.0.0", "Ok, discarded"},
    [REASON_SPAM] = {RES_REJECT, 550, "5.7.1", "Message refused as spam"},
    [REASON_TOO_BIG] = {RES_REJECT, 552, "5.3.4", "Message size exceeds the limit"},
    [REASON_BARE_NEWLINE] = {RES_REJECT, 550, "5.6.0", "Bare CR or LF in the message"},
    [REASON_BAD_KEY_DEFER] = {RES_TEMP, 450, "4.7.5", "Recipient's key cannot be used at present"},
    [REASON_BAD_KEY_REJECT] = {RES_REJECT, 550, "5.7.5", "Recipient's key cannot be used"},
    [REASON_NO_KEY_DEFER] = {RES_TEMP, 450, "4.7.5", "Recipient has no key yet"},
    [REASON_NO_KEY_REJECT] = {RES_REJECT, 550, "5.7.5", "Recipient has no key"},
    [REASON_UNKNOWN_DEFER] = {RES_TEMP, 450, "4.1.1", "Recipient unknown at present"},
    [REASON_UNKNOWN_REJECT] = {RES_REJECT, 550, "5.1.1", "Recipient unknown"},
    [REASON_NEXT_HOP_DOWN] = {RES_TEMP, 451, "4.4.1", "Next hop does not answer, try again later"},
    [REASON_NEXT_HOP_FULL] = {RES_TEMP, 452, "4.3.1", "No space at the next hop, try again later"},
    [REASON_NEXT_HOP_SHUT] = {RES_TEMP, 451, "4.3.0", "Next hop cannot be written to, try again later"},
    [REASON_PARTIAL] = {RES_TEMP, 451, "4.3.0", "Not all recipients could be served, try again"},
    [REASON_NO_ROOM] = {RES_TEMP, 452, "4.3.1", "Too much mail at once, try again later"},
    [REASON_GREYLISTED] = {RES_TEMP, 451, "4.7.1", "Greylisted, please come back later"},
    [REASON_SERVED_BEFORE] = {RES_OK, 250, "2.0.0", "Ok, delivered before"},
    [REASON_NO_UTF8] = {RES_REJECT, 550, "5.6.7", "Next hop takes no internationalized mail"},
    [REASON_MIXED] = {RES_TEMP, 452, "4.5.3", "Recipients with and without a key want a message each"},
    [REASON_MIXED_REJECT] = {RES_REJECT, 550, "5.5.3",
                             "Recipients with and without a key want a message each"},
    [REASON_SEPARATE] = {RES_TEMP, 452, "4.5.3", "Each recipient with a key wants a message alone"},
    [REASON_MANY_FIELDS] = {RES_REJECT, 550, "5.6.0", "Too many header fields would have to change"},
    [REASON_MANY_RECIPIENTS] = {RES_TEMP, 452, "4.5.3", "Too many recipients"},
    [REASON_ODD_ADDRESS] = {RES_REJECT, 553, "5.1.3", "Address can be read in two ways: write it as name@domain"},
    [REASON_ODD_SENDER] = {RES_REJECT, 553, "5.1.7", "Sender can be read in two ways: write it as name@domain"},
    [REASON_BAD_ADDRESS] = {RES_REJECT, 553, "5.1.3", "Address is not UTF-8"},
};

struct outcome outcome_of(enum outcome_reason reason)
{
    struct outcome o = {0};
    if ((unsigned)reason >= REASON_COUNT || !table[reason].code)
        reason = REASON_UNFORESEEN;
    o.result = table[reason].result;
    o.code = table[reason].code;
    o.before = reason == REASON_SERVED_BEFORE;
    snprintf(o.dsn, sizeof o.dsn, "%s", table[reason].dsn);
    snprintf(o.text, sizeof o.text, "%s", table[reason].text);
    return o;
}

bool outcome_is(const struct outcome *o, enum outcome_reason reason)
{
    const struct outcome like = outcome_of(reason);
    return o->code == like.code && !strcmp(o->dsn, like.dsn) && !strcmp(o->text, like.text);
}

/* The length of an enhanced status code (RFC 3463, section 2) in front of text whose class is that of the reply
 * code; 0 if there is none. */
static size_t dsn_len(int class, const char *text)
{
    int a, b, c, n = 0;
    if (sscanf(text, "%1d.%3d.%3d%n", &a, &b, &c, &n) != 3 || !n || a != class)
        return 0;
    return text[n] == ' ' || !text[n] ? (size_t)n : 0;
}

/* The next hop's complaints about a command (RFC 5321, section 4.2.1: x0z are about syntax; 555). It is ours, not our
 * client's: to that the transaction failed. Postfix 3.7, told so at the end of DATA over LMTP on a connection that it
 * meant to keep, waits five minutes for the reply to a QUIT that it has not sent. */
static bool is_about_command(int code)
{
    return (code >= 500 && code < 510) || code == 555;
}

struct outcome outcome_from_reply(int code, const char *text)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    if (code < 200 || code > 599 || code / 100 == 3)
        return o;
    int class = code / 100;
    o.result = class == 2 ? RES_OK : class == 5 ? RES_REJECT : RES_TEMP;
    o.code = is_about_command(code) ? 554 : code;
    size_t n = dsn_len(class, text);
    if (n && n < sizeof o.dsn) {
        memcpy(o.dsn, text, n);
        o.dsn[n] = 0;
        text += n + (text[n] == ' ');
    } else {
        snprintf(o.dsn, sizeof o.dsn, "%d.0.0", class);
    }
    snprintf(o.text, sizeof o.text, "%s", text);
    for (char *p = o.text; *p; p++)
        if (!isprint((unsigned char)*p))
            *p = '?';
    return o;
}

int outcome_exit_code(const struct outcome *o)
{
    switch (o->result) {
    case RES_OK:
    case RES_DISCARD:
        return EX_OK;
    case RES_REJECT:
        return EX_UNAVAILABLE;
    default:
        return EX_TEMPFAIL;
    }
}
