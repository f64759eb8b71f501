/* service_manager: tells systemd, which has started the daemon, how it is (sd_notify(3)). Says nothing where nobody listens. */
#ifndef FILTERD_SERVICE_MANAGER_H
#define FILTERD_SERVICE_MANAGER_H

/* The listeners take connections: units that come after this one may start. */
void service_manager_ready(void);
/* The settings are read anew; service_manager_ready follows, whether they were taken or not. */
void service_manager_reloading(void);
void service_manager_stopping(void);

#endif
