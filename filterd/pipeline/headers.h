/* headers: removes forged fields and writes those of filterd. */
#ifndef FILTERD_PIPELINE_HEADERS_H
#define FILTERD_PIPELINE_HEADERS_H

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/config/settings.h"
#include "base/mail/message.h"
#include "filterd/pipeline/verdict.h"
#include "gpg/outside.h"

/* Marks fields as dropped that only filterd may write: X-Filterd-*, X-Spam-*, PREFIX-*, and
 * Authentication-Results with our own authserv-id (RFC 8601, section 5). */
void headers_drop_forged(struct message *m, const struct settings *s);
/* Appends filterd's header lines to out, among them the limits that this message has met
 * (base/config/limits.h); with header_prefix=X-DSPAM in dspam's format. mark: the value of X-Filterd-Encrypted. */
void headers_ours(struct bytes *out, const struct settings *s, const struct verdict *v,
                  const struct limits_met *met, const char *mark);
/* Adds a Subject with the tag in front, which replaces the message's own. */
void headers_tag_subject(struct outside *out, const struct message *m, const char *tag);

#endif
