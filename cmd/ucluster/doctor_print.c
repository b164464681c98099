/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster doctor: what was found, as a table, as JSON, or for people at a terminal. */
#include <stdio.h>
#include <time.h>
#include "ucluster/doctor.h"

static const struct {
	const char *word;
	enum uc_role role;
} states[] = { { "ok", UC_ROLE_GOOD },
	       { "warn", UC_ROLE_WAIT },
	       { "fail", UC_ROLE_BAD } };

static void get_state(const void *data, const void *context, struct uc_value *out)
{
	const struct doctor_finding *finding = data;

	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(states[finding->state].word);
	out->role = states[finding->state].role;
}

static void get_check(const void *data, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(((const struct doctor_finding *)data)->check);
}

static void get_detail(const void *data, const void *context, struct uc_value *out)
{
	(void)context;
	out->type = UC_VALUE_TEXT;
	out->text = uc_raw(uc_buf_text(&((const struct doctor_finding *)data)->text));
}

static void get_remedy(const void *data, const void *context, struct uc_value *out)
{
	const struct doctor_finding *finding = data;

	(void)context;
	out->type = finding->remedy.len ? UC_VALUE_TEXT : UC_VALUE_NONE;
	out->text = uc_raw(uc_buf_text(&finding->remedy));
}

const struct uc_column doctor_columns[] = {
	{ "STATE", "state", UC_COLUMN_DEFAULT, 0, "ok, warn or fail", get_state },
	{ "CHECK", "check", UC_COLUMN_DEFAULT, 0, "what was looked at", get_check },
	{ "DETAIL", "detail", UC_COLUMN_DEFAULT, 0, "what was found", get_detail },
	{ "REMEDY", "remedy", UC_COLUMN_DEFAULT | UC_COLUMN_ANY, 0, "what to type",
	  get_remedy },
	{ 0 }
};

/* On a terminal what to type stands on a line of its own, to be copied from there. */
static void print_lines(const struct doctor *d)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->finding[i];
		uc_auto(buf) struct uc_buf line = { 0 };
		const char *sgr =
			d->run->color ? uc_role_sgr(states[f->state].role) : NULL;

		if (sgr)
			uc_buf_addf(&line, "\033[%sm", sgr);
		uc_buf_addf(&line, "%-4s", states[f->state].word);
		uc_buf_add(&line, sgr ? "\033[0m" : "");
		uc_buf_addf(&line, "  %-11s  ", f->check);
		uc_buf_safe(&line, uc_raw(uc_buf_text(&f->text)), d->run->safe);
		if (f->remedy.len) {
			uc_buf_add(&line, "\n                     ");
			uc_buf_safe(&line, uc_raw(uc_buf_text(&f->remedy)), d->run->safe);
		}
		puts(uc_buf_text(&line));
	}
}

int doctor_print(struct doctor *d, const struct uc_listing *listing,
		 const struct uc_selection *selection)
{
	const struct uc_table table = {
		.name = "checks",
		.rows = d->finding,
		.count = d->count,
		.row_size = sizeof(d->finding[0]),
		.now = time(NULL),
	};
	int status = 0;

	if (d->run->stdout_tty && !listing->json && !listing->format &&
	    !listing->parsable)
		print_lines(d);
	else
		status = uc_table_print(d->run, &table, selection, listing);
	for (size_t i = 0; i < d->count && status == 0; i++)
		if (d->finding[i].state == DOCTOR_FAIL)
			status = UC_FAILED;
	return status;
}
