/* filterctl tokens FILE: prints the tokens that the classifier makes of a message, one a line. Called by
 * filterctl.c; t/golden pins its output. */
#include <stdio.h>
#include <sysexits.h>

#include "base/bytes.h"
#include "base/mail/message.h"
#include "base/newline.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"
#include "tools/filterctl/filterctl.h"

static void print(const char *token, void *arg)
{
    (void)arg;
    puts(token);
}

int filterctl_tokens(struct filterctl *ctl, int argc, char **argv)
{
    (void)ctl;
    struct bytes raw = {0};
    if (argc > 2)
        return EX_USAGE;
    if (!filterctl_read(argc == 2 ? argv[1] : "-", &raw)) {
        bytes_free(&raw);
        return EX_NOINPUT;
    }
    newline_normalise(&raw);
    struct message *m = message_new(raw.data ? (char *)raw.data : "", raw.len);
    struct tokens *t = tokens_new(m);
    tokens_each(t, print, NULL);
    tokens_free(&t);
    message_free(&m);
    bytes_free(&raw);
    return EX_OK;
}
