/* filterd [-c FILE] [-t]: the daemon, in the foreground; see filterd(8). */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <glib.h>

#include "base/log.h"
#include "filterd/master.h"
#include "filterd/service.h"

#define DEFAULT_FILE "/etc/filterd/filterd.conf"

static int usage(FILE *to, int code)
{
    fputs("usage: filterd [-c FILE] [-t]\n"
          "  -c FILE  settings (default " DEFAULT_FILE ")\n"
          "  -t       check the settings and exit\n"
          "See filterd(8) and filterd.conf(5).\n",
          to);
    return code;
}

int main(int argc, char **argv)
{
    const char *file = DEFAULT_FILE;
    bool test = false;
    char *error = NULL;
    int option;
    if (argc > 1 && !strcmp(argv[1], "--help"))
        return usage(stdout, EX_OK);
    while ((option = getopt(argc, argv, "c:th")) != -1) {
        if (option == 'c')
            file = optarg;
        else if (option == 't')
            test = true;
        else
            return option == 'h' ? usage(stdout, EX_OK) : usage(stderr, EX_USAGE);
    }
    if (optind != argc)
        return usage(stderr, EX_USAGE);
    struct settings *s = settings_load(file, &error);
    if (s && s->listener_count == 0)
        error = g_strdup_printf("%s: no [listener NAME] section: the daemon needs one", file);
    if (s && !error)
        service_check(s, &error);
    if (error) {
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
