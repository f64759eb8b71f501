/* delivered_attempts: which attempts at messages are open (delivered.h), and whose they are. */
#ifndef FILTERD_KEEPER_DELIVERED_ATTEMPTS_H
#define FILTERD_KEEPER_DELIVERED_ATTEMPTS_H

#include <stdbool.h>

/* Length of an attempt's random name. */
#define DELIVERED_ATTEMPT_BYTES 16

struct delivered_attempts;

/* fail is called, with arg, for each attempt that has failed without its session's having said so. */
struct delivered_attempts *delivered_attempts_new(void (*fail)(const unsigned char *attempt, void *arg), void *arg);
void delivered_attempts_free(struct delivered_attempts **a);

/* The attempt (of DELIVERED_ATTEMPT_BYTES) is open on this connection. A process handles one message at a time:
 * another attempt on the connection, or taken over from its process, has failed. True if it was not open there
 * before. */
bool delivered_attempts_begin(struct delivered_attempts *a, const unsigned char *attempt, int connection);
/* Its session says how it ended. */
void delivered_attempts_end(struct delivered_attempts *a, const unsigned char *attempt);
void delivered_attempts_hang_up(struct delivered_attempts *a, int connection);

/* The attempt of this process was open when the last keeper ended. It has failed if the process is gone; else
 * it is open until the process says how it ended, or ends, or has had more time than a message gets. now:
 * seconds since 1970. */
void delivered_attempts_take_over(struct delivered_attempts *a, const unsigned char *attempt, int pid, long now);
void delivered_attempts_look(struct delivered_attempts *a, long now);

/* The process at the other end of the connection; -1 if it cannot be told. Never 0. */
int delivered_attempts_peer(int connection);

#endif
