/* Roles and their rights. */
#include "http/rights.h"

#include <string.h>

static const char *const roles[ROLE_COUNT] = { "operator", "supervisor", "qa", "integrator", "admin" };

static const struct {
	const char *name, *roles;
} table[RIGHT_COUNT] = {
#define X(id, name, what, roles) [RIGHT_##id] = { name, roles },
	RIGHT_MAP(X)
#undef X
};

const char *role_word(enum role role)
{
	return roles[role];
}

bool role_from_name(const char *name, enum role *out, struct err *e)
{
	for (int i = 0; i < ROLE_COUNT; i++) {
		if (strcmp(roles[i], name) != 0)
			continue;
		*out = (enum role)i;
		return true;
	}
	return err_set(e, CODE_BAD_REQUEST, "role must be operator, supervisor, qa, integrator or admin");
}

/* No role's name is a part of another's. */
rights role_rights(enum role role)
{
	rights set = 0;
	for (unsigned i = RIGHT_READ; i < RIGHT_COUNT; i++)
		if (strstr(table[i].roles, roles[role]))
			set |= 1u << i;
	return set;
}

const char *right_name(enum right right)
{
	return table[right].name;
}

enum right right_from_name(const char *name)
{
	for (unsigned i = RIGHT_READ; i < RIGHT_COUNT; i++)
		if (!strcmp(table[i].name, name))
			return (enum right)i;
	return RIGHT_NOBODY;
}

bool rights_have(rights set, enum right right)
{
	return right == RIGHT_OPEN || (right >= RIGHT_READ && right < RIGHT_COUNT && (set >> right & 1u));
}
