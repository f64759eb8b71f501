/* log: one line per event, to syslog, stderr, or (in workers) a pipe to the master.
 *
 * No subject, body or address of content may be handed to it. Control characters, C1's
 * too, and what is no UTF-8 become '?'. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };

void log_open(enum log_target target, const char *program);
/* From now on lines go to this descriptor, each in one write; -1 goes back to the target. */
void log_to_fd(int fd);
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line that came through the pipe, level first ('I' or 'W'). */
void log_relay(const char *line);
/* All that comes through the pipe until its writers are gone; closes it. */
void log_relay_all(int fd);

#endif
