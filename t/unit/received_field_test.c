/* The queue id in a Received field: what the MTA wrote, and nothing that a client can put there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/mail/header.h"
#include "base/mail/received_field.h"

#define BY "by mx.example.com"

static const char *const hosts[] = {"mx.example.com", "other.example.com", NULL};

static void assert_id(const char *value, const char *want)
{
    const struct header h = {.value = value, .value_len = strlen(value)};
    g_autofree char *id = received_field_id(&h, hosts);
    if (g_strcmp0(id, want))
        fail_msg("%s: %s instead of %s", value, id ? id : "none", want ? want : "none");
}

/* As Postfix, Exim and Sendmail write it. */
static void what_mtas_write(void **state)
{
    (void)state;
    assert_id(" from a.example (a.example [192.0.2.1])\r\n\t" BY " (Postfix) with ESMTP id 4Zx1\r\n"
              "\tfor <b@example.com>; Sat, 21 Nov 2026 19:00:02 +0000", "4Zx1");
    assert_id(" from a.example (a.example [192.0.2.1])\r\n"
              "\t(using TLSv1.3 with cipher X (256/256 bits)\r\n\t key-exchange X25519)\r\n"
              "\t(No client certificate requested)\r\n\t" BY " (Postfix) with ESMTPS id 4Zx2\r\n"
              "\tfor <b@example.com>; Sat, 21 Nov 2026 19:00:02 +0000", "4Zx2");
    assert_id(" " BY " (Postfix, from userid 1000)\r\n\tid 4Zx3; Sat, 21 Nov 2026 19:00:02 +0000", "4Zx3");
    assert_id(" " BY " (Postfix)\r\n\tid 4Zx4; Sat, 21 Nov 2026 19:00:02 +0000 (UTC)", "4Zx4");
    assert_id(" from a.example ([192.0.2.1])\r\n\tBY OTHER.example.com with esmtp (Exim 4.96)\r\n"
              "\t(envelope-from <a@b id x>)\r\n\tid 1abC-00-Xy\r\n\tfor b@c; Sat", "1abC-00-Xy");
    assert_id(" from a.example (a.example [192.0.2.1])\r\n\t" BY " (8.17.1/8.17.1) with ESMTP id 3AL;\r\n\tSat", "3AL");
}

static void what_is_not_ours(void **state)
{
    (void)state;
    assert_id(" from a.example\r\n\tby a.example (Postfix) with ESMTP id 4Zx1\r\n\tfor <b@c>; Sat", NULL);
    assert_id(" from a.example\r\n\tby mx.example.com.evil (Postfix) with ESMTP id 4Zx1; Sat", NULL);
    assert_id(" from a.example\r\n\tby a.example id 1; Sat\r\n\t" BY " id 2; Sat", NULL);
    assert_id(" from a.example; Sat", NULL);
    assert_id(" " BY "; Sat", NULL);
    assert_id(" " BY " with SMTP id ; Sat", NULL);
    assert_id(" " BY " with SMTP id", NULL);
    assert_id(" by", NULL);
    assert_id("", NULL);
}

/* HELO and the recipient are the client's words: Postfix takes blanks in both. */
static void what_a_client_says(void **state)
{
    (void)state;
    assert_id(" from x " BY " (Postfix) with ESMTP id FALSE (a.example [192.0.2.1])\r\n"
              "\t" BY " (Postfix) with ESMTP id TRUE\r\n\tfor <b@c>; Sat", "TRUE");
    assert_id(" from x " BY " (Postfix) with ESMTP id FALSE (a.example [192.0.2.1])\r\n"
              "\tby a.example (Postfix) with ESMTP id TRUE\r\n\tfor <b@c>; Sat", NULL);
    assert_id(" from x\r\n\t" BY " (Postfix) with SMTP\r\n\tfor <\"a id FALSE\"@c>; Sat", NULL);
    assert_id(" from x\r\n\t" BY " (it is not id FALSE) with SMTP id TRUE; Sat", "TRUE");
    assert_id(" from x\r\n\t" BY " (not closed id FALSE", NULL);
}

static void nothing_is_too_long(void **state)
{
    g_autofree char *id = g_strnfill(100, 'x'), *longer = g_strnfill(101, 'x');
    g_autofree char *value = g_strconcat(" " BY " id ", id, NULL), *other = g_strconcat(" " BY " id ", longer, NULL);
    (void)state;
    assert_id(value, id);
    assert_id(other, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_mtas_write),
        cmocka_unit_test(what_is_not_ours),
        cmocka_unit_test(what_a_client_says),
        cmocka_unit_test(nothing_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
