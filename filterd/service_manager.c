/* Notifies systemd. Called by master.c, whose pid alone the unit lets speak. */
#include "filterd/service_manager.h"

#include <glib.h>
#include <systemd/sd-daemon.h>

void service_manager_ready(void)
{
    sd_notify(0, "READY=1");
}

void service_manager_reloading(void)
{
    g_autofree char *text = g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time());
    sd_notify(0, text);
}

void service_manager_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}
