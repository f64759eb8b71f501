/* clamav: asks clamd (INSTREAM) whether a message carries a virus. clamd writes what it unpacks
 * into temporary files: its TemporaryDirectory belongs on a tmpfs. */
#ifndef RULES_CLAMAV_H
#define RULES_CLAMAV_H

#include <stddef.h>

enum clamav_answer { CLAMAV_ERROR = 0, CLAMAV_CLEAN, CLAMAV_FOUND };

/* Waits at most timeout_ms in all. A message over clamd's StreamMaxLength is an error, not clean.
 * name_r: what was found (printable ASCII) or why it could not be asked; "" if clean. */
enum clamav_answer clamav_scan(const char *socket_path, const void *data, size_t len,
                               int timeout_ms, char name_r[128]);

#endif
