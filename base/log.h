/* log: one line per event, to syslog, stderr, or (in workers) a pipe to the master.
 *
 * Callers must not log subjects, bodies or addresses found in the content. Control characters (C0 and C1) and
 * bytes that are not UTF-8 become '?'. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };

void log_open(enum log_target target, const char *program);
/* Sends lines to this descriptor from now on, each in one write; -1 returns to the target of log_open. */
void log_to_fd(int fd);
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Logs a line that came through the pipe; its first character is the level ('I' or 'W'). */
void log_relay(const char *line);
/* Logs every line from the pipe fd until its last writer has closed it, then closes fd. */
void log_relay_all(int fd);

#endif
