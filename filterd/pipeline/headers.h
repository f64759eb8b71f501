/* headers: forged ones out, ours in. */
#ifndef FILTERD_PIPELINE_HEADERS_H
#define FILTERD_PIPELINE_HEADERS_H

#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/mail/message.h"
#include "filterd/pipeline/verdict.h"
#include "gpg/outside.h"

/* Marks as dropped what only a filter of ours may say: X-Filterd-*, X-Spam-*, PREFIX-*, and
 * Authentication-Results with our own id (RFC 8601, section 5). */
void headers_drop_forged(struct message *m, const struct settings *s);
/* Appends our header lines to out, those about limits this message has met (base/config/limits.h) too; for header_prefix=X-DSPAM in dspam's words. mark: what
 * X-Filterd-Encrypted says. */
void headers_ours(struct bytes *out, const struct settings *s, const struct verdict *v,
                  const char *mark);
/* Puts a tagged Subject in the place of the message's own. */
void headers_tag_subject(struct outside *out, const struct message *m, const char *tag);

#endif
