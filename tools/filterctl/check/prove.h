/* prove: "filterctl check --prove": sends a message through the operator's own set-up and tells where it
 * was seen on the way. Each part has a file of its own, prove_*.c. */
#ifndef TOOLS_FILTERCTL_CHECK_PROVE_H
#define TOOLS_FILTERCTL_CHECK_PROVE_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/postconf.h"

/* ---- the message (prove_canary.c) ---- */

/* The places in the message that hold a secret word, one bit each in a mask; above them two bits for the
 * kind of text. */
enum filterctl_canary_place { CANARY_TEXT, CANARY_BASE64, CANARY_QUOTED, CANARY_SUBJECT, CANARY_ATTACHMENT,
                              CANARY_NAME, CANARY_PLACES };
#define CANARY_MARKED (1u << CANARY_PLACES)       /* it has the message's Message-ID field, sealed or not */
#define CANARY_SEALED (1u << (CANARY_PLACES + 1)) /* it has that and a PGP message */
#define CANARY_HIDDEN ((1u << CANARY_PLACES) - 1 - (1u << CANARY_SUBJECT)) /* hidden by sealing */

struct filterctl_canary {
    char *id;                  /* left side of the Message-ID; no secret */
    char *root;                /* all words begin with it */
    char *words[CANARY_PLACES];
};

void filterctl_canary_init(struct filterctl_canary *c);
void filterctl_canary_clear(struct filterctl_canary *c);
/* Appends the message to out, with CRLF line ends; no line begins with a dot. */
void filterctl_canary_write(const struct filterctl_canary *c, const char *from, const char *to, GString *out);
/* The mask of what this text holds: words are found as they stand, in base64 at any offset, in
 * quoted-printable, in hex and as UTF-16. */
unsigned filterctl_canary_find(const struct filterctl_canary *c, const char *data, size_t len);
/* The mask's places in words, "text, attachment"; g_free. */
char *filterctl_canary_places(unsigned mask);

/* ---- what is written meanwhile (prove_watch.c) ---- */

struct filterctl_sighting {
    char *path;
    unsigned found; /* see filterctl_canary_find */
    ino_t inode;    /* 0: not a file (a log of the journal, doveadm's output) */
    dev_t device;   /* of that inode */
};

struct filterctl_watch {
    const struct filterctl_canary *canary;
    GHashTable *sightings;  /* path -> struct filterctl_sighting */
    GPtrArray *folders;     /* of struct filterctl_folder: searched at the end */
    guint polled;           /* the first so many are searched all the time, if there is no fanotify */
    int fd;                 /* fanotify's; -1: not available */
    int lost;               /* errno of an event whose file could not be opened; 0: none was lost */
    time_t since;           /* files not changed since are skipped */
};

struct filterctl_folder {
    char *path;
    int error;    /* errno of the first thing in it that could not be read; 0: all could */
    char *hidden; /* path of that thing; NULL: none */
};

void filterctl_watch_begin(struct filterctl_watch *w, const struct filterctl_canary *c);
void filterctl_watch_end(struct filterctl_watch *w);
/* Adds a folder, or file, in which the message may appear; NULL adds nothing. */
void filterctl_watch_folder(struct filterctl_watch *w, const char *path);
/* Watches for ms milliseconds, or until fd (-1: none) is readable. True if it is. */
bool filterctl_watch_look(struct filterctl_watch *w, int fd, int ms);
/* Searches all files below all folders, once. */
void filterctl_watch_scan(struct filterctl_watch *w);
/* The first folder at or below path (NULL: any) of which a part could not be read; NULL: there is none. */
const struct filterctl_folder *filterctl_watch_hidden(const struct filterctl_watch *w, const char *path);
/* Searches a text that is not a file, and reports it under that name. */
void filterctl_watch_text(struct filterctl_watch *w, const char *name, const char *data, size_t len);

/* ---- sending it (prove_send.c) ---- */

