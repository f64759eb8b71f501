/* sendmail: hands finished copies to a sendmail(1), which takes the end of its input for the end of the
 * message. One that was not given the whole message must never come to that end, whichever process is
 * killed: so a stand-in between us holds that input open, too. It kills the program if we are gone before we
 * said that the message is whole, and the program dies with it. */
#ifndef FILTERD_DELIVERY_SENDMAIL_H
#define FILTERD_DELIVERY_SENDMAIL_H

#include "filterd/delivery/delivery_agent.h"

/* A delivery_agent_fn: job->path is the program, which gets "-G -i -f SENDER -- RECIPIENT" and LF line ends. */
char *sendmail_deliver(const struct delivery_agent_job *job);

#endif
