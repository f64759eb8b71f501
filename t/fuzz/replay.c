/* replay FILE...: runs the fuzz target it is linked with, without a fuzzer, on each file: whole, cut after
 * each of its lines, and cut anywhere in its first bytes. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FIRST_BYTES 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give(const char *text, size_t len)
{
    g_autofree uint8_t *exact = g_malloc(len ? len : 1); /* the sanitizer watches its end */
    memcpy(exact, text, len);
    LLVMFuzzerTestOneInput(exact, len);
}

static int replay(const char *path)
{
    gchar *text;
    gsize len;
    GError *error = NULL;
    if (!g_file_get_contents(path, &text, &len, &error)) {
        fprintf(stderr, "%s\n", error->message);
        g_error_free(error);
        return 1;
    }
    fprintf(stderr, "%s\n", path); /* the last one named is the one that broke it */
    give(text, len);
    for (gsize i = 0; i < len; i++)
        if (i < FIRST_BYTES || text[i - 1] == '\n')
            give(text, i);
    g_free(text);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i]);
    return failed;
}
