/* Starts and stops what speaks with the MES. */
#include "mes/mes.h"

bool mes_start(struct mes *m, const struct conf *conf, struct journal *journal, const char *journal_path, struct err *e)
{
	if (!poster_begin(e) || !mes_rules_read(conf, &m->rules, e))
		return false;
	permits_init(&m->permits, &m->rules);
	m->begun = true;
	return !*m->rules.webhook || outbox_start(&m->rules, conf->state_dir, journal, journal_path, &m->outbox, e);
}

void mes_stop(struct mes *m)
{
	outbox_stop(m->outbox);
	m->outbox = NULL;
	if (m->begun)
		permits_finish(&m->permits);
	m->begun = false;
}

struct permits *mes_permits(struct mes *m)
{
	return m->begun && m->rules.interlock != INTERLOCK_OFF ? &m->permits : NULL;
}
