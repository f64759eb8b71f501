/* service: what a process that handles messages holds. Made after fork, behind the sandbox. */
#ifndef FILTERD_PIPELINE_SERVICE_H
#define FILTERD_PIPELINE_SERVICE_H

#include "base/config/settings.h"
#include "base/config/users.h"
#include "base/sitekey.h"
#include "classifier/classifier.h"
#include "filterd/keeper/greylist.h"
#include "filterd/pipeline/retry_digest.h"
#include "gpg/seal.h"
#include "rules/anonymize.h"
#include "rules/evidence.h"

struct smtp_client;

struct service {
    const struct settings *settings; /* lent */
    struct users *users;             /* while it cannot be read every recipient is tempfailed */
    struct sealer *sealer;
    struct classifier *classifier;
    struct anonymize *anonymize[2]; /* by enum role; NULL: nothing is changed */
    bool no_anonymize[2];           /* a table that could not be read: all mail is tempfailed */
    struct rules *rules;
    struct sitekey key;
    int keeper;  /* connected when first wanted; -1 */
    gint64 keeper_silent; /* it left a request without an answer: not asked before this time */
    unsigned keeper_owes;         /* answers to what it was told without waiting */
    guint32 keeper_owes_retries;  /* which of them are about retries, the oldest in the lowest bit */
    struct retry_digest_key retry_key;
    bool no_retries; /* the last request about retries failed, and it was logged */
    gint64 mended; /* when that was last tried */
    int courier; /* -1 where no next hop needs one */
    bool keeps_hop;           /* for the rest see filterd/delivery/hop.h */
    struct smtp_client *kept; /* to the next hop; NULL: none */
    const struct next_hop *kept_to; /* lent */
    gint64 kept_at; /* monotonic microseconds */
};

struct lesson_wanted {
    const char *user, *class, *signature;
    const GArray *features;
};

struct record_wanted {
    const char *user, *signature;
    const struct judgement *judgement;
    double rules;              /* their part of its score */
    const char *correspondent; /* NULL: nobody was proved */
};

/* The processes it works with; descriptors, the first handed over, the second lent. */
struct service_doors {
    int courier; /* -1: none */
    int spf;     /* or RULES_NO_DOOR, RULES_NO_SPF */
};
#define SERVICE_ALONE (&(const struct service_doors){-1, RULES_NO_DOOR})

struct service *service_new(const struct settings *s, const struct sitekey *key,
                            const struct service_doors *doors);
void service_free(struct service **sv);
/* Before each session: tries again what could not be had so far (a table, lists, DNS), once
 * a second; else one bad moment at its start would last for the life of a worker. */
void service_mend(struct service *sv);
/* Reads the tables the settings name and lets them go: false with one line, "FILE:LINE: ...". */
bool service_check(const struct settings *s, char **error_r);


/* Keeps a record of what was judged, so that a later move can be learnt. False if the keeper does
 * not answer: the copy then goes without a signature. */
bool service_record(struct service *sv, const struct record_wanted *r);
/* A person moved this message, whose signature was made of its content: the sysexits code of the
 * keeper's answer, EX_TEMPFAIL without one; *text_r one line (g_free) or NULL. class: spam, ham. */
int service_learn(struct service *sv, const struct lesson_wanted *l, char **text_r);
/* The next hop took the copy. */
void service_confirm(struct service *sv, const char *user, const char *signature);
/* The memory of copies that went through (filterd/keeper/retries.h); digests of RETRY_DIGEST_BYTES. Which of
 * these count ones are known: a 0 or 1 for each. All 0 if the keeper does not answer. */
void service_retry_known(struct service *sv, const unsigned char *digests, size_t count,
                         unsigned char *known_r);
/* The next hop took this copy. */
void service_retry_served(struct service *sv, const unsigned char *digest);
/* The client knows that these went through: it will not try them again. */
void service_retry_forget(struct service *sv, const unsigned char *digests, size_t count);
/* Seconds the client has to wait before it may come again, 0 if it passes: also when greylisting is
 * off or the keeper does not answer. */
int service_greylist(struct service *sv, const struct greylist_triplet *t);

#endif
