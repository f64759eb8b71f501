/* clamav: has clamd scan a message for viruses (INSTREAM). clamd unpacks into temporary files, so its
 * TemporaryDirectory should be on a tmpfs. */
#ifndef RULES_CLAMAV_H
#define RULES_CLAMAV_H

#include <stddef.h>

enum clamav_answer { CLAMAV_ERROR = 0, CLAMAV_CLEAN, CLAMAV_FOUND };

/* Waits at most timeout_ms in all. A message over clamd's StreamMaxLength is CLAMAV_ERROR, not clean. name_r:
 * the virus found (printable ASCII), or why the scan failed; "" if clean. */
enum clamav_answer clamav_scan(const char *socket_path, const void *data, size_t len,
                               int timeout_ms, char name_r[128]);

#endif
