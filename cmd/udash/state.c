/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What is remembered from one time to the next; everything works without. */
#include <stdlib.h>
#include <string.h>
#include "common/files.h"
#include "udash/disk_pane.h"
#include "udash/jobs.h"
#include "udash/nodes.h"
#include "udash/output.h"

enum {
	VERSION = 1,
	FILTER_MAX = 200,
};

static bool state_folder(const struct dash *d, struct uc_buf *out)
{
	uc_run_state_dir(d->run, out);
	return !out->failed && out->len;
}

static int number_below(const json_t *state, const char *name, int below)
{
	const json_t *value = json_object_get(state, name);
	const json_int_t number = json_integer_value(value);

	return json_is_integer(value) && number >= 0 && number < below ? (int)number : 0;
}

static void read_columns(struct dash *d, const json_t *state)
{
	const json_t *columns = json_object_get(state, "columns");

	for (int i = 0; i < DASH_VIEWS; i++) {
		const char *names =
			json_string_value(json_object_get(columns, dash_panes[i]->name));

		if (names && d->columns[i].count)
			(void)dash_columns_choose(&d->columns[i], names);
	}
}

/* Anything odd in it counts as not said. */
static void read_state(struct dash *d, const json_t *state)
{
	struct jobs_pane *jobs = d->pane[DASH_JOBS];
	struct nodes_pane *nodes = d->pane[DASH_NODES];
	struct output_pane *output = d->pane[DASH_OUTPUT];
	struct disk_pane *disk = d->pane[DASH_DISK];
	const char *view = json_string_value(json_object_get(state, "view"));
	const char *filter = json_string_value(json_object_get(state, "filter"));

	if (json_integer_value(json_object_get(state, "version")) != VERSION)
		return;
	for (int i = 0; view && i < DASH_VIEWS; i++)
		if (strcmp(dash_panes[i]->name, view) == 0 && i != DASH_OUTPUT)
			d->view = (enum dash_view)i;
	jobs->sort = (enum jobs_sort)number_below(state, "sort", JOBS_SORTS);
	jobs->inverted = json_is_true(json_object_get(state, "inverted"));
	nodes->sort = (enum nodes_sort)number_below(state, "nodes_sort", NODES_SORTS);
	nodes->inverted = json_is_true(json_object_get(state, "nodes_inverted"));
	disk->by = (enum uc_disk_by)number_below(state, "disk_by", DISK_BYS);
	if (json_is_false(json_object_get(state, "wrap")))
		output->wrap = false;
	if (json_is_false(json_object_get(state, "everybody")))
		d->everybody = false;
	if (filter && strlen(filter) <= FILTER_MAX)
		uc_buf_add(&d->filter, filter);
	read_columns(d, state);
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

static json_t *pack_columns(const struct dash *d)
{
	json_t *out = json_object();

	for (int i = 0; i < DASH_VIEWS; i++) {
		uc_auto(buf) struct uc_buf names = { 0 };

		if (!d->columns[i].count || d->columns[i].on == d->columns[i].usual)
			continue;
		dash_columns_names(&d->columns[i], &names);
		json_object_set_new(out, dash_panes[i]->name,
				    json_string(uc_buf_text(&names)));
	}
	return out;
}

static json_t *pack_state(const struct dash *d)
{
	const struct jobs_pane *jobs = d->pane[DASH_JOBS];
	const struct nodes_pane *nodes = d->pane[DASH_NODES];
	const struct output_pane *output = d->pane[DASH_OUTPUT];
	const struct disk_pane *disk = d->pane[DASH_DISK];

	return json_pack("{s:i, s:s, s:i, s:b, s:i, s:b, s:i, s:b, s:b, s:s, s:o}",
			 "version", VERSION, "view", dash_panes[d->view]->name, "sort",
			 (int)jobs->sort, "inverted", jobs->inverted, "nodes_sort",
			 (int)nodes->sort, "nodes_inverted", nodes->inverted, "disk_by",
			 (int)disk->by, "wrap", output->wrap, "everybody", d->everybody,
			 "filter", uc_buf_text(&d->filter), "columns", pack_columns(d));
}

void dash_state_write(const struct dash *d)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error ignored = { 0 };
	json_t *state;
	char *text;

	if (!state_folder(d, &path))
		return;
	uc_buf_add(&path, "/udash.json");
	state = pack_state(d);
	text = state ? json_dumps(state, JSON_INDENT(1)) : NULL;
	if (text && !path.failed &&
	    uc_keep_file(path.data, text, strlen(text), 0600, &ignored) < 0)
		uc_run_say(d->run, 1, "%s", ignored.text);
	free(text);
	json_decref(state);
}
