/* The station's side of the MES: what it is told (outbox.h) and what it is asked (permit.h). */
#ifndef STATION_MES_MES_H
#define STATION_MES_MES_H

#include "mes/outbox.h"
#include "mes/permit.h"

struct mes {
	struct mes_rules rules;
	struct permits permits;
	struct outbox *outbox; /* owned; NULL: no webhook */
	bool begun;
};

/* conf is borrowed for as long as the MES is spoken to.  mes_stop afterwards, also on failure. */
bool mes_start(
    struct mes *m, const struct conf *conf, struct journal *journal, const char *journal_path, struct err *e);
void mes_stop(struct mes *m); /* accepts an all-zero one */
/* NULL: the MES is not asked. */
struct permits *mes_permits(struct mes *m);

#endif
