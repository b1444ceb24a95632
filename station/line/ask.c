/* Asks the MES about the identified unit.  Runs on the slot's worker, so that an MES that is slow holds up nobody else.
 */
#include "line/attempt.h"

bool act_permit(struct attempt *a, struct err *e)
{
	struct permit_question q = { .slot = a->slot,
		.uid = a->uid,
		.board = a->board->id,
		.usb_serial = a->who.usb_serial,
		.serial = a->serial,
		.batch = a->batch,
		.order = a->order,
		.recipe = a->recipe->sha256_text };
	return permit_ask(a->permits, &q, &a->cancel, &a->permit, e);
}
