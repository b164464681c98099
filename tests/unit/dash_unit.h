/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TESTS_DASH_UNIT_H
#define UC_TESTS_DASH_UNIT_H
/* udash without a terminal: keys go in, frames come out as text. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "common/run.h"
#include "udash/dash.h"

/* Whose jobs are one's own: a user of the synthetic cluster. */
#define ME 20003

/* UC_DASH_WRITE=1 writes what is seen into the files instead of comparing. */
#define DATA UC_TEST_DATA "/udash"

struct world {
	struct uc_run run;
	struct dash dash;
	char state[200];
	const char *environment[2];
};

__attribute__((unused)) static const struct dash_data *load(struct dash *d)
{
	const struct dash_data *data = NULL;
	struct uc_error err = { 0 };
	int rc;

	dash_fetch_ask(d->fetch,
		       &(struct dash_question){ .everybody = true, .past = true });
	while ((rc = dash_fetch_take(d->fetch, &data, &err)) == 0)
		dash_fetch_wait(d->fetch);
	if (rc < 0)
		fail_msg("%s", err.text);
	return data;
}

/* With a state directory, a home and this very build's programs. */
__attribute__((unused)) static void begin_in(struct world *w, const char *source,
					     const char *home)
{
	struct uc_error err = { 0 };

	*w = (struct world){ 0 };
	if (home)
		snprintf(w->state, sizeof(w->state), "XDG_STATE_HOME=%s/state", home);
	w->environment[0] = home ? w->state : NULL;
	w->run = (struct uc_run){ .prog = "udash", .environment = w->environment };
	w->run.home = home;
	w->run.bin_dir = home ? strdup(home) : NULL;
	w->run.libexec_dir = strdup(UC_BUILD_DIR "/libexec/ucluster");
	w->run.parsed.source = source;
	w->run.site_path = strdup("/nonexistent/ucluster.yaml");
	w->run.columns = 80;
	assert_int_equal(uc_run_config(&w->run, NULL), 0);
	w->dash.options.interval_ms = 5000;
	w->dash.everybody = true;
	w->dash.fetch = dash_fetch_new(&w->run);
	assert_non_null(w->dash.fetch);
	dash_fetch_as(w->dash.fetch, ME);
	assert_int_equal(dash_open(&w->dash, &w->run, &err), 0);
	w->dash.me = ME;
	dash_take(&w->dash, load(&w->dash));
}

__attribute__((unused)) static void begin(struct world *w, const char *source)
{
	begin_in(w, source, NULL);
}

__attribute__((unused)) static void end(struct world *w)
{
	w->dash.doing = false; /* there is no thread that has the deeds */
	dash_close(&w->dash);
	assert_true(dash_fetch_free(w->dash.fetch));
	assert_false(w->dash.hangs);
	uc_config_free(w->run.config);
	free(w->run.site_path);
	free(w->run.bin_dir);
	free(w->run.libexec_dir);
}

__attribute__((unused)) static void press(struct dash *d, int key)
{
	dash_key(d, &(struct dash_event){ .key = key });
}

__attribute__((unused)) static void type(struct dash *d, const char *text)
{
	for (; *text; text++)
		press(d, *text);
}

__attribute__((unused)) static char *frame(struct dash *d, int rows, int columns)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	char *took;

	assert_int_equal(dash_grid_size(&d->grid, rows, columns), 0);
	d->took_about = 10;
	((struct dash_data *)d->data)->at_ms = uc_monotonic_ms();
	dash_draw(d);
	dash_grid_text(&d->grid, &text);
	took = uc_buf_take(&text);
	assert_non_null(took);
	return took;
}

__attribute__((unused)) static void compare(const char *seen, const char *name)
{
	char path[512], wanted[1 << 17];
	const bool writes = getenv("UC_DASH_WRITE");
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s.txt", DATA, name);
	file = fopen(path, writes ? "w" : "r");
	if (!file)
		fail_msg("%s cannot be opened", path);
	if (writes) {
		fputs(seen, file);
		fclose(file);
		return;
	}
	len = fread(wanted, 1, sizeof(wanted) - 1, file);
	fclose(file);
	wanted[len] = '\0';
	if (strcmp(seen, wanted) != 0)
		fail_msg("%s: expected\n%s\nseen\n%s", name, wanted, seen);
}

#endif
