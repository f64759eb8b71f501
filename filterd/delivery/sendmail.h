/* sendmail: hands finished copies to a sendmail(1), which takes the end of its input for the end of the
 * message. If the message is not whole, that end must never come, whichever process is killed. So a stand-in
 * process between us and the program also holds the input open: it kills the program if we die before we have
 * said that the message is whole, and if the stand-in is killed, the kernel kills the program. */
#ifndef FILTERD_DELIVERY_SENDMAIL_H
#define FILTERD_DELIVERY_SENDMAIL_H

#include "filterd/delivery/delivery_agent.h"

/* A delivery_agent_fn. job->path is the program; it gets "-G -i -f SENDER -- RECIPIENT" and LF line ends. */
enum outcome_reason sendmail_deliver(const struct delivery_agent_job *job, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
