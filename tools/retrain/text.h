/* retrain_text: hands a message without a signature over to the daemon, to be learnt from its
 * text by a worker (filterd/session/learn_session.h). It goes through as it comes: nothing of it is kept here. */
#ifndef TOOLS_RETRAIN_TEXT_H
#define TOOLS_RETRAIN_TEXT_H

#include <glib.h>

#include "base/bytes.h"
#include "base/endpoint.h"

/* start: what has been read of the message; the rest is read from stdin, to its end. class: "spam"
 * or "ham". What became of it is logged. */
void retrain_text_send(const struct endpoint *control, const char *class, const GPtrArray *users,
                       const struct bytes *start);

#endif
