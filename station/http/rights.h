/* What may be done, and which roles may do it: one table.  A route names one right, a role is a set of them, and so is
 * the scope of a token.  Pure. */
#ifndef STATION_HTTP_RIGHTS_H
#define STATION_HTTP_RIGHTS_H

#include "base/err.h"

#include <stdint.h>

enum role { ROLE_OPERATOR, ROLE_SUPERVISOR, ROLE_QA, ROLE_INTEGRATOR, ROLE_ADMIN, ROLE_COUNT };

/* name; what it is; the roles that have it */
#define RIGHT_MAP(X)                                                                                                   \
	X(READ, "read", "look at everything but the audit and the people", "operator supervisor qa integrator admin")  \
	X(WORK, "work", "retry and abort the camera in a slot", "operator supervisor admin")                           \
	X(SLOTS, "slots", "enable and disable slots, deploy, resume the station", "supervisor admin")                  \
	X(BATCHES, "batches", "open batches", "operator supervisor integrator admin")                                  \
	X(HOLD, "hold", "hold batches", "operator supervisor qa integrator admin")                                     \
	X(RELEASE, "release", "resume and close batches", "supervisor qa integrator admin")                            \
	X(RECIPES, "recipes", "bring recipes", "supervisor integrator admin")                                          \
	X(APPROVE, "approve", "approve, activate and retire recipes", "supervisor qa admin")                           \
	X(REVOKE, "revoke", "revoke recipes", "supervisor qa admin")                                                   \
	X(SERIALS, "serials", "bind serials to units", "operator supervisor integrator admin")                         \
	X(NUMBERS, "numbers", "bring and void serials and MAC numbers", "supervisor integrator admin")                 \
	X(MES, "mes", "send to the MES again what it would not take, or drop it", "supervisor integrator admin")       \
	X(AUDIT, "audit", "look at who did what", "supervisor qa admin")                                               \
	X(PEOPLE, "people", "add and remove people and tokens", "admin")

enum right {
	RIGHT_NOBODY, /* what a route without a right has */
	RIGHT_OPEN,   /* whoever comes: pages, health, the login itself */
#define X(id, name, what, roles) RIGHT_##id,
	RIGHT_MAP(X)
#undef X
	    RIGHT_COUNT
};

/* A set of rights, a bit each. */
typedef uint32_t rights;
#define RIGHTS_ALL ((rights)((1u << RIGHT_COUNT) - (1u << RIGHT_READ)))

const char *role_word(enum role role);
/* bad-request. */
bool role_from_name(const char *name, enum role *out, struct err *e);
rights role_rights(enum role role);
const char *right_name(enum right right);
/* RIGHT_NOBODY: there is no such right to give. */
enum right right_from_name(const char *name);
bool rights_have(rights set, enum right right);

#endif
