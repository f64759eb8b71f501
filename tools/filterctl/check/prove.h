/* filterctl check --prove: a message through the operator's own set-up, and where it was seen on
 * its way. Each struct has a file of its own, filterctl_prove_*.c. */
#ifndef TOOLS_FILTERCTL_CHECK_PROVE_H
#define TOOLS_FILTERCTL_CHECK_PROVE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/postconf.h"

/* ---- the message (filterctl_prove_canary.c) ---- */

/* Where words of ours stand in it, one bit each in a mask; then what else a text may be. */
enum filterctl_canary_place { CANARY_TEXT, CANARY_BASE64, CANARY_QUOTED, CANARY_SUBJECT, CANARY_ATTACHMENT,
                              CANARY_NAME, CANARY_PLACES };
#define CANARY_MARKED (1u << CANARY_PLACES)       /* the message, sealed or not: its Message-ID field */
#define CANARY_SEALED (1u << (CANARY_PLACES + 1)) /* together with a PGP message */
#define CANARY_HIDDEN ((1u << CANARY_PLACES) - 1 - (1u << CANARY_SUBJECT)) /* places that sealing hides */

struct filterctl_canary {
    char *id;                  /* of the Message-ID, no secret */
    char *root;                /* begins each word */
    char *words[CANARY_PLACES];
};

void filterctl_canary_init(struct filterctl_canary *c);
void filterctl_canary_clear(struct filterctl_canary *c);
/* Appends the message, with CRLF; no line of it begins with a dot. */
void filterctl_canary_write(const struct filterctl_canary *c, const char *from, const char *to, GString *out);
/* What of it is in this text: as it stands, in base64 however aligned, in quoted-printable, hex or 16 bits
 * a character. */
unsigned filterctl_canary_find(const struct filterctl_canary *c, const char *data, size_t len);
/* "the text, the subject" of a mask; g_free. */
char *filterctl_canary_places(unsigned mask);

/* ---- what is written meanwhile (filterctl_prove_watch.c) ---- */

struct filterctl_sighting {
    char *path;
    unsigned found; /* mask */
    ino_t inode;    /* 0: no file */
    dev_t device;   /* the inode's */
};

struct filterctl_watch {
    const struct filterctl_canary *canary;
    GHashTable *sightings;  /* path -> struct filterctl_sighting */
    GPtrArray *folders;     /* of struct filterctl_folder: looked through in the end */
    guint polled;           /* of them, that many often */
    int fd;                 /* fanotify's, -1: none */
    int lost;               /* errno: of what it told something could not be opened; 0: nothing was lost */
    time_t since;           /* only files that changed since */
};

struct filterctl_folder {
    char *path;
    int error;    /* errno: something in it could not be looked into; 0: nothing is hidden */
    char *hidden; /* that; NULL: none */
};

void filterctl_watch_begin(struct filterctl_watch *w, const struct filterctl_canary *c);
void filterctl_watch_end(struct filterctl_watch *w);
/* A folder where it may appear; NULL is no folder. */
void filterctl_watch_folder(struct filterctl_watch *w, const char *path);
/* Looks for ms milliseconds, or until fd (-1: none) can be read: true if it can. */
bool filterctl_watch_look(struct filterctl_watch *w, int fd, int ms);
/* All files below the folders, once. */
void filterctl_watch_scan(struct filterctl_watch *w);
/* The first folder that is, or lies in, path (NULL: anywhere) and hides something; NULL: none does. */
const struct filterctl_folder *filterctl_watch_hidden(const struct filterctl_watch *w, const char *path);
/* A text that is no file, as if it were one of that name. */
void filterctl_watch_text(struct filterctl_watch *w, const char *name, const char *data, size_t len);

/* ---- handing it in (filterctl_prove_send.c) ---- */

struct filterctl_parcel {
    const char *host, *from, *to; /* host: HOST:PORT */
    const char *message;
    struct filterctl_watch *watch;
};
/* Hands it in by SMTP, slowly, so that what holds it meanwhile can be seen. True if it was taken; a stop
 * is heard until its end is sent, for then it may be on its way.
 * *said_r (g_free) is the last reply, or what went wrong, with the command it was to. */
bool filterctl_parcel_send(const struct filterctl_parcel *p, char **said_r);

/* ---- Ctrl-C (filterctl_prove_stop.c) ---- */

/* From now on SIGINT, SIGTERM and SIGHUP are noted; the second of a kind ends the process. */
void filterctl_prove_stop_begin(void);
bool filterctl_prove_stop_wanted(void);
/* Set by it: for who waits. */
const volatile int *filterctl_prove_stop_flag(void);
/* They are as ever, and the one that was noted takes the process with it. */
void filterctl_prove_stop_end(void);

/* ---- what Postfix says of it (filterctl_prove_trace.c) ---- */

struct filterctl_trace {
    char *log;          /* file, NULL: the journal */
    int error;          /* errno: it could not be read when it was tried last; 0: it was */
    goffset from;       /* where it ended when we began */
    time_t since;
    const char *id;     /* of the message */
    GHashTable *queued; /* queue ids it had; NULL: it is still there */
    char *stuck;        /* the last status that is not "sent", NULL: none */
    bool finished;      /* it was in the queue, and nothing of it is there any more */
};
void filterctl_trace_begin(struct filterctl_trace *t, const struct filterctl_postconf *p, const char *id);
void filterctl_trace_end(struct filterctl_trace *t);
void filterctl_trace_read(struct filterctl_trace *t);
/* All that was logged since it began, g_free; NULL if there is no log to read: then error is set. */
char *filterctl_trace_text(struct filterctl_trace *t, gsize *len_r);
/* Takes out of the queue what is still there of it: how many files. */
guint filterctl_trace_purge(const struct filterctl_trace *t, const struct filterctl_postconf *p);

/* ---- where it goes in, and what that exposes (filterctl_prove_way.c) ---- */

enum filterctl_way_kind { WAY_NONE, WAY_PROXY, WAY_CONTENT_FILTER, WAY_MILTER, WAY_TRANSPORT };
struct filterctl_way {
    enum filterctl_way_kind kind;
    char *context;  /* "smtp/inet" */
    char *address;  /* HOST:PORT to speak to */
};
/* The smtpd at HOST:PORT, or (address NULL) the one of port 25. False if Postfix has none: then kind
 * is WAY_NONE and address as far as it is known. */
bool filterctl_way_find(struct filterctl_way *w, const struct filterctl_postconf *p, const char *address);
void filterctl_way_clear(struct filterctl_way *w);
/* Says what Postfix's settings expose. */
void filterctl_way_tell(struct filterctl_way *w, const struct filterctl_postconf *p,
                        struct filterctl_check *c);

/* ---- the machine (filterctl_prove_host.c) ---- */

enum filterctl_disk { DISK_PLAIN = 0, DISK_ENCRYPTED, DISK_MEMORY };
/* What a path lies on. */
enum filterctl_disk filterctl_disk_of(const char *path);
/* Swap, cores and the sandbox of the daemon as it runs. */
void filterctl_disk_tell(struct filterctl_check *c);

/* The command: argv after "check --prove". */
filterctl_command filterctl_prove;

#endif
