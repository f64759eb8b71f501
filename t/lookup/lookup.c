/* build/t/lookup [partial|raw|repeat N] CHAIN: asks a chain of tables for each line of its input, and prints "found
 * VALUE", "none" or "temp ERROR" for each. With repeat it asks every key N times and prints how much memory it has
 * taken meanwhile, in KB. For t/tables.t. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "filterd/tables/table.h"

static long resident_kb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void show(struct table *t, const char *key, unsigned flags)
{
    GString *value = NULL;
    char *error = NULL;
    const enum table_result r = table_ask(t, key, flags, &value, &error);
    if (r == TABLE_FOUND)
        printf("found ");
    if (r == TABLE_FOUND)
        fwrite(value->str, 1, value->len, stdout);
    puts(r == TABLE_FOUND ? "" : r == TABLE_NONE ? "none" : "temp");
    if (r == TABLE_TEMP)
        fprintf(stderr, "%s\n", error);
    if (value)
        g_string_free(value, TRUE);
    g_free(error);
}

static void repeat(struct table *t, char *const *keys, long times)
{
    long first = 0;
    for (long i = 0; i < times; i++) {
        for (char *const *key = keys; *key; key++) {
            GString *value = NULL;
            char *error = NULL;
            if (table_ask(t, *key, 0, &value, &error) == TABLE_FOUND)
                g_string_free(value, TRUE);
            g_free(error);
        }
        if (i == times / 10)
            first = resident_kb();
    }
    printf("%ld KB more\n", resident_kb() - first);
}

int main(int argc, char **argv)
{
    unsigned flags = 0;
    long times = 0;
    char *error = NULL, *line = NULL;
    size_t cap = 0;
    ssize_t n;
    for (; argc > 2; argc--, argv++) {
        flags |= !strcmp(argv[1], "partial") ? TABLE_PARTIAL : !strcmp(argv[1], "raw") ? TABLE_RAW : 0;
        if (!strcmp(argv[1], "repeat")) {
            times = atol(argv[2]);
            argc--, argv++;
        }
    }
    log_open(LOG_TO_STDERR, "lookup");
    struct table *t = table_open(argc > 1 ? argv[1] : "", &error);
    if (!t) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
    while ((n = getline(&line, &cap, stdin)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (times)
            g_ptr_array_add(keys, g_strdup(line));
        else
            show(t, line, flags);
        fflush(stdout);
    }
    g_ptr_array_add(keys, NULL);
    if (times)
        repeat(t, (char *const *)keys->pdata, times);
    g_ptr_array_unref(keys);
    free(line);
    table_free(&t);
    return 0;
}
