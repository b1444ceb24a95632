/* Builds answers: JSON texts and problem documents. */
#include "http/answer.h"

#include "format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For people at a terminal; NULL and the text freed when memory is gone. */
static char *with_newline(char *text)
{
	size_t size = text ? strlen(text) : 0;
	char *grown = text ? realloc(text, size + 2) : NULL;
	if (!grown) {
		free(text);
		return NULL;
	}
	memcpy(grown + size, "\n", 2);
	return grown;
}

bool answer_text(struct answer *a, unsigned status, const char *type, char *text, struct err *e)
{
	if (!strcmp(type, TYPE_JSON))
		text = with_newline(text);
	if (!text)
		return err_set(e, CODE_NO_MEMORY, "no memory for the answer");
	free(a->body);
	a->status = status;
	a->type = type;
	a->body = text;
	a->size = strlen(text);
	return true;
}

bool answer_json(struct answer *a, unsigned status, struct cJSON *json, struct err *e)
{
	char *text = json ? json_print(json) : NULL;
	json_free(json);
	return answer_text(a, status, TYPE_JSON, text, e);
}

void answer_clear(struct answer *a)
{
	free(a->body);
	if (a->source.end)
		a->source.end(a->source.context);
	*a = (struct answer){ .status = 0 };
}

unsigned problem_status(enum code code)
{
	static const unsigned short statuses[CODE_COUNT] = {
		[CODE_BAD_REQUEST] = 400,
		[CODE_JSON_INVALID] = 400,
		[CODE_LOGIN_NEEDED] = 401,
		[CODE_LOGIN_FAILED] = 401,
		[CODE_TOKEN_INVALID] = 401,
		[CODE_FORBIDDEN] = 403,
		[CODE_LOGIN_WAIT] = 429,
		[CODE_FOREIGN_ORIGIN] = 403,
		[CODE_NOT_FOUND] = 404,
		[CODE_METHOD_NOT_ALLOWED] = 405,
		[CODE_CONFLICT] = 409,
		[CODE_LAST_ADMIN] = 409,
		[CODE_BATCH_OPEN] = 409,
		[CODE_KEY_IN_USE] = 409,
		[CODE_MES_PARKED] = 409,
		[CODE_PRECONDITION_FAILED] = 412,
		[CODE_NUMBER_TAKEN] = 409,
		[CODE_SHIFT_CLOSED] = 409,
		[CODE_NOT_CHALLENGE] = 409,
		[CODE_NO_BATCH] = 409,
		[CODE_BATCH_HELD] = 409,
		[CODE_BATCH_COMPLETE] = 409,
		[CODE_REPLUG_NEEDED] = 409,
		[CODE_STATION_HELD] = 409,
		[CODE_TOO_MANY_EQUAL] = 409,
		[CODE_TOO_LARGE] = 413,
		[CODE_MEDIA_TYPE] = 415,
		[CODE_WRONG_HOST] = 421,
		[CODE_FILE_FAILED] = 500,
		[CODE_INTERNAL] = 500,
		[CODE_NO_MEMORY] = 503,
		[CODE_JOURNAL_FAILED] = 503,
		[CODE_CLOCK_BEHIND] = 503,
		[CODE_TOO_MANY_CLIENTS] = 503,
	};
	/* all others say that what was sent is understood and refused */
	unsigned status = (unsigned)code < CODE_COUNT ? statuses[code] : 500;
	return status ? status : 422;
}

void answer_problem(struct answer *a, unsigned status, const struct err *why, const char **fixed)
{
	static const char no_memory[] = "{\"type\":\"urn:romline:no-memory\",\"title\":\"There is not enough memory.\","
					"\"status\":503,\"code\":\"no-memory\"}";
	char type[64];
	free(a->body);
	a->status = status ? status : problem_status(why->code);
	a->type = TYPE_PROBLEM;
	snprintf(type, sizeof type, "urn:romline:%s", code_name(why->code));
	struct cJSON *problem = json_new_object();
	json_add_string(problem, "type", type);
	json_add_string(problem, "title", code_sentence(why->code));
	json_add_integer(problem, "status", a->status);
	json_add_string(problem, "detail", *why->msg ? why->msg : code_sentence(why->code));
	json_add_string(problem, "code", code_name(why->code));
	json_add_string(problem, "action", code_action(why->code));
	a->body = problem ? with_newline(json_print(problem)) : NULL;
	json_free(problem);
	if (!a->body) {
		*fixed = no_memory;
		a->status = 503;
	}
	a->size = strlen(a->body ? a->body : no_memory);
}
