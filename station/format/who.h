/* Who asked for something and from where: what every row of the journal says that a person or a program caused. */
#ifndef STATION_FORMAT_WHO_H
#define STATION_FORMAT_WHO_H

#define WHO_NAME_SIZE 72 /* a person's name, "token:NAME", "local" */
#define WHO_FROM_SIZE 48 /* an address without its port */
#define WHO_KEY_SIZE  129

struct cJSON;

struct who {
	char by[WHO_NAME_SIZE];   /* "": nobody said who it is */
	char from[WHO_FROM_SIZE]; /* "": not known */
	/* The request's Idempotency-Key, what tells this request from another one, and the status of its answer: the
	 * row that the request leads to keeps them, so that no kill lies between the two. */
	char key[WHO_KEY_SIZE]; /* "": none */
	char request[65];
	unsigned status;
};

/* Adds "by", and "from" and the key where there are such.  NULL: the station by itself. */
void who_add(struct cJSON *body, const struct who *who);

#endif
