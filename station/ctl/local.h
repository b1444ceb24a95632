/* The station that a configuration describes, asked with the rights of whoever may read its state directory: by the
 * daemon that runs, else by one in this process for this one order. */
#ifndef STATION_CTL_LOCAL_H
#define STATION_CTL_LOCAL_H

#include "ctl/live.h"
#include "os/conf.h"

struct own;

struct local {
	const char *conf; /* --config; NULL: the station is found as usual */
	/* filled here */
	struct conf station;
	char url[160], token[80];
	struct own *own;
};

/* Fills the live's url, token and pinned certificate when there is a configuration. */
bool local_begin(struct local *c, struct live *l, struct err *e);
void local_end(struct local *c);

#define LOCAL_OPTION(local)                                                                                            \
	{                                                                                                              \
		'c', "config", NULL, &(local).conf, NULL                                                               \
	}

#endif
