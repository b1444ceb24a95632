/* Who asked for something and from where: what every row of the journal says that a person or a program caused. */
#ifndef STATION_FORMAT_WHO_H
#define STATION_FORMAT_WHO_H

#define WHO_NAME_SIZE 72 /* a person's name, "token:NAME", "local" */
#define WHO_FROM_SIZE 48 /* an address without its port */

struct cJSON;

struct who {
	char by[WHO_NAME_SIZE];   /* "": nobody said who it is */
	char from[WHO_FROM_SIZE]; /* "": not known */
};

/* Adds "by", and "from" where it is known.  NULL: the station by itself. */
void who_add(struct cJSON *body, const struct who *who);

#endif
