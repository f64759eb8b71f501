/* The input is what a client sends: command lines, then DATA. The message must not hold the dot that ends
 * it, nor may a line be longer than asked for. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/lineio.h"

#define LINE_BYTES 128
#define DATA_BYTES 4096

static void read_all(struct lineio *io)
{
    char line[LINE_BYTES];
    struct bytes data = {0};
    struct lineio_data facts = {0};
    enum lineio_status status;
    while ((status = lineio_get(io, line, sizeof line)) != LINEIO_EOF) {
        if (status == LINEIO_ERROR || status == LINEIO_TIMEOUT)
            break;
        if (status != LINEIO_OK)
            continue;
        if (strlen(line) >= sizeof line || strpbrk(line, "\r\n"))
            abort();
        if (strcmp(line, "D") != 0)
            continue;
        bytes_clear(&data);
        status = lineio_get_data(io, &data, DATA_BYTES, &facts);
        if (status == LINEIO_OK && data.len > DATA_BYTES)
            abort();
    }
    bytes_free(&data);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    int pair[2];
    if (len > 60000 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
        return 0;
    ssize_t sent = send(pair[1], bytes, len, MSG_DONTWAIT);
    close(pair[1]);
    struct lineio *io = lineio_new(pair[0], pair[0]);
    lineio_set_timeout(io, 1000);
    if (sent == (ssize_t)len)
        read_all(io);
    lineio_free(&io);
    close(pair[0]);
    return 0;
}
