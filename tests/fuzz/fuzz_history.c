/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Points in time, TRES by number, and what jobs used when every figure is made up. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/efficiency.h>
#include <ucluster/history.h>
#include "slurm/rows.h"
#include "slurm/tres_ids.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS 16
#define NOW  1795262400

static void check(int holds)
{
	if (!holds)
		abort();
}

static void check_since(const char *text)
{
	struct uc_error err;
	int64_t since;

	if (uc_since_parse(text, NOW, &since, &err) == 0)
		check(since <= NOW);
}

static void check_ids(const char *list)
{
	const char *rest = list;
	uint64_t value;
	uint32_t id;
	size_t count = 0;

	while (uc_tres_ids_next(&rest, &id, &value)) {
		check(value < UINT64_MAX - 2);
		count++;
	}
	check(count <= strlen(list) / 3);
	check(uc_tres_ids_get(list, 1, 7) < UINT64_MAX - 2);
}

static void check_words(const struct uc_past *past)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_ending ending;

	uc_ending_of_past(&ending, past);
	uc_ending_brief(&text, &ending, 0);
	uc_ending_sentence(&text, &ending, 0);
	check(text.len > 0);
	uc_ending_action(&text, &ending);
	check(uc_ending_code(&ending) >= -1 && uc_ending_code(&ending) < 256);
}

/* Rows of numbers as they come; those that name strings are left alone. */
static void check_rows(const uint8_t *data, size_t size)
{
	const struct uc_rows_type *type = uc_rows_type(UC_ROWS_HISTORY);
	struct uc_past row[ROWS];
	struct uc_history history = { .row = row };
	struct uc_advice advice[UC_ADVICE_MAX];
	struct uc_efficiency eff;
	struct uc_error err;

	while (size > 1 && history.count < ROWS) {
		struct uc_past *past = &row[history.count++];

		uc_row_clear(type, past);
		if (*data++ & 1)
			past->step = uc_raw("0");
		size--;
		for (size_t i = 0; i < type->field_count && size >= 8; i++) {
			const struct uc_field *f = &type->fields[i];

			if (f->type == UC_FIELD_U32)
				memcpy(uc_row_field(past, f), data, 4);
			else if (f->type == UC_FIELD_U64 || f->type == UC_FIELD_I64)
				memcpy(uc_row_field(past, f), data, 8);
			else
				continue;
			data += 8;
			size -= 8;
		}
		check_words(past);
	}
	check(uc_efficiency_of(&history, &eff, &err) == 0);
	check(eff.runs <= history.count);
	for (size_t i = uc_efficiency_advice(&eff, advice, UC_ADVICE_MAX); i-- > 0;)
		check(advice[i].words[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	size_t len = line ? (size_t)(line - data) : size;
	char *text = malloc(len + 1);

	if (!text)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	check_since(text);
	check_ids(text);
	free(text);
	if (line)
		check_rows(line + 1, size - len - 1);
	return 0;
}
