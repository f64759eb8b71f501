/* filterd [-c FILE] [-t]: the daemon, in the foreground; see filterd(8). Reads the settings and calls master.c. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib.h>

#include "base/config/settings.h"
#include "base/log.h"
#include "base/version.h"
#include "filterd/master.h"
#include "filterd/pipeline/context.h"
#include "filterd/sockets.h"

#define DEFAULT_FILE "/etc/filterd/filterd.conf"

static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static int usage(FILE *to, int code)
{
    fputs("usage: filterd [-c FILE] [-t]\n"
          "  -c FILE    settings (default " DEFAULT_FILE ")\n"
          "  -t         check the settings and exit\n"
          "  --version, --help\n"
          "See filterd(8) and filterd.conf(5).\n",
          to);
    return code;
}

/* GLib up to 2.74 keeps freed small pieces of memory, as much as the largest message took, in every worker.
 * G_SLICE turns that off but is read when GLib is loaded: so the program executes itself again. */
static void give_memory_back(char **argv)
{
    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0 || g_getenv("G_SLICE"))
        return;
    path[n] = '\0';
    g_setenv("G_SLICE", "always-malloc", TRUE);
    execv(path, argv);
}

int main(int argc, char **argv)
{
    give_memory_back(argv);
    const char *file = DEFAULT_FILE;
    bool test = false;
    char *error = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "c:th", long_options, NULL)) != -1) {
        if (option == 'c')
            file = optarg;
        else if (option == 't')
            test = true;
        else if (option == 'V')
            return version_print("filterd");
        else
            return option == 'h' ? usage(stdout, EX_OK) : usage(stderr, EX_USAGE);
    }
    if (optind != argc)
        return usage(stderr, EX_USAGE);
    struct settings *s = settings_load(file, &error);
    if (s && s->listener_count == 0)
        error = g_strdup_printf("%s: no [listener NAME] section: the daemon needs one", file);
    if (error || !context_check(s, &error) || !sockets_check(s, &error)) {
        fprintf(stderr, "filterd: %s\n", error);
        g_free(error);
        settings_free(&s);
        return EX_CONFIG;
    }
    if (test) {
        printf("%s: ok, %zu listeners\n", file, s->listener_count);
        settings_free(&s);
        return EX_OK;
    }
    log_open(s->log_stderr ? LOG_TO_STDERR : LOG_TO_SYSLOG, "filterd");
    return master_run(s);
}
