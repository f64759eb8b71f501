/* MAIL and RCPT (RFC 5321, 3461, 6531, 1870), and XFORWARD (Postfix' XFORWARD_README). Called by session.c. */
#include <ctype.h>
#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/address_form.h"
#include "base/address_path.h"
#include "base/config/settings.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/resolve.h"
#include "filterd/session/session.h"
#include "filterd/session/session_replies.h"
#include "filterd/session/session_state.h"

/* What a report of delivery names: RFC 3461, sections 4.2 and 4.4. */
#define ENVID_BYTES 100
#define PARAMETERS_BYTES 1000
/* One recipient's probe gets at most a third of the time for all: Postfix waits 100 s for each reply. */
#define ASK_SHARE 3
/* If the connection to the next hop breaks sooner, it may still answer on a new one. */
#define HANGS_MS 2000

/* A refusal costs the sending client a correction, not the sender of a forged address a bounce. */
static bool before_queue(const struct session *s)
{
    return s->env->listener->protocol == PROTO_SMTP;
}

/* Reads "FROM:<a@b> REST": returns the address (g_free) and where REST begins; NULL if it is malformed. */
static char *parse_path(const struct session *s, const char *argument, const char *word, const char **rest_r)
{
    const size_t n = strlen(word);
    if (strncasecmp(argument, word, n))
        return NULL;
    const char *path = argument + n + strspn(argument + n, " ");
    return before_queue(s) ? address_path_read(path, rest_r) : address_path_read_any(path, rest_r);
}

static bool is_submitted(const struct session *s)
{
    return s->env->listener->role == ROLE_SUBMISSION;
}

static const char *value_of(const char *word, const char *name)
{
    size_t n = strlen(name);
    return !strncasecmp(word, name, n) && word[n] == '=' && word[n + 1] ? word + n + 1 : NULL;
}

/* Takes one MAIL parameter; false: unknown or malformed. */
static bool mail_parameter(struct session *s, const char *word, bool *too_big)
{
    struct envelope *e = s->envelope;
    const char *v;
    if ((v = value_of(word, "SIZE"))) {
        s->declared = strtoull(v, NULL, 10);
        *too_big = s->declared > settings_size_limit(s->settings, s->env->listener);
        return strspn(v, "0123456789") == strlen(v);
    }
    if ((v = value_of(word, "BODY"))) {
        g_free(e->body_type);
        e->body_type = g_ascii_strup(v, -1);
        return !strcmp(e->body_type, "7BIT") || !strcmp(e->body_type, "8BITMIME");
    }
    if ((v = value_of(word, "RET"))) {
        g_free(e->ret);
        e->ret = g_ascii_strup(v, -1);
        return !strcmp(e->ret, "FULL") || !strcmp(e->ret, "HDRS");
    }
    if ((v = value_of(word, "ENVID"))) {
        const bool fits = strlen(v) <= ENVID_BYTES;
        g_free(e->envid);
        e->envid = fits ? g_strdup(v) : NULL;
        return fits || !before_queue(s);
    }
    if (!strcasecmp(word, "SMTPUTF8"))
        return e->smtputf8 = true;
    return false;
}

static bool mail_parameters(struct session *s, const char *text, bool *too_big)
{
    char **words = g_strsplit(text, " ", 32);
    bool ok = true;
    for (size_t i = 0; ok && words[i]; i++)
        ok = !*words[i] || mail_parameter(s, words[i], too_big);
    g_strfreev(words);
    return ok;
}

void session_mail(struct session *s, const char *argument)
{
    const char *rest;
    bool too_big = false;
    if (!s->greeted || s->envelope->sender) {
        s->errors++;
        session_say(s, s->greeted ? SESSION_SENDER_TWICE : SESSION_GREET_FIRST);
        return;
    }
    g_autofree char *sender = parse_path(s, argument, "FROM:", &rest);
    if (!sender) {
        s->errors++;
        session_say(s, SESSION_BAD_SENDER);
    } else if (before_queue(s) && !resolve_is_certain_sender(sender)) {
        s->errors++;
        session_outcome_of(s, REASON_ODD_SENDER);
    } else if (!mail_parameters(s, rest, &too_big)) {
        s->errors++;
        session_say(s, SESSION_MAIL_PARAMETER);
    } else {
        s->envelope->sender = g_steal_pointer(&sender);
        if (!too_big && session_size_fits(s, s->declared)) {
            session_say(s, SESSION_SENDER_OK);
            return;
        }
        session_outcome_of(s, REASON_TOO_BIG);
    }
    session_reset(s);
}

