/* retrain_text: sends a message without a signature to a worker of the daemon, which learns its text
 * (filterd/session/learn_session.h). Nothing of it is stored here. */
#ifndef TOOLS_RETRAIN_TEXT_H
#define TOOLS_RETRAIN_TEXT_H

#include <glib.h>

#include "base/bytes.h"
#include "base/endpoint.h"

/* start is what was read of the message so far; the rest is read from stdin, to its end. class: "spam" or
 * "ham". Logs what was not learnt, and why. */
void retrain_text_send(const struct endpoint *control, const char *class, const GPtrArray *users,
                       const struct bytes *start);

#endif
