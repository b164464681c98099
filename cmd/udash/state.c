/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What is remembered from one time to the next; everything works without. */
#include <stdlib.h>
#include <string.h>
#include "common/files.h"
#include "udash/jobs.h"

enum {
	VERSION = 1,
	FILTER_MAX = 200,
};

static bool state_folder(const struct dash *d, struct uc_buf *out)
{
	uc_run_state_dir(d->run, out);
	return !out->failed && out->len;
}

/* Anything odd in it counts as not said. */
static void read_state(struct dash *d, const json_t *state)
{
	struct jobs_pane *jobs = d->pane[DASH_JOBS];
	const json_int_t sort = json_integer_value(json_object_get(state, "sort"));
	const char *view = json_string_value(json_object_get(state, "view"));
	const char *filter = json_string_value(json_object_get(state, "filter"));

	if (json_integer_value(json_object_get(state, "version")) != VERSION)
		return;
	for (int i = 0; view && i < DASH_VIEWS; i++)
		if (strcmp(dash_panes[i]->name, view) == 0 && i != DASH_OUTPUT)
			d->view = (enum dash_view)i;
	if (sort >= 0 && sort < JOBS_SORTS)
		jobs->sort = (enum jobs_sort)sort;
	jobs->inverted = json_is_true(json_object_get(state, "inverted"));
	if (json_is_false(json_object_get(state, "everybody")))
		d->everybody = false;
	if (filter && strlen(filter) <= FILTER_MAX)
		uc_buf_add(&d->filter, filter);
}

void dash_state_read(struct dash *d)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	json_t *state;

	if (!state_folder(d, &path))
		return;
	uc_buf_add(&path, "/udash.json");
	state = json_load_file(uc_buf_text(&path), JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(state))
		read_state(d, state);
	json_decref(state);
}

void dash_state_write(const struct dash *d)
{
	const struct jobs_pane *jobs = d->pane[DASH_JOBS];
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error ignored = { 0 };
	json_t *state;
	char *text;

	if (!state_folder(d, &path))
		return;
	uc_buf_add(&path, "/udash.json");
	state = json_pack("{s:i, s:s, s:i, s:b, s:b, s:s}", "version", VERSION, "view",
			  dash_panes[d->view]->name, "sort", (int)jobs->sort, "inverted",
			  jobs->inverted, "everybody", d->everybody, "filter",
			  uc_buf_text(&d->filter));
	text = state ? json_dumps(state, JSON_INDENT(1)) : NULL;
	if (text && !path.failed &&
	    uc_keep_file(path.data, text, strlen(text), 0600, &ignored) < 0)
		uc_run_say(d->run, 1, "%s", ignored.text);
	free(text);
	json_decref(state);
}