/* "type;address", as the next hop can take it: xtext (RFC 3461, section 4), or UTF-8 (RFC 6533). */
static bool is_orcpt(const char *value)
{
    const size_t type = strspn(value, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-");
    const char *p = value + type;
    if (!type || *p++ != ';' || !g_utf8_validate(value, -1, NULL))
        return false;
    while (*p && *p != ' ' && *p != '=' && !g_ascii_iscntrl(*p))
        p++;
    return !*p;
}

static bool is_named(const char *word, const char *name)
{
    const size_t n = strlen(name);
    return !strncasecmp(word, name, n) && word[n] == '=';
}

/* Takes what reports of delivery are to say; *kept_r (g_free) is what the next hop is told of it. False: a parameter
 * is not known, or malformed. Behind the queue malformed ones are left out: no report is worth a bounce. */
static bool rcpt_parameters(const struct session *s, const char *text, char **kept_r)
{
    g_auto(GStrv) words = g_strsplit(text, " ", 32);
    GString *kept = g_string_new(NULL);
    bool known = true, good = true;
    for (size_t i = 0; words[i]; i++) {
        const char *orcpt = value_of(words[i], "ORCPT");
        const bool one = (orcpt || value_of(words[i], "NOTIFY")) && (before_queue(s) || !orcpt || is_orcpt(orcpt)) &&
                         kept->len + strlen(words[i]) < PARAMETERS_BYTES;
        if (one)
            g_string_append_printf(kept, "%s%s", kept->len ? " " : "", words[i]);
        good &= one || !*words[i];
        known &= !*words[i] || is_named(words[i], "ORCPT") || is_named(words[i], "NOTIFY");
    }
    *kept_r = g_string_free(kept, FALSE);
    return before_queue(s) ? good : known;
}

/* Probes the recipient at the next hop. A client may name thousands while the next hop hangs: all probes
 * together get the time that delivering the message would have, and after one without an answer no other is
 * sent. */
static struct outcome ask_next_hop(struct session *s, const struct recipient *r)
{
    const int all_ms = s->settings->proxy_seconds * 1000;
    const int ms = MIN(all_ms / ASK_SHARE, all_ms - s->asked_ms);
    if (ms <= 0 || s->hop_hangs)
        return outcome_of(REASON_NEXT_HOP_DOWN);
    const gint64 start = g_get_monotonic_time();
    struct outcome o = next_hop_ask(s->hop, s->envelope, r, ms);
    const int took_ms = (int)((g_get_monotonic_time() - start) / 1000);
    s->asked_ms += took_ms;
    s->hop_hangs = took_ms >= MIN(ms, HANGS_MS) && outcome_is(&o, REASON_NEXT_HOP_DOWN);
    return o;
}

/* Checks the recipient's keys here, so that a bad key fails this recipient alone. Also probes the next hop,
 * where one reply will later answer for all recipients. */
static struct outcome may_come(struct session *s, struct recipient *r)
{
    struct recipient_state st;
    recipient_state_fill(&st, s->env->context, s->envelope, r);
    struct outcome o = outcome_of(st.disposition.reason);
    if (o.result == RES_OK && s->env->listener->protocol == PROTO_SMTP)
        o = ask_next_hop(s, r);
    recipient_state_clear(&st);
    return o;
}

static bool is_named_already(const struct session *s, const char *address)
{
    const GPtrArray *recipients = s->envelope->recipients;
    for (guint i = 0; i < recipients->len; i++)
        if (!strcmp(((const struct recipient *)recipients->pdata[i])->address, address))
            return true;
    return false;
}

static void accept_recipient(struct session *s, const char *address, const char *parameters)
{
    /* Postfix removes duplicate recipients when it queues, so not before the queue. LMTP needs a reply for
     * each. */
    if (s->env->listener->protocol == PROTO_SMTP && is_named_already(s, address)) {
        session_say(s, SESSION_RECIPIENT_OK);
        return;
    }
    /* Hold lookups back after the queue: Postfix sends the whole message at once, and another leg may have
     * judged it. */
    const bool after_queue = s->env->listener->protocol == PROTO_LMTP;
    struct recipient *r = envelope_add_recipient(s->envelope, address, parameters);
    struct outcome o = may_come(s, r);
    if (o.result != RES_OK) {
        g_ptr_array_set_size(s->envelope->recipients, (int)s->envelope->recipients->len - 1);
        session_outcome(s, &o);
    } else {
        if (!s->evidence)
            s->evidence = (after_queue ? evidence_hold : evidence_start)(s->env->context->rules,
                                                                         s->envelope);
        session_say(s, SESSION_RECIPIENT_OK);
    }
}

void session_rcpt(struct session *s, const char *argument)
{
    const char *rest;
    enum outcome_reason doubt = REASON_OK;
    if (!s->envelope->sender) {
        s->errors++;
        session_say(s, SESSION_MAIL_FIRST);
        return;
    }
    g_autofree char *address = parse_path(s, argument, "TO:", &rest), *parameters = NULL;
    if (address && !*address && !before_queue(s)) {
        g_free(address);
        address = address_form_certain(""); /* nobody's, but no reason for a bounce */
    }
    if (!address || !*address) {
        s->errors++;
        session_say(s, SESSION_BAD_RECIPIENT);
    } else if (before_queue(s) && (doubt = resolve_doubt(s->env->context, address, is_submitted(s))) != REASON_OK) {
        s->errors += doubt == REASON_ODD_ADDRESS;
        session_outcome_of(s, doubt);
    } else if (!rcpt_parameters(s, rest, &parameters)) {
        s->errors++;
        session_say(s, SESSION_RCPT_PARAMETER);
    } else if ((int)s->envelope->recipients->len >= s->settings->limits.recipients) {
        session_outcome_of(s, REASON_MANY_RECIPIENTS);
    } else {
        accept_recipient(s, address, parameters);
    }
}

/* Decodes xtext (RFC 3461, section 4); control characters become '?'. NULL for "[UNAVAILABLE]". */
static char *from_xtext(const char *v)
{
    GString *out = g_string_new(NULL);
    if (!strcasecmp(v, "[UNAVAILABLE]"))
        return g_string_free(out, TRUE);
    for (; *v; v++) {
        int c = (unsigned char)*v;
        if (c == '+' && isxdigit((unsigned char)v[1]) && isxdigit((unsigned char)v[2])) {
            c = g_ascii_xdigit_value(v[1]) * 16 + g_ascii_xdigit_value(v[2]);
            v += 2;
        }
        g_string_append_c(out, (char)(iscntrl(c) ? '?' : c));
    }
    return g_string_free(out, FALSE);
}

/* Postfix writes "IPv6:" before such an address here and nowhere else: everybody behind this line gets the address
 * alone. */
static void take_off_prefix(char *said)
{
    if (said && g_ascii_strncasecmp(said, "IPv6:", 5) == 0)
        memmove(said, said + 5, strlen(said + 5) + 1);
}

static bool xforward_attribute(struct envelope *e, const char *word)
{
    static const char *const names[] = {"NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"};
    char **const fields[] = {&e->client_name,  &e->client_addr, &e->client_port,  &e->client_proto,
                             &e->client_helo, &e->queue_id,    &e->client_source};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *v = value_of(word, names[i]);
        if (!v)
            continue;
        g_free(*fields[i]);
        *fields[i] = from_xtext(v);
        if (fields[i] == &e->client_addr)
            take_off_prefix(e->client_addr);
        return true;
    }
    return false;
}

void session_xforward(struct session *s, const char *argument)
{
    if (!s->env->trusted) {
        session_say(s, SESSION_XFORWARD_UNTRUSTED);
        return;
    }
    if (s->envelope->sender) {
        session_say(s, SESSION_XFORWARD_FIRST);
        return;
    }
    char **words = g_strsplit(argument, " ", 32);
    bool ok = *argument;
    for (size_t i = 0; ok && words[i]; i++)
        ok = !*words[i] || xforward_attribute(s->envelope, words[i]);
    g_strfreev(words);
    if (ok)
        session_say(s, SESSION_OK);
    else
        session_say(s, SESSION_BAD_XFORWARD);
}
