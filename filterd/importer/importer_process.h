/* importer_process: the process that alone makes keys of columns ([users] key) users' keys: it runs gpg, and writes the
 * folder of keys.
 *
 * The tables' process hands it a text (filterd/tables/key_import.h); no worker can. It has no network and no site key,
 * and asks the keeper to note who has a key. One text at a time: gpg takes some 200 ms for one. */
#ifndef FILTERD_IMPORTER_IMPORTER_PROCESS_H
#define FILTERD_IMPORTER_IMPORTER_PROCESS_H

#include "base/config/settings.h"

/* line: its end of the line. Closes the sandbox around this process and serves until SIGUSR2, or until the master is
 * gone. Closes all other descriptors but 0, 1 and 2. Returns an exit code. */
int importer_process_run(const struct settings *settings, int line);

#endif
