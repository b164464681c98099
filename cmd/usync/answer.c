/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "usync/answer.h"

#include <stdlib.h>
#include <time.h>

static const json_t *cell(const void *row, const char *key)
{
	const json_t *const *object = row;

	return json_object_get(*object, key);
}

void usync_answer_text(const void *row, const char *key, struct uc_value *out)
{
	out->text = uc_raw(json_string_value(cell(row, key)));
	out->type = uc_raw_empty(out->text) ? UC_VALUE_NONE : UC_VALUE_TEXT;
}

void usync_answer_number(const void *row, const char *key, enum uc_value_type type,
			 struct uc_value *out)
{
	const json_t *value = cell(row, key);

	out->type = json_is_integer(value) ? type : UC_VALUE_NONE;
	out->number = json_integer_value(value);
}

int usync_answer_table(struct usync *u, json_t *answer, const char *key,
		       const struct uc_selection *shown, const struct uc_listing *listing)
{
	const json_t *list = json_object_get(answer, key);
	const size_t count = json_array_size(list);
	const json_t **rows;
	struct uc_error err = { 0 };
	int status;

	if (!answer)
		return u->run->status;
	rows = calloc(count + 1, sizeof(*rows));
	if (!rows || !json_is_array(list)) {
		uc_fail(&err, rows ? UC_INVALID : UC_FAILED,
			rows ? "the host's answer makes no sense" : "out of memory");
		free(rows);
		json_decref(answer);
		return uc_run_error(u->run, &err);
	}
	for (size_t i = 0; i < count; i++)
		rows[i] = json_array_get(list, i);
	status = uc_table_print(u->run,
				&(struct uc_table){ .name = key,
						    .rows = rows,
						    .count = count,
						    .row_size = sizeof(*rows),
						    .now = time(NULL) },
				shown, listing);
	free(rows);
	json_decref(answer);
	return status;
}