struct filterctl_parcel {
    const char *host, *from, *to; /* host is HOST:PORT */
    const char *message;
    struct filterctl_watch *watch;
};
/* Sends the message by SMTP, with a pause before its end, so that whatever stores it meanwhile is seen.
 * True if it was accepted. Ctrl-C is obeyed only until the final dot is sent: after it the message may be
 * accepted.
 *
 * *said_r (g_free) is the last reply, or what went wrong, with the command it answered. */
bool filterctl_parcel_send(const struct filterctl_parcel *p, char **said_r);

/* ---- Ctrl-C (prove_stop.c) ---- */

/* From now on the first SIGINT, SIGTERM or SIGHUP is noted; a second of the same kind ends the process. */
void filterctl_prove_stop_begin(void);
bool filterctl_prove_stop_wanted(void);
/* Not 0 once a signal came: for lineio_set_wake. */
const volatile int *filterctl_prove_stop_flag(void);
/* Restores the signals' default action, and raises the one that was noted. */
void filterctl_prove_stop_end(void);

/* ---- what Postfix logs about it (prove_trace.c) ---- */

struct filterctl_trace {
    char *log;          /* path of the log file; NULL: the journal */
    int error;          /* errno of the last attempt to read the log; 0: it was read */
    goffset from;       /* size of the log when we began: read from there */
    time_t since;
    const char *id;     /* left side of its Message-ID */
    GHashTable *queued; /* queue id -> NULL while it is queued; the value is not NULL when it was removed */
    char *stuck;        /* the last status other than "sent"; NULL: none */
    bool finished;      /* it was queued, and no queue file of it is left */
};
void filterctl_trace_begin(struct filterctl_trace *t, const struct filterctl_postconf *p, const char *id);
void filterctl_trace_end(struct filterctl_trace *t);
void filterctl_trace_read(struct filterctl_trace *t);
/* What was logged since filterctl_trace_begin, g_free; NULL if the log cannot be read: then error is set. */
char *filterctl_trace_text(struct filterctl_trace *t, gsize *len_r);
/* Deletes what is still queued of the message; returns the number of queue files. */
guint filterctl_trace_purge(const struct filterctl_trace *t, const struct filterctl_postconf *p);

/* ---- where it enters Postfix, and what that exposes (prove_attachment.c) ---- */

enum filterctl_attachment_kind { ATTACHED_NOT, ATTACHED_PROXY, ATTACHED_CONTENT_FILTER, ATTACHED_MILTER, ATTACHED_TRANSPORT };
struct filterctl_attachment {
    enum filterctl_attachment_kind kind;
    char *context;  /* "smtp/inet" */
    char *address;  /* HOST:PORT to send it to */
};
/* Finds the smtpd at HOST:PORT, or with address NULL the one of port 25. False if master.cf has none: then
 * kind is ATTACHED_NOT and address is set as far as it is known. */
bool filterctl_attachment_find(struct filterctl_attachment *w, const struct filterctl_postconf *p, const char *address);
void filterctl_attachment_clear(struct filterctl_attachment *w);
/* Reports what Postfix's settings expose. */
void filterctl_attachment_tell(struct filterctl_attachment *w, const struct filterctl_postconf *p,
                        struct filterctl_check *c);

/* ---- the machine (prove_host.c) ---- */

enum filterctl_disk { DISK_PLAIN = 0, DISK_ENCRYPTED, DISK_MEMORY };
/* The kind of disk that holds the path. */
enum filterctl_disk filterctl_disk_of(const char *path);
/* Reports swap, core dumps and the sandbox of the running daemon. */
void filterctl_disk_tell(struct filterctl_check *c);

/* ---- the mailbox is left as it was (prove_remove.c) ---- */

/* Removes the file that was seen in a Maildir++, wherever in it it lies by now. False: it was not there, or is
 * no maildir's file. */
bool filterctl_prove_remove(const struct filterctl_sighting *s);
/* Asks doveadm to take the message with this id out of all mailboxes of the user. False: it could not. */
bool filterctl_prove_expunge(const char *user, const char *id);

/* The command "check --prove"; argv is that of "check". */
filterctl_command filterctl_prove;

#endif
